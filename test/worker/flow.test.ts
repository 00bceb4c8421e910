// The way of a payment, whole and real: signed callback, ledger, queue, consumer, origin, settled, D1. Only the outside
// world is played: the platform that signs and the origin that answers.
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import {
  alarmsOf,
  deliveriesOf,
  eventually,
  makeOrigin,
  makeShop,
  originIs,
  pauseOrigin,
  refuse,
  resumeOrigin,
  type Shop,
  settled,
} from './delivery-world.ts';
import { ledger, unique, until } from './ledger-kit.ts';
import { noticeOf, paid, post, setStatus, signatureHeaders, transactionOf } from './receive-world.ts';

const send = async (shop: Shop, body: string) =>
  (await post(shop.channelId, body, await signatureHeaders(body))).status;
const paidNotice = (orderNo: string, more: object = {}) => noticeOf(transactionOf(orderNo, more));
const refundNotice = (orderNo: string, refundNo: string, refund: number) =>
  noticeOf(
    {
      mchid: transactionOf(orderNo).mchid,
      out_trade_no: orderNo,
      transaction_id: `42000027${orderNo}`,
      out_refund_no: refundNo,
      refund_id: `5030000${refundNo}`,
      refund_status: 'SUCCESS',
      success_time: '2026-01-01T11:00:00+08:00',
      user_received_account: '招商银行信用卡0403',
      amount: { total: 100, refund, payer_total: 100, payer_refund: refund },
    },
    'REFUND.SUCCESS',
  );

const rowOf = (table: string, shop: Shop, orderNo: string) =>
  env.DB.prepare(`SELECT * FROM ${table} WHERE channel = ? AND order_no = ?`).bind(shop.channelId, orderNo).first();

describe('a payment', () => {
  it('travels from the signed callback to the origin, is settled, and is seen in D1', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    const callback = await paid(orderNo);
    expect((await post(shop.channelId, callback.body, callback.headers)).status).toBe(204);
    const [delivery] = await settled(shop, orderNo);
    expect(delivery).toMatchObject({
      originId: origin.id,
      sequence: 1,
      attempts: [{ outcome: 'delivered', status: 200 }],
    });

    expect(origin.posts).toHaveLength(1);
    const [seen] = origin.posts;
    expect(seen).toMatchObject({ id: delivery?.eventId, type: 'payment.succeeded', signedBy: origin.secrets });
    expect(seen?.headers.get('content-type')).toBe('application/json');
    expect(JSON.parse(seen?.body ?? '')).toMatchObject({
      type: 'payment.succeeded',
      timestamp: '2026-01-01T02:34:56.000Z',
      data: {
        id: delivery?.eventId,
        sequence: 1,
        source: 'callback',
        channel: shop.channelId,
        provider: 'wechatpay-v3',
        order: { orderNo, state: 'paid', amountChecked: false, paid: { minor: 100, currency: 'CNY' } },
      },
    });

    const row = await until(shop.shard, () => rowOf('deliveries', shop, orderNo));
    expect(row).toMatchObject({ event_id: delivery?.eventId, origin: origin.id, state: 'delivered', attempts: 1 });
    expect(await rowOf('orders', shop, orderNo)).toMatchObject({
      state: 'paid',
      paid_minor: 100,
      sequence: 1,
      version: 1,
    });
    expect(await rowOf('events', shop, orderNo)).toMatchObject({
      event_id: delivery?.eventId,
      type: 'payment.succeeded',
    });
  });

  it('told five times at once is acknowledged five times and delivered once', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    const statuses = await Promise.all(Array.from({ length: 5 }, async () => send(shop, await paidNotice(orderNo))));
    expect(statuses).toEqual([204, 204, 204, 204, 204]);
    await settled(shop, orderNo);
    expect(await send(shop, await paidNotice(orderNo))).toBe(204);
    expect(await deliveriesOf(shop, orderNo)).toHaveLength(1);
    expect(origin.posts).toHaveLength(1);
  });

  it('and its refunds arrive in sequence, one at a time, each with the order as it then stood', async () => {
    const origin = await makeOrigin(async () => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return new Response(null, { status: 204 });
    });
    const shop = await makeShop(origin);
    const orderNo = unique('F');
    for (const body of [
      await paidNotice(orderNo),
      await refundNotice(orderNo, 'R1', 30),
      await refundNotice(orderNo, 'R2', 70),
    ]) {
      expect(await send(shop, body)).toBe(204);
    }
    await settled(shop, orderNo);
    expect(origin.posts.map(({ sequence, type }) => [sequence, type])).toEqual([
      [1, 'payment.succeeded'],
      [2, 'refund.succeeded'],
      [3, 'refund.succeeded'],
    ]);
    expect(origin.posts.map(({ body }) => JSON.parse(body).data.order.state)).toEqual([
      'paid',
      'partially_refunded',
      'refunded',
    ]);
    expect(origin.mostOpen).toBe(1);
  });

  it('without an origin is kept, and seen as skipped', async () => {
    const shop = await makeShop();
    const orderNo = unique('F');
    expect(await send(shop, await paidNotice(orderNo))).toBe(204);
    await settled(shop, orderNo, 'skipped');
    expect(await until(shop.shard, () => rowOf('deliveries', shop, orderNo))).toMatchObject({ state: 'skipped' });
  });

  it('goes to every origin of its channel', async () => {
    const [one, two] = [await makeOrigin(), await makeOrigin()];
    const shop = await makeShop(one, two);
    const orderNo = unique('F');
    await send(shop, await paidNotice(orderNo));
    const deliveries = await settled(shop, orderNo);
    expect(deliveries.map(({ originId }) => originId).sort()).toEqual([one.id, two.id].sort());
    expect(one.posts.map(({ id }) => id)).toEqual(two.posts.map(({ id }) => id));
    expect([one.posts[0]?.signedBy, two.posts[0]?.signedBy]).toEqual([one.secrets, two.secrets]);
  });
});

