// What a WeChat Pay v2 channel needs to know: the schema with words for people. What needs keys parsed is checked in
// inspect.ts. Every refusal names the field and the mend; none repeats a secret.
import { z } from 'zod';

export const SIGN_TYPES = ['HMAC-SHA256', 'MD5'] as const;
export type SignType = (typeof SIGN_TYPES)[number];

const PEM_CHARS_MAX = 16_384;

const text = (field: string, form: RegExp, mend: string) =>
  z.string(`${field} must be text: ${mend}.`).regex(form, `${field} has the wrong form: ${mend}.`);
const merchantNumber = (field: string) => text(field, /^\d{6,32}$/, 'give the merchant number, which is digits only');
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
  refundCertBinding: text(
    'refundCertBinding',
    /^MTLS_[A-Z0-9_]{1,60}$/,
    'give the name of the certificate binding, such as MTLS_WECHATPAY: MTLS_ and capitals, digits or _',
  )
    .optional()
    .meta({
      label: { en: 'Certificate binding for refunds', zh: '退款证书绑定名' },
      help: {
        en:
          'Refunds need the merchant API certificate, which a Worker can hold as a binding alone: npx wrangler ' +
          'mtls-certificate upload --cert apiclient_cert.pem --key apiclient_key.pem, then [[mtls_certificates]] in ' +
          'wrangler.toml. Give the name of that binding, which begins with MTLS_.',
        zh:
          '申请退款须出示商户API证书，Worker 只能以绑定的形式持有证书：先运行 npx wrangler mtls-certificate upload ' +
          '--cert apiclient_cert.pem --key apiclient_key.pem，再在 wrangler.toml 中添加 [[mtls_certificates]]，' +
          '此处填写以 MTLS_ 开头的绑定名。',
      },
    }),
  refundCert: z
    .string()
    .max(PEM_CHARS_MAX)
    .optional()
    .meta({
      holds: 'certificate',
      label: { en: 'Merchant API certificate, to be checked', zh: '商户API证书（仅供检查）' },
      help: {
        en:
          'Optional: the file apiclient_cert.pem that you uploaded, pasted whole. It is checked, not used: whose it ' +
          'is, until when it is valid, and whether the key below belongs to it.',
        zh: '选填：已上传的 apiclient_cert.pem 全文。仅检查其所属商户号、有效期及与下方私钥是否匹配，不用于请求。',
      },
    }),
  refundKey: z
    .string()
    .max(PEM_CHARS_MAX)
    .optional()
    .meta({
      holds: 'private_key',
      label: { en: 'Merchant private key, to be checked', zh: '商户API私钥（仅供检查）' },
      help: {
        en: 'Optional, with the certificate above: the file apiclient_key.pem, pasted whole. It is checked, not used.',
        zh: '选填，与上面的证书一同填写：apiclient_key.pem 全文。仅供检查，不用于请求。',
      },
      secret: true,
    }),
});

export type Credentials = z.infer<typeof Credentials>;
