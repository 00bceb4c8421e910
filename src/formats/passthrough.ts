// The `passthrough` format, version 1: the provider's own callback, byte for byte, for a backend that already speaks
// it. Pure. Never lets an original body say what the event does not: such events are the fallback's to tell.
import { z } from 'zod';
import type { KeptCallback } from '../core/callback.ts';
import type { EventType, Payer } from '../core/event.ts';
import { ok, type Result } from '../core/result.ts';
import type { Retold } from '../core/retold.ts';
import {
  type EventData,
  type FormatInput,
  type FormatProblem,
  format,
  missingHeaderSecret,
  problem,
  type Rendered,
  readData,
  said,
  webhookHeaders,
} from './format.ts';

/** Another format, as it is stored: parsed by the table of formats, which knows them all. */
export const FallbackChoice = z.strictObject({
  name: z.string(),
  version: z.int().optional(),
  options: z.unknown().optional(),
});

const Options = z
  .strictObject({
    fallback: z.union([z.literal('resign'), FallbackChoice], 'fallback is "resign" or a format {name, options}.').meta(
      said(
        { en: 'Fallback', zh: '备用格式' },
        {
          en:
            'For events that no callback told of, and for what an original body would tell wrongly: another format, ' +
            'or "resign": written anew and signed with the secret that the channel shares with the provider.',
          zh: '用于没有原始回调的事件，以及原始报文会误导后端的事件：另一种格式，或 "resign"（平台使用对称密钥时，按其格式重新生成并签名）。',
        },
      ),
    ),
    otherwise: FallbackChoice.optional().meta(
      said(
        { en: 'Where nothing can be re-signed', zh: '无法重新签名时' },
        {
          en: 'The format for events that "resign" cannot write. Left out: such events end as dead and are alarmed.',
          zh: '"resign" 无法生成时使用的格式。留空则此类事件会判定为投递失败并告警。',
        },
      ),
    ),
    stale: z
      .enum(['send', 'fallback'], 'stale is send or fallback.')
      .default('send')
      .meta(
        said(
          { en: 'Callbacks past their time', zh: '超出时效的回调' },
          {
            en: 'send: as they came, with tollgate-stale: true. fallback: for receivers that check the clock.',
            zh: 'send：原样发送并带 tollgate-stale: true。fallback：改用备用格式，适用于校验时间戳的后端。',
          },
        ),
      ),
    afterSuccess: z
      .enum(['refunds', 'nothing'], 'afterSuccess is refunds or nothing.')
      .default('refunds')
      .meta(
        said(
          { en: 'Once the order is paid', zh: '订单支付成功之后' },
          {
            en: 'refunds: notices of refunds and disputes still go as they came. nothing: all is the fallback’s.',
            zh: 'refunds：退款与争议通知仍原样转发。nothing：之后的一切都使用备用格式。',
          },
        ),
      ),
  })
  .superRefine(({ fallback, otherwise }, context) => {
    const nested = [fallback, otherwise].some((choice) => typeof choice === 'object' && choice.name === 'passthrough');
    if (nested)
      context.addIssue({ code: 'custom', path: ['fallback'], message: 'fallback cannot be passthrough itself.' });
    if (fallback !== 'resign' && otherwise !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['otherwise'],
        message: 'otherwise goes with fallback "resign" alone.',
      });
    }
  });
export type PassthroughOptions = z.output<typeof Options>;

/**
 * Why the original body must not go out; null when it may. A backend ships on a body that says paid: so only the one
 * payment that made the order paid may say it, and once. What a person must look at first is no business of its.
 */
export function misleads(
  type: string,
  data: EventData,
  afterSuccess: PassthroughOptions['afterSuccess'],
): string | null {
  const { payments } = data.order;
  const isLater = type.startsWith('refund.') || type.startsWith('dispute.') || data.refund !== null;
  if (isLater) return afterSuccess === 'refunds' ? null : 'The origin takes no original body once an order is paid.';
  if (type === 'payment.succeeded') {
    return payments.length === 1 ? null : 'Several payments cover this order together: no one body tells of all.';
  }
  if (type === 'order.flagged') return 'The event is flagged, and its original body does not say so.';
  return payments.length === 0 ? null : 'Money has come in already: its original body would say paid a second time.';
}

