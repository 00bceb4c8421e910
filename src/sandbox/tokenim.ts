// The pretend Tokenim: an API that takes payments, queries and refunds in JSON, form and XML, and a sender of callbacks
// that can misbehave. No public specification of the real one exists, so its dialect is our own. Moves no money.
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { type Listening, type SandboxAnswer, type SandboxRequest, serve } from './http.ts';
import {
  bodyOf,
  DEFAULT_SCHEME,
  type Fields,
  type Form,
  fieldsIn,
  type Message,
  type Scheme,
  signedMessage,
} from './tokenim-signing.ts';

/** How a callback may be spoiled; each must be refused, the repeat apart. */
export const TOKENIM_SPOILS = {
  duplicate: 'sent twice, signed anew the second time',
  stale: 'signed ten minutes ago',
  early: 'signed ten minutes ahead',
  tampered: 'the amount changed after it was signed',
  forged: 'signed with a key that is not the channel’s',
  unsigned: 'without the signature',
  relabelled: 'a genuine body under the Content-Type of another form',
} as const;
export type TokenimSpoil = keyof typeof TOKENIM_SPOILS;

export type TokenimOrder = {
  readonly orderId: string;
  readonly amount: number;
  readonly currency: string;
  readonly notifyUrl: string | null;
  readonly transactionId: string;
  state: 'PENDING' | 'SUCCESS' | 'CLOSED';
  readonly refunds: Map<string, { readonly amount: number; state: 'PROCESSING' | 'SUCCESS' }>;
};

export type TokenimOptions = {
  readonly scheme: Scheme;
  /** Bearer token that its API wants. */
  readonly apiKey: string;
  /** Carries a callback; the network's own unless a test brings another. */
  readonly post?: (url: string, message: Message) => Promise<{ readonly status: number; readonly body: string }>;
  readonly now?: () => number;
};

export type Sent = { readonly message: Message; readonly status: number; readonly body: string };

const overNetwork: NonNullable<TokenimOptions['post']> = async (url, { headers, body }) => {
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual' });
  return { status: response.status, body: await response.text() };
};

export class Tokenim {
  readonly orders = new Map<string, TokenimOrder>();
  readonly #options: Required<TokenimOptions>;

  constructor(options: TokenimOptions) {
    this.#options = { post: overNetwork, now: Date.now, ...options };
  }

  /** What a callback about this order says. */
  static paymentFields(order: TokenimOrder, seconds: number): Fields {
    return {
      type: 'payment',
      notify_id: `N${order.transactionId}`,
      order_id: order.orderId,
      transaction_id: order.transactionId,
      status: order.state,
      amount: order.amount,
      currency: order.currency,
      user_id: `user-of-${order.orderId}`,
      user_name: '王小明',
      changed_at: seconds,
    };
  }

  static refundFields(order: TokenimOrder, refundNo: string, seconds: number): Fields {
    const refund = order.refunds.get(refundNo);
    return {
      type: 'refund',
      order_id: order.orderId,
      transaction_id: order.transactionId,
      refund_no: refundNo,
      refund_amount: refund?.amount ?? 0,
      currency: order.currency,
      status: refund?.state ?? 'SUCCESS',
      changed_at: seconds,
    };
  }

  open(orderId: string, amount: number, currency = 'CNY', notifyUrl: string | null = null): TokenimOrder {
    const known = this.orders.get(orderId);
    if (known) return known;
    const transactionId = `TK${randomBytes(8).toString('hex')}`;
    const order: TokenimOrder = {
      orderId,
      amount,
      currency,
      notifyUrl,
      transactionId,
      state: 'PENDING',
      refunds: new Map(),
    };
    this.orders.set(orderId, order);
    return order;
  }

