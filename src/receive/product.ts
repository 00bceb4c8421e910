// A scan of a product's static code: registers the order, asks the provider for its payment, and says so in the answer
// to the callback. Charges what the product costs and never what the callback says.
import { askProvider } from '../call-provider/ask.ts';
import type { Answer } from '../core/acknowledgement.ts';
import type { ChannelRecord } from '../core/channel.ts';
import type { Order, Registration } from '../core/order.ts';
import type { Product, ProductOutcome } from '../core/product.ts';
import { readConfig } from '../env.ts';
import type { AnyProvider } from '../providers/provider.ts';
import { ledgerOf, newId } from '../record.ts';
import { readProductCopy } from '../store/registry-copy.ts';

/** Kept for the ledger and the answer, so that a slow provider still leaves time to tell the payer. */
const ANSWER_TIME_MS = 500;

export type Scan = {
  readonly env: Env;
  readonly provider: AnyProvider;
  readonly record: ChannelRecord;
  readonly credentials: unknown;
  readonly notification: unknown;
  readonly productId: string;
  /** After this nobody waits for the answer any more; epoch milliseconds. */
  readonly deadline: number;
};

export type ScanAnswer = {
  readonly answer: Answer;
  readonly orderNo: string | null;
  /** Why the payer was refused, for the merchant; null when not. */
  readonly refusal: string | null;
};

type Prepared = { readonly outcome: ProductOutcome; readonly orderNo: string | null; readonly refusal: string | null };

const refused = (kind: Exclude<ProductOutcome['kind'], 'prepared'>, refusal: string, orderNo: string | null = null) =>
  ({ outcome: { kind }, orderNo, refusal }) satisfies Prepared;

const contextNow = () => ({ now: Date.now(), nonce: crypto.randomUUID().replaceAll('-', '') });

export async function answerScan(scan: Scan): Promise<ScanAnswer> {
  const { provider, credentials, notification } = scan;
  if (!provider.product) throw new Error(`${provider.id} asks for products and has no words to answer.`);
  const { outcome, orderNo, refusal } = await prepare(scan, provider.product);
  const answer = await provider.product.reply(notification, outcome, credentials, contextNow());
  return { answer, orderNo, refusal };
}

type Capability = NonNullable<AnyProvider['product']>;

async function prepare(scan: Scan, capability: Capability): Promise<Prepared> {
  const { env, record, notification, productId } = scan;
  const { id: channelId } = record.channel;
  const product = await readProductCopy(env, productId, Date.now());
  if (product?.channel !== channelId) return refused('unknown', `Channel ${channelId} has no product ${productId}.`);
  if (!product.enabled) return refused('disabled', `Product ${productId} is disabled.`);
  const orderNo = await capability.orderNoOf(notification);
  const order = await registered(scan, orderNo, product);
  if (order.paymentState === 'paid') return refused('paid', `Order ${orderNo} is paid.`, orderNo);
  const { paymentRequest, registration } = order;
  if (paymentRequest?.reference !== undefined && paymentRequest.codeExpiresAt > Date.now()) {
    return { outcome: { kind: 'prepared', reference: paymentRequest.reference }, orderNo, refusal: null };
  }
  if (registration === null) throw new Error(`Order ${orderNo} was registered and is not.`);
  return requested(scan, capability, orderNo, registration);
}

/** The scan's order as it stands. The first scan's price stands, though the product's has changed since. */
async function registered(scan: Scan, orderNo: string, product: Product): Promise<Order> {
  const { env, record } = scan;
  const reply = await ledgerOf(env, record, orderNo).register({
    v: 1,
    orderNo,
    registration: {
      amount: product.amount,
      description: product.name,
      expiresAt: null,
      metadata: { product: product.id },
      registeredAt: Date.now(),
    },
    dispatch: record.dispatch,
    eventId: newId('evt'),
  });
  if (reply.kind !== 'conflict') return reply.order;
  const known = await ledgerOf(env, record, orderNo).readOrder(orderNo);
  if (known === null) throw new Error(`Order ${orderNo} conflicts with one that is not there.`);
  return known.order;
}

async function requested(
  scan: Scan,
  capability: Capability,
  orderNo: string,
  registration: Registration,
): Promise<Prepared> {
  const { env, record, provider, credentials, notification, deadline } = scan;
  const config = readConfig(env);
  if (config.publicUrl === null) {
    return refused('failed', 'Set TOLLGATE_PUBLIC_URL: the provider must be told where to call.', orderNo);
  }
  const order = { orderNo, registration, notifyUrl: `${config.publicUrl}/callbacks/${record.channel.id}` };
  const said = await askProvider(
    { env, record, provider, credentials, deadline: deadline - ANSWER_TIME_MS },
    {
      request: (context) => capability.request(notification, order, credentials, context),
      read: (answer, keys, now) => capability.read(answer, credentials, keys, now),
    },
  );
  if (!said.ok) return refused(said.error.code === 'already_paid' ? 'paid' : 'failed', said.error.detail, orderNo);
  const { value: payment } = said.value;
  // Durable before it is told, so that the same scan told again gets the same payment.
  await ledgerOf(env, record, orderNo).setPaymentRequest(orderNo, payment);
  return { outcome: { kind: 'prepared', reference: payment.reference }, orderNo, refusal: null };
}
