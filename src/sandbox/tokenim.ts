// The pretend Tokenim: its orders, an API to ask, and a sender of callbacks in JSON, form and XML that can misbehave.
// No public specification of the real one exists, so its dialect is our own. Moves no money.
import { randomBytes } from 'node:crypto';
import { type Listening, type SandboxAnswer, type SandboxRequest, serve } from './http.ts';
import { Magic } from './magic.ts';
import { answerTokenim, type TokenimApi } from './tokenim-api.ts';
import { paymentFields, refundFields, type TokenimOrder } from './tokenim-orders.ts';
import { type Fields, type Form, type Message, type Scheme, signedMessage } from './tokenim-signing.ts';

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
  readonly #magic = new Magic();

  constructor(options: TokenimOptions) {
    this.#options = { post: overNetwork, now: Date.now, ...options };
  }

  static readonly paymentFields = paymentFields;
  static readonly refundFields = refundFields;

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

  /** Its API, with magic words in numbers. */
  answer(request: SandboxRequest): Promise<SandboxAnswer> {
    const { apiKey, scheme } = this.#options;
    const open: TokenimApi['open'] = (...order) => this.open(...order);
    const { orders } = this;
    const api = { orders, open, apiKey, secret: scheme.secret, magic: this.#magic, seconds: this.#seconds() };
    return answerTokenim(request, api);
  }
}

function withoutSignature({ headers, body }: Message, { place, name }: Scheme): Message {
  if (place === 'header')
    return { headers: Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)), body };
  return { headers, body: body.replaceAll(name, `no${name}`) };
}

/** Serves the API on this machine alone. */
export async function startTokenim(port: number, options: TokenimOptions): Promise<Listening & { tokenim: Tokenim }> {
  const tokenim = new Tokenim(options);
  const listening = await serve(port, (request) => tokenim.answer(request));
  return { ...listening, tokenim };
}
