// How an origin may say yes, as a merchant enters it. Schema and labels only; core/success.ts judges.
import { z } from 'zod';
import type { SuccessCriterion } from '../core/success.ts';
import { said } from './format.ts';

const Text = z.string().trim().min(1, 'is empty: give the word that your backend answers.').max(200);

/** `"status"`, `{"bodyEquals": "SUCCESS"}` or `{"bodyContains": "ok"}`. */
export const Success = z
  .union(
    [z.literal('status'), z.strictObject({ bodyEquals: Text }), z.strictObject({ bodyContains: Text })],
    'must be "status", {"bodyEquals": "SUCCESS"} or {"bodyContains": "ok"}.',
  )
  .default('status')
  .meta(
    said(
      { en: 'What counts as success', zh: '成功判定' },
      {
        en: 'status: any 2xx. bodyEquals, bodyContains: a 2xx whose body is, or contains, this text; case counts.',
        zh: 'status：任意 2xx。bodyEquals、bodyContains：2xx 且响应内容等于或包含该文本，区分大小写。',
      },
    ),
  );
export type Success = z.output<typeof Success>;

export function criterionOf(success: Success): SuccessCriterion {
  if (success === 'status') return { kind: 'status' };
  return 'bodyEquals' in success
    ? { kind: 'equals', text: success.bodyEquals }
    : { kind: 'contains', text: success.bodyContains };
}
