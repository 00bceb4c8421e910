// Fields that several routes share: ids, money, times, ranges. Messages say what to write instead.
import { parseRange } from '../core/allowlist.ts';
import { isCurrency } from '../core/money.ts';
import { ORDER_NO } from '../core/order-no.ts';
import { z } from './kit.ts';

export const iso = (at: number): string => new Date(at).toISOString();
export const isoOrNull = (at: number | null): string | null => (at === null ? null : iso(at));

export const Id = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/,
    'must be 1 to 64 letters, digits, _, - or ., beginning with a letter or digit',
  );

export const OrderNo = z.string().regex(ORDER_NO, 'must be 1 to 64 visible ASCII characters without spaces');

export const IdParam = z.object({ id: z.string().openapi({ param: { name: 'id', in: 'path' } }) });

export const Time = z.string().openapi({ format: 'date-time' });

/** A time that a caller names. */
export const When = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-01-31T00:00:00Z' });

export const MoneyInput = z.strictObject({
  minor: z
    .int('must be a whole number of the smallest unit: 100 is 1.00 CNY')
    .min(1, 'must be at least 1 of the smallest unit'),
  currency: z.string().refine(isCurrency, 'must be three capital letters, such as CNY'),
});

export const Money = z.object({ minor: z.int(), currency: z.string() }).openapi('Money');

export const Range = z
  .string()
  .max(64)
  .refine((text) => parseRange(text) !== null, 'must be an IPv4 or IPv6 range such as 203.0.113.0/24 or 2001:db8::/32');

export const Allowlist = z
  .object({ mode: z.enum(['off', 'monitor', 'enforce']), ranges: z.array(z.string()) })
  .openapi('Allowlist', {
    description: 'monitor lets every address in and notes those outside; enforce refuses them.',
  });

export const AllowlistInput = z.strictObject({
  mode: z.enum(['off', 'monitor', 'enforce']),
  ranges: z.array(Range).max(500),
});
