// Signs deliveries as the Standard Webhooks specification says: `{id}.{timestamp}.{body}`. Pure. Never sees a clock.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11)
import { concat, fromBase64, toBase64, utf8 } from './bytes.ts';

export type SigningSecret = { readonly kind: 'hmac' | 'ed25519'; readonly secret: string };

const HMAC_PREFIX = 'whsec_';
const ED25519_PREFIX = 'whsk_';
/** PKCS#8 of an Ed25519 seed is this header and the seed (RFC 8410, section 7). */
export const ED25519_PKCS8_HEADER = new Uint8Array([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32]);

// Handles, once per isolate. Bounded: rotation must not grow it for ever.
const handles = new Map<string, Promise<CryptoKey>>();
const HANDLES_MAX = 500;

/** The `webhook-signature` value: one part per secret, so that both sides of a rotation verify. */
export async function signWebhook(
  id: string,
  timestampSeconds: number,
  body: string | Uint8Array,
  secrets: readonly SigningSecret[],
): Promise<string> {
  if (secrets.length === 0) throw new Error('a delivery needs at least one signing secret');
  const head = `${id}.${timestampSeconds}.`;
  const signed = typeof body === 'string' ? utf8(head + body) : concat(utf8(head), body);
  return (await Promise.all(secrets.map((secret) => signOne(secret, signed)))).join(' ');
}

async function signOne({ kind, secret }: SigningSecret, signed: Uint8Array<ArrayBuffer>): Promise<string> {
  const key = await handleOf(kind, secret);
  if (kind === 'hmac') return `v1,${toBase64(new Uint8Array(await crypto.subtle.sign('HMAC', key, signed)))}`;
  return `v1a,${toBase64(new Uint8Array(await crypto.subtle.sign('Ed25519', key, signed)))}`;
}

function handleOf(kind: SigningSecret['kind'], secret: string): Promise<CryptoKey> {
  const name = `${kind} ${secret}`;
  const known = handles.get(name);
  if (known) return known;
  if (handles.size >= HANDLES_MAX) handles.clear();
  const handle = kind === 'hmac' ? importHmac(secret) : importEd25519(secret);
  handles.set(name, handle);
  return handle;
}

function importHmac(secret: string): Promise<CryptoKey> {
  const bytes = secretBytes(secret, HMAC_PREFIX);
  if (!bytes || bytes.length < 24 || bytes.length > 64) {
    throw new Error('an HMAC secret must be whsec_ and 24 to 64 bytes in base64');
  }
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
}

function importEd25519(secret: string): Promise<CryptoKey> {
  const bytes = secretBytes(secret, ED25519_PREFIX);
  if (!bytes || (bytes.length !== 32 && bytes.length !== 64)) {
    throw new Error('an ed25519 secret must be whsk_ and 32 or 64 bytes in base64');
  }
  const pkcs8 = concat(ED25519_PKCS8_HEADER, bytes.subarray(0, 32)); // 64 bytes are seed and public key
  return crypto.subtle.importKey('pkcs8', pkcs8, 'Ed25519', false, ['sign']);
}

const secretBytes = (secret: string, prefix: string) =>
  secret.startsWith(prefix) ? fromBase64(secret.slice(prefix.length)) : null;
