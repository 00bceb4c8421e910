// What an Alipay channel needs to know: the schema, with words for people, and the checks that need keys parsed. Key
// mode or certificate mode, never both. Every refusal names the field and the mend; none repeats a secret.
import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import type { CredentialProblem } from '../../core/credential.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { equalBytes } from '../../crypto/bytes.ts';
import { pemBlocksOf, pemKindOf, pemOf } from '../../crypto/pem.ts';
import { importRsaPrivateKey, type RsaPrivateKey, rsaPublicKeyOf } from '../../crypto/rsa.ts';
import { readCertificate } from '../../crypto/x509.ts';
import { rootCertSnOf, signingCertificates, WHOLE_FILE } from './certificates.ts';

/** A key of 1024 bits has 216 letters. */
const TEXT_CHARS_MIN = 128;
const TEXT_CHARS_MAX = 32_768;
const RSA_BITS_MIN = 2048;
/** Alipay's own key for RSA (SHA-1) has 1024 bits. */
const SHA1_RSA_BITS_MIN = 1024;

export const SIGN_TYPES = ['RSA2', 'RSA'] as const;
export type SignType = (typeof SIGN_TYPES)[number];

const keyText = (field: string) =>
  z
    .string(`${field} must be text: ${WHOLE_FILE}.`)
    .min(TEXT_CHARS_MIN, `${field} is too short to be a key: ${WHOLE_FILE}.`)
    .max(TEXT_CHARS_MAX, `${field} is longer than any key: paste it alone.`);

