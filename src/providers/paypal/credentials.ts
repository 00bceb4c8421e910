// What a PayPal channel needs to know: the schema, with words for people. Every refusal names the field and the mend;
// none repeats a secret.
import { z } from 'zod';
import type { CredentialProblem } from '../../core/credential.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { certificatesIn } from '../../crypto/chain.ts';

const KEY_TEXT = /^[A-Za-z0-9_-]{40,128}$/;

export const Credentials = z
  .strictObject({
    webhookId: z
      .string('webhookId must be text: the ID of the webhook.')
      .regex(
        /^[0-9A-Z]{12,32}$/,
        'webhookId has the wrong form: copy the Webhook ID, such as 5GP028458E2496506, from the application’s ' +
          'webhooks. It is not the ID of an event, which begins with WH-.',
      )
      .meta({
        label: { en: 'Webhook ID', zh: 'Webhook ID（回调编号）' },
        help: {
          en: 'developer.paypal.com → Apps & Credentials → your application → Webhooks: the Webhook ID beside the URL.',
          zh: 'developer.paypal.com → Apps & Credentials → 您的应用 → Webhooks：网址旁的 Webhook ID。',
        },
        rotates: true,
      }),
    environment: z.enum(['live', 'sandbox'], 'environment must be live or sandbox.').meta({
      label: { en: 'PayPal environment', zh: 'PayPal 环境' },
      help: {
        en: 'The switch at the top of the developer dashboard. Payments of the sandbox count as tests.',
        zh: '开发者控制台顶部的环境开关。沙箱付款视为测试订单。',
      },
    }),
    clientId: z
      .string('clientId must be text.')
      .regex(KEY_TEXT, 'clientId has the wrong form: copy the Client ID of the application whole.')
      .optional()
      .meta({
        label: { en: 'Client ID', zh: '客户端 ID (Client ID)' },
        help: {
          en: 'Apps & Credentials → your application → Client ID. With the secret, PayPal can be asked about payments.',
          zh: 'Apps & Credentials → 您的应用 → Client ID。向 PayPal 查询订单时需要，须与密钥同时填写。',
        },
      }),
    clientSecret: z
      .string('clientSecret must be text.')
      .regex(KEY_TEXT, 'clientSecret has the wrong form: copy the secret of the application whole.')
      .optional()
      .meta({
        label: { en: 'Client secret', zh: '客户端密钥 (Secret)' },
        help: {
          en: 'Apps & Credentials → your application → Secret.',
          zh: 'Apps & Credentials → 您的应用 → Secret，完整复制。',
        },
        secret: true,
      }),
    orderNoFrom: z
      .enum(['custom_id', 'invoice_id', 'order_id'], 'orderNoFrom must be custom_id, invoice_id or order_id.')
      .optional()
      .meta({
        label: { en: 'Where the order number is', zh: '订单号位置' },
        help: {
          en:
            'The field of the purchase unit that holds your order number; order_id is PayPal’s own. Left out: the ' +
            'first of the three that is filled.',
          zh: 'purchase unit 中存放商户订单号的字段；order_id 为 PayPal 自己的订单号。留空则依次取第一个有值的字段。',
        },
      }),
    trustedCerts: z
      .string('trustedCerts must be text: certificates with their BEGIN and END lines.')
      .max(32_768, 'trustedCerts is too long: give only the authorities that PayPal’s certificate needs.')
      .optional()
      .meta({
        label: { en: 'More certificate authorities', zh: '其他受信任的证书机构' },
        help: {
          en: 'Only when PayPal changes its authority: certificates (PEM) to trust beside the shipped DigiCert roots.',
          zh: '仅在 PayPal 更换证书机构时填写：除内置 DigiCert 根证书外另行信任的机构证书 (PEM)。',
        },
        rotates: true,
      }),
  })
  .superRefine(({ clientId, clientSecret }, context) => {
    if ((clientId === undefined) === (clientSecret === undefined)) return;
    const [missing, given] = clientId === undefined ? ['clientId', 'clientSecret'] : ['clientSecret', 'clientId'];
    const message = `${missing} is missing: it goes with ${given}. Give both or neither.`;
    context.addIssue({ code: 'custom', path: [missing], message });
  });
export type Credentials = z.infer<typeof Credentials>;

export async function inspectCredentials({ trustedCerts }: Credentials): Promise<Result<null, CredentialProblem>> {
  if (trustedCerts === undefined) return ok(null);
  const field = 'trustedCerts';
  const given = certificatesIn(trustedCerts);
  if (given.length === 0) {
    return err({ field, message: 'trustedCerts holds no certificate that can be read: paste the files whole.' });
  }
  const leaf = given.find(({ x509 }) => !x509.ca);
  if (leaf === undefined) return ok(null);
  return err({ field, message: `trustedCerts holds a certificate (serial ${leaf.fields.serial}) of no authority.` });
}
