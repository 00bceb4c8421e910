// Proves that bytes with Wechatpay-* headers were signed by WeChat Pay: callbacks and API answers alike.
// Cheap checks first. Never reads the body as anything but bytes; never lets the message choose the algorithm.
import { isFresh } from '../../core/callback.ts';
import type { FetchedKey } from '../../core/channel.ts';
import { CLOCK_SKEW_SECONDS_MAX } from '../../core/limits.ts';
import { type Rejection, reject } from '../../core/rejection.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { concat, fromBase64, utf8 } from '../../crypto/bytes.ts';
import { rsaPublicKeyOf, verifyRsa } from '../../crypto/rsa.ts';
import { sm2PublicKeyOf, verifySm2 } from '../../crypto/sm.ts';
import { type Credentials, type SignatureType, serialOf } from './credentials.ts';

/** The brand variant uses other keys and is refused by name. */
const WIRE_NAMES: Readonly<Record<SignatureType, string>> = {
  RSA: 'WECHATPAY2-SHA256-RSA2048',
  SM2: 'WECHATPAY2-SM2-WITH-SM3',
};
/** What a message without Wechatpay-Signature-Type is signed with. */
const TYPE_DEFAULT: SignatureType = 'RSA';

/** WeChat Pay sends wrong signatures on purpose, to see them refused (notification considerations, 2024-07). */
const PROBE_PREFIX = 'WECHATPAY/SIGNTEST/';

export type Headers = Readonly<Record<string, string>>;

export type Keyring = {
  /** The PEM text named by a serial: null when there is none. */
  readonly find: (serial: string) => string | null;
  readonly types: readonly SignatureType[];
};

/** Configured keys come before fetched ones. */
export function keyringOf(credentials: Credentials, keys: readonly FetchedKey[]): Keyring {
  const find = (serial: string) => {
    const wanted = serialOf(serial);
    for (const [name, pem] of Object.entries(credentials.platformKeys)) if (serialOf(name) === wanted) return pem;
    return keys.find((key) => serialOf(key.serial) === wanted)?.pem ?? null;
  };
  return { find, types: credentials.signatureTypes };
}

export async function proveSigned(
  headers: Headers,
  body: Uint8Array,
  keyring: Keyring,
  now: number,
): Promise<Result<null, Rejection>> {
  const signed = readHeaders(headers, now);
  if (!signed.ok) return signed;
  const { serial, timestamp, nonce, signature } = signed.value;
  const type = typeOf(headers, keyring);
  if (!type.ok) return type;
  const isProbe = signature.startsWith(PROBE_PREFIX);
  const key = await keyOf(serial, type.value, keyring, now);
  // A probe costs nothing more than a wrong signature: no unknown key, so nobody goes and fetches one for it.
  if (!key.ok) return isProbe ? err(probe()) : key;
  const bytes = fromBase64(signature);
  // Three lines, each ended by a line feed; the body exactly as it came (docs: signature verification).
  const message = concat(utf8(`${timestamp}\n${nonce}\n`), body, LINE_FEED);
  if (bytes !== null && (await key.value.verify(bytes, message))) return ok(null);
  if (isProbe) return err(probe());
  return err(reject('signature_invalid', `The signature does not verify with key ${show(serial)}.`));
}

const LINE_FEED = utf8('\n');

const probe = () =>
  reject('signature_probe', 'WeChat Pay probed with a wrong signature; it was refused as it should be.');

/** The official kits refuse what differs by 300 s, and so do we. */
export function freshUntil({ headers }: { readonly headers: Headers }): number | null {
  const timestamp = headers['wechatpay-timestamp']?.trim() ?? '';
  return /^\d{1,12}$/.test(timestamp) ? (Number(timestamp) + CLOCK_SKEW_SECONDS_MAX) * 1000 - 1 : null;
}

type SignedHeaders = Record<'serial' | 'timestamp' | 'nonce' | 'signature', string>;

function readHeaders(headers: Headers, now: number): Result<SignedHeaders, Rejection> {
  const read = (name: string) => headers[name]?.trim() ?? '';
  const signed = {
    serial: read('wechatpay-serial'),
    timestamp: read('wechatpay-timestamp'),
    nonce: read('wechatpay-nonce'),
    signature: read('wechatpay-signature'),
  };
  for (const [name, value] of Object.entries(signed)) {
    if (value === '')
      return err(reject('header_missing', `The header Wechatpay-${capital(name)} is missing or blank.`));
  }
  if (!/^\d{1,12}$/.test(signed.timestamp)) {
    return err(reject('timestamp_stale', `Wechatpay-Timestamp is not plain seconds: ${show(signed.timestamp)}.`));
  }
  if (!isFresh(Number(signed.timestamp), now, CLOCK_SKEW_SECONDS_MAX)) {
    const seconds = Math.round(now / 1000) - Number(signed.timestamp);
    return err(
      reject(
        'timestamp_stale',
        `Wechatpay-Timestamp is ${seconds} s off; ${CLOCK_SKEW_SECONDS_MAX} s or more is refused.`,
      ),
    );
  }
  return ok(signed);
}

/** What it says it was signed with, if the credentials allow that. */
function typeOf(headers: Headers, { types }: Keyring): Result<SignatureType, Rejection> {
  const said = headers['wechatpay-signature-type']?.trim() ?? WIRE_NAMES[TYPE_DEFAULT];
  const type = types.find((one) => WIRE_NAMES[one] === said);
  if (type !== undefined) return ok(type);
  const taken = types.map((one) => WIRE_NAMES[one]).join(' and ');
  return err(
    reject(
      'signature_invalid',
      `Wechatpay-Signature-Type is ${show(said)}; this channel's signatureTypes take ${taken}.`,
    ),
  );
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

/** Untrusted text for people: short and on one line. */
const show = (text: string) => JSON.stringify(text.slice(0, 60));

type Key = {
  readonly certificate: { readonly notBefore: number; readonly notAfter: number } | null;
  readonly verify: (signature: Uint8Array<ArrayBuffer>, message: Uint8Array<ArrayBuffer>) => Promise<boolean>;
};

async function readKey(pem: string, type: SignatureType): Promise<Key | null> {
  if (type === 'RSA') {
    const key = await rsaPublicKeyOf(pem);
    return key && { certificate: key.certificate, verify: (signature, message) => verifyRsa(key, signature, message) };
  }
  const key = sm2PublicKeyOf(pem);
  return (
    key && { certificate: key.certificate, verify: async (signature, message) => verifySm2(key, signature, message) }
  );
}

async function keyOf(
  serial: string,
  type: SignatureType,
  keyring: Keyring,
  now: number,
): Promise<Result<Key, Rejection>> {
  const pem = keyring.find(serial);
  if (pem === null) {
    return err(
      reject(
        'unknown_key',
        `No key with serial ${show(serial)}: add it to platformKeys, or give the merchant's key to fetch it.`,
      ),
    );
  }
  const key = await readKey(pem, type);
  if (key === null)
    return err(reject('unknown_key', `The key with serial ${show(serial)} is no ${type} key: paste the right one.`));
  const valid = key.certificate;
  if (valid !== null && (now < valid.notBefore || now > valid.notAfter)) {
    const [word, at] =
      now < valid.notBefore ? ['is not valid before', valid.notBefore] : ['expired on', valid.notAfter];
    return err(
      reject('unknown_key', `The certificate with serial ${show(serial)} ${word} ${new Date(at).toISOString()}.`),
    );
  }
  return ok(key);
}
