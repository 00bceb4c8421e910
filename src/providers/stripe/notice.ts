// Proves a Stripe callback and opens it: snapshot events, which carry the object, and thin ones, which only name it.
// Never judges the object.
import { z } from 'zod';
import { type Callback, isFresh } from '../../core/callback.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { CLOCK_SKEW_SECONDS_MAX } from '../../core/limits.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, equalBytes, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';

export const SIGNATURE_HEADER = 'stripe-signature';

type Told = {
  readonly id: string;
  readonly type: string;
  readonly livemode: boolean;
  /** The connected account it is about; null for the merchant's own. */
  readonly account: string | null;
  /** Epoch milliseconds. */
  readonly createdAt: number;
};

/** An authentic event in Stripe's words. */
export type Notice =
  | (Told & { readonly kind: 'snapshot'; readonly object: unknown })
  /** The id of the object is all it says. */
  | (Told & { readonly kind: 'thin'; readonly relatedId: string | null });

export async function proveSigned(
  { headers, body }: Pick<Callback, 'headers' | 'body'>,
  { signingSecrets }: Credentials,
  now: number,
): Promise<Result<null, Rejection>> {
  const header = headers[SIGNATURE_HEADER]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header Stripe-Signature is missing or blank.'));
  const { timestamp, signatures } = readHeader(header);
  if (timestamp === null) return err(reject('timestamp_stale', 'Stripe-Signature carries no t= in plain seconds.'));
  // Stripe's own library lets any future time pass; a clock that far ahead is as wrong as one behind.
  if (!isFresh(Number(timestamp), now, CLOCK_SKEW_SECONDS_MAX)) {
    const seconds = Math.round(now / 1000) - Number(timestamp);
    const bound = `${CLOCK_SKEW_SECONDS_MAX} s or more is refused`;
    return err(reject('timestamp_stale', `Stripe-Signature was made ${seconds} s ago by our clock; ${bound}.`));
  }
  const message = concat(utf8(`${timestamp}.`), body);
  for (const secret of signingSecrets) {
    // The key is the whole secret, whsec_ included, as text (stripe-node: Webhooks).
    const expected = await hmacSha256(utf8(secret), message);
    if (signatures.some((signature) => equalBytes(signature, expected))) return ok(null);
  }
  return err(
    reject('signature_invalid', 'No v1 signature verifies: compare signingSecrets with the endpoint in the dashboard.'),
  );
}

/** `t=…,v1=…,v1=…,v0=…`: any v1 may match, other schemes are ignored. */
function readHeader(header: string) {
  const pairs = header.split(',').map((part) => part.trim().split('='));
  const valuesOf = (scheme: string) =>
    pairs.flatMap(([name, value, ...more]) => (name === scheme && value && more.length === 0 ? [value] : []));
  const [timestamp, ...others] = valuesOf('t');
  const isPlain = timestamp !== undefined && others.length === 0 && /^\d{1,12}$/.test(timestamp);
  const hexes = valuesOf('v1').filter((value) => /^[0-9a-f]{64}$/.test(value));
  return { timestamp: isPlain ? timestamp : null, signatures: hexes.map((hex) => Uint8Array.fromHex(hex)) };
}

const Id = z.string().regex(/^[A-Za-z0-9_]{1,255}$/);
const Type = z.string().min(1).max(100);

const Snapshot = z.object({
  id: Id,
  object: z.literal('event'),
  type: Type,
  livemode: z.boolean(),
  created: z.int().nonnegative().max(1e11),
  account: Id.nullish(),
  data: z.object({ object: z.unknown() }),
});

const Thin = z.object({
  id: Id,
  object: z.literal('v2.core.event'),
  type: Type,
  livemode: z.boolean(),
  created: z.string().refine((text) => Number.isFinite(Date.parse(text))),
  /** The account it happened in; for organisations a path that ends in it. */
  context: z.string().max(500).nullish(),
  related_object: z.object({ id: Id }).nullish(),
});

const Event = z.discriminatedUnion('object', [Snapshot, Thin]);

export function openNotice(body: Uint8Array): Result<Notice, Rejection> {
  const event = Event.safeParse(parseJsonBody(body));
  if (!event.success) {
    const field = event.error.issues[0]?.path.join('.') || 'the body';
    return err(reject('malformed', `An authentic callback that is no Stripe event: see ${field}.`));
  }
  const { id, type, livemode } = event.data;
  if (event.data.object === 'event') {
    const { created, account, data } = event.data;
    const createdAt = created * 1000;
    return ok({ kind: 'snapshot', id, type, livemode, account: account ?? null, createdAt, object: data.object });
  }
  const { created, context, related_object: related } = event.data;
  const account = context?.split('/').at(-1) || null;
  const createdAt = Date.parse(created);
  return ok({ kind: 'thin', id, type, livemode, account, createdAt, relatedId: related?.id ?? null });
}