export const Credentials = z
  .strictObject({
    appId: z
      .string('appId must be text: the digits of the APPID in quotes.')
      .regex(/^\d{8,32}$/, 'appId has the wrong form: give the APPID of the open platform, digits only.')
      .meta({
        label: { en: 'App ID', zh: '应用 APPID' },
        help: {
          en: 'open.alipay.com → Console → your application: the APPID. Notices for another are refused.',
          zh: '开放平台 open.alipay.com → 控制台 → 应用详情中的 APPID。其他应用的通知会被拒绝。',
        },
      }),
    sellerIds: z
      .array(z.string().regex(/^2088\d{12}$/, 'sellerIds holds a wrong PID: give 16 digits that begin with 2088.'))
      .max(50)
      .default([])
      .meta({
        label: { en: 'Seller IDs (PID)', zh: '收款支付宝账号 (PID)' },
        help: {
          en: 'Merchant portal b.alipay.com → Account: the PID. Notices for others are refused; empty accepts any.',
          zh: '商家平台 b.alipay.com → 账号中心 → 合作伙伴身份 (PID)。其他收款方的通知会被拒绝；留空则不限制。',
        },
      }),
    alipayPublicKey: keyText('alipayPublicKey')
      .optional()
      .meta({
        holds: 'public_key',
        label: { en: 'Alipay public key (key mode)', zh: '支付宝公钥（公钥模式）' },
        help: {
          en:
            'Application → Development settings → Interface signing → view the Alipay public key. Not your ' +
            'application public key. Leave it out in certificate mode.',
          zh: '应用详情 → 开发设置 → 接口加签方式 → 查看“支付宝公钥”（不是应用公钥）。证书模式请留空。',
        },
        rotates: true,
      }),
    previousAlipayPublicKey: keyText('previousAlipayPublicKey')
      .optional()
      .meta({
        holds: 'public_key',
        label: { en: 'Previous Alipay public key', zh: '旧支付宝公钥' },
        help: {
          en: 'Taken as well while keys are being changed, so that no notice is lost. Remove it afterwards.',
          zh: '更换密钥期间同时接受，避免通知丢失；更换完成后请删除。',
        },
        rotates: true,
      }),
    alipayCert: keyText('alipayCert')
      .optional()
      .meta({
        holds: 'certificates',
        label: { en: 'Alipay certificate (certificate mode)', zh: '支付宝公钥证书（证书模式）' },
        help: {
          en: 'alipayCertPublicKey_RSA2.crt, pasted whole. During a change of certificates: both, one below the other.',
          zh: '完整粘贴 alipayCertPublicKey_RSA2.crt；更换证书期间可将新旧两份上下粘贴。',
        },
        rotates: true,
      }),
    appCert: keyText('appCert')
      .optional()
      .meta({
        holds: 'certificate',
        label: { en: 'Application certificate (certificate mode)', zh: '应用公钥证书（证书模式）' },
        help: { en: 'appCertPublicKey_<APPID>.crt, pasted whole.', zh: '完整粘贴 appCertPublicKey_<APPID>.crt。' },
        rotates: true,
      }),
    alipayRootCert: keyText('alipayRootCert')
      .optional()
      .meta({
        holds: 'certificates',
        label: { en: 'Alipay root certificate (certificate mode)', zh: '支付宝根证书（证书模式）' },
        help: {
          en: 'alipayRootCert.crt, pasted whole: it holds several.',
          zh: '完整粘贴 alipayRootCert.crt（内含多张证书）。',
        },
        rotates: true,
      }),
    privateKey: keyText('privateKey')
      .optional()
      .meta({
        holds: 'private_key',
        label: { en: 'Application private key', zh: '应用私钥' },
        help: {
          en: 'Made by the Alipay key tool, PKCS#1 or PKCS#8. Needed for payments, queries, closing and refunds.',
          zh: '由支付宝密钥工具生成，PKCS#1 或 PKCS#8 均可。发起支付、查询、关闭和退款时需要。',
        },
        secret: true,
      }),
    charset: z
      .enum(['utf-8', 'gbk', 'gb2312', 'gb18030'])
      .default('utf-8')
      .meta({
        label: { en: 'Charset', zh: '字符集' },
        help: {
          en: 'How to read a notice that names no charset; one that does is read as it says.',
          zh: '通知未注明 charset 时采用的字符集；已注明的以通知为准。',
        },
      }),
    signTypes: z
      .array(z.enum(SIGN_TYPES))
      .min(1)
      .default(['RSA2'])
      .meta({
        label: { en: 'Signature types taken', zh: '接受的签名类型' },
        help: {
          en: 'RSA2 alone unless the application still signs with RSA (SHA-1). The notice never chooses.',
          zh: '默认仅 RSA2；应用仍使用 RSA (SHA-1) 时才添加 RSA。通知本身无权选择。',
        },
      }),
    signTypeSignedFor: z
      .array(z.string().regex(/^[A-Za-z0-9_.]{1,64}$/))
      .max(20)
      .default([])
      .meta({
        label: { en: 'Notice types that sign sign_type', zh: '签名包含 sign_type 的通知类型' },
        help: {
          en: 'notify_type values whose signature covers sign_type (life accounts, service market). Payments do not.',
          zh: '签名串保留 sign_type 的 notify_type（如生活号、服务市场）。支付通知无需填写。',
        },
      }),
    sandbox: z
      .boolean()
      .default(false)
      .meta({
        label: { en: 'Alipay sandbox', zh: '支付宝沙箱' },
        help: {
          en: "True when the keys are those of Alipay's sandbox: its orders count as tests.",
          zh: '使用支付宝沙箱的应用与密钥时开启；其订单视为测试订单。',
        },
      }),
  })
  .superRefine((value, context) => {
    const needs = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const files = ['alipayCert', 'appCert', 'alipayRootCert'] as const;
    const missing = files.filter((field) => value[field] === undefined);
    if (missing.length === files.length) {
      if (value.alipayPublicKey !== undefined) return;
      needs('alipayPublicKey', 'alipayPublicKey is missing: give it, or the three certificates of certificate mode.');
    } else if (value.alipayPublicKey !== undefined || value.previousAlipayPublicKey !== undefined) {
      needs('alipayPublicKey', 'alipayPublicKey and certificates exclude each other: keep those of the mode in use.');
    } else {
      for (const field of missing) needs(field, `${field} is missing: certificate mode needs all three certificates.`);
    }
  });

export type Credentials = z.infer<typeof Credentials>;

/** Reads every key once and says which one is not what its field needs. */
export async function inspectCredentials(credentials: Credentials): Promise<Result<null, CredentialProblem>> {
  const { alipayPublicKey, previousAlipayPublicKey } = credentials;
  const problems: readonly (readonly [field: string, message: string | null])[] = [
    ['alipayPublicKey', await publicKeyProblem(alipayPublicKey, credentials)],
    ['previousAlipayPublicKey', await publicKeyProblem(previousAlipayPublicKey, credentials)],
    ['alipayRootCert', rootProblem(credentials)],
    ['appCert', appCertProblem(credentials)],
    ['alipayCert', alipayCertProblem(credentials)],
    ['privateKey', await privateKeyProblem(credentials)],
  ];
  const [first] = problems.flatMap(([field, message]) => (message === null ? [] : [{ field, message }]));
  return first === undefined ? ok(null) : err({ ...first, message: `${first.field} ${first.message}` });
}

