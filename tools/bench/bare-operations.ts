// The cryptography that a callback cannot do without, alone: keys imported once, bytes at hand, nothing parsed. Each
// operation makes its own key and message when it is asked for; every run of it must succeed.
import { createHash } from 'node:crypto';
import { sm2, sm4 } from 'sm-crypto-v2';

export const OPERATIONS = [
  'HMAC-SHA256',
  'HMAC-SHA512',
  'RSA-2048',
  'Ed25519',
  'AES-256-GCM',
  'MD5',
  'SM2',
  'SM4-GCM',
] as const;
export type Operation = (typeof OPERATIONS)[number];

export type Run = () => Promise<boolean>;

/** Over this many bytes. */
export function operationOf(operation: Operation, bytes: number): Promise<Run> {
  const message = new Uint8Array(bytes).fill(97);
  switch (operation) {
    case 'HMAC-SHA256':
      return hmac('SHA-256', message);
    case 'HMAC-SHA512':
      return hmac('SHA-512', message);
    case 'RSA-2048':
      return rsa(message);
    case 'Ed25519':
      return ed25519(message);
    case 'AES-256-GCM':
      return aesGcm(message);
    case 'MD5':
      return Promise.resolve(async () => createHash('md5').update(message).digest().length === 16);
    case 'SM2':
      return Promise.resolve(signedBySm2(message));
    case 'SM4-GCM':
      return Promise.resolve(sealedBySm4(message));
  }
}

async function hmac(hash: string, message: Uint8Array<ArrayBuffer>): Promise<Run> {
  const raw = new Uint8Array(32).fill(1);
  const key = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash }, false, ['sign', 'verify']);
  const signature = await crypto.subtle.sign('HMAC', key, message);
  return () => crypto.subtle.verify('HMAC', key, signature, message);
}

async function rsa(message: Uint8Array<ArrayBuffer>): Promise<Run> {
  const name = 'RSASSA-PKCS1-v1_5';
  const shape = { name, hash: 'SHA-256', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) };
  return signedBy(name, await crypto.subtle.generateKey(shape, false, ['sign', 'verify']), message);
}

const ed25519 = async (message: Uint8Array<ArrayBuffer>): Promise<Run> =>
  signedBy('Ed25519', await crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify']), message);

async function signedBy(name: string, pair: CryptoKey | CryptoKeyPair, message: Uint8Array<ArrayBuffer>): Promise<Run> {
  if (!('privateKey' in pair)) throw new Error(`${name} makes pairs of keys`);
  const signature = await crypto.subtle.sign(name, pair.privateKey, message);
  return () => crypto.subtle.verify(name, pair.publicKey, signature, message);
}

async function aesGcm(message: Uint8Array<ArrayBuffer>): Promise<Run> {
  const algorithm = { name: 'AES-GCM', iv: new Uint8Array(12) };
  const raw = new Uint8Array(32).fill(1);
  const key = await crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
  const sealed = await crypto.subtle.encrypt(algorithm, key, message);
  return async () => (await crypto.subtle.decrypt(algorithm, key, sealed)).byteLength === message.length;
}

function signedBySm2(message: Uint8Array<ArrayBuffer>): Run {
  const { publicKey, privateKey } = sm2.generateKeyPairHex();
  const form = { hash: true, publicKey } as const;
  const signature = sm2.doSignature(message, privateKey, form);
  const table = sm2.precomputePublicKey(publicKey, 4);
  return async () => sm2.doVerifySignature(message, signature, table, form);
}

function sealedBySm4(message: Uint8Array<ArrayBuffer>): Run {
  const [key, iv] = [new Uint8Array(16).fill(1), new Uint8Array(12)];
  const form = { mode: 'gcm', iv, output: 'array', outputTag: true } as const;
  const { output, tag } = sm4.encrypt(message, key, form);
  if (!tag) throw new Error('SM4-GCM gave no tag');
  return async () => sm4.decrypt(output, key, { mode: 'gcm', iv, output: 'array', tag }).length === message.length;
}