const time = (at: string | null | undefined): number => (at == null ? 0 : Date.parse(at));

/** What a dialect may write anew. A flagged event is not among it: no provider has words for it. */
export function retoldOf({ event, callback }: FormatInput, data: EventData): Retold {
  const { order, refund, payer } = data;
  const [payment] = event.type === 'payment.succeeded' && order.payments.length === 1 ? order.payments : [];
  return {
    type: event.type as EventType, // the ledger's own word
    occurredAt: event.occurredAt,
    orderNo: order.orderNo,
    payment: payment === undefined ? null : { ...payment, paidAt: time(payment.paidAt) },
    refund: refund === null ? null : { ...refund, at: time(refund.at) },
    payer: payer === null ? null : payerOf(payer),
    attach: order.attach,
    test: data.test,
    callback,
  };
}

const payerOf = (payer: NonNullable<EventData['payer']>): Payer =>
  Object.fromEntries(Object.entries(payer).filter(([, value]) => value !== null));

const SIGNATURE_HEADERS = ['webhook-id', 'webhook-timestamp', 'webhook-signature'] as const;

/** The provider's headers win; ours are there under names of our own in any case. */
async function sentOn(
  input: FormatInput,
  callback: KeptCallback,
  data: EventData,
  isStale: boolean,
): Promise<Rendered> {
  const body = new Uint8Array(callback.body);
  const { ...headers } = await webhookHeaders(input, body);
  const own = SIGNATURE_HEADERS.flatMap((name) => {
    const value = headers[name];
    return value === undefined ? [] : [[name.replace('webhook-', 'tollgate-'), value] as const];
  });
  // All three or none: a receiver that verifies them must not meet a mixture.
  const areTaken = SIGNATURE_HEADERS.some((name) => Object.hasOwn(callback.headers, name));
  if (areTaken) for (const name of SIGNATURE_HEADERS) delete headers[name];
  return {
    contentType: callback.contentType,
    headers: {
      ...headers,
      ...Object.fromEntries(own),
      'tollgate-event': input.event.type,
      'tollgate-sequence': String(data.sequence),
      ...(isStale ? { 'tollgate-stale': 'true' } : {}),
      ...callback.headers,
    },
    body,
    answersAs: 'provider',
  };
}

async function resigned(input: FormatInput, data: EventData): Promise<Result<Rendered, FormatProblem>> {
  const resign = input.dialect?.resign ?? null;
  if (resign === null) {
    return problem('not_rebuildable', 'Only the provider can sign its callbacks: choose another format as fallback.');
  }
  if (input.event.type === 'order.flagged') {
    return problem('not_rebuildable', 'The event is flagged, for which the provider has no words.');
  }
  const made = await resign(retoldOf(input, data));
  if (!made.ok) return problem('not_rebuildable', made.error);
  return ok(await sentOn(input, made.value, data, false));
}

export const passthrough = format<PassthroughOptions>({
  name: 'passthrough',
  version: 1,
  label: { en: 'The provider’s own callback', zh: '原始回调转发' },
  help: {
    en:
      'Body, content type and signature headers as the provider sent them, so that a backend which already speaks to ' +
      'it goes on working. The origin must answer as the provider asks.',
    zh: '原样转发平台的报文、Content-Type 与签名请求头，已对接该平台的后端无需修改。后端须按平台要求应答。',
  },
  options: Options,
  wantsCallback: true,
  render: async (input, { fallback, stale, afterSuccess }) => {
    const missing = missingHeaderSecret(input.secrets);
    if (missing !== null) return missing;
    const { event, callback, dialect, now } = input;
    const data = readData(event);
    const freshUntil = dialect?.freshUntil ?? null;
    const isStale = freshUntil !== null && now > freshUntil;
    const reason = callback === null ? 'No callback told of this event.' : misleads(event.type, data, afterSuccess);
    if (callback !== null && reason === null && !(isStale && stale === 'fallback')) {
      return ok(await sentOn(input, callback, data, isStale));
    }
    // A body that misleads is not signed anew either: only what the event says may be.
    if (fallback === 'resign') return resigned(reason === null ? input : { ...input, callback: null }, data);
    return problem('needs_fallback', reason ?? 'The callback is older than receivers take.');
  },
});
