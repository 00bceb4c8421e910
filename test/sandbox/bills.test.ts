// The daily bills of the pretend platforms, asked for and read by the gateway's own dialects over real HTTP: each tells
// the sandbox's own truth, whole and tied to the account.
import { createHash, randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BillKind, dayAfter, dayOf } from '../../src/core/bill.ts';
import type { BillLayout } from '../../src/core/bill-layout.ts';
import { Ties } from '../../src/core/settlement.ts';
import { providerOf } from '../../src/providers/index.ts';
import type { ProviderRequest } from '../../src/providers/provider.ts';
import { type Alipay, startAlipay } from '../../src/sandbox/alipay.ts';
import { alipayCredentialsOf, createAlipayIdentity } from '../../src/sandbox/alipay-identity.ts';
import type { Listening } from '../../src/sandbox/http.ts';
import { createIdentity, credentialsOf, credentialsOfV2, type Identity } from '../../src/sandbox/identity.ts';
import { startWeChatPay, type WeChatPay } from '../../src/sandbox/wechatpay.ts';
import { readAll } from '../core/bill-kit.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const TODAY = dayOf(Date.now());

let identity: Identity;
let receiver: Receiver;
let wechat: WeChatPay;
let alipay: Listening & { alipay: Alipay };
let alipayEntered: object;

beforeAll(async () => {
  identity = await createIdentity(Date.now());
  receiver = await startReceiver({ status: 200, body: 'success' });
  wechat = await startWeChatPay({ port: 0, identity, notifyUrl: receiver.url, timeScale: 0.001 });
  const alipayIdentity = await createAlipayIdentity();
  alipayEntered = alipayCredentialsOf(alipayIdentity);
  alipay = await startAlipay(0, { identity: alipayIdentity, notifyUrl: receiver.url, timeScale: 0.001 });
});
afterAll(async () => {
  await Promise.all([wechat.close(), alipay.close()]);
  receiver.close();
});

class Bookkeeper {
  readonly #base: string;
  readonly #credentials: unknown;
  readonly bill;

  constructor(id: string, entered: object, base: string) {
    const provider = providerOf(id);
    if (!provider?.bill) throw new Error(`${id} has no bill`);
    this.bill = provider.bill;
    this.#credentials = provider.credentials.parse(entered);
    this.#base = base;
  }

