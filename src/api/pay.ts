// The payment of an order as /v1 gives it: whether the channel can be asked for one, and the code as the payer sees it.
// Asking is call-provider/pay.ts.
import { askerOf, notifyUrlOf } from '../call-provider/ask.ts';
import { type PayAsker, type Payable, payableOf } from '../call-provider/pay.ts';
import type { ChannelRecord } from '../core/channel.ts';
import { expiryOf, type Order, type PaymentRequest } from '../core/order.ts';
import { qrSvg } from '../core/qr.ts';
import { err, ok, type Result } from '../core/result.ts';
import { payUrlOf } from '../crypto/pay-token.ts';
import { readConfig } from '../env.ts';
import { providerOf } from '../providers/index.ts';
import { iso } from './fields.ts';
import type { Problem } from './problem.ts';
import { problemOf } from './provider-problem.ts';

const ASK_AGAIN = 'The order is registered: send the same request again to ask once more.';

export const publicUrlMissing: Problem = {
  code: 'public_url_missing',
  detail: 'Set TOLLGATE_PUBLIC_URL to the https address of this gateway: the provider is told to call it.',
};

/** Says, before anything is written, why this channel cannot be asked for a payment; null when it can. */
export function payProblem(env: Env, { channel }: ChannelRecord): Problem | null {
  if (!providerOf(channel.provider)?.pay) {
    return { code: 'pay_not_supported', detail: `${channel.provider} takes no payment requests from here.` };
  }
  return notifyUrlOf(env, channel) === null ? publicUrlMissing : null;
}

/** The payment to show; null when the order is known to be paid. `mayBeAsked`: as payableOf has it. */
export async function paymentOf(
  env: Env,
  record: ChannelRecord,
  order: Order,
  mayBeAsked: boolean,
): Promise<Result<PaymentRequest | null, Problem>> {
  if (order.paymentState === 'paid') return ok(null);
  const payable = await payableOf(await payAskerOf(env, record), order, mayBeAsked, Date.now());
  return payable.kind === 'code' ? ok(payable.request) : err(unpayable(payable, order));
}

async function payAskerOf(env: Env, record: ChannelRecord): Promise<PayAsker> {
  const asker = await askerOf(env, record);
  const notifyUrl = notifyUrlOf(env, record.channel);
  const { pay } = asker.provider;
  if (!pay || notifyUrl === null) throw new Error(`${record.channel.id} was to be asked for a payment and cannot be.`);
  return { ...asker, pay, notifyUrl };
}

function unpayable(payable: Exclude<Payable, { readonly kind: 'code' }>, order: Order): Problem {
  const { orderNo } = order;
  switch (payable.kind) {
    case 'paid':
      return {
        code: 'order_paid',
        detail: `The provider says that order ${orderNo} is paid: show no code, and read the order for its state.`,
      };
    case 'expired':
      return {
        code: 'order_expired',
        detail: `Order ${orderNo} could be paid until ${iso(expiryOf(order) ?? 0)}: register a new order.`,
      };
    case 'closed':
      return { code: 'order_closed', detail: `Order ${orderNo} is closed: register a new order.` };
    case 'problem':
      return problemOf(payable.problem, ASK_AGAIN);
  }
}

/** The code as the payer scans it, and the page that shows it to them. */
export async function renderPayment(
  env: Env,
  { channel }: ChannelRecord,
  orderNo: string,
  { codeUrl, codeExpiresAt }: PaymentRequest,
) {
  const { publicUrl, masterKey } = readConfig(env);
  if (publicUrl === null) throw new Error('A payment was asked for without a public address.');
  const payUrl = await payUrlOf(publicUrl, masterKey, channel.id, orderNo);
  return { codeUrl, codeExpiresAt: iso(codeExpiresAt), qrSvg: qrSvg(codeUrl), payUrl };
}
