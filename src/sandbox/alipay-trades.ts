// What the pretend Alipay knows of trades and refunds, and how it answers calls about them. Field names and reasons are
// Alipay's. Kept in memory and, when given a file, on disk. Moves no money.
import { randomInt } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { parseMoney, printMoney } from '../core/money.ts';
import type { Charset } from './alipay-wire.ts';

export type AlipayRefund = { no: string; fen: number; reason: string | null; at: number; done: boolean };
export type AlipayTrade = {
  outTradeNo: string;
  /** Null while nobody has scanned the code: there is no trade yet. */
  tradeNo: string | null;
  state: 'WAIT_BUYER_PAY' | 'TRADE_SUCCESS' | 'TRADE_FINISHED' | 'TRADE_CLOSED';
  subject: string;
  fen: number;
  /** What was asked for: asked again, other terms are refused. */
  terms: string;
  notifyUrl: string;
  charset: Charset;
  createdAt: number;
  expiresAt: number | null;
  paidAt: number | null;
  closedAt: number | null;
  refunds: AlipayRefund[];
};

/** The content of an answer. */
export type Content = Readonly<Record<string, unknown>>;

const MESSAGES: Readonly<Record<string, string>> = {
  'ACQ.TRADE_NOT_EXIST': '交易不存在',
  'ACQ.TRADE_HAS_SUCCESS': '交易已被支付',
  'ACQ.TRADE_HAS_CLOSE': '交易已经关闭',
  'ACQ.TRADE_HAS_FINISHED': '交易已完结',
  'ACQ.TRADE_STATUS_ERROR': '交易状态不合法',
  'ACQ.CONTEXT_INCONSISTENT': '交易信息被篡改',
  'ACQ.DISCORDANT_REPEAT_REQUEST': '请求信息不一致',
  'ACQ.REASON_TRADE_REFUND_FEE_ERR': '退款金额无效',
  'ACQ.SELLER_BALANCE_NOT_ENOUGH': '卖家余额不足',
  'ACQ.SYSTEM_ERROR': '系统错误',
};

export const refusal = (subCode: string, subMsg = MESSAGES[subCode] ?? '参数无效'): Content => ({
  code: '40004',
  msg: 'Business Failed',
  sub_code: subCode,
  sub_msg: subMsg,
});
export const success = (content: Content): Content => ({ code: '10000', msg: 'Success', ...content });

/** Beijing's time, as Alipay writes it. */
export const beijingTime = (at: number): string =>
  new Date(at + 8 * 3_600_000).toISOString().slice(0, 19).replace('T', ' ');
export const yuan = (fen: number): string => printMoney({ minor: fen, currency: 'CNY' });

const Fen = z.string().transform((text, context) => {
  const amount = parseMoney(text, 'CNY');
  if (amount.ok && amount.value.minor > 0) return amount.value.minor;
  context.addIssue({ code: 'custom', message: 'an amount in yuan' });
  return z.NEVER;
});
const Precreate = z.object({
  out_trade_no: z.string().regex(/^\w{1,64}$/),
  total_amount: Fen,
  subject: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[^/=&]*$/),
  time_expire: z
    .string()
    .regex(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
    .optional(),
});
const Named = z.object({ out_trade_no: z.string().optional(), trade_no: z.string().optional() });
const Refund = Named.extend({
  refund_amount: Fen,
  out_request_no: z.string().min(1).max(64),
  refund_reason: z.string().max(256).optional(),
});
const RefundQuery = Named.extend({ out_request_no: z.string().min(1).max(64) });

export type Changed = { readonly content: Content; readonly refund?: AlipayRefund; readonly trade?: AlipayTrade };

export class AlipayTrades {
  readonly #trades: Map<string, AlipayTrade>;
  readonly #file: string | null;
  readonly #now: () => number;

  constructor(file: string | null, now: () => number) {
    const known = file !== null && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
    this.#trades = new Map(known as [string, AlipayTrade][]); // this class alone writes the file
    this.#file = file;
    this.#now = now;
  }