async function publicKeyProblem(text: string | undefined, { signTypes }: Credentials): Promise<string | null> {
  if (text === undefined) return null;
  const pem = pemOf('PUBLIC KEY', text);
  const kind = pemKindOf(pem);
  if (kind === 'certificate') return 'holds a certificate: paste it in alipayCert, with appCert and alipayRootCert.';
  if (kind === 'private_key') return "holds a private key: paste Alipay's public key; your own belongs in privateKey.";
  const key = await rsaPublicKeyOf(pem);
  if (key === null)
    return 'cannot be read as an RSA key: copy the Alipay public key from the console once more, whole.';
  const bitsMin = signTypes.includes('RSA') ? SHA1_RSA_BITS_MIN : RSA_BITS_MIN;
  return key.bits < bitsMin ? `has ${key.bits} bits: a key of at least ${bitsMin} is needed.` : null;
}

function rootProblem({ alipayRootCert }: Credentials): string | null {
  if (alipayRootCert === undefined || rootCertSnOf(alipayRootCert) !== '') return null;
  return `holds no RSA root certificate: paste alipayRootCert.crt whole, with its -----BEGIN and -----END lines.`;
}

function appCertProblem({ appCert }: Credentials): string | null {
  if (appCert === undefined) return null;
  const [first] = pemBlocksOf(appCert);
  return first && readCertificate(first.text) ? null : `is no certificate that can be read: ${WHOLE_FILE}.`;
}

function alipayCertProblem({ alipayCert, appCert, alipayRootCert }: Credentials): string | null {
  if (alipayCert === undefined || alipayRootCert === undefined) return null;
  const [given, own] = [pemBlocksOf(alipayCert)[0], appCert === undefined ? undefined : pemBlocksOf(appCert)[0]];
  if (given && own && equalBytes(given.bytes, own.bytes)) {
    return 'holds your own application certificate: paste alipayCertPublicKey_RSA2.crt instead.';
  }
  const signing = signingCertificates(alipayCert, alipayRootCert);
  return signing.ok ? null : signing.error;
}

/** The tool prints a bare PKCS#8 or PKCS#1 key without saying which. */
const PRIVATE_LABELS = ['PRIVATE KEY', 'RSA PRIVATE KEY'] as const;

async function readPrivateKey(text: string): Promise<{ key: RsaPrivateKey; pem: string } | null> {
  for (const label of PRIVATE_LABELS) {
    const pem = pemOf(label, text);
    const key = await importRsaPrivateKey(pem);
    if (key !== null) return { key, pem };
  }
  return null;
}

async function privateKeyProblem({ privateKey, appCert }: Credentials): Promise<string | null> {
  if (privateKey === undefined) return null;
  const kind = pemKindOf(privateKey);
  if (kind === 'certificate' || kind === 'public_key')
    return 'holds no private key: paste your application private key.';
  if (kind === 'encrypted_private_key') return 'is encrypted with a password: paste it without one.';
  const read = await readPrivateKey(privateKey);
  if (read === null) return 'cannot be read as an RSA private key: paste it whole, as the key tool wrote it.';
  if (read.key.bits < RSA_BITS_MIN) return `has ${read.key.bits} bits: a key of at least ${RSA_BITS_MIN} is needed.`;
  const certificate = appCert === undefined ? null : readCertificate(pemBlocksOf(appCert)[0]?.text ?? '');
  if (certificate === null) return null;
  const spki = new Uint8Array(createPublicKey(read.pem).export({ type: 'spki', format: 'der' }));
  return equalBytes(spki, certificate.spki) ? null : 'does not belong to appCert: paste the key that was made with it.';
}

// Handles, not secrets, are kept: they go when the credentials object does.
const privateKeys = new WeakMap<Credentials, RsaPrivateKey>();

/** Null when the channel has none, or none that can be read. */
export async function privateKeyOf(credentials: Credentials): Promise<RsaPrivateKey | null> {
  const known = privateKeys.get(credentials);
  if (known) return known;
  const read = credentials.privateKey === undefined ? null : await readPrivateKey(credentials.privateKey);
  if (read !== null) privateKeys.set(credentials, read.key);
  return read?.key ?? null;
}
