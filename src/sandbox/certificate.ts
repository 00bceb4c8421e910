// Makes self-signed RSA certificates with a chosen serial and validity, for the sandbox and for tests.
// Never part of the gateway: written apart from its crypto, so that the two can disagree.
import { createPublicKey, type KeyObject, sign } from 'node:crypto';

export type CertificateOptions = {
  /** Hex, as WeChat Pay prints serials; a positive number of at most 20 bytes. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Signs the certificate; its public half goes in unless `publicKey` is given. */
  readonly privateKey: KeyObject;
  readonly publicKey?: KeyObject;
  readonly commonName?: string;
};

/** Returns the certificate as PEM (RFC 5280: v3, sha256WithRSAEncryption, no extensions). */
export function makeCertificate(options: CertificateOptions): string {
  const publicKey = options.publicKey ?? createPublicKey(options.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const name = nameOf(options.commonName ?? 'Tollgate sandbox, not a real platform certificate');
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.from(evenHex(options.serial), 'hex')),
    SHA256_WITH_RSA,
    name,
    sequence(time(options.notBefore), time(options.notAfter)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', body, options.privateKey);
  const der = sequence(body, SHA256_WITH_RSA, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

const evenHex = (hex: string) => (hex.length % 2 === 0 ? hex : `0${hex}`);

function tagged(tag: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

// DER lengths: one byte below 128, else a count of bytes and the bytes.
function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const digits = Buffer.from(evenHex(length.toString(16)), 'hex');
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits]);
}

const sequence = (...parts: readonly Buffer[]) => tagged(0x30, Buffer.concat(parts));

// DER integers are signed and shortest: strip leading zeros, then keep one where the top bit is set.
function integer(bytes: Buffer): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Buffer.from([0]) : bytes.subarray(first);
  return tagged(0x02, (digits[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.from([0]), digits]) : digits);
}

// RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050.
function time(at: Date): Buffer {
  const digits = `${at.toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  return at.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits));
}

const COMMON_NAME = Buffer.from('0603550403', 'hex'); // OID 2.5.4.3
const nameOf = (commonName: string) =>
  sequence(tagged(0x31, sequence(COMMON_NAME, tagged(0x0c, Buffer.from(commonName)))));

// OID 1.2.840.113549.1.1.11 with NULL parameters.
const SHA256_WITH_RSA = Buffer.from('300d06092a864886f70d01010b0500', 'hex');
