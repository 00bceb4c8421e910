// What a channel answers its provider with: fixed text, chosen when the channel is made. Never holds anything of the
// callback or of why it was refused.
import { z } from 'zod';
import { wireOf } from '../../core/rejection.ts';
import type { Acknowledgement, Answer } from '../provider.ts';
import { or, said } from './mapping-schema.ts';

const ContentType = z.string().regex(/^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w-]+)*$/, 'must be a type such as text/plain');
const Body = z.string().max(1_000);
const Success = z.strictObject({
  status: z.int().min(200).max(299).default(200),
  contentType: ContentType.default('text/plain'),
  body: Body,
});
const Failure = z.strictObject({
  status: z.int().min(400).max(599).nullable().default(null),
  contentType: ContentType.default('text/plain'),
  body: Body,
});
const Parts = z.strictObject({ success: Success, failure: Failure });
export type AckDefaults = { readonly success: z.input<typeof Success>; readonly failure: z.input<typeof Failure> };
export type Acknowledging = { readonly acknowledgement: z.output<typeof Parts> };

export function ackShape(defaults: AckDefaults | null) {
  const schema: z.ZodType<Acknowledging['acknowledgement']> =
    defaults === null
      ? Parts
      : or(z.strictObject({ success: or(Success, defaults.success), failure: or(Failure, defaults.failure) }), {});
  return {
    acknowledgement: schema.meta(
      said(
        { en: 'Answers', zh: '应答内容' },
        {
          en:
            '{success, failure}, each {status, contentType, body}. A failure without a status answers 503 where you ' +
            'can mend it, so that the provider calls again, and else 400 to 413.',
          zh: '{success, failure}，各含 {status, contentType, body}。failure 未填状态码时，可修复的问题应答 503 以便平台重发，其余为 400 至 413。',
        },
      ),
    ),
  };
}

/** Used where the channel's own cannot be read. */
const NEUTRAL: Acknowledging['acknowledgement'] = {
  success: { status: 200, contentType: 'text/plain', body: 'success' },
  failure: { status: null, contentType: 'text/plain', body: 'fail' },
};

export function acknowledge(acknowledgement: Acknowledgement, credentials?: Acknowledging): Answer {
  const { success, failure } = credentials?.acknowledgement ?? NEUTRAL;
  const failed = (status: number): Answer => answerOf(failure.status ?? status, failure);
  switch (acknowledgement.kind) {
    case 'accepted':
      return answerOf(success.status, success);
    case 'rejected': {
      const { status, curable } = wireOf(acknowledgement.rejection.reason);
      return failed(curable ? 503 : status);
    }
    case 'unavailable':
      return failed(503);
  }
}

const answerOf = (status: number, { contentType, body }: { readonly contentType: string; readonly body: string }) => ({
  status,
  headers: body === '' ? {} : { 'content-type': contentType },
  body: status === 204 || status === 205 ? '' : body,
});
