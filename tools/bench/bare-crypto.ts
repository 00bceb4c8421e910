// The least work that proves and opens one WeChat Pay v3 notice: RSA-2048 verify, AES-256-GCM, JSON of both layers. By
// hand, keys imported once, nothing checked that need not be: the floor that the gateway's own verification is held to.
import { z } from 'zod';

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
const Credentials = z.object({ apiV3Key: z.string(), platformKeys: z.record(z.string(), z.string()) });
type Envelope = { resource: { ciphertext: string; nonce: string; associated_data: string } };

export async function bareCryptoOf(
  given: unknown,
): Promise<(headers: Record<string, string>, body: Uint8Array<ArrayBuffer>) => Promise<boolean>> {
  const { apiV3Key, platformKeys } = Credentials.parse(given);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder();
  const aesKey = await crypto.subtle.importKey('raw', encoder.encode(apiV3Key), 'AES-GCM', false, ['decrypt']);
  const rsaKeys = new Map<string, CryptoKey>();
  for (const [serial, pem] of Object.entries(platformKeys)) {
    if (!pem.includes('BEGIN PUBLIC KEY')) continue;
    const spki = Uint8Array.fromBase64(pem.replace(/-----[A-Z ]+-----/g, ''));
    rsaKeys.set(serial, await crypto.subtle.importKey('spki', spki, RSA, false, ['verify']));
  }
  return async (headers, body) => {
    const key = rsaKeys.get(headers['wechatpay-serial'] ?? '');
    if (!key) return false;
    const signature = Uint8Array.fromBase64(headers['wechatpay-signature'] ?? '');
    const text = decoder.decode(body);
    const signed = `${headers['wechatpay-timestamp']}\n${headers['wechatpay-nonce']}\n${text}\n`;
    if (!(await crypto.subtle.verify(RSA, key, signature, encoder.encode(signed)))) return false;
    const { resource } = JSON.parse(text) as Envelope; // proved genuine a line above
    const iv = encoder.encode(resource.nonce);
    const algorithm = { name: 'AES-GCM', iv, additionalData: encoder.encode(resource.associated_data) };
    const plain = await crypto.subtle.decrypt(algorithm, aesKey, Uint8Array.fromBase64(resource.ciphertext));
    return typeof JSON.parse(decoder.decode(plain)) === 'object';
  };
}
