// The token of a payer's page: the encrypted name of an order, so that nothing is stored and nobody can guess one. The
// same order has the same token for as long as the master key stands. Never throws for a token that is none.
import { openGcm } from './aes.ts';
import { concat, fromBase64, fromUtf8, toBase64Url, utf8 } from './bytes.ts';
import { hmacSha256 } from './hmac.ts';

export type PayName = { readonly channel: string; readonly orderNo: string };

/** Other keys are derived from the master key elsewhere: each label is used for one thing. */
const LABEL = utf8('tollgate/pay-token/v1');
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
/** Names are filled up to a multiple of this, so that a token says little about how long they are. */
const BLOCK_CHARS = 16;
/** Two ids of 64 characters make 230. */
const TOKEN = /^[A-Za-z0-9_-]{38,300}$/;

type Keys = { readonly seal: CryptoKey; readonly nonce: Uint8Array<ArrayBuffer> };
const derived = new Map<string, Promise<Keys>>();

/** Derives once an isolate: one key to encrypt with, one to make nonces with (RFC 5869). */
function keysOf(masterKeyBase64: string): Promise<Keys> {
  const known = derived.get(masterKeyBase64);
  if (known) return known;
  const deriving = derive(masterKeyBase64);
  derived.set(masterKeyBase64, deriving);
  return deriving;
}

async function derive(masterKeyBase64: string): Promise<Keys> {
  const master = fromBase64(masterKeyBase64);
  if (master?.length !== KEY_BYTES) throw new Error('The master key must be 32 bytes in base64.');
  const source = await crypto.subtle.importKey('raw', master, 'HKDF', false, ['deriveBits']);
  const algorithm = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: LABEL };
  const bytes = new Uint8Array(await crypto.subtle.deriveBits(algorithm, source, KEY_BYTES * 2 * 8));
  const usages = ['encrypt', 'decrypt'];
  const seal = await crypto.subtle.importKey('raw', bytes.slice(0, KEY_BYTES), 'AES-GCM', false, usages);
  return { seal, nonce: bytes.slice(KEY_BYTES) };
}

/** The nonce is made of the name, so that no two names are sealed under one, and the same name gives the same token. */
export async function payTokenOf(masterKeyBase64: string, { channel, orderNo }: PayName): Promise<string> {
  const { seal, nonce } = await keysOf(masterKeyBase64);
  const name = `${channel}\n${orderNo}`;
  const plain = utf8(name.padEnd(Math.ceil(name.length / BLOCK_CHARS) * BLOCK_CHARS, '\n'));
  const iv = (await hmacSha256(nonce, plain)).slice(0, NONCE_BYTES);
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, seal, plain));
  return toBase64Url(concat(iv, sealed));
}

/** The name of the order; null for everything that payTokenOf did not make under this master key. */
export async function readPayToken(masterKeyBase64: string, token: string): Promise<PayName | null> {
  const bytes = TOKEN.test(token) ? bytesOf(token) : null;
  if (bytes === null) return null;
  const { seal } = await keysOf(masterKeyBase64);
  const plain = await openGcm(seal, bytes.slice(0, NONCE_BYTES), new Uint8Array(), bytes.slice(NONCE_BYTES));
  const [channel, orderNo] = (plain && fromUtf8(plain)?.split('\n')) ?? [];
  return channel && orderNo ? { channel, orderNo } : null;
}

/** Null for a second spelling of the same bytes too: a token is one text, wherever it is counted. */
function bytesOf(token: string): Uint8Array<ArrayBuffer> | null {
  try {
    const bytes = Uint8Array.fromBase64(token, { alphabet: 'base64url', lastChunkHandling: 'loose' });
    return toBase64Url(bytes) === token ? bytes : null;
  } catch {
    return null; // a length that base64 never has
  }
}

/** Where a payer pays for the order. */
export async function payUrlOf(
  publicUrl: string,
  masterKeyBase64: string,
  channel: string,
  orderNo: string,
): Promise<string> {
  return `${publicUrl}/pay/${await payTokenOf(masterKeyBase64, { channel, orderNo })}`;
}
