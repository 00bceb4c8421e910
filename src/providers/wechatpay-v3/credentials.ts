// What a WeChat Pay v3 channel needs to know: the schema, with words for people. What needs keys parsed is checked in
// inspect.ts. Every refusal names the field and the mend; none repeats a secret.
import { z } from 'zod';
import { plainSerial } from '../../crypto/x509.ts';

/** RSA means RSA with SHA-256 and AES-256-GCM; SM2 means SM2 with SM3 and SM4-GCM. */
export const SIGNATURE_TYPES = ['RSA', 'SM2'] as const;
export type SignatureType = (typeof SIGNATURE_TYPES)[number];

const PLATFORM_KEYS_MAX = 20;
const PEM_CHARS_MAX = 16_384;
/** WeChat Pay public keys are named so; certificates by their serial (providers' docs: signature verification). */
const PUBLIC_KEY_ID = /^PUB_KEY_ID_[0-9A-Za-z]{1,64}$/;
const CERTIFICATE_SERIAL = /^[0-9A-Fa-f]{1,40}$/;

const text = (field: string, form: RegExp, mend: string) =>
  z.string(`${field} must be text: ${mend}.`).regex(form, `${field} has the wrong form: ${mend}.`);

const MERCHANT_NUMBER = /^\d{6,32}$/;
const APP_ID = /^[0-9A-Za-z_-]{1,32}$/;
const merchantNumber = (field: string) =>
  text(field, MERCHANT_NUMBER, 'give the merchant number, which is digits only');
const appId = (field: string) => text(field, APP_ID, 'give an AppID such as wx0123456789abcdef');

function apiV3KeyMend(input: unknown): string {
  const length = typeof input === 'string' ? input.length : 0;
  const seen = length === 32 ? 'has spaces or letters outside ASCII' : `has ${length} characters`;
  return (
    `apiV3Key ${seen}: it must be exactly the 32 letters and digits that you set at ` +
    'Merchant portal → Account → API security → APIv3 key (not the APIv2 key).'
  );
}

const Partner = z
  .strictObject({
    spMchId: merchantNumber('partner.spMchId').meta({
      label: { en: 'Service provider number', zh: '服务商商户号' },
      help: {
        en: 'Service provider portal → Account → Merchant information.',
        zh: '服务商平台 → 账户中心 → 商户信息。',
      },
    }),
    spAppId: appId('partner.spAppId')
      .optional()
      .meta({
        label: { en: 'Service provider AppID', zh: '服务商 AppID' },
        help: {
          en: 'Notices for another AppID are refused; empty accepts any. Needed to ask for payments.',
          zh: '其他 AppID 的通知会被拒绝；留空则不限制。发起支付时必填。',
        },
      }),
    subMchIds: z
      .array(merchantNumber('partner.subMchIds'))
      .max(1_000)
      .default([])
      .meta({
        label: { en: 'Sub-merchant numbers', zh: '特约商户号' },
        help: {
          en: 'Sub-merchants this channel takes notices for, beside the merchant number above.',
          zh: '除上面的商户号外，此通道还接收哪些特约商户的通知。',
        },
      }),
  })
  .meta({
    label: { en: 'Partner mode', zh: '服务商模式' },
    help: {
      en: 'Only for service providers. Leave it out if you are a direct merchant.',
      zh: '仅服务商需要填写，直连商户请留空。',
    },
  });

const PlatformKeys = z
  .record(
    z.string(),
    z.string('platformKeys must hold PEM text under each serial.').max(PEM_CHARS_MAX),
    'platformKeys must be an object of PEM texts by serial.',
  )
  .default({})
  .superRefine((keys, context) => {
    if (Object.keys(keys).length > PLATFORM_KEYS_MAX) {
      context.addIssue(`platformKeys holds more than ${PLATFORM_KEYS_MAX} keys: remove those that have expired.`);
    }
    for (const serial of Object.keys(keys)) {
      if (PUBLIC_KEY_ID.test(serial) || CERTIFICATE_SERIAL.test(serial)) continue;
      // Not by its name: whoever pastes a key where its serial belongs must not see it repeated.
      context.addIssue(
        'platformKeys has a name that is neither a certificate serial (up to 40 hex digits) nor a public key ID ' +
          '(PUB_KEY_ID_…): use the one the merchant portal shows beside the key.',
      );
    }
  })
  .meta({
    holds: 'public_key',
    label: { en: 'WeChat Pay public keys and platform certificates', zh: '微信支付公钥与平台证书' },
    help: {
      en:
        'By public key ID (PUB_KEY_ID_…) or certificate serial. Merchant portal → Account → API ' +
        'security → WeChat Pay public key: copy the ID, download pub_key.pem and paste it whole.',
      zh: '以公钥ID（PUB_KEY_ID_…）或平台证书序列号为名。商户平台 → 账户中心 → API安全 → 微信支付公钥：复制公钥ID，下载 pub_key.pem 并完整粘贴。',
    },
    rotates: true,
  });

