// Callbacks that cannot be verified for want of a key: refused so that the provider calls again, and the order that
// they name is asked about, whoever wrote them, within a limit that no flood moves.
import { env } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HINTS_PER_MINUTE_MAX } from '../../src/core/limits.ts';
import { envelopeOf, genuinePost } from '../../src/sandbox/notice.ts';
import { call, identity, unique } from './api-world.ts';
import { later, MINUTE_MS, Shop, startClock } from './order-world.ts';

let shop: Shop;

beforeEach(async () => {
  startClock();
  shop = await Shop.open({ settings: { querySeconds: [] } });
});
afterEach(() => vi.restoreAllMocks());

/** Signed with a key that nobody here knows, and sealed as the channel's own notices are, unless told otherwise. */
const strangeOf = (orderNo: string, eventType = 'TRANSACTION.SUCCESS', refundNo?: string, seal = identity) => {
  const resource = { out_trade_no: orderNo, ...(refundNo === undefined ? {} : { out_refund_no: refundNo }) };
  const content = { eventType, originalType: 'transaction', summary: '', resource };
  const body = envelopeOf(unique('notice'), content, seal, Date.now());
  return genuinePost(body, { ...identity.publicKey, serial: 'PUB_KEY_ID_OF_THE_NEXT_YEAR' }, Date.now());
};
const send = ({ headers, body }: ReturnType<typeof strangeOf>) =>
  call('POST', `/callbacks/${shop.channel}`, body, { key: null, headers });
const aboutOrders = () =>
  shop.asked().filter((line) => line.startsWith('GET transactions') || line.includes('refunds'));

async function paidThere() {
  const orderNo = await shop.sell({ closeOnExpiry: false });
  shop.payUnnoticed(orderNo);
  shop.calls.length = 0;
  return orderNo;
}
const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 5_000, interval: 20 });
/** Time enough for whatever a callback would still have asked. */
const quiet = () => new Promise((resume) => setTimeout(resume, 150));

describe('a notice with a key that is not known', () => {
  it('is refused, and its order is found to be paid all the same', async () => {
    const orderNo = await paidThere();
    expect((await send(strangeOf(orderNo))).status).toBe(503);
    await eventually(async () =>
      expect((await shop.read(orderNo)).body.order).toMatchObject({ state: 'paid', sequence: 1 }),
    );
    expect(aboutOrders()).toEqual([`GET transactions/out-trade-no/${orderNo}`]);
    const [fact] = [...((await shop.read(orderNo)).body.timeline ?? [])].filter(({ kind }) => String(kind) === 'fact');
    expect(fact).toMatchObject({ source: 'query' });
  });

  it('of a refund has the refund asked about', async () => {
    const orderNo = await shop.sellPaid();
    await send(strangeOf(orderNo, 'REFUND.SUCCESS', 'R1'));
    await eventually(() => expect(aboutOrders()).toEqual(['GET domestic/refunds/R1']));
  });

  it('that was sealed by somebody else is about nothing', async () => {
    const orderNo = await paidThere();
    const stranger = { ...identity, apiV3Key: 'k'.repeat(32) };
    expect((await send(strangeOf(orderNo, 'TRANSACTION.SUCCESS', undefined, stranger))).status).toBe(503);
    await quiet();
    expect(aboutOrders()).toEqual([]);
  });

  it('is answered before anybody is asked', async () => {
    const orderNo = await paidThere();
    shop.play((asked, genuine) => (asked.url.includes('out-trade-no') ? new Promise(() => undefined) : genuine()));
    expect((await send(strangeOf(orderNo))).status).toBe(503);
  });

  it('comes in floods and is followed so often a minute, and no more', async () => {
    const orderNos = await Promise.all(Array.from({ length: 30 }, () => paidThere()));
    shop.calls.length = 0;
    const replies = await Promise.all([...orderNos, ...orderNos].map((orderNo) => send(strangeOf(orderNo))));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([503]));
    await eventually(() => expect(aboutOrders()).toHaveLength(HINTS_PER_MINUTE_MAX));
    await quiet();
    expect(aboutOrders()).toHaveLength(HINTS_PER_MINUTE_MAX);
    later(MINUTE_MS);
    await send(strangeOf(orderNos[0] ?? ''));
    await eventually(() => expect(aboutOrders()).toHaveLength(HINTS_PER_MINUTE_MAX + 1));
  });

  it('is followed no more often by many isolates than by one', async () => {
    const log = env.CALLBACK_LOG.getByName(`v1:${unique('flooded')}`);
    const now = Date.now() - (Date.now() % MINUTE_MS);
    const answers = await Promise.all(Array.from({ length: 3 * HINTS_PER_MINUTE_MAX }, () => log.mayFollow(now)));
    expect(answers.filter((may) => may)).toHaveLength(HINTS_PER_MINUTE_MAX);
    expect(await log.mayFollow(now + MINUTE_MS)).toBe(true);
  });
});
