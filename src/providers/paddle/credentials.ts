// What a Paddle channel needs to know: the schema, with words for people. Every refusal names the field and the mend;
// none repeats a secret.
import { z } from 'zod';
import { DOTTED_PATH } from '../../core/json-body.ts';
import { CLOCK_SKEW_SECONDS_MAX } from '../../core/limits.ts';

/** Longer than any clock or queue between needs; a recorded callback must not stay fresh for days. */
const TOLERANCE_SECONDS_MAX = 3_600;

export const Credentials = z
  .strictObject({
    secrets: z
      .array(
        z
          .string('secrets must hold text: the secret key of the notification destination.')
          .regex(
            /^pdl_ntfset_[\x21-\x7e]{24,245}$/,
            'secrets holds something that is no secret key of a destination: it begins with pdl_ntfset_. Copy it ' +
              'whole from Paddle → Developer tools → Notifications → your destination.',
          ),
        'secrets must be a list.',
      )
      .min(1, 'secrets is empty: add the secret key of the notification destination.')
      .max(10, 'secrets holds more than 10: remove those that are no longer used.')
      .meta({
        label: { en: 'Secret keys', zh: '密钥' },
        help: {
          en:
            'Paddle → Developer tools → Notifications → your destination → Secret key (pdl_ntfset_…). While you ' +
            'rotate it, list the old and the new one.',
          zh: 'Paddle → Developer tools → Notifications → 您的目标 → Secret key。轮换期间请同时填写新旧两个。',
        },
        secret: true,
      }),
    toleranceSeconds: z
      .int('toleranceSeconds must be a whole number of seconds.')
      .min(5, 'toleranceSeconds must be at least 5.')
      .max(TOLERANCE_SECONDS_MAX, `toleranceSeconds must be at most ${TOLERANCE_SECONDS_MAX}.`)
      .default(CLOCK_SKEW_SECONDS_MAX)
      .meta({
        label: { en: 'Tolerance (seconds)', zh: '时间容差（秒）' },
        help: {
          en: "How far a callback's time may be from ours, either way. Paddle's own library takes 5 s, which is tight.",
          zh: '回调时间与本地时间允许相差多少秒（前后皆可）。Paddle 官方库为 5 秒，过于严格。',
        },
      }),
    environment: z
      .enum(['live', 'test'], 'environment must be live or test (sandbox).')
      .default('live')
      .meta({
        label: { en: 'Environment', zh: '环境' },
        help: {
          en: 'live, or test for a sandbox account: callbacks do not say.',
          zh: 'live 为正式账户，test 为沙盒账户：回调中没有此信息。',
        },
      }),
    apiKey: z
      .string('apiKey must be text.')
      .regex(
        /^[A-Za-z0-9_+/=-]{24,256}$/,
        'apiKey has the wrong form: it begins with pdl_live_apikey_ or pdl_sdbx_apikey_.',
      )
      .optional()
      .meta({
        label: { en: 'API key', zh: 'API 密钥' },
        help: {
          en: 'Paddle → Developer tools → Authentication; read access to transactions and adjustments. Needed to ask.',
          zh: 'Paddle → Developer tools → Authentication，需有 transactions 和 adjustments 的读取权限。查询时需要。',
        },
        secret: true,
      }),
    orderNoPath: z
      .string('orderNoPath must be text.')
      .regex(DOTTED_PATH, 'orderNoPath must be names joined by dots, such as custom_data.order_id.')
      .optional()
      .meta({
        label: { en: 'Where the order number is', zh: '订单号位置' },
        help: {
          en: "A path in Paddle's transaction, such as custom_data.order_id or id. Left out: custom_data.orderNo.",
          zh: 'Paddle 交易对象中的路径，例如 custom_data.order_id 或 id。留空则取 custom_data.orderNo。',
        },
      }),
  })
  .superRefine(({ apiKey, environment }, context) => {
    const other = environment === 'live' ? 'pdl_sdbx_' : 'pdl_live_';
    if (apiKey?.startsWith(other)) {
      const message = `apiKey is not of the environment ${environment}: take the key of that account.`;
      context.addIssue({ code: 'custom', path: ['apiKey'], message });
    }
  });

export type Credentials = z.infer<typeof Credentials>;
