// The platform's side of WeChat Pay v3 signatures and encryption, with node:crypto. Written apart from the gateway's
// own code and shares none of it, so that the two can disagree.
import { createCipheriv, createPublicKey, createSign, createVerify, randomBytes } from 'node:crypto';
import type { Identity, PlatformKey } from './identity.ts';

export type SignedHeaders = {
  'Wechatpay-Timestamp': string;
  'Wechatpay-Nonce': string;
  'Wechatpay-Signature': string;
  'Wechatpay-Serial': string;
  'Wechatpay-Signature-Type': string;
};

/** Signs an answer or a callback: timestamp, nonce and body, each with a line feed behind it. */
export function signMessage(body: string, key: PlatformKey, atSeconds: number): SignedHeaders {
  const timestamp = String(atSeconds);
  const nonce = randomBytes(16).toString('hex');
  const signer = createSign('RSA-SHA256').update(`${timestamp}\n${nonce}\n${body}\n`, 'utf8');
  return {
    'Wechatpay-Timestamp': timestamp,
    'Wechatpay-Nonce': nonce,
    'Wechatpay-Signature': signer.sign(key.privatePem, 'base64'),
    'Wechatpay-Serial': key.serial,
    'Wechatpay-Signature-Type': 'WECHATPAY2-SHA256-RSA2048',
  };
}

export type SealedResource = { algorithm: string; ciphertext: string; associated_data: string; nonce: string };

/** AES-256-GCM with the APIv3 key; the tag is the end of the ciphertext. */
export function seal(plaintext: string, apiV3Key: string, associatedData: string): SealedResource {
  const nonce = randomBytes(6).toString('hex');
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(apiV3Key), Buffer.from(nonce));
  cipher.setAAD(Buffer.from(associatedData));
  const ciphertext = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return {
    algorithm: 'AEAD_AES_256_GCM',
    ciphertext: ciphertext.toString('base64'),
    associated_data: associatedData,
    nonce,
  };
}

const SCHEME = 'WECHATPAY2-SHA256-RSA2048 ';
const SKEW_SECONDS = 300;

export type MerchantRequest = { method: string; target: string; authorization: string; body: string };

/** Proves that the merchant signed this request; returns what is wrong with it, or null. */
export function proveMerchant(request: MerchantRequest, identity: Identity, nowMs: number): string | null {
  const { method, target, authorization, body } = request;
  if (!authorization.startsWith(SCHEME)) return `the Authorization header must begin with ${SCHEME.trim()}`;
  const fields = new Map<string, string>();
  for (const [, name = '', value = ''] of authorization.slice(SCHEME.length).matchAll(/(\w+)="([^"]*)"/g)) {
    fields.set(name, value);
  }
  const field = (name: string) => fields.get(name) ?? '';
  if (field('mchid') !== identity.mchId) return `mchid ${field('mchid') || '(none)'} is not known here`;
  if (field('serial_no') !== identity.merchant.serial) return 'serial_no is not the serial of the merchant certificate';
  if (!(Math.abs(nowMs / 1000 - Number(field('timestamp'))) < SKEW_SECONDS)) return 'the timestamp is not fresh';
  if (field('nonce_str') === '') return 'nonce_str is missing';
  const message = `${method}\n${target}\n${field('timestamp')}\n${field('nonce_str')}\n${body}\n`;
  const publicKey = createPublicKey(identity.merchant.publicPem);
  const genuine = createVerify('RSA-SHA256').update(message, 'utf8').verify(publicKey, field('signature'), 'base64');
  return genuine ? null : 'the signature does not fit the method, path, timestamp, nonce and body';
}