describe('a paused channel', () => {
  it('acknowledges and delivers nothing; resumed, everything goes in order', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const orderNo = unique('P');
    await send(shop, await paidNotice(unique('P'))); // the shard knows the channel
    await eventually(shop, () => origin.posts.length === 1);
    await setStatus(shop.channelId, 'paused');
    for (const body of [
      await paidNotice(orderNo),
      await refundNotice(orderNo, 'R1', 30),
      await refundNotice(orderNo, 'R2', 70),
    ]) {
      expect(await send(shop, body)).toBe(204);
    }
    await settled(shop, orderNo, 'paused');
    expect(origin.posts).toHaveLength(1);
    expect(await until(shop.shard, () => rowOf('deliveries', shop, orderNo))).toMatchObject({ state: 'paused' });
    await setStatus(shop.channelId, 'active');
    await settled(shop, orderNo);
    expect(origin.posts.slice(1).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    await until(shop.shard, async () => (await rowOf('deliveries', shop, orderNo))?.state === 'delivered');
  });
});

describe('an origin', () => {
  it('that answers 410 is paused and alarmed; its events wait and go when it is resumed', async () => {
    const origin = await makeOrigin(refuse(410));
    const shop = await makeShop(origin);
    const [first, second] = [unique('G'), unique('G')];
    await send(shop, await paidNotice(first));
    await settled(shop, first, 'paused');
    expect(await originIs(origin.id)).toMatchObject({ status: 'paused', pauseReason: 'gone' });
    expect(await alarmsOf(`origin/${origin.id}`)).toMatchObject([{ code: 'origin_gone' }]);
    await send(shop, await paidNotice(second));
    await settled(shop, second, 'paused');
    expect(origin.posts).toHaveLength(1);
    origin.respond = () => new Response('back');
    await resumeOrigin(origin.id);
    await settled(shop, first);
    await settled(shop, second);
    expect(origin.posts.map(({ orderNo }) => orderNo).sort()).toEqual([first, first, second].sort());
    expect(new Set(origin.posts.filter(({ orderNo }) => orderNo === first).map(({ id }) => id)).size).toBe(1);
  });

  it('paused by a person gets nothing until it is resumed', async () => {
    const origin = await makeOrigin();
    const shop = await makeShop(origin);
    const orderNo = unique('G');
    await pauseOrigin(origin.id);
    await send(shop, await paidNotice(orderNo));
    await settled(shop, orderNo, 'paused');
    expect((await ledger(shop.shard).readOrder(orderNo))?.order.paymentState).toBe('paid');
    expect(origin.posts).toEqual([]);
    await resumeOrigin(origin.id);
    await settled(shop, orderNo);
    expect(origin.posts).toHaveLength(1);
  });
});
