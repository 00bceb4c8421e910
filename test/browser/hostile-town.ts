// A town in which whatever a person, a payer, a provider, an origin or a bill can write is hostile, put there by the
// doors that they would use. Says what was written where; looks at no page.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect, vi } from 'vitest';
import { dayAfter, dayOf } from '../../src/core/bill.ts';
import type { Town } from '../../tools/town.ts';
import type { Trade } from '../fixtures/bills/trades.ts';
import { flowBill, tradeBill } from '../fixtures/bills/wechat.ts';
import { entered as wechatEntered } from '../fixtures/wechatpay-v3/merchant.ts';
import type { Sights } from './console-pages.ts';
import { adminKey } from './console-visit.ts';
import { FORMULAS, HOSTILE, joined, longWord } from './hostile-texts.ts';

export const CHANNEL = 'hostile';
const SHOP = 'demo-wechat';
const HELD = 'held';
const REFUNDABLE = 'refundable';
const PENDING = 'pending';
const BILLS = 'hostile-bills';
const SECRET = `whsec_${Buffer.from('a secret of thirty-two bytes, ok').toString('base64')}`;
const DAY = dayAfter(dayOf(Date.now()), -2);
const NOON = `${DAY} 12:00:00`;

/** What an order number may be written with. */
const isNumber = (text: string): boolean => /^[\x21-\x7e]{1,64}$/.test(text);
const NUMBERS = HOSTILE.filter(isNumber);
const SHORT = HOSTILE.filter(({ length }) => length <= 64);
/** Five orders share the fifty among them, and the first of the numbers. */
const SHARES = 5;
const share = (all: readonly string[], order: number): readonly string[] =>
  all.filter((_, at) => at % SHARES === order);
const ORDERS = NUMBERS.slice(0, SHARES);
const pathOf = (orderNo: string): string => `/console/orders/${CHANNEL}/${encodeURIComponent(orderNo)}`;
const [ANSWER = ''] = joined(1_000);
const [ANSWERED = ''] = joined(400);

/** What was written, by what it is; each is to be found on a page whose path begins so. */
export type Written = { readonly what: string; readonly on: string; readonly texts: readonly string[] };

export type HostileTown = { readonly sights: Sights; readonly written: readonly Written[]; readonly close: () => void };

export const until = (holds: () => Promise<boolean>) =>
  vi.waitFor(async () => expect(await holds()).toBe(true), { timeout: 30_000, interval: 100 });

