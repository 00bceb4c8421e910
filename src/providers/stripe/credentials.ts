// What a Stripe channel needs to know: the schema, with words for people. Every refusal names the field and the mend;
// none repeats a secret.
import { z } from 'zod';
import { DOTTED_PATH } from '../../core/json-body.ts';

export const Credentials = z.strictObject({
  signingSecrets: z
    .array(
      z
        .string('signingSecrets must hold text: the whsec_… of the webhook endpoint.')
        .regex(
          /^whsec_[\x21-\x7e]{24,122}$/,
          'signingSecrets holds something that is no signing secret: it begins with whsec_ and has 30 letters or ' +
            'more. Reveal it at Dashboard → Developers → Webhooks → your endpoint and paste it whole.',
        ),
      'signingSecrets must be a list.',
    )
    .min(1, 'signingSecrets is empty: add the whsec_… of the webhook endpoint.')
    .max(10, 'signingSecrets holds more than 10: remove those that are no longer used.')
    .meta({
      label: { en: 'Signing secrets', zh: '签名密钥' },
      help: {
        en:
          'Dashboard → Developers → Webhooks → your endpoint → Signing secret. While you roll the secret, list the ' +
          'old and the new one.',
        zh: 'Dashboard → 开发人员 → Webhook → 您的端点 → 签名密钥。轮换期间请同时填写新旧两个。',
      },
      secret: true,
    }),
  apiKey: z
    .string('apiKey must be text.')
    .regex(
      /^[rs]k_(?:live|test)_[A-Za-z0-9_]{10,240}$/,
      'apiKey is no secret or restricted key: it begins with rk_live_, sk_live_, rk_test_ or sk_test_.',
    )
    .optional()
    .meta({
      label: { en: 'API key', zh: 'API 密钥' },
      help: {
        en:
          'Dashboard → Developers → API keys: best a restricted key with read access to Charges, PaymentIntents and ' +
          'Checkout Sessions. Needed to ask Stripe about payments and for thin events.',
        zh: 'Dashboard → 开发人员 → API 密钥：建议使用只有 Charges、PaymentIntents、Checkout Sessions 读取权限的受限密钥。查询和瘦事件需要。',
      },
      secret: true,
    }),
  orderNoPath: z
    .string('orderNoPath must be text.')
    .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as metadata.order_id.')
    .optional()
    .meta({
      label: { en: 'Where the order number is', zh: '订单号位置' },
      help: {
        en:
          'A path in the Stripe object, such as metadata.order_id. Left out: metadata.orderNo, and for Checkout ' +
          'Sessions without it client_reference_id.',
        zh: 'Stripe 对象中的路径，例如 metadata.order_id。留空则取 metadata.orderNo；Checkout Session 没有时取 client_reference_id。',
      },
    }),
  accounts: z
    .array(
      z
        .string('accounts must hold text.')
        .regex(/^acct_[A-Za-z0-9]{6,64}$/, 'accounts holds something that is no account ID: it begins with acct_.'),
      'accounts must be a list.',
    )
    .max(1_000)
    .default([])
    .meta({
      label: { en: 'Connected accounts', zh: '关联账户' },
      help: {
        en: 'Only for Connect platforms: the accounts (acct_…) this channel is for. Leave it out for your own account.',
        zh: '仅 Connect 平台需要：此通道对应的关联账户（acct_…）。使用自己的账户请留空。',
      },
    }),
});

export type Credentials = z.infer<typeof Credentials>;
