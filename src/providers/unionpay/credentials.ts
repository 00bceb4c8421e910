// What a UnionPay channel needs to know: the schema, with words for people, and the checks that need certificates
// parsed. Every refusal names the field and the mend.
import { z } from 'zod';
import type { CredentialProblem } from '../../core/credential.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { certificatesIn, isIssuedBy } from '../../crypto/chain.ts';
import { pemBlocksOf } from '../../crypto/pem.ts';
import { importRsaPrivateKey, type RsaPrivateKey, rsaPublicKeyOf, signRsa, verifyRsa } from '../../crypto/rsa.ts';

const RSA_BITS_MIN = 2048;
const WHOLE_FILE = 'paste the file whole, with its -----BEGIN and -----END lines';

const certificates = (field: string) =>
  z
    .string(`${field} must be text: ${WHOLE_FILE}.`)
    .min(300, `${field} is too short to be a certificate: ${WHOLE_FILE}.`)
    .max(32_768, `${field} is longer than any certificate: paste it alone.`);

export const Credentials = z
  .strictObject({
    merId: z
      .string('merId must be text: put the digits in quotes.')
      .regex(/^[0-9A-Za-z]{15}$/, 'merId has the wrong form: a merchant number has 15 digits, such as 777290058110048.')
      .meta({
        label: { en: 'Merchant number (merId)', zh: '商户号 (merId)' },
        help: {
          en: 'Merchant service site merchant.unionpay.com, or the contract. Notices for another are refused.',
          zh: '商户服务平台 merchant.unionpay.com 或入网协议中的 15 位商户号。其他商户号的通知会被拒绝。',
        },
      }),
    rootCert: certificates('rootCert').meta({
      holds: 'certificates',
      label: { en: 'Root certificate', zh: '根证书' },
      help: {
        en: 'acp_prod_root.cer (tests: acp_test_root.cer) from the development kit at open.unionpay.com, pasted whole.',
        zh: '开放平台 open.unionpay.com 开发包中的 acp_prod_root.cer（测试环境为 acp_test_root.cer），完整粘贴。',
      },
      rotates: true,
    }),
    middleCert: certificates('middleCert').meta({
      holds: 'certificates',
      label: { en: 'Intermediate certificate', zh: '中级证书' },
      help: {
        en:
          'acp_prod_middle.cer (tests: acp_test_middle.cer) from the same kit. While UnionPay changes certificates: ' +
          'the old and the new one, one below the other; the same goes for rootCert.',
        zh: '同一开发包中的 acp_prod_middle.cer（测试环境为 acp_test_middle.cer）。更换证书期间可将新旧两份上下粘贴，根证书亦同。',
      },
      rotates: true,
    }),
    signCert: certificates('signCert')
      .optional()
      .meta({
        holds: 'certificate',
        label: { en: 'Your signing certificate', zh: '商户签名证书' },
        help: {
          en:
            'Needed only to ask UnionPay about an order. From the .pfx of the merchant service site: ' +
            'openssl pkcs12 -in acp.pfx -clcerts -nokeys (older files: with -legacy).',
          zh: '仅在主动查询时需要。由商户服务平台下载的 .pfx 导出：openssl pkcs12 -in acp.pfx -clcerts -nokeys（旧文件加 -legacy）。',
        },
        rotates: true,
      }),
    signKey: z
      .string(`signKey must be text: ${WHOLE_FILE}.`)
      .min(300, `signKey is too short to be a private key: ${WHOLE_FILE}.`)
      .max(16_384, 'signKey is longer than any private key: paste it alone.')
      .optional()
      .meta({
        holds: 'private_key',
        label: { en: 'Your signing key', zh: '商户签名私钥' },
        help: {
          en: 'The private key of signCert, from the same .pfx: openssl pkcs12 -in acp.pfx -nocerts -nodes.',
          zh: 'signCert 对应的私钥，由同一 .pfx 导出：openssl pkcs12 -in acp.pfx -nocerts -nodes。',
        },
        secret: true,
      }),
    sandbox: z
      .boolean('sandbox must be true or false.')
      .default(false)
      .meta({
        label: { en: 'Test environment', zh: '测试环境' },
        help: {
          en: 'Yes when the certificates are those of the test environment: its orders count as tests.',
          zh: '使用测试环境证书时请选“是”；其订单视为测试订单。',
        },
      }),
  })
  .superRefine(({ signCert, signKey }, context) => {
    if ((signCert === undefined) === (signKey === undefined)) return;
    const missing = signCert === undefined ? 'signCert' : 'signKey';
    const message = `${missing} is missing: to ask UnionPay both signCert and signKey are needed, or neither.`;
    context.addIssue({ code: 'custom', path: [missing], message });
  });
export type Credentials = z.infer<typeof Credentials>;

export async function inspectCredentials(credentials: Credentials): Promise<Result<null, CredentialProblem>> {
  const pinned = inspectPinned(credentials);
  return pinned.ok ? inspectSigning(credentials) : pinned;
}

const problem = (field: keyof Credentials, rest: string) => err({ field, message: `${field} ${rest}` });

function inspectPinned({ rootCert, middleCert }: Credentials): Result<null, CredentialProblem> {
  const [roots, middles] = [certificatesIn(rootCert), certificatesIn(middleCert)];
  if (roots.length === 0) return problem('rootCert', `holds no certificate that can be read: ${WHOLE_FILE}.`);
  if (middles.length === 0) return problem('middleCert', `holds no certificate that can be read: ${WHOLE_FILE}.`);
  const stranger = middles.find((one) => !one.x509.ca || !roots.some((root) => isIssuedBy(one, root)));
  if (stranger === undefined) return ok(null);
  return problem(
    'middleCert',
    `holds a certificate (serial ${stranger.fields.serial}) that rootCert does not vouch for: take both files from ` +
      'the same folder of the development kit, production or test.',
  );
}

async function inspectSigning({ signCert, signKey }: Credentials): Promise<Result<null, CredentialProblem>> {
  if (signCert === undefined || signKey === undefined) return ok(null);
  const [certificate, ...others] = certificatesIn(signCert);
  const publicKey = certificate && (await rsaPublicKeyOf(certificate.pem));
  if (!certificate || !publicKey) {
    return problem('signCert', `holds no certificate of an RSA key that can be read: ${WHOLE_FILE}.`);
  }
  if (others.length > 0) return problem('signCert', 'holds more than one certificate: export it with -clcerts.');
  const key = await signingKeyOf(signKey);
  if (key === null) {
    return problem('signKey', `holds no RSA private key that can be read: export it with -nodes, then ${WHOLE_FILE}.`);
  }
  if (key.bits < RSA_BITS_MIN) return problem('signKey', `has ${key.bits} bits: UnionPay needs ${RSA_BITS_MIN}.`);
  const message = utf8('signCert and signKey belong together');
  if (await verifyRsa(publicKey, await signRsa(key, message), message)) return ok(null);
  return problem('signKey', 'is not the key of signCert: export both from the same .pfx.');
}

/** Tools put words before the key; what reads keys does not take them everywhere. */
export async function signingKeyOf(signKey: string): Promise<RsaPrivateKey | null> {
  const [block, ...others] = pemBlocksOf(signKey);
  return block === undefined || others.length > 0 ? null : importRsaPrivateKey(block.text);
}