/** Answers whatever is posted to it, each time with the next of these. */
async function answering(texts: readonly string[]) {
  let answered = 0;
  const server = createServer((_, response) => {
    response.writeHead(500, { 'content-type': 'text/html' }).end(texts[answered++ % texts.length]);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo; // it listens
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

const words = (all: readonly string[], meaning: string) => Object.fromEntries(all.map((text) => [text, meaning]));
const csv = (cells: readonly string[]) => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',');

type Wrote = (what: string, on: string, texts: readonly string[]) => void;
type Fill = { readonly town: Town; readonly wrote: Wrote };

const CONTENT = ['orderNo', 'transactionId', 'status', 'amount', 'currency', 'kind', 'refundNo', 'refundId'];
const MORE_CONTENT = ['refundAmount', 'reason', 'payerId', 'payerAccount', 'payerName', 'method', 'attach'];
const COLUMNS = { orderNo: 'Order', transactionId: 'Payment', amount: 'Gross', at: 'Booked', refundNo: 'Refund' };

async function makeChannels({ town: { call }, wrote }: Fill, url: string): Promise<void> {
  const path = `/${encodeURIComponent(HOSTILE[1] ?? '')}/'onload='alert(1)'?q=${longWord(1_000)}`;
  // It fails always, and is asked nevertheless.
  const breaker = { failureShare: 1, attemptsMin: 10_000 };
  const origin = { url: url + path, breaker, ladderSeconds: [0] };
  const fields = [{ name: 'state', from: 'data.order.state', words: words(HOSTILE, longWord(500)) }];
  await call('POST', '/v1/origins', { id: 'hostile', ...origin, acceptsTest: true });
  await call('POST', '/v1/origins', { id: 'mapped', ...origin, format: 'mapped', formatOptions: { fields } });
  const isWritten = (text: string) => JSON.stringify(text).slice(1, -1);
  wrote('options of a format', '/console/origins/mapped', HOSTILE.map(isWritten));
  wrote('the address of an origin', '/console/origins/hostile', [url + path]);
  const credentials = {
    ...{ secrets: [SECRET], formats: ['json'], kinds: { pay: 'payment', refund: 'refund' }, amountUnit: 'minor' },
    fields: Object.fromEntries([...CONTENT, ...MORE_CONTENT].map((name) => [name, name])),
    statuses: { payment: words(SHORT, 'succeeded'), refund: words(SHORT, 'succeeded') },
    acknowledgement: { success: { body: ANSWER }, failure: { body: longWord(1_000) } },
  };
  const billMapping = {
    columns: { ...COLUMNS, kind: 'Type', state: 'Status' },
    kindWords: { Sale: 'payment', Refund: 'refund' },
    stateWords: words(SHORT, 'succeeded'),
    currency: 'CNY',
  };
  const settings = { hold: ['overpaid'], billMapping };
  const origins = ['hostile', 'mapped'];
  await call('POST', '/v1/channels', { id: CHANNEL, provider: 'standard-webhooks', origins, credentials, settings });
  const bills = { provider: 'wechatpay-v3', credentials: wechatEntered, settings: { exclusive: true } };
  await call('POST', '/v1/channels', { id: BILLS, origins: ['mapped'], ...bills });
  wrote('what a channel answers its provider', `/console/channels/${CHANNEL}/test/`, [ANSWER]);
}

/** A callback as its provider would sign it. */
async function tell(town: Town, body: object): Promise<number> {
  const id = `msg_${crypto.randomUUID()}`;
  const text = JSON.stringify(body);
  const now = new Date();
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(now.getTime() / 1_000)),
    'webhook-signature': new Webhook(SECRET).sign(id, now, text),
  };
  const { status } = await fetch(`${town.gateway}/callbacks/${CHANNEL}`, { method: 'POST', headers, body: text });
  return status;
}

/** All at once: what each is answered with. */
async function tellAll(town: Town, bodies: readonly object[], status: number): Promise<void> {
  const answers = await Promise.all(bodies.map((body) => tell(town, body)));
  expect(answers.filter((one) => one !== status)).toEqual([]);
}

const payment = (orderNo: string, text: string, more: object = {}) => ({
  ...{ kind: 'pay', orderNo, transactionId: text, status: text, amount: 100, currency: 'CNY' },
  ...{ method: text, attach: text, payerId: text, payerAccount: text, payerName: text, ...more },
});
const refund = (orderNo: string, text: string) => ({
  ...{ kind: 'refund', orderNo, refundNo: text, refundId: text, status: text, reason: text },
  ...{ refundAmount: 1, currency: 'CNY' },
});

