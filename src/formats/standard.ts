// The `standard` format, version 1: JSON as the Standard Webhooks specification frames it. Pure.
import { z } from 'zod';
import { ok } from '../core/result.ts';
import { documentOf, format, missingHeaderSecret, webhookHeaders } from './format.ts';

/** One event's body. `data` is the snapshot's JSON, as it is, so that its bytes never change between attempts. */
export function renderStandard(type: string, occurredAt: number, data: string): { contentType: string; body: string } {
  return { contentType: 'application/json', body: documentOf({ id: '', type, occurredAt, data }) };
}

export const standard = format({
  name: 'standard',
  version: 1,
  label: { en: 'Standard Webhooks (JSON)', zh: 'Standard Webhooks（JSON）' },
  help: {
    en: 'The whole event as JSON, signed in its headers. Take it unless something else is already written.',
    zh: '完整事件的 JSON，签名在请求头中。没有既有代码需要兼容时请选择此项。',
  },
  options: z.strictObject({}),
  wantsCallback: false,
  render: async (input) => {
    const missing = missingHeaderSecret(input.secrets);
    if (missing !== null) return missing;
    const { type, occurredAt, data } = input.event;
    const { contentType, body } = renderStandard(type, occurredAt, data);
    return ok({ contentType, headers: await webhookHeaders(input, body), body, answersAs: 'origin' as const });
  },
});
