// What a WeChat Pay v2 channel needs to know: the schema with words for people. Every refusal names the field and the
// mend; none repeats a secret.
import { z } from 'zod';
import { err, ok, type Result } from '../../core/result.ts';
import { pemKindOf } from '../../crypto/pem.ts';
import type { CredentialProblem } from '../provider.ts';

export const SIGN_TYPES = ['HMAC-SHA256', 'MD5'] as const;
export type SignType = (typeof SIGN_TYPES)[number];

const PEM_CHARS_MAX = 16_384;

const text = (field: string, form: RegExp, mend: string) =>
  z.string(`${field} must be text: ${mend}.`).regex(form, `${field} has the wrong form: ${mend}.`);
const merchantNumber = (field: string) =>
  text(field, /^\d{6,32}$/, 'give the merchant number, digits only, as text in quotes');
const appId = (field: string) => text(field, /^[0-9A-Za-z_-]{1,32}$/, 'give an AppID such as wx0123456789abcdef');

function apiKeyMend(input: unknown): string {
  const length = typeof input === 'string' ? input.length : 0;
  const seen = length === 32 ? 'has spaces or letters outside ASCII' : `has ${length} characters`;
  return (
    `apiKey ${seen}: it must be exactly the 32 letters and digits that you set at ` +
    'Merchant portal → Account → API security → APIv2 key (not the APIv3 key).'
  );
}

export const Credentials = z.strictObject({
  mchId: merchantNumber('mchId').meta({
    label: { en: 'Merchant number (mch_id)', zh: '商户号 (mch_id)' },
    help: {
      en: 'Merchant portal pay.weixin.qq.com → Account → Merchant information. A service provider gives its own.',
      zh: '商户平台 pay.weixin.qq.com → 账户中心 → 商户信息。服务商填写服务商商户号。',
    },
  }),
  appIds: z
    .array(appId('appIds'))
    .max(50)
    .default([])
    .meta({
      label: { en: 'AppIDs', zh: 'AppID' },
      help: {
        en:
          'Merchant portal → Products → AppID accounts. Notices for another AppID are refused; empty accepts any. ' +
          'The first one is used to ask for payments and to query.',
        zh: '商户平台 → 产品中心 → AppID账号管理。其他 AppID 的通知会被拒绝；留空则不限制。发起支付和查询时使用第一个。',
      },
    }),
  subMchIds: z
    .array(merchantNumber('subMchIds'))
    .max(1_000)
    .default([])
    .meta({
      label: { en: 'Sub-merchant numbers', zh: '特约商户号' },
      help: {
        en:
          'Only for service providers: the sub-merchants this channel takes notices for; empty accepts any. Give ' +
          'exactly one to ask for payments.',
        zh: '仅服务商填写：此通道接收哪些特约商户的通知；留空则不限制。发起支付时须只填一个。',
      },
    }),
  apiKey: z
    .string('apiKey must be text: the 32 characters of the APIv2 key.')
    .refine((key) => /^[\x21-\x7e]{32}$/.test(key), { error: (issue) => apiKeyMend(issue.input) })
    .meta({
      label: { en: 'APIv2 key', zh: 'APIv2 密钥' },
      help: {
        en:
          'The 32 letters and digits you set at Merchant portal → Account → API security → APIv2 key. The portal ' +
          'does not show it again: if it is lost, set a new one.',
        zh: '在商户平台 → 账户中心 → API安全 → APIv2密钥 设置的 32 位字母和数字。平台不会再次显示；遗失请重新设置。',
      },
      secret: true,
    }),
  signTypes: z
    .array(z.enum(SIGN_TYPES, 'signTypes may hold HMAC-SHA256 and MD5.'))
    .min(1, 'signTypes is empty: allow HMAC-SHA256, MD5 or both.')
    .default([...SIGN_TYPES])
    .meta({
      label: { en: 'Signature algorithms', zh: '签名算法' },
      help: {
        en:
          'Which algorithms a notice may be signed with. Requests are signed with the first. Leave both unless every ' +
          'order of yours asks for HMAC-SHA256.',
        zh: '通知允许使用的签名算法，请求使用第一个。除非所有订单都使用 HMAC-SHA256，否则请保留两者。',
      },
    }),
  refundCert: z
    .string()
    .max(PEM_CHARS_MAX)
    .optional()
    .meta({
      label: { en: 'Merchant API certificate', zh: '商户API证书' },
      help: {
        en: 'The file apiclient_cert.pem, pasted whole. For refunds, which the v2 API takes with a certificate only.',
        zh: '证书文件 apiclient_cert.pem，请完整粘贴。v2 接口申请退款必须使用证书。',
      },
      rotates: true,
    }),
  refundKey: z
    .string()
    .max(PEM_CHARS_MAX)
    .optional()
    .meta({
      label: { en: 'Merchant private key', zh: '商户API私钥' },
      help: {
        en: 'The file apiclient_key.pem that belongs to the certificate above; paste it whole.',
        zh: '与上面证书对应的 apiclient_key.pem，请完整粘贴。',
      },
      secret: true,
    }),
});

export type Credentials = z.infer<typeof Credentials>;

/** The certificate and its key come together, each in its own field. */
export async function inspectCredentials(credentials: Credentials): Promise<Result<null, CredentialProblem>> {
  const { refundCert, refundKey } = credentials;
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
  return ok(null);
}

const problem = (field: string, message: string) => err({ field, message: `${field} ${message}` });
