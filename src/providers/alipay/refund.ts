// Asks Alipay to give money back (alipay.trade.refund) and reads what became of it. Never calls a refund done that
// Alipay only took in, and believes no answer whose signature does not verify.
import { z } from 'zod';
import type { RefundFact } from '../../core/event.ts';
import { printMoney } from '../../core/money.ts';
import { ok, type Result } from '../../core/result.ts';
import type { Provider, ProviderAnswer, ProviderProblem, RefundOrder, Translation } from '../provider.ts';
import type { Credentials } from './credentials.ts';
import { problem, type Reply, readReply, signedRequest } from './gateway.ts';
import type { Notice } from './notice.ts';
import { Instant, instantOf, Yuan, yuan } from './trade.ts';

const REFUND = 'alipay.trade.refund';
const REASON_CHARS_MAX = 256;

type Refunding = NonNullable<Provider<Credentials, Notice>['refund']>;

export const refund: Refunding = {
  request: async ({ orderNo, transactionId, refundNo, amount, reason }, credentials, context) => {
    if (!/^[\x21-\x7e]{1,64}$/.test(refundNo)) {
      return problem('refused', 'Alipay takes refund numbers of up to 64 letters and digits: choose another refundNo.');
    }
    if (amount.currency !== 'CNY' || amount.minor < 1) {
      return problem('refused', 'Alipay gives money back in CNY, 0.01 at least: change the refund’s amount.');
    }
    const content = {
      // Where both are given Alipay goes by trade_no alone.
      ...(transactionId === null ? { out_trade_no: orderNo } : { trade_no: transactionId }),
      refund_amount: printMoney(amount),
      // The same number asked again is the same refund (docs: refund).
      out_request_no: refundNo,
      ...(reason ? { refund_reason: [...reason].slice(0, REASON_CHARS_MAX).join('') } : {}),
    };
    // No notify_url: notices about the trade follow its own, and what the documents do not list may not be sent.
    return signedRequest(REFUND, content, credentials, context);
  },
  read: readRefund,
};

const Refunded = z.object({
  out_trade_no: z.string(),
  trade_no: z.string().min(1).max(64),
  fund_change: z.string().nullish(),
  refund_fee: Yuan.nullish(),
  gmt_refund_pay: Instant.nullish(),
});

async function readRefund(
  answer: ProviderAnswer,
  asked: RefundOrder,
  credentials: Credentials,
  _keys: unknown,
  now: number,
): Promise<Result<Translation, ProviderProblem>> {
  const reply = await readReply(REFUND, answer, credentials, now);
  if (!reply.ok) return reply;
  if (reply.value.kind === 'failed') return refusalOf(asked, reply.value);
  const parsed = Refunded.safeParse(reply.value.content);
  if (!parsed.success) {
    const field = parsed.error.issues[0]?.path.join('.') || 'content';
    return problem('malformed', `Alipay answered the refund without a readable ${field}. Ask what became of it.`);
  }
  const { out_trade_no: orderNo, trade_no: tradeNo, refund_fee: total } = parsed.data;
  if (orderNo !== asked.orderNo || (asked.transactionId ?? tradeNo) !== tradeNo) {
    return problem('malformed', 'Alipay answered the refund about something else. Ask what became of it.');
  }
  // 10000 says that the request was taken. Y: money moved now. Else it moved before, or not yet (docs: refund).
  const isDone = parsed.data.fund_change === 'Y';
  if (isDone && total != null && yuan(total).minor < asked.amount.minor) {
    return problem('malformed', `Alipay gave back ${total} in all, less than this refund. Ask what became of it.`);
  }
  const fact: RefundFact = {
    kind: 'refund',
    orderNo,
    occurredAt: (isDone ? instantOf(parsed.data.gmt_refund_pay ?? undefined) : null) ?? now,
    providerState: `fund_change=${isDone ? 'Y' : 'N'}`,
    test: credentials.sandbox,
    state: isDone ? 'succeeded' : 'pending',
    refundNo: asked.refundNo,
    providerRefundId: null,
    transactionId: tradeNo,
    // This refund's own: refund_fee is all that was given back so far.
    amount: asked.amount,
    ...(isDone && total != null ? { total: yuan(total) } : {}),
    ...(asked.reason === null ? {} : { reason: asked.reason }),
  };
  return ok({ events: [fact], noticeType: REFUND, noticeId: null });
}

/** Every other reason is final: nothing was given back (docs: refund, error codes). */
function refusalOf({ refundNo }: RefundOrder, { subCode, detail }: Extract<Reply, { kind: 'failed' }>) {
  switch (subCode) {
    case 'ACQ.SELLER_BALANCE_NOT_ENOUGH':
      return problem(
        'insufficient_balance',
        'The Alipay account does not hold enough for this refund: top it up and ask again under the same refundNo.',
      );
    case 'ACQ.REFUND_CHARGE_ERROR':
      return problem('unavailable', detail);
    // What was asked under this number before may have been done.
    case 'ACQ.DISCORDANT_REPEAT_REQUEST':
      return problem(
        'malformed',
        `Alipay knows refund ${refundNo} with another amount (${subCode}): look it up there.`,
      );
    default:
      return problem('refused', detail);
  }
}
