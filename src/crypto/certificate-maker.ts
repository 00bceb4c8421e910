// Writes a certificate (RFC 5280: v3, sha256WithRSAEncryption), for a test callback whose dialect brings one. Whoever
// holds nothing but certificates that were made here is vouched for by nobody.
import { concat, toBase64, utf8 } from './bytes.ts';
import { DER } from './der.ts';
import { pemBlocksOf, pemOf } from './pem.ts';
import { signRsaPem } from './rsa.ts';

export type CertificateDraft = {
  readonly subject: string;
  readonly issuer: string;
  /** It may vouch for others. */
  readonly isAuthority: boolean;
  readonly from: number;
  readonly until: number;
  /** Of the owner, PEM. */
  readonly publicKey: string;
  /** Of the issuer, PEM. */
  readonly privateKey: string;
};

const BOOLEAN = 0x01;
const OCTET_STRING = 0x04;
const UTF8_STRING = 0x0c;
const CONTEXT_3 = 0xa3;

function element(tag: number, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const content = concat(...parts);
  const { length } = content;
  // One byte below 128, else a count of bytes and the bytes.
  const head = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return concat(Uint8Array.of(tag, ...head), content);
}

const sequence = (...parts: readonly Uint8Array[]) => element(DER.sequence, ...parts);
/** A small number, or bytes that begin with a clear bit. */
const integer = (...bytes: readonly number[]) => element(DER.integer, Uint8Array.from(bytes));

// 1.2.840.113549.1.1.11 with NULL parameters; 2.5.4.3; 2.5.29.19.
const SHA256_WITH_RSA = Uint8Array.of(
  0x30,
  0x0d,
  0x06,
  0x09,
  0x2a,
  0x86,
  0x48,
  0x86,
  0xf7,
  0x0d,
  0x01,
  0x01,
  0x0b,
  0x05,
  0x00,
);
const COMMON_NAME = Uint8Array.of(0x06, 0x03, 0x55, 0x04, 0x03);
const BASIC_CONSTRAINTS = Uint8Array.of(0x06, 0x03, 0x55, 0x1d, 0x13);
const TRUE = element(BOOLEAN, Uint8Array.of(0xff));

const nameOf = (text: string) => sequence(element(DER.set, sequence(COMMON_NAME, element(UTF8_STRING, utf8(text)))));

/** Through 2049, and no test lasts so long (RFC 5280 4.1.2.5). */
const timeOf = (at: number) =>
  element(DER.utcTime, utf8(`${new Date(at).toISOString().slice(2, 19).replace(/[-:T]/g, '')}Z`));

export async function makeCertificate(draft: CertificateDraft): Promise<string> {
  const { subject, issuer, isAuthority, from, until, publicKey, privateKey } = draft;
  const [spki] = pemBlocksOf(publicKey);
  if (spki === undefined) throw new Error('a key that was just made cannot be read');
  const constraints = sequence(
    BASIC_CONSTRAINTS,
    TRUE,
    element(OCTET_STRING, sequence(...(isAuthority ? [TRUE] : []))),
  );
  const body = sequence(
    element(DER.context0, integer(2)),
    integer(1),
    SHA256_WITH_RSA,
    nameOf(issuer),
    sequence(timeOf(from), timeOf(until)),
    nameOf(subject),
    spki.bytes,
    element(CONTEXT_3, sequence(constraints)),
  );
  const signature = await signRsaPem(privateKey, body);
  const whole = sequence(body, SHA256_WITH_RSA, element(DER.bitString, Uint8Array.of(0), signature));
  return pemOf('CERTIFICATE', toBase64(whole));
}
