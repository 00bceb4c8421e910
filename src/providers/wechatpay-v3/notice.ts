// Opens a notice whose signature was proved: envelope, sealed resource, content as JSON. Never judges the content, and
// never lets the notice choose how it is sealed.
import { z } from 'zod';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { importGcmKey, openGcm } from '../../crypto/aes.ts';
import { fromBase64, fromUtf8, utf8 } from '../../crypto/bytes.ts';
import { openSm4Gcm, sm3Of } from '../../crypto/sm.ts';
import type { Credentials, SignatureType } from './credentials.ts';

const ALGORITHMS: Readonly<Record<SignatureType, string>> = { RSA: 'AEAD_AES_256_GCM', SM2: 'AEAD_SM4_GCM' };

/** The seals that this channel opens. */
const algorithmsOf = ({ signatureTypes }: Credentials): readonly string[] =>
  signatureTypes.map((type) => ALGORITHMS[type]);

export const isOpened = (algorithm: string, credentials: Credentials): boolean =>
  algorithmsOf(credentials).includes(algorithm);

/** An authentic notice in WeChat Pay's words. */
export type Notice = {
  readonly id: string | null;
  readonly type: string;
  /** When the notice was made, RFC 3339; null when it does not say. */
  readonly createTime: string | null;
  /** The decrypted resource; null when the notice carries none that we can read. */
  readonly content: unknown;
};

/** Sealed bytes as WeChat Pay sends them, in notices and in certificate lists. */
export const Sealed = z.object({
  algorithm: z.string(),
  ciphertext: z.string(),
  nonce: z.string(),
  associated_data: z.string().nullish(),
});
export type Sealed = z.infer<typeof Sealed>;

const Envelope = z.object({
  id: z.string().nullish(),
  event_type: z.string().min(1).max(64),
  create_time: z.string().nullish(),
  resource: z.unknown().optional(),
});

/** Types whose content changes an order. Of all others the content may be anything, or nothing. */
export const isKnownType = (type: string): boolean => KNOWN_TYPES.has(type);
const KNOWN_TYPES: ReadonlySet<string> = new Set([
  'TRANSACTION.SUCCESS',
  'REFUND.SUCCESS',
  'REFUND.ABNORMAL',
  'REFUND.CLOSED',
]);

export async function openNotice(body: Uint8Array, credentials: Credentials): Promise<Result<Notice, Rejection>> {
  const envelope = Envelope.safeParse(parseJson(body));
  if (!envelope.success) {
    const field = envelope.error.issues[0]?.path.join('.') || 'the body';
    return err(reject('malformed', `An authentic notice that is no WeChat Pay v3 envelope: see ${field}.`));
  }
  const { id, event_type: type, create_time: createTime, resource } = envelope.data;
  const notice = { id: id ?? null, type, createTime: createTime ?? null };
  const sealed = Sealed.safeParse(resource);
  const readable = sealed.success && isOpened(sealed.data.algorithm, credentials);
  if (!readable && !isKnownType(type)) return ok({ ...notice, content: null });
  if (!sealed.success) {
    const field = sealed.error.issues[0]?.path.join('.') ?? '';
    return err(reject('malformed', `An authentic ${type} notice without a readable resource.${field}.`));
  }
  if (!readable) {
    const seen = JSON.stringify(sealed.data.algorithm.slice(0, 40));
    const opened = algorithmsOf(credentials).join(' and ');
    return err(
      reject('decrypt_failed', `resource.algorithm is ${seen}; this channel's signatureTypes open ${opened}.`),
    );
  }
  const plain = await unseal(sealed.data, credentials);
  if (plain === null) {
    return err(
      reject(
        'decrypt_failed',
        'The resource does not open with apiV3Key: compare it with the APIv3 key in the merchant portal.',
      ),
    );
  }
  return ok({ ...notice, content: parseJson(plain) });
}

/** Decrypts a resource or an encrypted certificate; null when the key, nonce or bytes do not fit. */
export async function unseal(sealed: Sealed, credentials: Credentials): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!isOpened(sealed.algorithm, credentials)) return null;
  const bytes = fromBase64(sealed.ciphertext);
  if (bytes === null) return null;
  // The nonce is used as text, not decoded; no associated data is the same as empty (docs: APIv3 decryption).
  const [nonce, associated] = [utf8(sealed.nonce), utf8(sealed.associated_data ?? '')];
  return sealed.algorithm === ALGORITHMS.SM2
    ? openSm4Gcm(sm4KeyOf(credentials), nonce, associated, bytes)
    : openGcm(await gcmKeyOf(credentials), nonce, associated, bytes);
}

/** SM4 takes half of what AES-256 does: the beginning of the APIv3 key's digest (official Java SDK, shangmi). */
const sm4KeyOf = ({ apiV3Key }: Credentials) => sm3Of(utf8(apiV3Key)).slice(0, 16);

// Handles, not secrets, are kept: they go when the credentials object does.
const gcmKeys = new WeakMap<Credentials, CryptoKey>();

async function gcmKeyOf(credentials: Credentials): Promise<CryptoKey> {
  const known = gcmKeys.get(credentials);
  if (known) return known;
  const key = await importGcmKey(utf8(credentials.apiV3Key));
  gcmKeys.set(credentials, key);
  return key;
}

/** JSON as a value; undefined when the bytes are not JSON in UTF-8, which no schema accepts. */
export function parseJson(bytes: Uint8Array): unknown {
  const text = fromUtf8(bytes);
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON: an expected form of hostile input
  }
}
