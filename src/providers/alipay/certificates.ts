// Certificate mode: which certificates prove Alipay's signature, by a chain up to its own roots, and the serial numbers
// by which Alipay calls them. Roots come from the credentials alone; a clock is an argument.
import { createHash } from 'node:crypto';
import { err, ok, type Result } from '../../core/result.ts';
import { type CertificateFields, certificateFieldsOf, type NamePart } from '../../crypto/certificate.ts';
import { type ChainLink, certificatesIn, chainTo, invalidityOf, isIssuedBy } from '../../crypto/chain.ts';
import { pemBlocksOf } from '../../crypto/pem.ts';

/** PKCS #1: the signatures that the gateway's root numbers are made of; its SM2 roots are left out (SDK). */
const RSA_SIGNATURES = '1.2.840.113549.1.1.';

export type SigningCertificate = {
  readonly pem: string;
  /** What Alipay calls it in `alipay_cert_sn`. */
  readonly sn: string;
  /** It and what vouches for it, up to a root. */
  readonly chain: readonly ChainLink[];
};

/**
 * The certificates in a text that sign, each with its chain: those that vouch for no other in it. The error is the end
 * of a sentence that begins with the field's name.
 */
export function signingCertificates(text: string, rootText: string): Result<readonly SigningCertificate[], string> {
  const [given, roots] = [certificatesIn(text), certificatesIn(rootText)];
  if (given.length === 0) return err(`holds no certificate that can be read: ${WHOLE_FILE}.`);
  const leaves = given.filter((one) => !given.some((other) => other !== one && isIssuedBy(other, one)));
  const signing: SigningCertificate[] = [];
  for (const leaf of leaves) {
    if (leaf.x509.ca) return err("holds the certificate of an authority, which signs no notices: paste Alipay's own.");
    const chain = chainTo(roots, leaf, given);
    if (chain === null) {
      return err(
        `holds a certificate (serial ${leaf.fields.serial}) that none of alipayRootCert vouches for: paste ` +
          "alipayCertPublicKey_RSA2.crt whole, with the issuer's certificate that follows in it.",
      );
    }
    signing.push({ pem: leaf.pem, sn: serialNumberOf(leaf.fields), chain });
  }
  return ok(signing);
}

export const WHOLE_FILE = 'paste the file whole, with its -----BEGIN and -----END lines';

/** Null when every link is valid now; else which end is passed. */
export const expiryOf = ({ chain }: SigningCertificate, now: number): string | null => invalidityOf(chain, now);

const SHORT_NAMES: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '1.2.840.113549.1.9.1': 'E',
};
const partName = ({ type, value }: NamePart) => `${SHORT_NAMES[type] ?? type}=${value}`;

/** MD5 of the issuer's name, last part first, and the serial number in decimal: a name, not a proof (SDK). */
export function serialNumberOf({ issuer, serial }: CertificateFields): string {
  const name = issuer.toReversed().map(partName).join(',');
  return createHash('md5')
    .update(name + BigInt(`0x${serial}`).toString())
    .digest('hex');
}

/** `app_cert_sn` of one certificate; null when the text is none. */
export function appCertSnOf(pem: string): string | null {
  const [first] = pemBlocksOf(pem);
  const fields = first ? certificateFieldsOf(first.text) : null;
  return fields && serialNumberOf(fields);
}

/** `alipay_root_cert_sn`: every root with an RSA signature, joined; empty when there is none. */
export const rootCertSnOf = (text: string): string =>
  pemBlocksOf(text)
    .map(({ text: pem }) => certificateFieldsOf(pem))
    .flatMap((fields) => (fields?.signatureAlgorithm.startsWith(RSA_SIGNATURES) ? [serialNumberOf(fields)] : []))
    .join('_');
