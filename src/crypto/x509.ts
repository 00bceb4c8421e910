// X.509: reads a certificate's serial, validity and key. Never judges trust: no chain, no issuer, no clock.
import { X509Certificate } from 'node:crypto';

export type Certificate = {
  /** Hex, upper case, without leading zeros. */
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
  /** SubjectPublicKeyInfo, DER. */
  readonly spki: Uint8Array<ArrayBuffer>;
};

/** Reads one PEM certificate; null when it is none. */
export function readCertificate(pem: string): Certificate | null {
  try {
    const certificate = new X509Certificate(pem);
    const notBefore = Date.parse(certificate.validFrom);
    const notAfter = Date.parse(certificate.validTo);
    if (!Number.isFinite(notBefore) || !Number.isFinite(notAfter)) return null;
    const spki = new Uint8Array(certificate.publicKey.export({ type: 'spki', format: 'der' }));
    return { serial: plainSerial(certificate.serialNumber), notBefore, notAfter, spki };
  } catch {
    return null; // not a certificate, or one with a key the runtime does not know
  }
}

/** Serials are numbers: two texts that differ by case or leading zeros are the same serial. */
export const plainSerial = (hex: string): string => hex.toUpperCase().replace(/^0+(?=.)/, '');
