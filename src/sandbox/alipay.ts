// The pretend Alipay: its OpenAPI at /gateway.do, and below /sandbox/alipay/ what a person or a test can make happen.
// Takes no request without the merchant's genuine signature, signs every answer, repeats every notice. Moves no money.
import { z } from 'zod';
import type { BillHours } from './account.ts';
import { AlipayBillDesk, BILL_METHOD } from './alipay-bill-desk.ts';
import { describe, numberIn, WORDS } from './alipay-calls.ts';
import {
  ALIPAY_SPOILS,
  ALIPAY_VARIANTS,
  AlipayCourier,
  type AlipayMisbehaviour,
  type AlipayPost,
  type AlipaySending,
  noticeFields,
  overNetwork,
} from './alipay-courier.ts';
import { type AlipayIdentity, alipayCredentialsOf } from './alipay-identity.ts';
import { type AlipayRefund, type AlipayTrade, AlipayTrades, type Changed, refusal, yuan } from './alipay-trades.ts';
import { answerOf, type Charset, isGenuine, type Params, paramsOf } from './alipay-wire.ts';
import { json, type Listening, type SandboxAnswer, type SandboxRequest, serve } from './http.ts';
import { Magic, silence } from './magic.ts';

export type AlipayOptions = {
  readonly identity: AlipayIdentity;
  /** Where notices go for orders that were made elsewhere; an order of its own knows its notify_url. */
  readonly notifyUrl?: string | null;
  /** Keeps trades over a restart; memory alone when null. */
  readonly tradesFile?: string | null;
  /** Shrinks the retry schedule for tests; 1 is Alipay's own. */
  readonly timeScale?: number;
  /** Carries a notice; the network's own unless a test brings another. */
  readonly post?: AlipayPost;
  readonly now?: () => number;
  /** From when on a day has its bill; at once unless said. */
  readonly billHours?: BillHours;
};

const kinds = Object.keys({ ...ALIPAY_SPOILS, ...ALIPAY_VARIANTS }) as AlipayMisbehaviour[]; // the keys of both tables
const Sending = {
  misbehave: z.enum(kinds).optional(),
  times: z.int().min(1).max(8).optional(),
  attempts: z.int().min(1).max(8).optional(),
};
const Named = z.strictObject({ outTradeNo: z.string().min(1).max(64), ...Sending });
const Pay = Named.extend({
  /** Fen. Needed for an order that the sandbox never saw. */
  amount: z.int().min(1).optional(),
  notifyUrl: z.url().optional(),
  charset: z.enum(['utf-8', 'gbk']).optional(),
});
const Refund = Named.extend({ outRequestNo: z.string().min(1).max(64).optional(), amount: z.int().min(1).optional() });

/** A request that cannot be carried out; the message goes to whoever asked. */
export class AlipayRefused extends Error {}

export class Alipay {
  readonly trades: AlipayTrades;
  readonly courier: AlipayCourier;
  readonly #identity: AlipayIdentity;
  readonly #notifyUrl: string | null;
  readonly #now: () => number;
  readonly #magic = new Magic();
  readonly #bills: AlipayBillDesk;

  constructor({ identity, notifyUrl, tradesFile, now = Date.now, ...rest }: AlipayOptions) {
    const { timeScale = 1, post = overNetwork, billHours = 'at-once' } = rest;
    this.#identity = identity;
    this.#notifyUrl = notifyUrl ?? null;
    this.#now = now;
    this.trades = new AlipayTrades(tradesFile ?? null, now);
    this.#bills = new AlipayBillDesk(this.trades, identity.sellerId, billHours);
    this.courier = new AlipayCourier({ identity, timeScale, post });
  }

  /** Null for a path that is not Alipay's. */
  answer(request: SandboxRequest): Promise<SandboxAnswer> | null {
    if (request.path === '/gateway.do') return this.#gateway(request);
    const file = this.#bills.fetch(request);
    if (file !== null) return Promise.resolve(file);
    return /^\/sandbox\/alipay(?:\/|$)/.test(request.path) ? this.#control(request) : null;
  }

