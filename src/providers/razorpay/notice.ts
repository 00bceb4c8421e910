// Proves a Razorpay callback and opens its envelope. The signature covers the raw body and carries no time. Never
// judges the entities inside.
import { z } from 'zod';
import type { Callback } from '../../core/callback.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, utf8 } from '../../crypto/bytes.ts';
import { verifyHmac } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';

export const SIGNATURE_HEADER = 'x-razorpay-signature';

/** An authentic event in Razorpay's words. */
export type Notice = {
  readonly type: string;
  readonly accountId: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  /** Entities by name. */
  readonly payload: Readonly<Record<string, unknown>>;
};

export async function proveSigned(
  { headers, body }: Pick<Callback, 'headers' | 'body'>,
  { webhookSecrets }: Credentials,
): Promise<Result<null, Rejection>> {
  const header = headers[SIGNATURE_HEADER]?.trim() ?? '';
  if (header === '') return err(reject('header_missing', 'The header X-Razorpay-Signature is missing or blank.'));
  const signature = /^[0-9a-f]{64}$/.test(header) ? Uint8Array.fromHex(header) : null;
  const message = concat(body);
  for (const secret of signature === null ? [] : webhookSecrets) {
    if (signature !== null && (await verifyHmac('SHA-256', utf8(secret), signature, message))) return ok(null);
  }
  return err(
    reject(
      'signature_invalid',
      'The signature does not verify: compare webhookSecrets with the webhook. After a change keep the old one a day.',
    ),
  );
}

const Event = z.object({
  entity: z.literal('event'),
  account_id: z.string().min(1).max(64),
  event: z.string().min(1).max(100),
  created_at: z.int().nonnegative().max(1e11),
  payload: z.record(z.string(), z.object({ entity: z.unknown() }).catch({ entity: null })),
});

export function openNotice(body: Uint8Array): Result<Notice, Rejection> {
  const event = Event.safeParse(parseJsonBody(body));
  if (!event.success) {
    const field = event.error.issues[0]?.path.join('.') || 'the body';
    return err(reject('malformed', `An authentic callback that is no Razorpay event: see ${field}.`));
  }
  const { event: type, account_id: accountId, created_at: createdAt, payload } = event.data;
  const entities = Object.entries(payload).map(([name, { entity }]) => [name, entity] as const);
  return ok({ type, accountId, createdAt: createdAt * 1000, payload: Object.fromEntries(entities) });
}
