// Whoever signs as the Standard Webhooks specification says; the content is mapped by the channel, as for `generic`.
// Takes HMAC-SHA256 (whsec_) and ed25519 (whpk_) secrets side by side. Never takes a version it does not know.
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md (read 2026-11)
import { z } from 'zod';
import { type Callback, isFresh, type KeptCallback } from '../core/callback.ts';
import type { CredentialProblem } from '../core/credential.ts';
import { CLOCK_SKEW_SECONDS_MAX } from '../core/limits.ts';
import { type Rejection, reject } from '../core/rejection.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { Retold } from '../core/retold.ts';
import { concat, fromBase64, toBase64, utf8 } from '../crypto/bytes.ts';
import { ed25519RawKeyOf, importEd25519PrivateKey, signEd25519, verifyEd25519 } from '../crypto/ed25519.ts';
import { hmacSha256, verifyHmac } from '../crypto/hmac.ts';
import { pemBlocksOf } from '../crypto/pem.ts';
import { unsignedOf } from './profile/resign.ts';
import { type Notice, readDocument } from './profile/signature.ts';
import { testFields } from './profile/test-callback.ts';
import { contentComplaints, contentShape, inspectPrivateKey, mappedProvider } from './profile.ts';
import type { WriteTest } from './provider/test-callback.ts';

const HMAC_PREFIX = 'whsec_';
const ED25519_PREFIX = 'whpk_';
const SIGNATURES_MAX = 20;
/** Secrets have 24 to 64 bytes (specification, signature scheme). */
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const PUBLIC_KEY_BYTES = 32;

type Key = { readonly kind: 'hmac' | 'ed25519'; readonly bytes: Uint8Array<ArrayBuffer> };

/** Null when the text is no secret or public key of the specification's. */
function keyOf(secret: string): Key | null {
  const [kind, prefix] = secret.startsWith(ED25519_PREFIX)
    ? (['ed25519', ED25519_PREFIX] as const)
    : (['hmac', HMAC_PREFIX] as const);
  const bytes = secret.startsWith(prefix) ? fromBase64(secret.slice(prefix.length)) : null;
  if (bytes === null) return null;
  const { length } = bytes;
  const fits = kind === 'hmac' ? length >= SECRET_BYTES_MIN && length <= SECRET_BYTES_MAX : length === PUBLIC_KEY_BYTES;
  return fits ? { kind, bytes } : null;
}

const SECRET_FORM =
  'must be whsec_ and 24 to 64 bytes in base64, or the public key whpk_ and 32 bytes in base64: copy it whole.';

const Credentials = z
  .strictObject({
    secrets: z
      .array(z.string().refine((secret) => keyOf(secret) !== null, SECRET_FORM))
      .min(1, 'is empty: give the secret (whsec_…) or public key (whpk_…) of the endpoint.')
      .max(10)
      .meta({
        label: { en: 'Secrets and public keys', zh: '签名密钥与公钥' },
        help: {
          en: 'whsec_… or whpk_… from the sender’s page of this endpoint; several at once while one replaces another.',
          zh: '发送方端点页面上的 whsec_… 或 whpk_…；轮换期间可同时填写多个。',
        },
        secret: true,
      }),
    toleranceSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(CLOCK_SKEW_SECONDS_MAX)
      .meta({
        label: { en: 'Tolerance in seconds', zh: '时间容差（秒）' },
        help: {
          en: 'Callbacks signed this long ago or more, or as far ahead, are refused.',
          zh: '签名时间与当前相差达到此值的回调会被拒绝。',
        },
      }),
    ...contentShape(null),
  })
  .superRefine((credentials, context) => {
    for (const { path, message } of contentComplaints(credentials)) {
      context.addIssue({ code: 'custom', path: [...path], message });
    }
  });
type Credentials = z.output<typeof Credentials>;

const HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

type Signed = { readonly id: string; readonly timestamp: string; readonly signature: string };

function readHeaders({ headers }: Callback): Result<Signed, Rejection> {
  const [id = '', timestamp = '', signature = ''] = HEADERS.map((name) => headers[name]?.trim() ?? '');
  const blank = HEADERS.find((_, index) => [id, timestamp, signature][index] === '');
  return blank === undefined
    ? ok({ id, timestamp, signature })
    : err(reject('header_missing', `The header ${blank} is missing or blank.`));
}

async function prove(
  callback: Callback,
  credentials: Credentials,
  _keys: unknown,
  now: number,
): Promise<Result<Notice, Rejection>> {
  const signed = readHeaders(callback);
  if (!signed.ok) return signed;
  const { id, timestamp, signature } = signed.value;
  const { toleranceSeconds } = credentials;
  if (!/^\d{1,12}$/.test(timestamp) || !isFresh(Number(timestamp), now, toleranceSeconds)) {
    const detail = `webhook-timestamp is no time within ${toleranceSeconds} s of ours: compare the clocks.`;
    return err(reject('timestamp_stale', detail));
  }
  const message = concat(utf8(`${id}.${timestamp}.`), callback.body);
  if (!(await isSigned(signature, message, credentials.secrets))) {
    return err(reject('signature_invalid', 'No part of webhook-signature verifies with any of the secrets.'));
  }
  const document = readDocument(callback, credentials.formats);
  return document.ok ? ok({ document: document.value, sentAt: Number(timestamp) * 1_000, receivedAt: now }) : document;
}