/** Five orders hold among them all that a merchant attaches, a provider tells, and an origin answers. */
async function makeOrders({ town, wrote }: Fill): Promise<void> {
  const make = async (orderNo: string, at: number) => {
    const some = share(HOSTILE, at);
    const metadata = Object.fromEntries(
      some.flatMap((text, i) => [
        [`k${i}`, text],
        [text.slice(0, 60), longWord(500)],
      ]),
    );
    const amount = { minor: 1_000, currency: 'CNY' };
    await town.call('POST', '/v1/orders', {
      channel: CHANNEL,
      orderNo,
      amount,
      metadata,
      description: joined(500)[at],
    });
    const [attach = longWord(1_024)] = joined(1_024, some);
    const texts = share(SHORT, at);
    await tellAll(
      town,
      texts.map((text) => payment(orderNo, text, { attach })),
      200,
    );
    await tellAll(
      town,
      texts.map((text) => refund(orderNo, text)),
      200,
    );
    const page = pathOf(orderNo);
    wrote('metadata', page, [...some, ...some.map((text) => text.slice(0, 60))]);
    wrote('attached text', page, [attach]);
    wrote('ids and methods of payments, numbers and reasons of refunds, words of the provider', page, texts);
  };
  const formulas = FORMULAS.filter(isNumber).map((orderNo) => payment(orderNo, HOSTILE[0] ?? ''));
  await Promise.all([...ORDERS.map(make), tellAll(town, formulas, 200)]);
  wrote(
    'what an origin answers',
    `/console/orders/${CHANNEL}/`,
    joined(500).filter((text) => !/token=/.test(text)),
  );
  wrote('order numbers', '/console/orders', ORDERS);
}

/** What nobody can read is refused, and the refusal says which word it was. */
async function refuseSome({ town, wrote }: Fill): Promise<void> {
  const unknown = SHORT.map((text, at) => payment(`refused${at}`, `?${text}`.slice(0, 64)));
  await tellAll(town, unknown, 503);
  const told = unknown.map(({ status }) => JSON.stringify(status));
  wrote('words that a refusal names', `/console/callbacks`, told);
}

/** Held because more came than was registered; then a person decides, and says why. */
async function holdSome({ town, wrote }: Fill): Promise<void> {
  const reasons = [...joined(500), longWord(500)];
  const hold = async (orderNo: string) => {
    await town.call('POST', '/v1/orders', { channel: CHANNEL, orderNo, amount: { minor: 9, currency: 'CNY' } });
    expect(await tell(town, payment(orderNo, HOSTILE[0] ?? ''))).toBe(200);
  };
  const decide = async (reason: string, at: number) => {
    const path = `/v1/orders/${CHANNEL}/decided${at}`;
    await hold(`decided${at}`);
    await town.call('POST', `${path}/release`, { reason, discard: at % 2 === 0 });
    if (at === 0) wrote('the reason of a release', `/console/orders/${CHANNEL}/decided0`, [reason]);
  };
  await Promise.all([hold(HELD), ...reasons.map(decide)]);
  wrote('reasons', '/console/audit', reasons);
}

/** Refunds asked for here: the provider is the pretend one of the demonstration. */
async function refundSome({ town, wrote }: Fill): Promise<void> {
  const orderNo = REFUNDABLE;
  await town.call('POST', '/v1/orders', { channel: SHOP, orderNo, amount: { minor: 100, currency: 'CNY' }, pay: true });
  await town.call('POST', '/v1/orders', {
    channel: SHOP,
    orderNo: PENDING,
    amount: { minor: 100, currency: 'CNY' },
    pay: true,
  });
  const body = JSON.stringify({ outTradeNo: orderNo, amount: 100, attach: joined(120)[0] });
  await fetch(`${town.wechat}/sandbox/pay`, { method: 'POST', body });
  const path = `/v1/orders/${SHOP}/${orderNo}`;
  const isPaid = async () => ((await town.call('GET', path)).order as { state: string }).state === 'paid';
  await until(isPaid);
  const reasons = joined(80);
  const ask = (reason: string, at: number) =>
    town.call('POST', `${path}/refunds`, { refundNo: `R${at}`, amount: { minor: 1, currency: 'CNY' }, reason });
  await Promise.all(reasons.map(ask));
  wrote('reasons of refunds that were asked for', `/console/orders/${SHOP}/${orderNo}`, reasons);
}

