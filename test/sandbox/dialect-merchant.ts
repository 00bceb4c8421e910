// A merchant at a pretend platform who speaks through the gateway's own dialect: what is asked goes out as the dialect
// describes it, and what comes back means what the dialect says.
import { randomBytes } from 'node:crypto';
import type { Result } from '../../src/core/result.ts';
import { providerOf } from '../../src/providers/index.ts';
import type {
  ProviderAnswer,
  ProviderProblem,
  ProviderRequest,
  QueryTarget,
  RefundOrder,
  Translation,
} from '../../src/providers/provider.ts';
import type { Receiver } from './receiver.ts';

/** Longest wait for an answer: those that come at all come at once. */
const PATIENCE_MS = 150;
const SILENCE = 'silence';

export type Sale = ReturnType<DialectMerchant['sale']>;

export class DialectMerchant {
  readonly #dialect;
  readonly #credentials: unknown;
  readonly #base: string;
  readonly #receiver: Receiver;

  constructor(providerId: string, entered: object, base: string, receiver: Receiver) {
    const provider = providerOf(providerId);
    const { pay, query, close, refund } = provider ?? {};
    if (!provider || !pay || !query || !close || !refund) throw new Error(`${providerId} lacks a capability`);
    this.#dialect = { provider, pay, query, close, refund };
    this.#credentials = provider.credentials.parse(entered);
    this.#base = base;
    this.#receiver = receiver;
  }

  /** Registered once: the request is the same each time. */
  sale(orderNo: string, minor = 100) {
    const registeredAt = Date.now();
    const expiresAt = registeredAt + 3_600_000;
    const amount = { minor, currency: 'CNY' };
    const registration = { amount, description: 'tea', expiresAt, metadata: {}, registeredAt };
    return { orderNo, registration, notifyUrl: this.#receiver.url };
  }

  refundOrder(orderNo: string, refundNo: string, minor = 40): RefundOrder {
    const [amount, paid] = [minor, 100].map((fen) => ({ minor: fen, currency: 'CNY' }));
    if (!amount || !paid) throw new Error('two amounts were made');
    const reason = '退款'.repeat(30);
    return { orderNo, transactionId: null, refundNo, amount, paid, reason, notifyUrl: this.#receiver.url };
  }

  /** `ok`, the problem's code, or `silence`. */
  async pay(sale: Sale): Promise<string> {
    const { pay } = this.#dialect;
    return this.#ask(pay.request(sale, this.#credentials, context()), async (answer) => {
      const read = await pay.read(answer, this.#credentials, [], Date.now(), sale.registration.expiresAt);
      return read.ok ? 'ok' : read.error.code;
    });
  }

  async close(orderNo: string): Promise<string> {
    const { close } = this.#dialect;
    return this.#ask(close.request({ orderNo }, this.#credentials, context()), async (answer) => {
      const read = await close.read(answer, this.#credentials, [], Date.now());
      return read.ok ? read.value : read.error.code;
    });
  }

  /** The refund's state. */
  async refund(order: RefundOrder): Promise<string> {
    const { refund } = this.#dialect;
    return this.#ask(refund.request(order, this.#credentials, context()), async (answer) =>
      stateIn(await refund.read(answer, order, this.#credentials, [], Date.now())),
    );
  }

  /** The state of the order or the refund; `unknown` where the platform knows nothing of it. */
  async query(target: QueryTarget): Promise<string> {
    return this.#ask(this.#dialect.query.request(target, this.#credentials, context()), async (answer) =>
      stateIn(await this.#told(answer, target)),
    );
  }

  /** What a notice leads to: its own facts, and those that its hints give when they are asked about. */
  async heard({ headers, body }: Receiver['arrivals'][number]): Promise<Translation[]> {
    const callback = {
      channelId: 'shop',
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      body: new TextEncoder().encode(body),
      remoteAddress: null,
      receivedAt: Date.now(),
    };
    const { provider, query } = this.#dialect;
    const notice = await provider.verify(callback, this.#credentials, [], Date.now());
    if (!notice.ok) throw new Error(`${notice.error.reason}: ${notice.error.detail}`);
    const translated = provider.translate(notice.value, this.#credentials);
    if (!translated.ok) throw new Error(`${translated.error.reason}: ${translated.error.detail}`);
    const answers = (translated.value.hints ?? []).map(async (hint) => {
      const answer = await this.#send(await query.request(hint, this.#credentials, context()));
      const read = answer && (await this.#told(answer, hint));
      if (!read?.ok) throw new Error(`not told about ${JSON.stringify(hint)}`);
      return read.value;
    });
    return [translated.value, ...(await Promise.all(answers))];
  }

  /** Why a notice is refused, or `accepted`. */
  async verdictOn(arrival: Receiver['arrivals'][number]): Promise<string> {
    return this.heard(arrival).then(
      () => 'accepted',
      (error: unknown) => String(error).replace(/^Error: (\w+):.*/s, '$1'),
    );
  }

  #told(answer: ProviderAnswer, target: QueryTarget) {
    return this.#dialect.query.read(answer, target, this.#credentials, [], Date.now());
  }

  async #ask(
    request: Promise<Result<ProviderRequest, ProviderProblem>>,
    read: (answer: ProviderAnswer) => Promise<string>,
  ): Promise<string> {
    const answer = await this.#send(await request);
    return answer === null ? SILENCE : read(answer);
  }

  /** Null where no answer came. */
  async #send(request: Result<ProviderRequest, ProviderProblem>): Promise<ProviderAnswer | null> {
    if (!request.ok) throw new Error(request.error.detail);
    const { url, method, headers, body } = request.value;
    const { pathname, search } = new URL(url);
    try {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const response = await fetch(this.#base + pathname + search, { method, headers, body, signal });
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { status: response.status, headers: Object.fromEntries(response.headers), body: bytes };
    } catch {
      return null;
    }
  }
}

const context = () => ({ now: Date.now(), nonce: randomBytes(16).toString('hex') });

function stateIn(read: Result<Translation, ProviderProblem>): string {
  if (!read.ok) return read.error.code;
  const [event] = read.value.events;
  if (event === undefined) return read.value.state ?? 'unknown';
  return event.kind === 'payment' ? event.status : event.state;
}
