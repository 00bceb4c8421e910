// The checks of a WeChat Pay v3 channel's credentials that need keys parsed. Every refusal names the field and the
// mend; none repeats a secret.

import type { CredentialProblem } from '../../core/credential.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { certificateFieldsOf, commonNameOf } from '../../crypto/certificate.ts';
import { type PemKind, pemKindOf } from '../../crypto/pem.ts';
import { belongTogether, importRsaPrivateKey, rsaPublicKeyOf } from '../../crypto/rsa.ts';
import { sm2PublicKeyOf } from '../../crypto/sm.ts';
import { plainSerial } from '../../crypto/x509.ts';
import { type Credentials, isPublicKeyId, serialOf } from './credentials.ts';

const RSA_BITS_MIN = 2048;

/** Reads every key once and says which one is not what its field needs. */
export async function inspectCredentials(
  credentials: Credentials,
  now?: number,
): Promise<Result<null, CredentialProblem>> {
  for (const [serial, pem] of Object.entries(credentials.platformKeys)) {
    const message = await platformKeyProblem(serial, pem, credentials);
    if (message !== null) return err({ field: `platformKeys.${serial}`, message: `platformKeys.${serial} ${message}` });
  }
  const message =
    credentials.merchantPrivateKey === undefined ? null : await privateKeyProblem(credentials.merchantPrivateKey);
  if (message !== null) return err({ field: 'merchantPrivateKey', message: `merchantPrivateKey ${message}` });
  const own = await ownCertificateProblem(credentials, now);
  return own === null ? ok(null) : err({ ...own, message: `${own.field} ${own.message}` });
}

/** What is wrong with the merchant's own certificate beside its key, its serial and its number. */
async function ownCertificateProblem(
  { merchantCertificate: pem, merchantPrivateKey, merchantSerial, mchId, partner }: Credentials,
  now: number | undefined,
): Promise<CredentialProblem | null> {
  if (pem === undefined || merchantPrivateKey === undefined || merchantSerial === undefined) return null;
  const problem = (field: string, message: string) => ({ field, message });
  const fields = certificateFieldsOf(pem);
  const [publicKey, privateKey] = [await rsaPublicKeyOf(pem), await importRsaPrivateKey(merchantPrivateKey)];
  if (fields === null || publicKey === null || privateKey === null) {
    return problem('merchantCertificate', `cannot be read as an RSA certificate: ${WHOLE_FILE}.`);
  }
  const [owner, merchant] = [commonNameOf(fields), partner?.spMchId ?? mchId];
  if (owner !== merchant) {
    // WeChat Pay writes the merchant number as the common name of the certificates that it gives out.
    const whose = owner === null ? 'names no merchant' : `is merchant ${JSON.stringify(owner.slice(0, 40))}'s`;
    return problem('merchantCertificate', `${whose}, and calls are signed for ${merchant}: paste that merchant's.`);
  }
  if (fields.serial !== plainSerial(merchantSerial)) {
    return problem('merchantSerial', `is not the serial of merchantCertificate, which is ${fields.serial}: take that.`);
  }
  if (now !== undefined && now > fields.notAfter) {
    const day = new Date(fields.notAfter).toISOString().slice(0, 10);
    return problem('merchantCertificate', `expired on ${day}: apply for a new one in the merchant portal.`);
  }
  if (await belongTogether(privateKey, publicKey)) return null;
  return problem('merchantPrivateKey', 'does not belong to merchantCertificate: paste the key that came with it.');
}

const WHOLE_FILE = 'paste the file whole, from -----BEGIN to the last -----END line, with its line breaks';

async function platformKeyProblem(
  serial: string,
  pem: string,
  { merchantSerial, signatureTypes }: Credentials,
): Promise<string | null> {
  const problem = publicKindProblem(pemKindOf(pem), isPublicKeyId(serial));
  if (problem !== null) return problem;
  const key = (await rsaPublicKeyOf(pem)) ?? sm2PublicKeyOf(pem);
  if (key === null) return `cannot be read as an RSA or SM2 key: ${WHOLE_FILE}.`;
  const type = 'bits' in key ? 'RSA' : 'SM2';
  if (!signatureTypes.includes(type)) {
    const taken = signatureTypes.join(', ');
    return `holds an ${type} key, and signatureTypes takes ${taken} alone: add ${type}, or paste the right file.`;
  }
  if ('bits' in key && key.bits < RSA_BITS_MIN)
    return `has ${key.bits} bits: WeChat Pay's keys have at least ${RSA_BITS_MIN}; paste the right file.`;
  if (key.certificate === null) return null;
  const own = key.certificate.serial;
  if (merchantSerial !== undefined && own === plainSerial(merchantSerial)) {
    return (
      "holds your own merchant certificate (apiclient_cert.pem): paste WeChat Pay's public key or " +
      'platform certificate instead.'
    );
  }
  return own === serialOf(serial) ? null : `holds the certificate with serial ${own}: name it by that serial.`;
}

function publicKindProblem(kind: PemKind, byKeyId: boolean): string | null {
  switch (kind) {
    case 'public_key':
      return null;
    case 'certificate':
      return byKeyId
        ? 'holds a certificate: a public key ID needs the public key (pub_key.pem); name a certificate by its serial.'
        : null;
    case 'private_key':
    case 'encrypted_private_key':
      return (
        "holds a private key: paste WeChat Pay's public key or certificate here; your own private " +
        'key belongs in merchantPrivateKey.'
      );
    case 'several':
      return 'holds more than one PEM block: give each certificate or key its own serial.';
    case 'other':
    case 'none':
      return `holds no PEM certificate or public key: ${WHOLE_FILE}.`;
  }
}

async function privateKeyProblem(pem: string): Promise<string | null> {
  const problem = privateKindProblem(pemKindOf(pem));
  if (problem !== null) return problem;
  const key = await importRsaPrivateKey(pem);
  if (key === null) return `cannot be read as an RSA private key: ${WHOLE_FILE}.`;
  return key.bits < RSA_BITS_MIN ? `has ${key.bits} bits: a key of at least ${RSA_BITS_MIN} is needed.` : null;
}

function privateKindProblem(kind: PemKind): string | null {
  switch (kind) {
    case 'private_key':
      return null;
    case 'certificate':
    case 'public_key':
      return (
        `holds a ${kind === 'certificate' ? 'certificate' : 'public key'}: paste your private key ` +
        `(apiclient_key.pem).`
      );
    case 'encrypted_private_key':
      return 'is encrypted with a password: paste apiclient_key.pem as the certificate tool wrote it, without one.';
    case 'several':
      return 'holds more than one PEM block: paste apiclient_key.pem alone.';
    case 'other':
    case 'none':
      return `holds no PEM private key: ${WHOLE_FILE}.`;
  }
}
