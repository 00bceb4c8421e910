// Proves a Square callback and opens its envelope. The signature covers the subscription's own URL and the raw body;
// it carries no time. Never judges the object inside.
import { z } from 'zod';
import type { Callback } from '../../core/callback.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, fromBase64, utf8 } from '../../crypto/bytes.ts';
import { verifyHmac } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';

export const SIGNATURE_HEADER = 'x-square-hmacsha256-signature';

/** An authentic event in Square's words. */
export type Notice = {
  readonly id: string;
  readonly type: string;
  readonly merchantId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** `{payment: …}`, `{refund: …}`, `{dispute: …}`, or anything else. */
  readonly object: unknown;
};

export async function proveSigned(
  { headers, body }: Pick<Callback, 'headers' | 'body'>,
  { signatureKey, notificationUrl }: Credentials,
): Promise<Result<null, Rejection>> {
  const header = headers[SIGNATURE_HEADER]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', `The header ${SIGNATURE_HEADER} is missing or blank.`));
  const signature = fromBase64(header);
  // The address as it was subscribed, never as it was called: a proxy in between changes the latter.
  const message = concat(utf8(notificationUrl), body);
  if (signature !== null && (await verifyHmac('SHA-256', utf8(signatureKey), signature, message))) return ok(null);
  return err(
    reject(
      'signature_invalid',
      'The signature does not verify: compare signatureKey and notificationUrl, to the letter, with the subscription.',
    ),
  );
}

export const Instant = z.string().refine((text) => Number.isFinite(Date.parse(text)));

const Event = z.object({
  merchant_id: z.string().min(1).max(255),
  type: z.string().min(1).max(100),
  event_id: z.string().min(1).max(255),
  created_at: Instant,
  data: z.object({ object: z.unknown() }).nullish(),
});

export function openNotice(body: Uint8Array): Result<Notice, Rejection> {
  const event = Event.safeParse(parseJsonBody(body));
  if (!event.success) {
    const field = event.error.issues[0]?.path.join('.') || 'the body';
    return err(reject('malformed', `An authentic callback that is no Square event: see ${field}.`));
  }
  const { merchant_id: merchantId, type, event_id: id, created_at: createdAt, data } = event.data;
  return ok({ id, type, merchantId, createdAt: Date.parse(createdAt), object: data?.object });
}