  all(): AlipayTrade[] {
    return [...this.#trades.values()];
  }

  /** As it stands now: a trade that waited too long is closed, and a code that nobody scanned in time is gone. */
  get(outTradeNo: string): AlipayTrade | undefined {
    const trade = this.#trades.get(outTradeNo);
    if (trade?.state !== 'WAIT_BUYER_PAY' || (trade.expiresAt ?? Number.POSITIVE_INFINITY) > this.#now()) return trade;
    if (trade.tradeNo === null) return undefined;
    return this.put({ ...trade, state: 'TRADE_CLOSED', closedAt: trade.expiresAt });
  }

  put(trade: AlipayTrade): AlipayTrade {
    this.#trades.set(trade.outTradeNo, trade);
    if (this.#file !== null) {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(this.#file, JSON.stringify([...this.#trades]));
    }
    return trade;
  }

  /** The payer's phone reads the code: now there is a trade. */
  scanned(trade: AlipayTrade): AlipayTrade {
    if (trade.tradeNo !== null) return trade;
    const day = beijingTime(this.#now()).slice(0, 10).replaceAll('-', '');
    return this.put({ ...trade, tradeNo: `${day}22001404${randomInt(10 ** 11, 10 ** 12)}` });
  }

  precreate(input: unknown, notifyUrl: string, charset: Charset): Changed {
    const parsed = Precreate.safeParse(input);
    if (!parsed.success) return invalid(parsed.error);
    const { out_trade_no: outTradeNo, total_amount: fen, subject, time_expire: expiry } = parsed.data;
    const expiresAt = expiry === undefined ? null : Date.parse(`${expiry.replace(' ', 'T')}+08:00`);
    const terms = JSON.stringify([fen, subject, expiresAt, notifyUrl]);
    const known = this.get(outTradeNo);
    const refused = known && refusedAgain(known, terms);
    if (refused) return { content: refusal(refused) };
    const fresh = { tradeNo: null, state: 'WAIT_BUYER_PAY', paidAt: null, closedAt: null, refunds: [] } as const;
    const createdAt = this.#now();
    const made = { ...fresh, outTradeNo, subject, fen, terms, notifyUrl, charset, createdAt, expiresAt, refunds: [] };
    const trade = known ?? this.put(made);
    const code = `https://qr.alipay.com/bax${randomInt(10 ** 9, 10 ** 10)}${createdAt.toString(36)}`;
    return { content: success({ out_trade_no: outTradeNo, qr_code: code }), trade };
  }

  query(input: unknown): Changed {
    const trade = this.#named(input);
    if (trade === null) return { content: refusal('ACQ.TRADE_NOT_EXIST') };
    const paid = trade.paidAt === null ? {} : { send_pay_date: beijingTime(trade.paidAt) };
    const bills = { fund_bill_list: [{ amount: yuan(trade.fen), fund_channel: 'ALIPAYACCOUNT' }] };
    return {
      content: success({
        ...buyerOf(trade),
        out_trade_no: trade.outTradeNo,
        trade_no: trade.tradeNo,
        trade_status: trade.state,
        total_amount: yuan(trade.fen),
        buyer_pay_amount: yuan(trade.paidAt === null ? 0 : trade.fen),
        ...paid,
        ...(trade.paidAt === null ? {} : bills),
      }),
    };
  }

  /** Only what waits for its payer can be closed. */
  close(input: unknown): Changed {
    const trade = this.#named(input);
    if (trade === null) return { content: refusal('ACQ.TRADE_NOT_EXIST') };
    if (trade.state !== 'WAIT_BUYER_PAY') return { content: refusal('ACQ.TRADE_STATUS_ERROR') };
    const closed = this.put({ ...trade, state: 'TRADE_CLOSED', closedAt: this.#now() });
    return { content: success({ out_trade_no: trade.outTradeNo, trade_no: trade.tradeNo }), trade: closed };
  }

  /** `isSlow`: taken in and not done yet. */
  refund(input: unknown, isSlow: boolean): Changed {
    const parsed = Refund.safeParse(input);
    if (!parsed.success) return invalid(parsed.error);
    const { out_request_no: no, refund_amount: fen, refund_reason: reason = null } = parsed.data;
    const trade = this.#named(input);
    if (trade === null) return { content: refusal('ACQ.TRADE_NOT_EXIST') };
    const known = trade.refunds.find((one) => one.no === no);
    if (known) {
      if (known.fen !== fen) return { content: refusal('ACQ.DISCORDANT_REPEAT_REQUEST') };
      return { content: refundAnswer(trade, known, 'N') };
    }
    if (trade.state === 'TRADE_FINISHED') return { content: refusal('ACQ.TRADE_HAS_FINISHED') };
    if (trade.paidAt === null) return { content: refusal('ACQ.TRADE_STATUS_ERROR') };
    const taken = trade.refunds.reduce((sum, one) => sum + one.fen, 0);
    if (taken + fen > trade.fen) return { content: refusal('ACQ.REASON_TRADE_REFUND_FEE_ERR') };
    const made: AlipayRefund = { no, fen, reason, at: this.#now(), done: !isSlow };
    const changed = this.#refunded({ ...trade, refunds: [...trade.refunds, made] });
    if (isSlow) return { content: refundAnswer(changed, made, 'N') };
    return { content: refundAnswer(changed, made, 'Y'), trade: changed, refund: made };
  }

  /** `isEarly`: a refund that is slow stays so this once. */
  refundQuery(input: unknown, isEarly: boolean): Changed {
    const parsed = RefundQuery.safeParse(input);
    if (!parsed.success) return invalid(parsed.error);
    const trade = this.#named(input);
    if (trade === null) return { content: refusal('ACQ.TRADE_NOT_EXIST') };
    const known = trade.refunds.find((one) => one.no === parsed.data.out_request_no);
    if (!known || (isEarly && !known.done)) return { content: success({}) };
    const done = { ...known, done: true, at: known.done ? known.at : this.#now() };
    const rest = trade.refunds.map((one) => (one === known ? done : one));
    const changed = known.done ? trade : this.#refunded({ ...trade, refunds: rest });
    const content = success({
      out_trade_no: trade.outTradeNo,
      trade_no: trade.tradeNo,
      out_request_no: done.no,
      refund_amount: yuan(done.fen),
      total_amount: yuan(trade.fen),
      refund_status: 'REFUND_SUCCESS',
      gmt_refund_pay: beijingTime(done.at),
      ...(done.reason === null ? {} : { refund_reason: done.reason }),
    });
    return known.done ? { content } : { content, trade: changed, refund: done };
  }

  /** A trade that was given back whole is closed. */
  #refunded(trade: AlipayTrade): AlipayTrade {
    const isWhole = refundedFen(trade) === trade.fen;
    return this.put(isWhole ? { ...trade, state: 'TRADE_CLOSED', closedAt: this.#now() } : trade);
  }

  /** By trade_no where both are given. Null while there is only a code. */
  #named(input: unknown): AlipayTrade | null {
    const { out_trade_no: outTradeNo, trade_no: tradeNo } = Named.safeParse(input).data ?? {};
    const found = tradeNo === undefined ? outTradeNo : this.all().find((one) => one.tradeNo === tradeNo)?.outTradeNo;
    const trade = found === undefined ? undefined : this.get(found);
    return trade === undefined || trade.tradeNo === null ? null : trade;
  }
}

/** All that was given back so far. */
export const refundedFen = ({ refunds }: AlipayTrade): number =>
  refunds.reduce((sum, { fen, done }) => sum + (done ? fen : 0), 0);

export const buyerOf = ({ paidAt }: AlipayTrade): Content =>
  paidAt === null ? {} : { buyer_logon_id: 'wan***@sandbox.example', buyer_user_id: '2088102177846880' };

function refusedAgain(known: AlipayTrade, terms: string): string | null {
  if (known.state === 'TRADE_CLOSED') return 'ACQ.TRADE_HAS_CLOSE';
  if (known.state !== 'WAIT_BUYER_PAY') return 'ACQ.TRADE_HAS_SUCCESS';
  return known.terms === terms ? null : 'ACQ.CONTEXT_INCONSISTENT';
}

const invalid = ({ issues }: z.ZodError): Changed => ({
  content: refusal('ACQ.INVALID_PARAMETER', `参数无效 ${issues[0]?.path.join('.')}`),
});

/** `Y`: money moved now. `N`: it moved before, or not yet. refund_fee is all that was given back. */
const refundAnswer = (trade: AlipayTrade, { at, done }: AlipayRefund, fundChange: 'Y' | 'N'): Content =>
  success({
    ...buyerOf(trade),
    out_trade_no: trade.outTradeNo,
    trade_no: trade.tradeNo,
    fund_change: fundChange,
    refund_fee: yuan(refundedFen(trade)),
    ...(done ? { gmt_refund_pay: beijingTime(at) } : {}),
  });
