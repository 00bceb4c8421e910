// The checks of a WeChat Pay v2 channel's credentials that need keys parsed: the certificate that refunds are asked for
// with. Every refusal names the field and the mend; none repeats a secret.

import type { CredentialProblem } from '../../core/credential.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { certificateFieldsOf, commonNameOf } from '../../crypto/certificate.ts';
import { pemKindOf } from '../../crypto/pem.ts';
import { belongTogether, importRsaPrivateKey, rsaPublicKeyOf } from '../../crypto/rsa.ts';
import type { Credentials } from './credentials.ts';

const problem = (field: string, message: string) => err({ field, message: `${field} ${message}` });

export async function inspectCredentials(
  { refundCert, refundKey, mchId }: Credentials,
  now?: number,
): Promise<Result<null, CredentialProblem>> {
  if (refundCert !== undefined && pemKindOf(refundCert) !== 'certificate') {
    return problem('refundCert', 'holds no PEM certificate: paste apiclient_cert.pem whole, and it alone.');
  }
  if (refundKey !== undefined && pemKindOf(refundKey) !== 'private_key') {
    return problem('refundKey', 'holds no PEM private key without a password: paste apiclient_key.pem whole.');
  }
  if (refundCert !== undefined && refundKey === undefined) {
    return problem('refundKey', 'is missing: it goes with refundCert; paste apiclient_key.pem.');
  }
  if (refundKey !== undefined && refundCert === undefined) {
    return problem('refundCert', 'is missing: it goes with refundKey; paste apiclient_cert.pem.');
  }
  if (refundCert === undefined || refundKey === undefined) return ok(null);
  return inspectPair(refundCert, refundKey, mchId, now);
}

async function inspectPair(
  cert: string,
  key: string,
  mchId: string,
  now: number | undefined,
): Promise<Result<null, CredentialProblem>> {
  const fields = certificateFieldsOf(cert);
  const publicKey = await rsaPublicKeyOf(cert);
  if (fields === null || publicKey === null) {
    return problem('refundCert', 'cannot be read as an RSA certificate: paste apiclient_cert.pem whole.');
  }
  const owner = commonNameOf(fields);
  if (owner !== mchId) {
    // WeChat Pay writes the merchant number as the common name of the certificates that it gives out.
    const whose = owner === null ? 'names no merchant' : `is merchant ${JSON.stringify(owner.slice(0, 40))}'s`;
    return problem('refundCert', `${whose}, and mchId is ${mchId}: paste the certificate of this merchant.`);
  }
  if (now !== undefined && now > fields.notAfter) {
    const day = new Date(fields.notAfter).toISOString().slice(0, 10);
    return problem('refundCert', `expired on ${day}: apply for a new one in the merchant portal, and upload that.`);
  }
  const privateKey = await importRsaPrivateKey(key);
  if (privateKey === null) {
    return problem('refundKey', 'cannot be read as an RSA private key: paste apiclient_key.pem whole.');
  }
  return (await belongTogether(privateKey, publicKey))
    ? ok(null)
    : problem('refundKey', 'does not belong to refundCert: paste the apiclient_key.pem that came with it.');
}