  /** The payer scans the code: now there is a trade, and it waits. */
  scan(outTradeNo: string): AlipayTrade {
    return this.trades.scanned(this.#waiting(outTradeNo));
  }

  /** The payer pays, and the notice goes out. */
  pay(asked: z.input<typeof Pay>) {
    const { outTradeNo, notifyUrl, charset, ...sending } = asked;
    const known = this.trades.get(outTradeNo) === undefined ? this.#stranger(asked) : this.#waiting(outTradeNo);
    const trade = this.trades.put({
      ...this.trades.scanned(known),
      state: 'TRADE_SUCCESS',
      paidAt: this.#now(),
      notifyUrl: notifyUrl ?? known.notifyUrl,
      charset: charset ?? known.charset,
    });
    return this.#tell(trade, null, sending);
  }

  /** A refund that the merchant makes in Alipay's own console. */
  refund({ outTradeNo, outRequestNo, amount, ...sending }: z.input<typeof Refund>) {
    const trade = this.trades.get(outTradeNo);
    if (!trade) throw new AlipayRefused(`The sandbox has no order ${outTradeNo}.`);
    const fen = amount ?? trade.fen - trade.refunds.reduce((sum, one) => sum + one.fen, 0);
    const no = outRequestNo ?? `C${this.#now()}`;
    const input = { out_trade_no: outTradeNo, out_request_no: no, refund_amount: yuan(fen) };
    const { content, trade: changed, refund } = this.trades.refund(input, false);
    if (!changed || !refund) throw new AlipayRefused(`Alipay refuses: ${JSON.stringify(content)}`);
    return this.#tell(changed, refund, sending);
  }

  /** Months later: paid as before, and no longer to be refunded. */
  finish({ outTradeNo, ...sending }: z.input<typeof Named>) {
    const trade = this.trades.get(outTradeNo);
    if (trade?.state !== 'TRADE_SUCCESS') throw new AlipayRefused(`Order ${outTradeNo} is not paid.`);
    return this.#tell(this.trades.put({ ...trade, state: 'TRADE_FINISHED' }), null, sending);
  }

  #waiting(outTradeNo: string): AlipayTrade {
    const trade = this.trades.get(outTradeNo);
    if (!trade) throw new AlipayRefused(`The sandbox has no order ${outTradeNo}, or its code ran out.`);
    if (trade.state !== 'WAIT_BUYER_PAY') throw new AlipayRefused(`Order ${outTradeNo} is ${trade.state}.`);
    return trade;
  }

  /** An order that was made elsewhere: the merchant's own code asked for the payment. */
  #stranger({ outTradeNo, amount, notifyUrl }: z.input<typeof Pay>): AlipayTrade {
    if (amount === undefined) {
      throw new AlipayRefused(
        `The sandbox never saw order ${outTradeNo}, or its code ran out: give its amount in fen.`,
      );
    }
    const input = { out_trade_no: outTradeNo, total_amount: yuan(amount), subject: '别处创建的订单' };
    const { trade, content } = this.trades.precreate(input, notifyUrl ?? this.#notifyUrl ?? '', 'utf-8');
    if (!trade) throw new AlipayRefused(`Alipay refuses: ${JSON.stringify(content)}`);
    return trade;
  }

