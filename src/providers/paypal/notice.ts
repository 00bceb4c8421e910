// Opens a webhook event: headers, certificate, signature over the checksum of the raw bytes, then the event. Never
// takes the webhook's ID, the algorithm or an address to fetch from a request.
import { z } from 'zod';
import type { FetchedKey } from '../../core/channel.ts';
import { parseJsonBody } from '../../core/json-body.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { fromBase64, utf8 } from '../../crypto/bytes.ts';
import { crc32 } from '../../crypto/crc32.ts';
import { rsaPublicKeyOf, verifyRsa } from '../../crypto/rsa.ts';
import { certificateUrlOf } from './certificates.ts';
import type { Credentials } from './credentials.ts';

export const HEADERS = [
  'paypal-transmission-id',
  'paypal-transmission-time',
  'paypal-transmission-sig',
  'paypal-cert-url',
  'paypal-auth-algo',
] as const;

/** An authentic event in PayPal's words, its resource unread. */
const Notice = z.object({
  id: z.string().min(1).max(128),
  event_type: z.string().min(1).max(128),
  create_time: z.iso.datetime({ offset: true }),
  resource: z.unknown().optional(),
});
export type Notice = z.infer<typeof Notice>;

type Arrived = { readonly headers: Readonly<Record<string, string>>; readonly body: Uint8Array };

export async function openNotice(
  { headers, body }: Arrived,
  credentials: Credentials,
  keys: readonly FetchedKey[],
  now: number,
): Promise<Result<Notice, Rejection>> {
  const values = HEADERS.map((name) => headers[name]?.trim() ?? '');
  const missing = HEADERS.find((_, index) => values[index] === '');
  if (missing !== undefined) return err(reject('header_missing', `The header ${missing} is missing or blank.`));
  const [id = '', time = '', sig = '', address = '', algorithm = ''] = values;
  // SHA1withRSA is known to older libraries of PayPal's; what it signs could be forged.
  if (algorithm !== 'SHA256withRSA') return refused(`Signed with ${show(algorithm)}: only SHA256withRSA is taken.`);
  if (!/^[0-9A-Za-z-]{1,64}$/.test(id) || !/^[0-9TZ:.+-]{20,40}$/.test(time)) {
    return refused('The transmission ID or time is not of the form that PayPal sends.');
  }
  const url = certificateUrlOf(address, credentials);
  if (url === null) {
    return refused(
      `${show(address)} is no address of certificates in PayPal’s ${credentials.environment} environment.`,
    );
  }
  const found = keys.find(
    ({ serial, effectiveAt, expiresAt }) => serial === url && effectiveAt <= now && now < expiresAt,
  );
  if (found === undefined) {
    const name = url.split('/').at(-1) ?? '';
    const detail = `The certificate ${name} is not known yet; it is being fetched, and PayPal calls again.`;
    return err({ ...reject('unknown_key', detail), keyId: url });
  }
  const key = await rsaPublicKeyOf(found.pem);
  const signature = fromBase64(sig);
  const signed = utf8([id, time, credentials.webhookId, crc32(body)].join('|'));
  if (key === null || signature === null || !(await verifyRsa(key, signature, signed))) {
    return refused('The signature does not verify: compare webhookId with the webhook of this very address.');
  }
  const notice = Notice.safeParse(parseJsonBody(body));
  if (notice.success) return ok(notice.data);
  const field = notice.error.issues[0]?.path.join('.') || 'body';
  return err(reject('malformed', `An authentic event without a readable ${field}.`));
}

const refused = (detail: string) => err(reject('signature_invalid', detail));

/** Untrusted text for people: short and on one line. */
const show = (text: string) => JSON.stringify(text.slice(0, 80));