  /** The bytes of a day's file with its proof, or why there are none. */
  async file(kind: BillKind, day = TODAY) {
    const context = () => ({ now: Date.now(), nonce: randomBytes(16).toString('hex') });
    const request = await this.bill.request({ day, kind }, this.#credentials, context());
    if (!request.ok) throw new Error(request.error.detail);
    const answer = await this.#fetch(request.value);
    const read = await this.bill.read(answer, { day, kind }, this.#credentials, [], context());
    if (!read.ok) throw new Error(`${read.error.code}: ${read.error.detail}`);
    if (read.value.kind === 'here') return { bytes: answer.body, checksum: null };
    if (read.value.kind !== 'there') return read.value.kind;
    const { body: bytes } = await this.#fetch(read.value.download);
    return { bytes, checksum: read.value.checksum };
  }

  async trades(kind: 'trade' | 'refund' = 'trade') {
    return this.#rows(kind, this.bill.trades(this.#credentials));
  }

  async flow() {
    const layout = this.bill.flow?.(this.#credentials);
    if (layout === undefined) throw new Error('it has no fund bill');
    return this.#rows('fundflow', layout);
  }

  async #rows<Row>(kind: BillKind, layout: BillLayout<Row>): Promise<Row[]> {
    const file = await this.file(kind);
    if (typeof file === 'string') throw new Error(`no bill: ${file}`);
    const { rows, problem, totals } = await readAll(file.bytes, { layout });
    expect(problem).toBeNull();
    expect(totals.length).toBeGreaterThan(2);
    return rows;
  }

  async #fetch({ url, method, headers, body }: ProviderRequest) {
    const { pathname, search } = new URL(url);
    const response = await fetch(this.#base + pathname + search, { method, headers, body });
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: Object.fromEntries(response.headers), body: bytes };
  }
}

/** Whatever the account moved has its trade, and the other way round. */
async function untied(keeper: Bookkeeper) {
  const [trades, flow] = [await keeper.trades(), await keeper.flow()];
  const ties = new Ties();
  ties.addTrades(trades);
  return [...ties.tieFlow(1, flow), ...ties.tieTrades(1, trades)];
}

const CNY = (minor: number) => ({ minor, currency: 'CNY' });

describe.each([
  ['wechatpay-v3', credentialsOf],
  ['wechatpay-v2', credentialsOfV2],
])('%s', (id, credentials) => {
  const no = (name: string) => `${name}-${id.slice(-2)}`;
  let keeper: Bookkeeper;
  beforeAll(async () => {
    keeper = new Bookkeeper(id, credentials(identity), wechat.url);
    await wechat.pay({ outTradeNo: no('cup'), amount: 1_000, coupon: 100 }).first;
    await wechat.refund({ outTradeNo: no('cup'), outRefundNo: no('back'), amount: 400, status: 'SUCCESS' }).first;
    await wechat.refund({ outTradeNo: no('cup'), outRefundNo: no('shut'), amount: 10, status: 'CLOSED' }).first;
    await wechat.pay({ outTradeNo: no('dear'), amount: 1_000, feeFen: 99 }).first;
    await wechat.pay({ outTradeNo: no('twice'), amount: 500 }).first;
    await wechat.pay({ outTradeNo: no('twice'), again: true }).first;
    await wechat.pay({ outTradeNo: no('other'), amount: 700, appId: 'wxother', misbehave: 'lost' }).first;
  });

  it('tells each payment and refund with what was kept of it', async () => {
    const rows = await keeper.trades();
    const of = (name: string) => rows.filter(({ orderNo }) => orderNo === no(name));
    expect(of('cup')).toMatchObject([
      { kind: 'payment', amount: CNY(1_000), payerAmount: CNY(900), fee: { units: 6_000 }, isStranger: false },
      { kind: 'refund', refundNo: no('back'), amount: CNY(400), fee: { units: -2_000 }, state: 'succeeded' },
    ]);
    expect(of('dear')).toMatchObject([{ fee: { units: 99_000 } }]);
    expect(of('other')).toMatchObject([{ kind: 'payment', isStranger: true }]);
    const [one, other] = of('twice').map(({ transactionId }) => transactionId);
    expect([one, other]).toEqual([expect.stringMatching(/^4200/), expect.stringMatching(/^4200/)]);
    expect(one).not.toBe(other);
  });

  it('tells refunds alone, with their times', async () => {
    const rows = await keeper.trades('refund');
    expect(rows.filter(({ orderNo }) => orderNo === no('cup'))).toMatchObject([
      { kind: 'refund', refundNo: no('back') },
    ]);
    expect(rows.every(({ kind }) => kind === 'refund')).toBe(true);
  });

  it('moves the account by what the trades say, line by line', async () => {
    expect(await untied(keeper)).toEqual([]);
    const flow = await keeper.flow();
    for (const [index, { balance, amount }] of flow.slice(1).entries()) {
      expect(balance?.minor).toBe((flow[index]?.balance?.minor ?? 0) + amount.minor);
    }
  });

  it('has nothing to tell of a day on which nothing happened', async () => {
    expect([await keeper.file('trade', '2020-01-01'), await keeper.file('fundflow', '2020-01-01')]).toEqual([
      'none',
      'none',
    ]);
  });
});

it('gives the hash of what is in the file, and the file once it is asked for with a signature', async () => {
  const file = await new Bookkeeper('wechatpay-v3', credentialsOf(identity), wechat.url).file('trade');
  if (typeof file === 'string') throw new Error(file);
  const hex = createHash('sha1').update(gunzipSync(file.bytes)).digest('hex');
  expect(file.checksum).toEqual({ algorithm: 'SHA-1', hex });
  expect((await fetch(`${wechat.url}/v3/billdownload/file?token=x`)).status).toBe(401);
});

it('tells on its own day of a payment that was made days ago', async () => {
  await wechat.pay({ outTradeNo: 'older', amount: 300, daysAgo: 3, misbehave: 'lost' }).first;
  const keeper = new Bookkeeper('wechatpay-v3', credentialsOf(identity), wechat.url);
  expect(await keeper.file('trade', dayAfter(TODAY, -3))).toMatchObject({ checksum: { algorithm: 'SHA-1' } });
  expect((await keeper.trades()).map(({ orderNo }) => orderNo)).not.toContain('older');
});

it('makes bills in the morning, where it is told to be as slow as the real one', async () => {
  const hours = { port: 0, identity, notifyUrl: receiver.url, billHours: 'next-morning' } as const;
  const slow = await startWeChatPay(hours);
  await slow.pay({ outTradeNo: 'early', amount: 100 }).first;
  for (const [id, entered] of [
    ['wechatpay-v3', credentialsOf(identity)],
    ['wechatpay-v2', credentialsOfV2(identity)],
  ] as const) {
    const keeper = new Bookkeeper(id, entered, slow.url);
    expect([await keeper.file('trade'), await keeper.file('fundflow')]).toEqual(['later', 'later']);
    expect(await keeper.file('trade', dayAfter(TODAY, -2))).toBe('none');
  }
  await slow.close();
});

describe('alipay', () => {
  it('tells its trades in zipped GBK tables, tied to the account', async () => {
    const keeper = new Bookkeeper('alipay', alipayEntered, alipay.url);
    expect(await keeper.file('trade')).toBe('later');
    await alipay.alipay.pay({ outTradeNo: 'tea_1', amount: 1_000 }).first;
    await alipay.alipay.refund({ outTradeNo: 'tea_1', outRequestNo: 'back_1', amount: 400 }).first;
    const rows = await keeper.trades();
    expect(rows).toMatchObject([
      { kind: 'payment', orderNo: 'tea_1', amount: CNY(1_000), fee: { units: 6_000 }, state: 'succeeded' },
      { kind: 'refund', refundNo: 'back_1', amount: CNY(400), fee: { units: -2_000 } },
    ]);
    expect(rows[0]?.transactionId).toBe(alipay.alipay.trades.get('tea_1')?.tradeNo);
    expect(await untied(keeper)).toEqual([]);
    expect((await keeper.flow()).at(-1)?.balance).toEqual(CNY(10_000_000 + 1_000 - 6 - 400 + 2));
  });

  it('has no bill of a day on which nothing happened', async () => {
    const keeper = new Bookkeeper('alipay', alipayEntered, alipay.url);
    expect(await keeper.file('fundflow', '2020-01-01')).toBe('none');
  });
});