  #tell(trade: AlipayTrade, refund: AlipayRefund | null, sending: AlipaySending) {
    const { notifyUrl, charset } = trade;
    if (notifyUrl === '')
      throw new AlipayRefused(`Nobody said where notices of ${trade.outTradeNo} go: give notifyUrl.`);
    return this.courier.send(notifyUrl, noticeFields(trade, refund, this.#identity, this.#now()), charset, sending);
  }

  async #gateway(request: SandboxRequest): Promise<SandboxAnswer> {
    const { params, charset } = paramsOf(request);
    const { method = '' } = params;
    const { privatePem } = this.#identity.platform;
    const refused = this.#refusal(params, charset);
    // As Alipay: who cannot be told apart gets no signature.
    if (refused !== null) return answerOf('', { code: '40002', msg: 'Invalid Arguments', ...refused }, charset, null);
    const input = parsed(params.biz_content ?? '');
    const number = numberIn(method, input);
    const word = this.#magic.wordIn(method, number, WORDS[method] ?? []);
    const say = ({ content }: Changed) => answerOf(method, content, charset, word === 'unsigned' ? null : privatePem);
    switch (word) {
      case 'lost':
        return silence(request);
      case 'systemerror':
        return say({ content: refusal('ACQ.SYSTEM_ERROR') });
      case 'notenough':
        return say({ content: refusal('ACQ.SELLER_BALANCE_NOT_ENOUGH') });
      case 'timeout':
        this.#act(method, input, params, charset, false);
        return silence(request);
      default:
        return say(this.#act(method, input, params, charset, word === 'slow'));
    }
  }

  /** Null for a request that is genuine and understood. */
  #refusal(params: Params, charset: Charset): { readonly sub_code: string; readonly sub_msg: string } | null {
    const { app_id: appId, sign_type: signType, timestamp = '', method = '' } = params;
    if (appId !== this.#identity.appId) return { sub_code: 'isv.invalid-app-id', sub_msg: '无效的AppID参数' };
    if (signType !== 'RSA2') return { sub_code: 'isv.invalid-signature-type', sub_msg: '无效签名类型' };
    if (!/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(timestamp)) {
      return { sub_code: 'isv.invalid-timestamp', sub_msg: '非法的时间戳参数' };
    }
    if (!isGenuine(params, charset, this.#identity.merchant.publicPem)) {
      return { sub_code: 'isv.invalid-signature', sub_msg: '无效签名' };
    }
    return Object.hasOwn(WORDS, method) ? null : { sub_code: 'isv.invalid-method', sub_msg: '不存在的方法名' };
  }

  /** Carries it out; what changed a trade is told to the merchant as well. */
  #act(method: string, input: unknown, { notify_url: notifyUrl = '' }: Params, charset: Charset, isSlow: boolean) {
    const changed = ((): Changed => {
      switch (method) {
        case 'alipay.trade.precreate':
          return this.trades.precreate(input, notifyUrl, charset);
        case 'alipay.trade.query':
          return this.trades.query(input);
        case 'alipay.trade.close':
          return this.trades.close(input);
        case BILL_METHOD:
          return { content: this.#bills.ask(input, this.#now()) };
        case 'alipay.trade.refund':
          return this.trades.refund(input, isSlow);
        default:
          return this.trades.refundQuery(input, isSlow);
      }
    })();
    const { trade, refund = null } = changed;
    if (trade && method !== 'alipay.trade.precreate' && trade.notifyUrl !== '') this.#tell(trade, refund, {});
    return changed;
  }

  async #control(request: SandboxRequest): Promise<SandboxAnswer> {
    try {
      switch (`${request.method} ${request.path.slice('/sandbox/alipay'.length)}`) {
        case 'GET ':
          return json(200, describe(this.#identity));
        case 'GET /credentials':
          return json(200, alipayCredentialsOf(this.#identity));
        case 'GET /trades':
          return json(200, { items: this.trades.all() });
        case 'GET /notices':
          return json(200, { items: this.courier.all().toReversed() });
        case 'POST /scan':
          return json(200, { trade: this.scan(read(Named, request).outTradeNo) });
        case 'POST /pay':
          return await sent(this.pay(read(Pay, request)));
        case 'POST /refund':
          return await sent(this.refund(read(Refund, request)));
        case 'POST /finish':
          return await sent(this.finish(read(Named, request)));
        default:
          return json(404, {
            error: `There is no ${request.method} ${request.path}; GET /sandbox/alipay says what is.`,
          });
      }
    } catch (error) {
      if (error instanceof AlipayRefused) return json(400, { error: error.message });
      throw error;
    }
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no schema accepts it
  }
}

function read<T>(schema: z.ZodType<T>, request: SandboxRequest): T {
  const result = schema.safeParse(parsed(request.body.toString('utf8') || '{}'));
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new AlipayRefused(issues.join('; '));
}

async function sent({ notice, first }: ReturnType<AlipayCourier['send']>): Promise<SandboxAnswer> {
  await first;
  return json(200, { notice });
}

/** Serves it on this machine alone. */
export async function startAlipay(port: number, options: AlipayOptions): Promise<Listening & { alipay: Alipay }> {
  const alipay = new Alipay(options);
  const nothing = json(404, { error: 'GET /sandbox/alipay says what there is.' });
  const listening = await serve(port, async (request) => (await alipay.answer(request)) ?? nothing);
  const close = async () => {
    alipay.courier.close();
    await listening.close();
  };
  return { ...listening, close, alipay };
}