  /** The payer pays, and the callback goes out. */
  pay(orderId: string, form: Form, url: string | null = null, spoil?: TokenimSpoil): Promise<Sent[]> {
    const order = this.orders.get(orderId);
    if (order === undefined) throw new Error(`The sandbox has no order ${orderId}.`);
    order.state = 'SUCCESS';
    return this.send(Tokenim.paymentFields(order, this.#seconds()), form, this.#addressOf(order, url), spoil);
  }

  /** A refund succeeds, and the callback goes out. */
  refunded(orderId: string, refundNo: string, form: Form, url: string | null = null): Promise<Sent[]> {
    const order = this.orders.get(orderId);
    const refund = order?.refunds.get(refundNo);
    if (order === undefined || refund === undefined) throw new Error(`The sandbox has no refund ${refundNo}.`);
    refund.state = 'SUCCESS';
    return this.send(Tokenim.refundFields(order, refundNo, this.#seconds()), form, this.#addressOf(order, url));
  }

  /** Whatever fields, as a callback. */
  async send(fields: Fields, form: Form, url: string, spoil?: TokenimSpoil): Promise<Sent[]> {
    const messages = spoil === undefined ? [this.#signed(fields, form)] : this.#spoiled(fields, form, spoil);
    const sent: Sent[] = [];
    for (const message of messages) sent.push({ message, ...(await this.#options.post(url, message)) });
    return sent;
  }

  #seconds = () => Math.floor(this.#options.now() / 1_000);

  #addressOf(order: TokenimOrder, url: string | null): string {
    const address = url ?? order.notifyUrl;
    if (address === null) throw new Error(`Nobody said where callbacks of ${order.orderId} go.`);
    return address;
  }

  #signed(fields: Fields, form: Form, aheadSeconds = 0, scheme = this.#options.scheme): Message {
    return signedMessage(fields, form, scheme, this.#seconds() + aheadSeconds);
  }

  #spoiled(fields: Fields, form: Form, spoil: TokenimSpoil): Message[] {
    const good = this.#signed(fields, form);
    const { scheme } = this.#options;
    switch (spoil) {
      case 'duplicate':
        return [good, this.#signed(fields, form, 1)];
      case 'stale':
        return [this.#signed(fields, form, -600)];
      case 'early':
        return [this.#signed(fields, form, 600)];
      case 'tampered':
        return [{ ...good, body: good.body.replace(String(fields.amount), '1') }];
      case 'forged':
        return [this.#signed(fields, form, 0, { ...scheme, secret: `not ${scheme.secret}` })];
      case 'unsigned':
        return [{ ...this.#signed(fields, form), ...withoutSignature(good, scheme) }];
      case 'relabelled': {
        const type = form === 'form' ? 'application/json' : 'application/x-www-form-urlencoded';
        return [{ ...good, headers: { ...good.headers, 'Content-Type': type } }];
      }
    }
  }

  /** Its API: POST /api/pay, /api/query, /api/refund; GET /api/orders/{id}. Answers in the form it was asked in. */
  answer(request: SandboxRequest): SandboxAnswer {
    const type = request.headers['content-type'] ?? 'application/json';
    const form: Form = type.includes('xml') ? 'xml' : type.includes('form') ? 'form' : 'json';
    const asked = fieldsIn(request.body.toString('utf8'), type);
    const [status, fields] = this.#refuse(request, asked) ?? this.#act(request, asked);
    return { status, headers: { 'content-type': answerType(form) }, body: bodyOf(fields, form) };
  }

  #refuse(request: SandboxRequest, asked: Readonly<Record<string, string>>): [number, Fields] | null {
    if (request.headers.authorization !== `Bearer ${this.#options.apiKey}`) {
      return [401, { code: 'NO_AUTH', message: 'the API key is missing or wrong' }];
    }
    if (request.method === 'GET') return null;
    const { sign: claimed = '', ...fields } = asked;
    const scheme = { ...DEFAULT_SCHEME, content: 'sorted-fields', place: 'field', name: 'sign' } as const;
    const made = signedMessage(fields, 'form', { ...scheme, secret: this.#options.scheme.secret, timeHeader: null }, 0);
    const wanted = Buffer.from(new URLSearchParams(made.body).get('sign') ?? '');
    const got = Buffer.from(claimed);
    if (got.length === wanted.length && timingSafeEqual(got, wanted)) return null;
    return [401, { code: 'BAD_SIGN', message: 'the request’s signature does not verify' }];
  }

  #act(request: SandboxRequest, asked: Readonly<Record<string, string>>): [number, Fields] {
    const { order_id: orderId = '', refund_no: refundNo = '' } = asked;
    const path = `${request.method} ${request.path}`;
    if (path === 'POST /api/pay') {
      const order = this.open(orderId, Number(asked.amount), asked.currency, asked.notify_url ?? null);
      return [
        200,
        { code: 'OK', code_url: `tokenim://pay/${order.transactionId}`, transaction_id: order.transactionId },
      ];
    }
    const named = path.startsWith('GET /api/orders/') ? decodeURIComponent(path.split('/').at(-1) ?? '') : orderId;
    const order =
      this.orders.get(named) ?? [...this.orders.values()].find((one) => one.transactionId === asked.transaction_id);
    if (order === undefined) return [200, { code: 'NO_ORDER', message: 'no such order' }];
    if (path === 'POST /api/query' || path.startsWith('GET /api/orders/')) {
      return [200, { code: 'OK', ...Tokenim.paymentFields(order, this.#seconds()) }];
    }
    if (path !== 'POST /api/refund') return [404, { code: 'NO_ROUTE', message: `there is no ${path}` }];
    const known = order.refunds.get(refundNo) ?? { amount: Number(asked.refund_amount), state: 'PROCESSING' as const };
    const others = [...order.refunds].reduce((sum, [no, { amount }]) => (no === refundNo ? sum : sum + amount), 0);
    if (others + known.amount > order.amount) return [200, { code: 'TOO_MUCH', message: 'more than was paid' }];
    order.refunds.set(refundNo, known);
    return [200, { code: 'OK', refund_no: refundNo, refund_id: `RF${refundNo}`, status: known.state }];
  }
}

const answerType = (form: Form) =>
  form === 'json' ? 'application/json' : form === 'xml' ? 'application/xml' : 'application/x-www-form-urlencoded';

function withoutSignature({ headers, body }: Message, { place, name }: Scheme): Message {
  if (place === 'header')
    return { headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)), body };
  return { headers, body: body.replaceAll(name, `no${name}`) };
}

/** Serves the API on this machine alone. */
export async function startTokenim(port: number, options: TokenimOptions): Promise<Listening & { tokenim: Tokenim }> {
  const tokenim = new Tokenim(options);
  const listening = await serve(port, async (request) => tokenim.answer(request));
  return { ...listening, tokenim };
}