/** Keys, replays, rules of access, who is told of alarms. */
async function administer({ town, wrote }: Fill, url: string): Promise<void> {
  const names = HOSTILE.filter(({ length }) => length <= 100).concat(longWord(100));
  await Promise.all(names.map((name) => town.call('POST', '/v1/api-keys', { name, scopes: ['metrics'] })));
  wrote('names of keys', '/console/keys', names);
  const reasons = [...joined(500), longWord(500)];
  for (const reason of reasons) await town.call('POST', '/v1/replays', { state: 'dead', channel: 'nobody', reason });
  wrote('reasons of replays', '/console/replays', reasons);
  const groups = HOSTILE.concat(longWord(200)).map((value) => ({ kind: 'group', value, role: 'viewer' }));
  const mails = HOSTILE.filter((text) => text.length < 180 && !/[\s@]/.test(text)).map(
    (text) => `${text.toLowerCase()}@x.example`,
  );
  const people = mails.map((value) => ({ kind: 'email', value, role: 'viewer' }));
  const audiences = ['a'.repeat(64)];
  const issuer = 'https://hostile.cloudflareaccess.com';
  await town.call('PUT', '/v1/access', { issuer, audiences, rules: [...groups, ...people] });
  wrote(
    'people and groups',
    '/console/access',
    [...groups, ...people].map(({ value }) => value),
  );
  wrote('what a destination of alarms answers', '/console/alarm-destinations/hostile0', [ANSWERED]);
  for (const [at, kind] of ['webhook', 'slack'].entries()) {
    await town.call('POST', '/v1/alarm-destinations', {
      id: `hostile${at}`,
      kind,
      url: `${url}/services/${longWord(99)}`,
    });
  }
}

async function bring(town: Town, channel: string, kind: string, file: string, day = DAY): Promise<void> {
  const path = `/v1/reconciliations/bills?channel=${channel}&day=${day}&kind=${kind}`;
  const headers = { authorization: `Bearer ${adminKey()}`, 'content-type': 'text/csv' };
  const reply = await fetch(town.gateway + path, { method: 'POST', headers, body: file });
  if (!reply.ok) throw new Error(await reply.text());
  const isOver = async () => {
    const { state } = await town.call('GET', `/v1/reconciliations/${channel}~${day}`);
    return !['running', 'waiting'].includes(String(state));
  };
  await until(isOver);
}

/** A table of the merchant's own, with every cell that a person can read; then one that names a word nobody knows. */
async function compareTable({ town, wrote }: Fill): Promise<void> {
  const header = csv(Object.values({ ...COLUMNS, kind: 'Type', state: 'Status' }));
  const ids = HOSTILE.filter((text) => !text.includes('\ufffd'));
  const row = (id: string, at: number) => {
    const isRefund = at % 2 === 1;
    return csv([
      id,
      id,
      '1.00',
      NOON,
      isRefund ? id : '',
      isRefund ? 'Refund' : 'Sale',
      SHORT[at % SHORT.length] ?? '',
    ]);
  };
  await bring(town, CHANNEL, 'trade', [header, ...ids.map(row), ''].join('\r\n'));
  wrote('numbers in a bill', '/console/discrepancies', ids);
  const { items } = await town.call('GET', `/v1/discrepancies?channel=${CHANNEL}&limit=200`);
  const found = items as { id: string }[];
  const owners = [...FORMULAS, ...HOSTILE.filter(({ length }) => length <= 100)].slice(0, found.length);
  const [note = ''] = joined(2_000);
  const say = (owner: string, at: number) =>
    town.call('PATCH', `/v1/discrepancies/${encodeURIComponent(found[at]?.id ?? '')}`, {
      owner,
      note: at === 0 ? note : longWord(2_000),
    });
  await Promise.all(owners.map(say));
  wrote('who looks after a discrepancy', '/console/discrepancies', owners);
  wrote('what is noted of a discrepancy', `/console/discrepancies/${encodeURIComponent(found[0]?.id ?? '')}`, [note]);
  const days = HOSTILE.slice(0, 1).map((text, at) => ({ text, day: dayAfter(DAY, -1 - at) }));
  for (const { text, day } of days) {
    const file = [header, csv(['A1', 'A1', '1.00', `${day} 12:00:00`, '', text, SHORT[0] ?? '']), ''].join('\r\n');
    await bring(town, CHANNEL, 'trade', file, day);
    const said = JSON.stringify(text.slice(0, 40)).slice(1, -1);
    wrote('a word that a bill was refused for', `/console/reconciliations/${CHANNEL}~${day}`, [said]);
  }
}

