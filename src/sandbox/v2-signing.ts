// The XML of the pretend WeChat Pay v2, its signatures and its seal, with node:crypto. Written apart from the gateway's
// own cryptography and shares none of it, so that the two can disagree.
import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { fieldsOf, parseXml, printXml } from '../core/xml.ts';

export type SignType = 'MD5' | 'HMAC-SHA256';
export type Fields = Readonly<Record<string, string>>;

/** The fields of a flat document; what is wrong with it otherwise. */
export function readXml(text: string): Fields | string {
  const parsed = parseXml(text);
  const fields = parsed.ok ? fieldsOf(parsed.value) : parsed;
  return fields.ok ? Object.fromEntries(fields.value) : fields.error;
}

/** Upper-case hex over what is not empty, sorted by name, and the key (v2 docs: secure rules). */
export function signOf(fields: Fields, apiKey: string, signType: SignType): string {
  const names = Object.keys(fields)
    .filter((name) => name !== 'sign' && fields[name] !== '')
    .sort();
  const text = `${names.map((name) => `${name}=${fields[name]}`).join('&')}&key=${apiKey}`;
  const hash = signType === 'MD5' ? createHash('md5') : createHmac('sha256', apiKey);
  return hash.update(text, 'utf8').digest('hex').toUpperCase();
}

export const newNonce = (): string => randomBytes(16).toString('hex');

export const signedXml = (fields: Fields, apiKey: string, signType: SignType): string =>
  printXml('xml', { ...fields, sign: signOf(fields, apiKey, signType) });

/** Which algorithm a request names; MD5 where it names none. */
export const signTypeOf = ({ sign_type }: Fields): SignType => (sign_type === 'HMAC-SHA256' ? 'HMAC-SHA256' : 'MD5');

/** What stands in the place of a refund notice's signature: AES-256-ECB under the digest of the key. */
export function sealRefund(fields: Fields, apiKey: string): string {
  const key = createHash('md5').update(apiKey, 'utf8').digest('hex');
  const cipher = createCipheriv('aes-256-ecb', Buffer.from(key, 'ascii'), null);
  return Buffer.concat([cipher.update(printXml('root', fields), 'utf8'), cipher.final()]).toString('base64');
}
