// The signature of WeChat Pay v2: MD5 or HMAC-SHA256 over the sorted values and the key. Verifies and makes it; never
// chooses an algorithm that the merchant did not allow.
import { type Rejection, reject } from '../../core/rejection.ts';
import { equalBytes, toHex, utf8 } from '../../crypto/bytes.ts';
import { hmacSha256 } from '../../crypto/hmac.ts';
import { md5 } from '../../crypto/md5.ts';
import type { Credentials, SignType } from './credentials.ts';

export type Fields = ReadonlyMap<string, string>;

/** Upper-case hex, as WeChat Pay writes it. */
const FORMS: readonly (readonly [SignType, RegExp])[] = [
  ['MD5', /^[0-9A-F]{32}$/],
  ['HMAC-SHA256', /^[0-9A-F]{64}$/],
];

/** The algorithm by the signature's length; undefined for what is no signature. */
export const signTypeOf = (sign: string): SignType | undefined => FORMS.find(([, form]) => form.test(sign))?.[0];

/** Every value that is not empty but `sign`, sorted by name, then the key (docs: secure rules of v2). */
function signedText(fields: Fields, apiKey: string): string {
  const pairs = [...fields].filter(([name, value]) => name !== 'sign' && value !== '');
  const sorted = pairs.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`);
  return [...sorted, `key=${apiKey}`].join('&');
}

export async function signatureOf(fields: Fields, apiKey: string, signType: SignType): Promise<string> {
  const message = utf8(signedText(fields, apiKey));
  switch (signType) {
    case 'MD5':
      return toHex(md5(message)).toUpperCase();
    case 'HMAC-SHA256':
      return toHex(await hmacSha256(utf8(apiKey), message)).toUpperCase();
  }
}

/**
 * Null when the fields carry the signature of this merchant's key. The algorithm goes by its length: notices name none,
 * and a few orders that asked for HMAC-SHA256 are told of with MD5.
 */
export async function signatureProblem(fields: Fields, credentials: Credentials): Promise<Rejection | null> {
  const sign = fields.get('sign') ?? '';
  if (sign === '') return reject('signature_invalid', 'The message carries no sign.');
  const signType = signTypeOf(sign);
  if (signType === undefined) return reject('signature_invalid', 'sign is neither an MD5 nor an HMAC-SHA256.');
  if (!credentials.signTypes.includes(signType)) {
    return reject('signature_invalid', `Signed with ${signType}, which signTypes of the channel does not allow.`);
  }
  const expected = await signatureOf(fields, credentials.apiKey, signType);
  return equalBytes(utf8(expected), utf8(sign))
    ? null
    : reject('signature_invalid', `sign is not the ${signType} of these values under apiKey: was apiKey changed?`);
}
