// What a Square channel needs to know: the schema, with words for people. Every refusal names the field and the mend;
// none repeats a secret.
import { z } from 'zod';
import { DOTTED_PATH } from '../../core/json-body.ts';

const secret = (field: string, mend: string) =>
  z.string(`${field} must be text: ${mend}.`).regex(/^[\x21-\x7e]{16,512}$/, `${field} has the wrong form: ${mend}.`);

export const Credentials = z.strictObject({
  signatureKey: secret(
    'signatureKey',
    'it is 16 characters or more; show it at Developer Console → Webhooks → Subscriptions → your subscription',
  ).meta({
    label: { en: 'Signature key', zh: '签名密钥' },
    help: {
      en: 'Developer Console → your application → Webhooks → Subscriptions → Endpoint details → Signature key → Show.',
      zh: 'Developer Console → 您的应用 → Webhooks → Subscriptions → Endpoint details → Signature key → Show。',
    },
    secret: true,
  }),
  notificationUrl: z
    .string('notificationUrl must be text.')
    .max(2_000)
    .refine(
      (text) => /^https?:\/\/[\x21-\x7e]+$/.test(text) && URL.canParse(text),
      'notificationUrl is no web address: copy it from the subscription letter by letter.',
    )
    .meta({
      label: { en: 'Notification URL', zh: '通知地址' },
      help: {
        en:
          'The URL exactly as the subscription shows it: it is part of what Square signs, so a slash, a capital or a ' +
          'query more or less refuses every callback.',
        zh: '与订阅中显示的地址逐字一致：它参与签名，多一个斜杠、大小写或参数不同都会导致所有回调被拒绝。',
      },
      rotates: true,
    }),
  environment: z
    .enum(['live', 'test'], 'environment must be live (production) or test (sandbox).')
    .default('live')
    .meta({
      label: { en: 'Environment', zh: '环境' },
      help: {
        en: 'live for production, test for the sandbox: each has its own application, keys and addresses.',
        zh: 'live 为生产环境，test 为沙盒；两者的应用、密钥和地址各不相同。',
      },
    }),
  accessToken: secret('accessToken', 'copy it whole from Developer Console → Credentials')
    .optional()
    .meta({
      label: { en: 'Access token', zh: '访问令牌' },
      help: {
        en: 'Developer Console → your application → Credentials. Needed to ask Square about payments.',
        zh: 'Developer Console → 您的应用 → Credentials。查询支付时需要。',
      },
      secret: true,
    }),
  orderNoPath: z
    .string('orderNoPath must be text.')
    .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as note.')
    .optional()
    .meta({
      label: { en: 'Where the order number is', zh: '订单号位置' },
      help: {
        en: "A path in Square's payment, such as note. Left out: reference_id, or order_id without one.",
        zh: 'Square 支付对象中的路径，例如 note。留空则取 reference_id，没有时取 order_id。',
      },
    }),
  merchantIds: z
    .array(
      z.string('merchantIds must hold text.').regex(/^[A-Za-z0-9_-]{1,64}$/, 'merchantIds holds no merchant ID.'),
      'merchantIds must be a list.',
    )
    .max(1_000)
    .default([])
    .meta({
      label: { en: 'Merchant IDs', zh: '商户 ID' },
      help: {
        en: 'Callbacks for other sellers of the same application are refused; empty accepts any.',
        zh: '同一应用下其他卖家的回调会被拒绝；留空则不限制。',
      },
    }),
});

export type Credentials = z.infer<typeof Credentials>;
