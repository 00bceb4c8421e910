// Proves a Paddle callback and opens its envelope. The signature covers its time and the raw body. Never judges the
// entity inside.
import { z } from 'zod';
import { type Callback, isFresh } from '../../core/callback.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, equalBytes, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';

export const SIGNATURE_HEADER = 'paddle-signature';

/** An authentic event in Paddle's words. */
export type Notice = {
  readonly id: string;
  readonly type: string;
  /** Epoch milliseconds. */
  readonly occurredAt: number;
  readonly data: unknown;
};

export async function proveSigned(
  { headers, body }: Pick<Callback, 'headers' | 'body'>,
  { secrets, toleranceSeconds }: Credentials,
  now: number,
): Promise<Result<null, Rejection>> {
  const header = headers[SIGNATURE_HEADER]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header Paddle-Signature is missing or blank.'));
  const { timestamp, signatures } = readHeader(header);
  if (timestamp === null) return err(reject('timestamp_stale', 'Paddle-Signature carries no ts= in plain seconds.'));
  if (!isFresh(Number(timestamp), now, toleranceSeconds)) {
    const seconds = Math.round(now / 1000) - Number(timestamp);
    const bound = `${toleranceSeconds} s or more is refused (toleranceSeconds)`;
    return err(reject('timestamp_stale', `Paddle-Signature was made ${seconds} s ago by our clock; ${bound}.`));
  }
  const message = concat(utf8(`${timestamp}:`), body);
  for (const secret of secrets) {
    const expected = await hmacSha256(utf8(secret), message);
    if (signatures.some((signature) => equalBytes(signature, expected))) return ok(null);
  }
  return err(
    reject('signature_invalid', 'No h1 signature verifies: compare secrets with the notification destination.'),
  );
}

/** `ts=…;h1=…;h1=…`: any h1 may match (the official library looks at the last alone), other schemes are ignored. */
function readHeader(header: string) {
  const pairs = header.split(';').map((part) => part.trim().split('='));
  const valuesOf = (scheme: string) =>
    pairs.flatMap(([name, value, ...more]) => (name === scheme && value && more.length === 0 ? [value] : []));
  const [timestamp, ...others] = valuesOf('ts');
  const isPlain = timestamp !== undefined && others.length === 0 && /^\d{1,12}$/.test(timestamp);
  const hexes = valuesOf('h1').filter((value) => /^[0-9a-f]{64}$/.test(value));
  return { timestamp: isPlain ? timestamp : null, signatures: hexes.map((hex) => Uint8Array.fromHex(hex)) };
}

export const Instant = z.string().refine((text) => Number.isFinite(Date.parse(text)));

const Event = z.object({
  event_id: z.string().min(1).max(100),
  event_type: z.string().min(1).max(100),
  occurred_at: Instant,
  data: z.unknown(),
});

export function openNotice(body: Uint8Array): Result<Notice, Rejection> {
  const event = Event.safeParse(parseJsonBody(body));
  if (!event.success) {
    const field = event.error.issues[0]?.path.join('.') || 'the body';
    return err(reject('malformed', `An authentic callback that is no Paddle event: see ${field}.`));
  }
  const { event_id: id, event_type: type, occurred_at: occurredAt, data } = event.data;
  return ok({ id, type, occurredAt: Date.parse(occurredAt), data });
}
