// Signs a kept Paddle event anew: the body stays, the time is today's. For the merchant's own backend, whose library
// refuses a signature of more than five seconds ago. Never writes an event: only Paddle knows what belongs in one.
import type { KeptCallback } from '../../core/callback.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { Retold } from '../../core/retold.ts';
import { concat, toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';
import { SIGNATURE_HEADER } from './notice.ts';

/** What the official libraries allow (paddle-node-sdk 3.10: MAX_VALID_TIME_DIFFERENCE). */
const TOLERANCE_SECONDS = 5;

export function freshUntil({ headers }: KeptCallback): number | null {
  const seconds = /(?:^|;)\s*ts=(\d{1,12})(?:;|$)/.exec(headers[SIGNATURE_HEADER] ?? '')?.[1];
  return seconds === undefined ? null : (Number(seconds) + TOLERANCE_SECONDS) * 1000;
}

export async function resign(
  { callback }: Retold,
  { secrets }: Credentials,
  { now }: { readonly now: number },
): Promise<Result<KeptCallback, string>> {
  if (callback === null) return err('No Paddle event was kept, and only Paddle can write one.');
  const seconds = Math.floor(now / 1000);
  const message = concat(utf8(`${seconds}:`), callback.body);
  const parts = [`ts=${seconds}`];
  // The official library looks at the last one alone: let it be that of the first secret, the newest.
  for (const secret of secrets.toReversed()) parts.push(`h1=${toHex(await hmacSha256(utf8(secret), message))}`);
  return ok({ ...callback, headers: { ...callback.headers, [SIGNATURE_HEADER]: parts.join(';') } });
}
