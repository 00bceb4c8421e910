// Sealing of secrets at rest: AES-256-GCM under the master key, with the key's id stored beside. Pure: the IV is an
// argument. Never keeps a plaintext, never puts a secret or a key into an error.
import { fromBase64, fromUtf8, sha256, toBase64Url, toHex, utf8 } from './bytes.ts';

/** 96 bits, the length that GCM is defined for (NIST SP 800-38D, 5.2.1.1). Random, and never used twice. */
export const SEAL_IV_BYTES = 12;

type MasterKey = { readonly id: string; readonly key: CryptoKey };
const imported = new Map<string, Promise<MasterKey>>();

/** Imports the master key once per isolate; its id is the first 8 hex digits of its SHA-256. */
function masterKeyOf(masterKeyBase64: string): Promise<MasterKey> {
  const known = imported.get(masterKeyBase64);
  if (known) return known;
  const importing = importMasterKey(masterKeyBase64);
  imported.set(masterKeyBase64, importing);
  return importing;
}

async function importMasterKey(masterKeyBase64: string): Promise<MasterKey> {
  const bytes = fromBase64(masterKeyBase64);
  if (bytes?.length !== 32) throw new Error('The master key must be 32 bytes in base64.');
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  return { id: toHex((await sha256(bytes)).subarray(0, 4)), key };
}

/** Seals a text for one context, such as `channel/{uid}`: it opens nowhere else. `v1.{keyId}.{iv}.{ciphertext}`. */
export async function seal(
  plain: string,
  masterKeyBase64: string,
  context: string,
  iv: Uint8Array<ArrayBuffer>,
): Promise<string> {
  if (iv.length !== SEAL_IV_BYTES) throw new Error(`The IV must be ${SEAL_IV_BYTES} bytes.`);
  const { id, key } = await masterKeyOf(masterKeyBase64);
  const algorithm = { name: 'AES-GCM', iv, additionalData: utf8(context) };
  const ciphertext = new Uint8Array(await crypto.subtle.encrypt(algorithm, key, utf8(plain)));
  return `v1.${id}.${toBase64Url(iv)}.${toBase64Url(ciphertext)}`;
}

/** Opens what seal made for the same context; throws one sentence that says what is wrong and never what is inside. */
export async function open(sealed: string, masterKeyBase64: string, context: string): Promise<string> {
  const [, keyId = '', iv = '', ciphertext = ''] = /^v1\.([0-9a-f]{8})\.([\w-]+)\.([\w-]+)$/.exec(sealed) ?? [];
  if (keyId === '') throw new Error(`The sealed text of ${context} is not in the form v1.key.iv.ciphertext.`);
  const { id, key } = await masterKeyOf(masterKeyBase64);
  if (keyId !== id) {
    throw new Error(
      `The secrets of ${context} were sealed under master key ${keyId}, but TOLLGATE_MASTER_KEY is ${id}: ` +
        'set the old key again, or enter the secrets anew.',
    );
  }
  const plain = await decrypt(key, fromBase64Url(iv), fromBase64Url(ciphertext), context);
  const text = plain === null ? null : fromUtf8(plain);
  if (text === null) throw new Error(`The secrets of ${context} were altered or belong elsewhere: enter them anew.`);
  return text;
}

async function decrypt(
  key: CryptoKey,
  iv: Uint8Array<ArrayBuffer>,
  ciphertext: Uint8Array<ArrayBuffer>,
  context: string,
): Promise<Uint8Array | null> {
  try {
    const algorithm = { name: 'AES-GCM', iv, additionalData: utf8(context) };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, ciphertext));
  } catch {
    return null; // the tag did not match, or the IV has no bytes: the caller says so in words
  }
}

const fromBase64Url = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.fromBase64(text, { alphabet: 'base64url', lastChunkHandling: 'loose' });
