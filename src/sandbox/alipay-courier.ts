// What the pretend Alipay tells the merchant of a trade: a signed form, posted to notify_url and repeated on Alipay's
// schedule until the answer is `success`. A repeat has the same notify_id and content.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AlipayIdentity } from './alipay-identity.ts';
import { type AlipayRefund, type AlipayTrade, beijingTime, buyerOf, refundedFen, yuan } from './alipay-trades.ts';
import { type Charset, formOf, noticeBody, type Params } from './alipay-wire.ts';

/** Waits before each repeat (asynchronous notices): eight calls in about 25 h. */
export const ALIPAY_RETRY_SECONDS: readonly number[] = [240, 600, 600, 3_600, 7_200, 21_600, 54_000];
/** Nobody publishes how long the receiver has. */
const ANSWER_TIMEOUT_MS = 5_000;
const NOTICES_MAX = 1_000;

/** Spoils the first attempts of a notice: a receiver must refuse each, then take the good one that follows. */
export const ALIPAY_SPOILS = {
  'tampered-amount': 'the amount is changed after signing',
  forged: 'signed with a key that is not Alipay’s',
  'missing-signature': 'without the parameter sign',
} as const;
/** Changes what an authentic notice says, or how often it is sent. */
export const ALIPAY_VARIANTS = {
  'other-app': 'an authentic notice for another APPID',
  'other-merchant': 'an authentic notice for another seller',
  'unknown-event': 'an authentic notice of a type that is not about trades',
  duplicate: 'sent once more after it was acknowledged',
} as const;
export type AlipaySpoil = keyof typeof ALIPAY_SPOILS;
export type AlipayMisbehaviour = AlipaySpoil | keyof typeof ALIPAY_VARIANTS;

export type AlipayPost = (
  url: string,
  message: { readonly headers: Readonly<Record<string, string>>; readonly body: string },
) => Promise<{ readonly status: number; readonly body: string }>;

export type AlipayNotice = {
  readonly url: string;
  readonly fields: Params;
  readonly charset: Charset;
  readonly attempts: {
    readonly spoiled: AlipaySpoil | null;
    readonly status: number | null;
    readonly answer: string;
  }[];
  state: 'waiting' | 'sending' | 'acknowledged' | 'given_up' | 'stopped';
};

export type AlipaySending = {
  readonly misbehave?: AlipayMisbehaviour | undefined;
  /** How many attempts are spoiled before the genuine ones. */
  readonly times?: number | undefined;
  /** At most so many attempts in all. */
  readonly attempts?: number | undefined;
};

/** What a notice about the trade says: after a refund, all that was given back and the number of that refund. */
export function noticeFields(
  trade: AlipayTrade,
  refund: AlipayRefund | null,
  { appId, sellerId }: AlipayIdentity,
  now: number,
): Params {
  const { buyer_user_id: buyerId, buyer_logon_id: account } = buyerOf(trade);
  const { paidAt, closedAt, fen } = trade;
  return {
    notify_time: beijingTime(now),
    notify_type: 'trade_status_sync',
    notify_id: randomBytes(17).toString('hex'),
    app_id: appId,
    auth_app_id: appId,
    charset: trade.charset,
    version: '1.0',
    sign_type: 'RSA2',
    trade_no: trade.tradeNo ?? '',
    out_trade_no: trade.outTradeNo,
    trade_status: trade.state,
    seller_id: sellerId,
    total_amount: yuan(fen),
    subject: trade.subject,
    gmt_create: beijingTime(trade.createdAt),
    ...(paidAt === null ? {} : { buyer_id: String(buyerId), buyer_logon_id: String(account) }),
    ...(paidAt === null ? {} : { gmt_payment: beijingTime(paidAt), buyer_pay_amount: yuan(fen) }),
    ...(paidAt === null ? {} : { receipt_amount: yuan(fen), invoice_amount: yuan(fen), point_amount: '0.00' }),
    ...(paidAt === null ? {} : { fund_bill_list: `[{"amount":"${yuan(fen)}","fundChannel":"ALIPAYACCOUNT"}]` }),
    ...(closedAt === null ? {} : { gmt_close: beijingTime(closedAt) }),
    ...(refund === null
      ? {}
      : { refund_fee: yuan(refundedFen(trade)), out_biz_no: refund.no, gmt_refund: `${beijingTime(refund.at)}.000` }),
  };
}

