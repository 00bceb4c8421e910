// Callbacks that leave doubts: a complaint that names no order, and a key that is not known.
import { env, exports } from 'cloudflare:workers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HINTS_PER_MINUTE_MAX } from '../../src/core/limits.ts';
import { newComplaint } from '../../src/sandbox/complaints.ts';
import { bodyOf, envelopeOf, genuinePost, type NoticeContent, postOf, signingKeyOf } from '../../src/sandbox/notice.ts';
import { newTransactionId, OrderBook } from '../../src/sandbox/orders.ts';
import { call, credentials, identity, makeChannel, playProvider, unique } from './api-world.ts';
import { later, MINUTE_MS, Shop, startClock } from './order-world.ts';

describe('a complaint', () => {
  const DOWN = () => new Response('{"code":"SYSTEM_ERROR","message":"later"}', { status: 500 });

  /** An order that was registered, paid and complained about; WeChat Pay knows all of it. */
  async function complainedAbout(more: object = {}) {
    const channel = await makeChannel(more);
    const [orderNo, book] = [unique('ORDER'), new OrderBook(null)];
    playProvider(undefined, 'public-key', book);
    const input = { channel, orderNo, amount: { minor: 500, currency: 'CNY' }, pay: true };
    const registered = await call('POST', '/v1/orders', input);
    if (registered.status !== 201) throw new Error(registered.text);
    const order = book.get(orderNo);
    if (!order) throw new Error('the provider was not asked');
    const complaint = newComplaint(Date.now());
    const paid = { state: 'SUCCESS' as const, transactionId: newTransactionId(), paidAt: Date.now() };
    book.put({ ...order, ...paid, complaints: [complaint] });
    return { channel, orderNo, book, complaint };
  }

  const noticeOf = (id: string, eventType = 'COMPLAINT.CREATE'): NoticeContent => ({
    eventType,
    originalType: 'complaint',
    summary: '产生新投诉',
    resource: { complaint_id: id, action_type: 'CREATE_COMPLAINT' },
  });

  async function notify(channel: string, content: NoticeContent): Promise<number> {
    const now = Date.now();
    const body = bodyOf(crypto.randomUUID(), content, identity, now);
    const post = postOf({ body, content }, null, identity, signingKeyOf(identity, 'public-key'), now);
    const url = `http://127.0.0.1:8787/callbacks/${channel}`;
    return (await exports.default.fetch(new Request(url, { method: 'POST', ...post }))).status;
  }

  it('flags the order for review, once however often it is told, and whatever becomes of it', async () => {
    const { channel, orderNo, complaint } = await complainedAbout();
    expect(await notify(channel, noticeOf(complaint.id))).toBe(204);
    expect(await notify(channel, noticeOf(complaint.id))).toBe(204);
    expect(await notify(channel, noticeOf(complaint.id, 'COMPLAINT.STATE_CHANGE'))).toBe(204);
    const { body } = await call('GET', `/v1/orders/${channel}/${orderNo}`);
    expect(body.order?.flags).toEqual(['risk_review']);
    expect(body.order?.sequence ?? body.sequence).toBe(1);
  });

  it('is told again where WeChat Pay cannot be asked, and is not lost', async () => {
    const { channel, orderNo, book, complaint } = await complainedAbout();
    playProvider(DOWN, 'public-key', book);
    expect(await notify(channel, noticeOf(complaint.id))).toBe(503);
    playProvider(undefined, 'public-key', book);
    expect(await notify(channel, noticeOf(complaint.id))).toBe(204);
    const { body } = await call('GET', `/v1/orders/${channel}/${orderNo}`);
    expect(body.order?.flags).toEqual(['risk_review']);
  });

  it('that WeChat Pay knows nothing of is kept, and touches no order', async () => {
    const { channel, orderNo } = await complainedAbout();
    expect(await notify(channel, noticeOf('200201820200101080076610000'))).toBe(204);
    const { body } = await call('GET', `/v1/orders/${channel}/${orderNo}`);
    expect(body.order?.flags).toEqual([]);
  });

  it('is a person’s business where the channel cannot ask', async () => {
    const { merchantSerial: _, merchantPrivateKey: __, ...keyless } = credentials;
    const channel = await makeChannel({ credentials: keyless });
    expect(await notify(channel, noticeOf('200201820200101080076610000'))).toBe(204);
    const alarms = await call('GET', '/v1/alarms?limit=200');
    const [alarm] = alarms.body.items?.filter((one) => String(one.subject) === `channel/${channel}`) ?? [];
    expect(alarm).toMatchObject({ code: 'unconfirmed_notice', detail: expect.stringContaining('merchantPrivateKey') });
  });
});

describe('hints', () => {
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
      const [fact] = [...((await shop.read(orderNo)).body.timeline ?? [])].filter(
        ({ kind }) => String(kind) === 'fact',
      );
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
});
