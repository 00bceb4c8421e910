// Opens a standard webhook: every item of the batch is proved by its own HMAC before any of them counts. Never takes a
// batch of which one item fails.
import { z } from 'zod';
import { parseJsonBody } from '../../core/json-body.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fromBase64, fromHex, utf8 } from '../../crypto/bytes.ts';
import { verifyHmac } from '../../crypto/hmac.ts';
import type { Credentials } from './credentials.ts';

/** Adyen sends one item in JSON, and six at most where it batches. */
const ITEMS_MAX = 50;

// The signed text joins its fields by colons and escapes none. Only the merchant's reference may hold a colon, so that
// no other fields can be read out of the same signed text.
const Word = z.string().regex(/^[^:]{0,80}$/u);

const Item = z.object({
  pspReference: Word,
  originalReference: Word.nullish(),
  merchantAccountCode: Word,
  merchantReference: z.string().max(256).nullish(),
  amount: z.object({ value: z.int().nullish(), currency: Word.nullish() }).nullish(),
  eventCode: Word.min(1),
  // A string: "false" is as true as any.
  success: Word,
  eventDate: z.string().max(64).nullish(),
  paymentMethod: z.string().max(256).nullish().catch(null),
  reason: z.string().max(1_024).nullish().catch(null),
  additionalData: z.record(z.string(), z.unknown()).nullish().catch(null),
});
type RawItem = z.infer<typeof Item>;

const Batch = z.object({
  live: z.union([z.enum(['true', 'false']), z.boolean()]),
  notificationItems: z
    .array(z.object({ NotificationRequestItem: Item }))
    .min(1)
    .max(ITEMS_MAX),
});

/** One authentic item in Adyen's words. */
export type Item = Omit<RawItem, 'eventDate'> & {
  readonly at: number;
  /** Members of `additionalData` that are text. The HMAC does not cover them. */
  readonly details: ReadonlyMap<string, string>;
};
export type Notice = { readonly live: boolean; readonly items: readonly Item[] };

export async function openNotice(
  body: Uint8Array,
  { hmacKeys }: Credentials,
  now: number,
): Promise<Result<Notice, Rejection>> {
  const batch = Batch.safeParse(parseJsonBody(body));
  if (!batch.success) {
    const field = batch.error.issues[0]?.path.join('.') || 'body';
    return err(reject('malformed', `No standard webhook with a readable ${field}.`));
  }
  const items: Item[] = [];
  for (const { NotificationRequestItem: item } of batch.data.notificationItems) {
    const details = detailsOf(item);
    const signature = details.get('hmacSignature') ?? '';
    if (signature === '') return err(reject('signature_invalid', UNSIGNED));
    if (!(await isSigned(item, signature, hmacKeys))) return err(reject('signature_invalid', WRONG));
    const at = Date.parse(item.eventDate ?? '');
    items.push({ ...item, details, at: Number.isFinite(at) ? at : now });
  }
  return ok({ live: String(batch.data.live) === 'true', items });
}

const UNSIGNED =
  'An item without additionalData.hmacSignature: generate an HMAC key for the webhook and save it there.';
const WRONG = 'An item whose hmacSignature does not verify: hmacKeys must hold the key of this very webhook.';

function detailsOf({ additionalData }: RawItem): ReadonlyMap<string, string> {
  const entries = Object.entries(additionalData ?? {});
  return new Map(entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
}

async function isSigned(item: RawItem, signature: string, hmacKeys: readonly string[]): Promise<boolean> {
  const bytes = fromBase64(signature);
  if (bytes === null) return false;
  const { amount } = item;
  const fields = [item.pspReference, item.originalReference, item.merchantAccountCode, item.merchantReference];
  const message = [...fields, amount?.value, amount?.currency, item.eventCode, item.success];
  const text = utf8(message.map((field) => field ?? '').join(':'));
  for (const hmacKey of hmacKeys) {
    const key = fromHex(hmacKey);
    if (key !== null && (await verifyHmac('SHA-256', key, bytes, text))) return true;
  }
  return false;
}