export type AlipayCourierOptions = {
  readonly identity: AlipayIdentity;
  /** Stretches or shrinks the schedule; 1 is Alipay's own. */
  readonly timeScale: number;
  readonly post: AlipayPost;
};

export class AlipayCourier {
  readonly #options: AlipayCourierOptions;
  readonly #notices: AlipayNotice[] = [];
  readonly #closing = new AbortController();

  constructor(options: AlipayCourierOptions) {
    this.#options = options;
  }

  all(): readonly AlipayNotice[] {
    return this.#notices;
  }

  /** Stops every repeat. */
  close(): void {
    this.#closing.abort();
  }

  /** Begins to send; `first` is settled after the first attempt, repeats go on without it. */
  send(url: string, said: Params, charset: Charset, sending: AlipaySending = {}) {
    const fields = varied(said, sending.misbehave);
    const notice: AlipayNotice = { url, fields, charset, attempts: [], state: 'waiting' };
    this.#notices.push(notice);
    if (this.#notices.length > NOTICES_MAX) this.#notices.shift();
    const first = new Promise<void>((resolve) => {
      this.#run(notice, sending, resolve)
        .catch(() => {
          // The only throw is the end of a wait that close() cut short.
          notice.state = 'stopped';
        })
        .finally(resolve);
    });
    return { notice, first };
  }

  async #run(notice: AlipayNotice, sending: AlipaySending, firstDone: () => void): Promise<void> {
    const { misbehave, times = 1, attempts = ALIPAY_RETRY_SECONDS.length + 1 } = sending;
    for (let index = 0; index < Math.min(attempts, ALIPAY_RETRY_SECONDS.length + 1); index += 1) {
      const wait = ALIPAY_RETRY_SECONDS[index - 1] ?? 0;
      if (index > 0) await this.#pause(notice, wait * 1_000 * this.#options.timeScale);
      const isAcknowledged = await this.#attempt(notice, isSpoil(misbehave) && index < times ? misbehave : null);
      if (isAcknowledged && misbehave === 'duplicate') await this.#attempt(notice, null);
      if (index === 0) firstDone();
      if (isAcknowledged) {
        notice.state = 'acknowledged';
        return;
      }
    }
    notice.state = 'given_up';
  }

  async #pause(notice: AlipayNotice, waitMs: number): Promise<void> {
    notice.state = 'waiting';
    await sleep(waitMs, undefined, { signal: this.#closing.signal });
  }

  /** True when the answer was `success` and nothing else. */
  async #attempt(notice: AlipayNotice, spoiled: AlipaySpoil | null): Promise<boolean> {
    notice.state = 'sending';
    const body = this.#bodyOf(notice, spoiled);
    const headers = { 'content-type': `application/x-www-form-urlencoded; charset=${notice.charset}` };
    try {
      const { status, body: answer } = await this.#options.post(notice.url, { headers, body });
      notice.attempts.push({ spoiled, status, answer: answer.slice(0, 500) });
      return status === 200 && answer === 'success';
    } catch (error) {
      notice.attempts.push({ spoiled, status: null, answer: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }

  #bodyOf({ fields, charset }: AlipayNotice, spoiled: AlipaySpoil | null): string {
    const { platform, merchant } = this.#options.identity;
    switch (spoiled) {
      case null:
        return noticeBody(fields, charset, platform.privatePem);
      case 'tampered-amount':
        return noticeBody(fields, charset, platform.privatePem).replace(/total_amount=[^&]*/, 'total_amount=0.01');
      case 'forged':
        return noticeBody(fields, charset, merchant.privatePem);
      case 'missing-signature':
        return formOf(fields, charset);
    }
  }
}

const isSpoil = (kind: string | undefined): kind is AlipaySpoil => kind !== undefined && kind in ALIPAY_SPOILS;

function varied(fields: Params, kind: AlipayMisbehaviour | undefined): Params {
  switch (kind) {
    case 'other-app':
      return { ...fields, app_id: '2021999999999999', auth_app_id: '2021999999999999' };
    case 'other-merchant':
      return { ...fields, seller_id: '2088999999999999' };
    case 'unknown-event':
      return { ...fields, notify_type: 'sandbox_something_new' };
    default:
      return fields;
  }
}

/** Posts once; throws for no answer in time, and for no connection. */
export const overNetwork: AlipayPost = async (url, { headers, body }) => {
  const signal = AbortSignal.timeout(ANSWER_TIMEOUT_MS);
  const response = await fetch(url, { method: 'POST', headers, body, redirect: 'manual', signal });
  return { status: response.status, body: await response.text() };
};
