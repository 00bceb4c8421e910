// The fields of a certificate, read from its DER alone, for what the runtime's own reader cannot tell or will not read:
// names in their order, algorithms by number, keys on curves that it does not know. Never judges trust.
import { DER, type DerElement, derChildren, derObjectId, derOf, derTime } from './der.ts';
import { pemBlocksOf } from './pem.ts';
import { plainSerial } from './x509.ts';

export type CertificateFields = {
  /** Hex, upper case, without leading zeros. */
  readonly serial: string;
  /** What it was signed with, as an object identifier. */
  readonly signatureAlgorithm: string;
  /** The issuer's name, in the order of the certificate. */
  readonly issuer: readonly NamePart[];
  /** Whose certificate it is, likewise. */
  readonly subject: readonly NamePart[];
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: PublicKeyFields;
};

export type NamePart = { readonly type: string; readonly value: string };

export type PublicKeyFields = {
  readonly algorithm: string;
  /** The curve, where the algorithm has one. */
  readonly curve: string | null;
  /** The key's own bytes: a point, for elliptic keys. */
  readonly bytes: Uint8Array<ArrayBuffer>;
};

/** Null when the text is not one PEM certificate of the usual form. */
export function certificateFieldsOf(pem: string): CertificateFields | null {
  const [block, ...more] = pemBlocksOf(pem);
  if (block?.label !== 'CERTIFICATE' || more.length > 0) return null;
  const parts = partsOf(derOf(block.bytes), DER.sequence);
  const body = partsOf(parts?.[0], DER.sequence);
  if (!parts || !body) return null;
  // The version comes first and may be left out (RFC 5280 4.1).
  const [serial, , issuer, validity, subject, spki] = body[0]?.tag === DER.context0 ? body.slice(1) : body;
  const signatureAlgorithm = algorithmOf(parts[1])?.algorithm ?? null;
  const [notBefore, notAfter] = (partsOf(validity, DER.sequence) ?? []).map(derTime);
  const [names, owner] = [namePartsOf(issuer), namePartsOf(subject)];
  const publicKey = publicKeyFieldsOf(spki);
  if (serial?.tag !== DER.integer || signatureAlgorithm === null || publicKey === null) return null;
  if (names === null || owner === null || notBefore == null || notAfter == null) return null;
  const hex = serial.content.toHex();
  return {
    serial: plainSerial(hex),
    signatureAlgorithm,
    issuer: names,
    subject: owner,
    notBefore,
    notAfter,
    publicKey,
  };
}

/** A PEM public key (SPKI); null when it is none. */
export function publicKeyOf(pem: string): PublicKeyFields | null {
  const [block, ...more] = pemBlocksOf(pem);
  return block?.label === 'PUBLIC KEY' && more.length === 0 ? publicKeyFieldsOf(derOf(block.bytes)) : null;
}

function partsOf(element: DerElement | null | undefined, tag: number): readonly DerElement[] | null {
  return element?.tag === tag ? derChildren(element) : null;
}

function algorithmOf(element: DerElement | undefined): { algorithm: string; curve: string | null } | null {
  const [id, parameters] = partsOf(element, DER.sequence) ?? [];
  const algorithm = id ? derObjectId(id) : null;
  return algorithm === null ? null : { algorithm, curve: parameters ? derObjectId(parameters) : null };
}

function publicKeyFieldsOf(spki: DerElement | null | undefined): PublicKeyFields | null {
  const [first, bits] = partsOf(spki, DER.sequence) ?? [];
  const algorithm = algorithmOf(first);
  // Keys fill whole bytes, so no bit of the last one is unused.
  if (algorithm === null || bits?.tag !== DER.bitString || bits.content[0] !== 0) return null;
  return { ...algorithm, bytes: bits.content.slice(1) };
}

/** BMPString is UTF-16; all other kinds that names are made of are read as UTF-8 (X.520). */
const textOf = ({ tag, content }: DerElement) => new TextDecoder(tag === 0x1e ? 'utf-16be' : 'utf-8').decode(content);

const COMMON_NAME = '2.5.4.3';

/** The one common name of the certificate's owner; null when there is none, or more than one. */
export function commonNameOf({ subject }: CertificateFields): string | null {
  const [only, ...more] = subject.filter(({ type }) => type === COMMON_NAME);
  return only === undefined || more.length > 0 ? null : only.value;
}

/** Null when the name is none, or holds a value that is no text. */
function namePartsOf(name: DerElement | undefined): readonly NamePart[] | null {
  const sets = partsOf(name, DER.sequence);
  if (sets === null) return null;
  const pairs = sets.flatMap((set) => partsOf(set, DER.set) ?? []).map((pair) => partsOf(pair, DER.sequence));
  const named = pairs.map((pair) => {
    const [id, value] = pair ?? [];
    const type = id ? derObjectId(id) : null;
    return type === null || value === undefined ? null : { type, value: textOf(value) };
  });
  return named.every((part) => part !== null) ? named : null;
}