/** `v1,` is HMAC-SHA256 and `v1a,` ed25519; other versions are skipped. */
async function isSigned(header: string, message: Uint8Array<ArrayBuffer>, secrets: readonly string[]) {
  const keys = secrets.map(keyOf).filter((key) => key !== null);
  for (const part of header.split(' ').slice(0, SIGNATURES_MAX)) {
    const kind = part.startsWith('v1,') ? 'hmac' : part.startsWith('v1a,') ? 'ed25519' : null;
    const signature = kind === null ? null : fromBase64(part.slice(part.indexOf(',') + 1));
    if (signature === null) continue;
    for (const key of keys) if (key.kind === kind && (await isSignedBy(key, signature, message))) return true;
  }
  return false;
}

async function isSignedBy({ kind, bytes }: Key, signature: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>) {
  if (kind === 'hmac') return verifyHmac('SHA-256', bytes, signature, message);
  const key = await ed25519RawKeyOf(bytes);
  return key !== null && verifyEd25519(key, signature, message);
}

/** The specification's own libraries allow five minutes. */
function freshUntil({ headers }: KeptCallback): number | null {
  const timestamp = headers['webhook-timestamp']?.trim() ?? '';
  return /^\d{1,12}$/.test(timestamp) ? (Number(timestamp) + CLOCK_SKEW_SECONDS_MAX) * 1_000 + 999 : null;
}

/** The kept body with today's time. Only HMAC secrets are shared; what only the sender can sign stays as it came. */
async function resign(
  { callback }: Retold,
  { secrets }: Credentials,
  { now }: { readonly now: number },
): Promise<Result<KeptCallback, string>> {
  const shared = secrets.map(keyOf).filter((key) => key?.kind === 'hmac');
  if (callback === null) return err('No callback was kept, and only its sender can write one.');
  if (shared.length === 0) return err('Only the sender can sign: the channel holds its public key alone.');
  const timestamp = String(Math.floor(now / 1_000));
  const message = concat(utf8(`${callback.headers['webhook-id'] ?? ''}.${timestamp}.`), callback.body);
  const parts: string[] = [];
  for (const key of shared) if (key !== null) parts.push(`v1,${toBase64(await hmacSha256(key.bytes, message))}`);
  const dated = { 'webhook-timestamp': timestamp, 'webhook-signature': parts.join(' ') };
  return ok({ ...callback, headers: { ...callback.headers, ...dated } });
}

/** Signed with a shared secret, or with a key made for this test where the channel has public keys alone. */
const writeTest: WriteTest<Credentials> = async (order, credentials, context) => {
  const fields = testFields(order, { ...credentials, timestamp: null }, context);
  if (!fields.ok) return fields;
  const unsigned = unsignedOf(fields.value, credentials);
  if (!unsigned.ok) return unsigned;
  const { callback } = unsigned.value;
  const [id, timestamp] = [`msg_${context.nonce}`, String(Math.floor(context.now / 1_000))];
  const message = concat(utf8(`${id}.${timestamp}.`), callback.body);
  const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  const shared = credentials.secrets.map(keyOf).find((key) => key?.kind === 'hmac');
  if (shared) {
    const signature = `v1,${toBase64(await hmacSha256(shared.bytes, message))}`;
    return ok({ ...callback, headers: { ...headers, 'webhook-signature': signature } });
  }
  const { publicKey, privateKey } = await context.makeKeys('ed25519');
  const key = await importEd25519PrivateKey(privateKey);
  const [spki] = pemBlocksOf(publicKey);
  if (key === null || spki === undefined) throw new Error('a key that was just made cannot be read');
  const signature = `v1a,${toBase64(await signEd25519(key, message))}`;
  // The key itself is the end of its envelope (RFC 8410).
  const secrets = [ED25519_PREFIX + toBase64(spki.bytes.slice(-PUBLIC_KEY_BYTES))];
  const provedBy = { credentials: { ...credentials, secrets } };
  return ok({ ...callback, headers: { ...headers, 'webhook-signature': signature }, provedBy });
};

/** Ten public keys of 32 bytes that are no point of the curve would verify nothing. */
async function inspect(credentials: Credentials): Promise<Result<null, CredentialProblem>> {
  for (const [index, secret] of credentials.secrets.entries()) {
    const key = keyOf(secret);
    if (key?.kind !== 'ed25519' || (await ed25519RawKeyOf(key.bytes)) !== null) continue;
    const field = `secrets.${index}`;
    return err({ field, message: `${field} is no ed25519 public key: copy it whole.` });
  }
  return inspectPrivateKey(credentials);
}

export const standardWebhooks = mappedProvider<Credentials>({
  id: 'standard-webhooks',
  name: { en: 'Standard Webhooks', zh: 'Standard Webhooks（通用签名回调）' },
  credentials: Credentials,
  inspectCredentials: inspect,
  evidenceHeaders: HEADERS,
  prove,
  freshUntil,
  resign,
  testCallback: { currency: 'CNY', write: writeTest },
  keysOf: ({ signingSecret, privateKey }) => ({
    secret: signingSecret ?? null,
    secretEncoding: 'utf8',
    privateKey: privateKey ?? null,
  }),
});
