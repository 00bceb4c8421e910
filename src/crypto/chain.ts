// Certificate chains: whether pinned roots vouch for a certificate, by signatures over each link. Never takes a root
// from the chain itself; dates are told apart from trust, and the clock is an argument.
import { X509Certificate } from 'node:crypto';
import { type CertificateFields, certificateFieldsOf } from './certificate.ts';
import { pemBlocksOf } from './pem.ts';

/** Longer than any real chain; a loop ends here. */
const LINKS_MAX = 6;

export type ChainLink = { readonly pem: string; readonly fields: CertificateFields; readonly x509: X509Certificate };

/** The certificates of a bundle in order; those that the runtime does not read are left out. */
export function certificatesIn(text: string): ChainLink[] {
  return pemBlocksOf(text).flatMap(({ text: pem }) => {
    const fields = certificateFieldsOf(pem);
    const x509 = fields && x509Of(pem);
    return fields && x509 ? [{ pem, fields, x509 }] : [];
  });
}

function x509Of(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null; // a certificate with a key that the runtime does not know
  }
}

export function isIssuedBy(one: ChainLink, issuer: ChainLink): boolean {
  try {
    return one.x509.checkIssued(issuer.x509) && one.x509.verify(issuer.x509.publicKey);
  } catch {
    return false; // a key that the runtime does not know vouches for nothing
  }
}

/** From the leaf to a pinned root, or null. Between them only authorities vouch: the leaf's own kind must not. */
export function chainTo(
  roots: readonly ChainLink[],
  leaf: ChainLink,
  between: readonly ChainLink[],
): readonly ChainLink[] | null {
  const chain = [leaf];
  while (chain.length < LINKS_MAX) {
    const last = chain.at(-1) ?? leaf;
    const root = roots.find((one) => isIssuedBy(last, one));
    if (root) return [...chain, root];
    const next = between.find((one) => one.x509.ca && !chain.includes(one) && isIssuedBy(last, one));
    if (!next) return null;
    chain.push(next);
  }
  return null;
}

/** Null when every link is valid now; else which end is passed, to be said after "the certificate". */
export function invalidityOf(chain: readonly ChainLink[], now: number): string | null {
  const late = chain.find(({ fields }) => now > fields.notAfter);
  if (late) return `expired on ${new Date(late.fields.notAfter).toISOString()}`;
  const early = chain.find(({ fields }) => now < fields.notBefore);
  return early ? `is not valid before ${new Date(early.fields.notBefore).toISOString()}` : null;
}
