// Signs a kept Stripe event anew: the body stays, the time is today's. For the merchant's own backend, whose library
// refuses a signature of more than five minutes ago. Never writes an event: only Stripe knows what belongs in one.
import type { KeptCallback } from '../../core/callback.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Retold } from '../../core/retold.ts';
import { concat, toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';
import { SIGNATURE_HEADER } from './notice.ts';

/** What stripe-node and its sisters allow unless told otherwise (Webhooks: DEFAULT_TOLERANCE). */
const TOLERANCE_SECONDS = 300;

export function freshUntil({ headers }: KeptCallback): number | null {
  const seconds = /(?:^|,)\s*t=(\d{1,12})(?:,|$)/.exec(headers[SIGNATURE_HEADER] ?? '')?.[1];
  return seconds === undefined ? null : (Number(seconds) + TOLERANCE_SECONDS) * 1000 + 999;
}

export async function resign(
  { callback }: Retold,
  { signingSecrets }: Credentials,
  { now }: { readonly now: number },
): Promise<Result<KeptCallback, string>> {
  if (callback === null) return err('No Stripe event was kept, and only Stripe can write one.');
  const seconds = Math.floor(now / 1000);
  const message = concat(utf8(`${seconds}.`), callback.body);
  const parts = [`t=${seconds}`];
  for (const secret of signingSecrets) parts.push(`v1=${toHex(await hmacSha256(utf8(secret), message))}`);
  return ok({ ...callback, headers: { ...callback.headers, [SIGNATURE_HEADER]: parts.join(',') } });
}