/** The provider's own bills, with a settlement. */
async function compareBills({ town, wrote }: Fill): Promise<void> {
  const ids = HOSTILE.filter((text) => !text.includes('\ufffd') && !text.includes(',`'));
  const tradeOf = (orderNo: string, at: number): Trade => ({
    ...{ kind: 'payment', orderNo, transactionId: orderNo, refundNo: '', providerRefundId: '', fen: 100, feeFen: 1 },
    ...{ name: orderNo, at: Date.parse(`${DAY}T12:00:00+08:00`) + at * 1_000 },
  });
  const trades = ids.map(tradeOf);
  await bring(town, BILLS, 'trade', tradeBill(trades));
  await bring(town, BILLS, 'fundflow', flowBill(trades.slice(0, 1)));
  wrote('numbers in a provider’s own bill', '/console/discrepancies', ids);
}

async function testSome({ town }: Fill): Promise<string> {
  const { orderNo } = await town.call('POST', `/v1/channels/${CHANNEL}/test`, {});
  return String(orderNo);
}

/** Lists come a moment after what they list. */
async function settled({ call }: Town): Promise<void> {
  const holds = async (path: string, ...texts: readonly string[]) => {
    const page = JSON.stringify(await call('GET', path));
    return texts.every((text) => page.includes(JSON.stringify(text)));
  };
  await until(() => holds(`/v1/orders?channel=${CHANNEL}&limit=200`, ...ORDERS, HELD));
  await until(() => holds('/v1/orders?state=paid', HELD));
  await until(() => holds('/v1/callbacks?verdict=rejected&limit=200', 'malformed'));
  await until(() => holds('/v1/deliveries?state=dead', ...ORDERS.slice(0, 1)));
  await until(() => holds('/v1/alarms', 'order_held', 'delivery_dead'));
  await until(() => holds('/v1/audit?limit=200', longWord(500)));
  const told = async () =>
    JSON.stringify(await call('GET', '/v1/alarm-messages?destination=hostile0')).includes('alert(1)');
  await until(told);
}

const firstId = async ({ call }: Town, path: string): Promise<string> => {
  const { items } = await call('GET', path);
  return String((items as { id: string }[])[0]?.id);
};

export async function fillWithHostile(town: Town): Promise<HostileTown> {
  const [answers, destination] = await Promise.all([answering([...joined(500), longWord(500)]), answering([ANSWERED])]);
  const written: Written[] = [];
  const fill: Fill = { town, wrote: (what, on, texts) => written.push({ what, on, texts }) };
  await makeChannels(fill, answers.url);
  await administer(fill, destination.url);
  await Promise.all([makeOrders(fill), refundSome(fill)]);
  const jobs = [refuseSome(fill), holdSome(fill), compareTable(fill), compareBills(fill)];
  const [test] = await Promise.all([testSome(fill), ...jobs]);
  await settled(town);
  const sights: Sights = {
    ...{
      channel: CHANNEL,
      bills: BILLS,
      day: DAY,
      orders: ORDERS,
      held: HELD,
      refundable: REFUNDABLE,
      pending: PENDING,
      dayBefore: dayAfter(DAY, -1),
    },
    ...{ test, discrepancy: await firstId(town, `/v1/discrepancies?channel=${CHANNEL}&limit=200`) },
    ...{ replay: await firstId(town, '/v1/replays'), key: await firstId(town, '/v1/api-keys') },
  };
  const close = () => {
    answers.close();
    destination.close();
  };
  return { sights, written, close };
}
