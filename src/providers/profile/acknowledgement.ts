// What a channel answers its provider with: fixed text, chosen when the channel is made. Never holds anything of the
// callback or of why it was refused.
import { z } from 'zod';
import type { Acknowledgement, Answer } from '../../core/acknowledgement.ts';
import { type RejectionReason, wireOf } from '../../core/rejection.ts';
import { judgeAnswer, type Taken } from '../../core/success.ts';
import { or, said } from './mapping-schema.ts';

const ContentType = z.string().regex(/^[\w.+-]+\/[\w.+-]+(?:; ?[\w-]+=[\w-]+)*$/, 'must be a type such as text/plain');
const Body = z.string().max(1_000);
type Text = { readonly body: string; readonly contentType?: string };
export type AckDefaults = { readonly success: Text; readonly failure: Text };

/** Each part may be changed alone where there are defaults. */
const partsOf = (defaults: Text | undefined) => ({
  contentType: ContentType.default(defaults?.contentType ?? 'text/plain'),
  body: or(Body, defaults?.body),
});
const successWith = (defaults: Text | undefined) =>
  z.strictObject({ status: z.int().min(200).max(299).default(200), ...partsOf(defaults) });
const failureWith = (defaults: Text | undefined) =>
  z.strictObject({ status: z.int().min(400).max(599).nullable().default(null), ...partsOf(defaults) });
const Parts = z.strictObject({ success: successWith(undefined), failure: failureWith(undefined) });
export type Acknowledging = { readonly acknowledgement: z.output<typeof Parts> };

export function ackShape(defaults: AckDefaults | null) {
  const { success, failure } = defaults ?? {};
  const schema: z.ZodType<Acknowledging['acknowledgement']> =
    defaults === null
      ? Parts
      : or(z.strictObject({ success: or(successWith(success), {}), failure: or(failureWith(failure), {}) }), {});
  return {
    acknowledgement: schema.meta(
      said(
        { en: 'Answers', zh: '应答内容' },
        {
          en:
            '{success, failure}, each {status, contentType, body}. A failure without a status answers 503, so that ' +
            'the provider calls again after you mended what was wrong.',
          zh: '{success, failure}，各含 {status, contentType, body}。failure 未填状态码时应答 503，以便修复后平台重发。',
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

/** All else may be a profile that does not fit yet: a wrong header, path or word is the merchant's to mend. */
const FINAL: ReadonlySet<RejectionReason> = new Set(['method_not_allowed', 'too_large', 'unknown_channel']);

export function acknowledge(acknowledgement: Acknowledgement, credentials?: Acknowledging): Answer {
  const { success, failure } = credentials?.acknowledgement ?? NEUTRAL;
  const failed = (status: number): Answer => answerOf(failure.status ?? status, failure);
  switch (acknowledgement.kind) {
    case 'accepted':
      return answerOf(success.status, success);
    case 'rejected': {
      const { reason } = acknowledgement.rejection;
      return failed(FINAL.has(reason) ? wireOf(reason).status : 503);
    }
    case 'unavailable':
      return failed(503);
  }
}

/** By what the gateway itself answers for success: where that has no word, any 2xx. */
export const readAcknowledgement = (status: number, body: Uint8Array, { acknowledgement }: Acknowledging): Taken => {
  const text = acknowledgement.success.body.trim();
  return judgeAnswer(text === '' ? { kind: 'status' } : { kind: 'equals', text }, status, body);
};

const answerOf = (status: number, { contentType, body }: { readonly contentType: string; readonly body: string }) => ({
  status,
  headers: body === '' ? {} : { 'content-type': contentType },
  body: status === 204 || status === 205 ? '' : body,
});