export const Credentials = z
  .strictObject({
    mchId: merchantNumber('mchId').meta({
      label: { en: 'Merchant number (mchid)', zh: '商户号 (mchid)' },
      help: {
        en:
          'Merchant portal pay.weixin.qq.com → Account → Merchant information. In partner mode: the ' +
          'sub-merchant, or the service provider number again for any sub-merchant.',
        zh: '商户平台 pay.weixin.qq.com → 账户中心 → 商户信息。服务商模式下填特约商户号；若再次填服务商商户号，则不限特约商户。',
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
            'Merchant portal → Products → AppID accounts. Notices for another AppID are refused; empty ' +
            'accepts any. The first one is used to ask for payments.',
          zh: '商户平台 → 产品中心 → AppID账号管理。其他 AppID 的通知会被拒绝；留空则不限制。发起支付时使用第一个。',
        },
      }),
    partner: Partner.optional().meta(Partner.meta() ?? {}),
    apiV3Key: z
      .string('apiV3Key must be text: the 32 characters of the APIv3 key.')
      .refine((key) => /^[\x21-\x7e]{32}$/.test(key), { error: (issue) => apiV3KeyMend(issue.input) })
      .meta({
        label: { en: 'APIv3 key', zh: 'APIv3 密钥' },
        help: {
          en:
            'The 32 characters you set at Merchant portal → Account → API security → APIv3 key. The ' +
            'portal does not show it again: if it is lost, set a new one.',
          zh: '在商户平台 → 账户中心 → API安全 → APIv3密钥 设置的 32 个字符。平台不会再次显示；遗失请重新设置。',
        },
        secret: true,
      }),
    platformKeys: PlatformKeys,
    signatureTypes: z
      .array(z.enum(SIGNATURE_TYPES))
      .min(1, 'signatureTypes is empty: nothing could be verified; leave it out for RSA.')
      .default(['RSA'])
      .meta({
        label: { en: 'Signature types taken', zh: '接受的签名类型' },
        help: {
          en: 'RSA unless WeChat Pay has moved the merchant to national algorithms (SM2). The notice never chooses.',
          zh: '默认 RSA；仅当商户号已启用国密 (SM2) 时才添加 SM2。通知本身无权选择。',
        },
      }),
    merchantSerial: text(
      'merchantSerial',
      CERTIFICATE_SERIAL,
      'it is the serial number of your own API certificate, up to 40 hex digits',
    )
      .optional()
      .meta({
        label: { en: 'Merchant certificate serial', zh: '商户API证书序列号' },
        help: {
          en:
            'Merchant portal → Account → API security → Merchant API certificate → Manage. Needed to ask ' +
            'for payments and to fetch platform certificates.',
          zh: '商户平台 → 账户中心 → API安全 → 商户API证书 → 管理证书。发起支付和下载平台证书时需要。',
        },
        rotates: true,
      }),
    merchantCertificate: z
      .string()
      .max(PEM_CHARS_MAX)
      .optional()
      .meta({
        holds: 'certificate',
        label: { en: 'Merchant API certificate, to be checked', zh: '商户API证书（仅供检查）' },
        help: {
          en:
            'Optional: the file apiclient_cert.pem, pasted whole. It is checked, not used: its serial, whose it is, ' +
            'until when it is valid (you are told before), and whether the key below belongs to it.',
          zh: '选填：apiclient_cert.pem 全文。不用于请求，仅检查序列号、所属商户号、有效期（到期前会告警）及与下方私钥是否匹配。',
        },
        rotates: true,
      }),
    merchantPrivateKey: z
      .string()
      .max(PEM_CHARS_MAX)
      .optional()
      .meta({
        holds: 'private_key',
        label: { en: 'Merchant private key', zh: '商户API私钥' },
        help: {
          en:
            'The file apiclient_key.pem that the certificate tool made when you applied for the merchant ' +
            'API certificate; paste it whole.',
          zh: '申请商户API证书时由证书工具生成的 apiclient_key.pem，请完整粘贴。',
        },
        secret: true,
      }),
  })
  .superRefine((value, context) => {
    const needs = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (value.merchantSerial !== undefined && value.merchantPrivateKey === undefined) {
      needs(
        'merchantPrivateKey',
        'merchantPrivateKey is missing: it goes with merchantSerial; paste apiclient_key.pem.',
      );
    }
    if (value.merchantPrivateKey !== undefined && value.merchantSerial === undefined) {
      needs(
        'merchantSerial',
        'merchantSerial is missing: give the serial of the certificate that merchantPrivateKey belongs to.',
      );
    }
    if (value.merchantCertificate !== undefined && value.merchantPrivateKey === undefined) {
      needs(
        'merchantPrivateKey',
        'merchantPrivateKey is missing: it goes with merchantCertificate; paste apiclient_key.pem.',
      );
    }
    if (Object.keys(value.platformKeys).length === 0 && value.merchantPrivateKey === undefined) {
      needs(
        'platformKeys',
        'platformKeys is empty: add the WeChat Pay public key, or give merchantSerial and ' +
          'merchantPrivateKey so that platform certificates can be fetched.',
      );
    }
  });

export type Credentials = z.infer<typeof Credentials>;

/** One spelling for each serial: certificates' by number, public key IDs as they are. */
export const serialOf = (serial: string): string => (CERTIFICATE_SERIAL.test(serial) ? plainSerial(serial) : serial);

export const isPublicKeyId = (serial: string): boolean => PUBLIC_KEY_ID.test(serial);

/** Whether the number is the channel's merchant, or one of its sub-merchants. */
export const isOwnMerchant = (mchId: string, credentials: Credentials): boolean => {
  const payees = payeesOf(credentials);
  return payees.length === 0 || payees.includes(mchId);
};

/** The channel's own number names the sub-merchant, unless it repeats the service provider's: then any is meant. */
export function payeesOf({ mchId, partner }: Credentials): readonly string[] {
  if (partner === undefined) return [mchId];
  return mchId === partner.spMchId ? partner.subMchIds : [mchId, ...partner.subMchIds];
}
