// The API of the pretend Tokenim: payments, queries, closing, refunds and their queries, answered in the form that was
// asked in. Wants its key and a signature in every request. Moves no money.
import { timingSafeEqual } from 'node:crypto';
import type { SandboxAnswer, SandboxRequest } from './http.ts';
import { type Magic, type MagicWord, silence } from './magic.ts';
import { paymentFields, refundFields, type TokenimOrder } from './tokenim-orders.ts';
import { bodyOf, DEFAULT_SCHEME, type Fields, type Form, fieldsIn, signedMessage } from './tokenim-signing.ts';

export type TokenimApi = {
  readonly orders: ReadonlyMap<string, TokenimOrder>;
  readonly open: (orderId: string, amount: number, currency?: string, notifyUrl?: string | null) => TokenimOrder;
  readonly apiKey: string;
  readonly secret: string;
  readonly magic: Magic;
  readonly seconds: number;
};

type Asked = Readonly<Record<string, string>>;
type Outcome = readonly [status: number, fields: Fields];

const TYPES = { json: 'application/json', form: 'application/x-www-form-urlencoded', xml: 'application/xml' } as const;
/** It signs no answers. */
const WORDS: readonly MagicWord[] = ['timeout', 'lost', 'systemerror', 'notenough'];

/** POST /api/pay, query, close, refund, refund/query; GET /api/orders/{id}. */
export async function answerTokenim(request: SandboxRequest, api: TokenimApi): Promise<SandboxAnswer> {
  const type = request.headers['content-type'] ?? 'application/json';
  const form: Form = type.includes('xml') ? 'xml' : type.includes('form') ? 'form' : 'json';
  const asked = fieldsIn(request.body.toString('utf8'), type);
  const say = ([status, fields]: Outcome): SandboxAnswer => ({
    status,
    headers: { 'content-type': TYPES[form] },
    body: bodyOf(fields, form),
  });
  const refusal = refused(request, asked, api);
  if (refusal !== null) return say(refusal);
  const number = { '/api/pay': asked.order_id, '/api/close': asked.order_id, '/api/refund': asked.refund_no };
  const isAct = (path: string): path is keyof typeof number => path in number;
  const named = isAct(request.path) ? (number[request.path] ?? '') : '';
  switch (api.magic.wordIn(request.path, named, WORDS)) {
    case 'lost':
      return silence(request);
    case 'systemerror':
      return say([503, { code: 'SYSTEM_ERROR', message: 'try again later' }]);
    case 'notenough':
      if (request.path === '/api/refund') return say([200, { code: 'NOT_ENOUGH', message: 'top up the account' }]);
      return say(act(request, asked, api));
    case 'timeout':
      act(request, asked, api);
      return silence(request);
    default:
      return say(act(request, asked, api));
  }
}

function refused(request: SandboxRequest, asked: Asked, { apiKey, secret }: TokenimApi): Outcome | null {
  if (request.headers.authorization !== `Bearer ${apiKey}`) {
    return [401, { code: 'NO_AUTH', message: 'the API key is missing or wrong' }];
  }
  if (request.method === 'GET') return null;
  const { sign: claimed = '', ...fields } = asked;
  const scheme = { ...DEFAULT_SCHEME, content: 'sorted-fields', place: 'field', name: 'sign' } as const;
  const made = signedMessage(fields, 'form', { ...scheme, secret, timeHeader: null }, 0);
  const wanted = Buffer.from(new URLSearchParams(made.body).get('sign') ?? '');
  const got = Buffer.from(claimed);
  if (got.length === wanted.length && timingSafeEqual(got, wanted)) return null;
  return [401, { code: 'BAD_SIGN', message: 'the request’s signature does not verify' }];
}

function act(request: SandboxRequest, asked: Asked, api: TokenimApi): Outcome {
  const { order_id: orderId = '', transaction_id: transactionId, refund_no: refundNo = '' } = asked;
  const path = `${request.method} ${request.path}`;
  if (path === 'POST /api/pay') return pay(asked, api);
  const isLookup = path.startsWith('GET /api/orders/');
  const named = isLookup ? decodeURIComponent(path.split('/').at(-1) ?? '') : orderId;
  const order = api.orders.get(named) ?? [...api.orders.values()].find((one) => one.transactionId === transactionId);
  if (order === undefined) return [200, { code: 'NO_ORDER', message: 'no such order' }];
  if (isLookup) return [200, { code: 'OK', ...paymentFields(order, api.seconds) }];
  switch (path) {
    case 'POST /api/query':
      return [200, { code: 'OK', ...paymentFields(order, api.seconds) }];
    case 'POST /api/close':
      return close(order);
    case 'POST /api/refund':
      return refund(order, refundNo, Number(asked.refund_amount));
    case 'POST /api/refund/query':
      return refundQuery(order, refundNo, api);
    default:
      return [404, { code: 'NO_ROUTE', message: `there is no ${path}` }];
  }
}

function pay(asked: Asked, { orders, open }: TokenimApi): Outcome {
  const { order_id: orderId = '', amount, currency, notify_url: notifyUrl = null } = asked;
  const known = orders.get(orderId);
  if (known?.state === 'SUCCESS') return [200, { code: 'PAID', message: 'the order is paid' }];
  if (known?.state === 'CLOSED') return [200, { code: 'CLOSED', message: 'the order is closed' }];
  const { transactionId } = open(orderId, Number(amount), currency, notifyUrl);
  return [200, { code: 'OK', code_url: `tokenim://pay/${transactionId}`, transaction_id: transactionId }];
}

function close(order: TokenimOrder): Outcome {
  if (order.state === 'SUCCESS') return [200, { code: 'PAID', message: 'the order is paid' }];
  order.state = 'CLOSED';
  return [200, { code: 'OK', order_id: order.orderId, status: order.state }];
}

function refund(order: TokenimOrder, refundNo: string, amount: number): Outcome {
  if (order.state !== 'SUCCESS') return [200, { code: 'NOT_PAID', message: 'the order is not paid' }];
  const known = order.refunds.get(refundNo) ?? { amount, state: 'PROCESSING' as const };
  if (known.amount !== amount) return [200, { code: 'OTHER_AMOUNT', message: 'known with another amount' }];
  const others = [...order.refunds].reduce((sum, [no, { amount: part }]) => (no === refundNo ? sum : sum + part), 0);
  if (others + amount > order.amount) return [200, { code: 'TOO_MUCH', message: 'more than was paid' }];
  order.refunds.set(refundNo, known);
  return [200, { code: 'OK', refund_no: refundNo, refund_id: `RF${refundNo}`, status: known.state }];
}

/** A refund is done when it is asked about. */
function refundQuery(order: TokenimOrder, refundNo: string, { magic, seconds }: TokenimApi): Outcome {
  const known = order.refunds.get(refundNo);
  if (known === undefined) return [200, { code: 'NO_REFUND', message: 'no such refund' }];
  if (magic.wordIn('refund/query', refundNo, ['slow']) === null) known.state = 'SUCCESS';
  return [200, { code: 'OK', refund_id: `RF${refundNo}`, ...refundFields(order, refundNo, seconds) }];
}
