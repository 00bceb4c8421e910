// What an Adyen channel needs to know: the schema, with words for people. Every refusal names the field and the mend;
// none repeats a secret.
import { z } from 'zod';

export const Credentials = z.strictObject({
  hmacKeys: z
    .array(
      z
        .string('hmacKeys must hold text: the HMAC key of the webhook.')
        .regex(
          /^[0-9A-Fa-f]{64}$/,
          'hmacKeys holds something that is no HMAC key: it has 64 hexadecimal digits. Generate one in the Customer ' +
            'Area → Developers → Webhooks → your webhook → Security, and paste it whole.',
        ),
      'hmacKeys must be a list.',
    )
    .min(1, 'hmacKeys is empty: add the HMAC key of the webhook.')
    .max(10, 'hmacKeys holds more than 10: remove those that are no longer used.')
    .meta({
      label: { en: 'HMAC keys', zh: 'HMAC 密钥' },
      help: {
        en:
          'Customer Area → Developers → Webhooks → your standard webhook → Security → HMAC key → Generate. While you ' +
          'change the key, list the old and the new one: Adyen signs waiting messages with the old one.',
        zh:
          'Customer Area → Developers → Webhooks → 您的 Standard webhook → Security → HMAC key → Generate。' +
          '更换期间请同时填写新旧两个。',
      },
      secret: true,
    }),
  merchantAccounts: z
    .array(
      z
        .string('merchantAccounts must hold text.')
        .regex(
          /^[A-Za-z0-9_.-]{1,80}$/,
          'merchantAccounts holds something that is no merchant account: give its code, such as YourCompanyECOM.',
        ),
      'merchantAccounts must be a list.',
    )
    .min(1, 'merchantAccounts is empty: add the code of the merchant account whose orders this channel keeps.')
    .max(100, 'merchantAccounts holds more than 100: give groups of accounts a channel of their own.')
    .meta({
      label: { en: 'Merchant accounts', zh: '商户账户' },
      help: {
        en:
          'Codes of your merchant accounts, as the Customer Area shows them at the top. Messages about other ' +
          'accounts of your company are acknowledged, shown and change nothing.',
        zh: 'Customer Area 顶部显示的商户账户代码 (merchant account)。同一公司其他账户的通知会被确认并显示，但不改变任何订单。',
      },
    }),
  manualCapture: z
    .boolean('manualCapture must be true or false.')
    .default(false)
    .meta({
      label: { en: 'Manual capture', zh: '手动请款' },
      help: {
        en:
          'Yes when your account captures by hand or with a delay: then AUTHORISATION is pending, and CAPTURE is the ' +
          'payment. As the account is set at Settings → Account settings → Capture delay.',
        zh: '账户为手动或延迟请款时请选“是”：AUTHORISATION 记为待支付，CAPTURE 才记为已支付。与 Settings → Account settings → Capture delay 一致。',
      },
    }),
});
export type Credentials = z.infer<typeof Credentials>;
