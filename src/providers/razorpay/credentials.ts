// What a Razorpay channel needs to know: the schema, with words for people. Every refusal names the field and the mend;
// none repeats a secret.
import { z } from 'zod';
import { DOTTED_PATH } from '../../core/json-body.ts';

export const Credentials = z
  .strictObject({
    webhookSecrets: z
      .array(
        z
          .string('webhookSecrets must hold text.')
          .regex(
            /^[^\p{C}]{12,256}$/u,
            'webhookSecrets holds a secret shorter than 12 letters: it is yours to choose, so set a longer one at ' +
              'Dashboard → Account & Settings → Webhooks, and keep the old one here for a day.',
          )
          .refine((text) => text.trim() === text, 'webhookSecrets holds a secret with spaces around it: remove them.'),
        'webhookSecrets must be a list.',
      )
      .min(1, 'webhookSecrets is empty: add the secret that you entered when you set up the webhook.')
      .max(10, 'webhookSecrets holds more than 10: remove those that are no longer used.')
      .meta({
        label: { en: 'Webhook secrets', zh: 'Webhook 密钥' },
        help: {
          en:
            'The secret you entered at Dashboard → Account & Settings → Webhooks; not the API key secret. Keep an ' +
            'old one for 24 h after a change: callbacks that are tried again are still signed with it.',
          zh:
            '您在 Dashboard → Account & Settings → Webhooks 中填写的密钥，不是 API 密钥。更换后请保留旧密钥 24 小时：' +
            '重试的回调仍用旧密钥签名。',
        },
        secret: true,
      }),
    environment: z
      .enum(['live', 'test'], 'environment must be live or test, as the mode of the dashboard is.')
      .default('live')
      .meta({
        label: { en: 'Environment', zh: '环境' },
        help: {
          en: 'live or test, as the mode of the dashboard was when the webhook was set up: callbacks do not say.',
          zh: 'live 或 test，即配置 Webhook 时控制台所处的模式：回调中没有此信息。',
        },
      }),
    keyId: z
      .string('keyId must be text.')
      .regex(/^rzp_(?:live|test)_[A-Za-z0-9]{6,64}$/, 'keyId begins with rzp_live_ or rzp_test_: copy it whole.')
      .optional()
      .meta({
        label: { en: 'API key ID', zh: 'API Key ID（密钥编号）' },
        help: {
          en: 'Dashboard → Account & Settings → API keys. Together with the key secret; needed to ask about payments.',
          zh: 'Dashboard → Account & Settings → API keys。与 API Key Secret 一起填写，查询支付时需要。',
        },
        rotates: true,
      }),
    keySecret: z
      .string('keySecret must be text.')
      .regex(/^[\x21-\x7e]{12,256}$/, 'keySecret is the text that was shown once with keyId: copy it whole.')
      .optional()
      .meta({
        label: { en: 'API key secret', zh: 'API Key Secret（密钥）' },
        help: {
          en: 'Shown once when the API key was made. If it is lost, make a new key.',
          zh: '创建 API Key 时仅显示一次。遗失请重新创建。',
        },
        secret: true,
      }),
    orderNoPath: z
      .string('orderNoPath must be text.')
      .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as notes.order_id.')
      .optional()
      .meta({
        label: { en: 'Where the order number is', zh: '订单号位置' },
        help: {
          en:
            "A path in Razorpay's payment or order, such as notes.order_id, receipt or order_id. Left out: " +
            'notes.orderNo of either, or receipt of the order.',
          zh:
            'Razorpay 支付或订单对象中的路径，例如 notes.order_id、receipt 或 order_id。' +
            '留空则依次取支付或订单的 notes.orderNo、订单的 receipt。',
        },
      }),
    accountIds: z
      .array(
        z
          .string('accountIds must hold text.')
          .regex(/^acc_[A-Za-z0-9]{6,64}$/, 'accountIds holds something that is no account ID: it begins with acc_.'),
        'accountIds must be a list.',
      )
      .max(1_000)
      .default([])
      .meta({
        label: { en: 'Account IDs', zh: '账户 ID' },
        help: {
          en: 'Callbacks for other accounts of a partner are refused; empty accepts any.',
          zh: '合作伙伴名下其他账户的回调会被拒绝；留空则不限制。',
        },
      }),
  })
  .superRefine(({ keyId, keySecret, environment }, context) => {
    const needs = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    if (keyId !== undefined && keySecret === undefined) {
      needs('keySecret', 'keySecret is missing: it goes with keyId; both or neither.');
    }
    if (keySecret !== undefined && keyId === undefined) {
      needs('keyId', 'keyId is missing: it goes with keySecret; both or neither.');
    }
    if (keyId !== undefined && !keyId.startsWith(`rzp_${environment}_`)) {
      needs('keyId', `keyId is not of the environment ${environment}: take the key of the same mode.`);
    }
  });

export type Credentials = z.infer<typeof Credentials>;
