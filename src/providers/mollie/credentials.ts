// What a Mollie channel needs to know: the schema, with words for people.
import { z } from 'zod';
import { DOTTED_PATH } from '../../core/json-body.ts';

export const Credentials = z.strictObject({
  apiKey: z
    .string('apiKey must be text: copy the API key.')
    .regex(
      /^(?:live|test)_[A-Za-z0-9]{30,64}$/,
      'apiKey has the wrong form: copy the key whole, with live_ or test_ in front, at Developers → API keys.',
    )
    .meta({
      label: { en: 'API key', zh: 'API 密钥' },
      help: {
        en: 'Mollie dashboard → Developers → API keys. A test_ key needs a channel of the environment test.',
        zh: 'Mollie dashboard → Developers → API keys；test_ 密钥须用于 test 环境的通道。',
      },
      secret: true,
    }),
  orderNoPath: z
    .string('orderNoPath must be text: a path such as metadata.order_id.')
    .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as metadata.order_id.')
    .default('metadata.order_id')
    .meta({
      label: { en: 'Path of the order number', zh: '商户订单号的位置' },
      help: {
        en: 'Where a payment holds your order number. A payment without one is known by its own id.',
        zh: '付款中商户订单号的位置；没有该字段的付款以其自身 id 作为订单号。',
      },
    }),
});
export type Credentials = z.infer<typeof Credentials>;
