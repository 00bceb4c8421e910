// What an origin receives, word for word, and that no field of it is ever missing.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PaymentEvent } from '../../src/core/event.ts';
import type { Order } from '../../src/core/order.ts';
import { renderEventData, renderOrder } from '../../src/formats/order.ts';
import { renderStandard } from '../../src/formats/standard.ts';
import {
  anyStart,
  anyStory,
  cny,
  dispute,
  fresh,
  history,
  orderOf,
  paid,
  refund,
  registered,
  T0,
} from '../core/facts.ts';

const payment = paid('4200001', 100, {
  payerAmount: cny(90),
  discounts: [{ id: 'coupon1', name: '立减', amount: cny(10) }],
  method: 'wallet',
  providerMethod: 'NATIVE',
  bank: 'OTHERS',
  payer: { id: 'oUpF8', idType: 'openid' },
  attach: 'table 5',
});
const refunded = refund('R1', 30, 'succeeded', { reason: 'cold tea', occurredAt: T0 + 60_000 });

function snapshot(start: Order, facts: readonly PaymentEvent[]) {
  const order = orderOf(start, facts);
  return renderEventData({
    eventId: 'evt_01',
    sequence: order.sequence,
    source: 'callback',
    receivedAt: T0 + 61_000,
    channelId: 'shop',
    provider: 'wechatpay-v3',
    order,
    event: facts.at(-1) ?? null,
  });
}

describe('the standard body', () => {
  const start = registered(100, { metadata: { table: '5' }, expiresAt: T0 + 3_600_000 });

  it('is what the documents promise', () => {
    const { contentType, body } = renderStandard(
      'refund.succeeded',
      T0 + 60_000,
      JSON.stringify(snapshot(start, [payment, refunded])),
    );
    expect(contentType).toBe('application/json');
    const refundBody = {
      refundNo: 'R1',
      providerRefundId: 'p-R1',
      amount: cny(30),
      state: 'succeeded',
      reason: 'cold tea',
      at: '2026-01-01T00:01:00.000Z',
    };
    expect(JSON.parse(body)).toEqual({
      type: 'refund.succeeded',
      timestamp: '2026-01-01T00:01:00.000Z',
      data: {
        id: 'evt_01',
        sequence: 2,
        source: 'callback',
        receivedAt: '2026-01-01T00:01:01.000Z',
        channel: 'shop',
        provider: 'wechatpay-v3',
        test: false,
        order: {
          orderNo: 'N1',
          state: 'partially_refunded',
          dispute: null,
          flags: [],
          amountChecked: true,
          amount: cny(100),
          paid: cny(100),
          refunded: cny(30),
          paidAt: '2026-01-01T00:00:00.000Z',
          providerState: 'SUCCESS',
          payments: [
            {
              transactionId: '4200001',
              amount: cny(100),
              payerAmount: cny(90),
              discounts: [{ id: 'coupon1', name: '立减', amount: cny(10) }],
              method: 'wallet',
              providerMethod: 'NATIVE',
              bank: 'OTHERS',
              received: null,
              paidAt: '2026-01-01T00:00:00.000Z',
            },
          ],
          refunds: [refundBody],
          attach: 'table 5',
          metadata: { table: '5' },
          expiresAt: '2026-01-01T01:00:00.000Z',
        },
        payer: { id: 'oUpF8', idType: 'openid', account: null, name: null },
        refund: refundBody,
        provenance: { payer: 'callback' },
      },
    });
  });

  it('has every field of an order about which nothing is known', () => {
    expect(snapshot(fresh(), [])).toEqual({
      id: 'evt_01',
      sequence: 0,
      source: 'callback',
      receivedAt: '2026-01-01T00:01:01.000Z',
      channel: 'shop',
      provider: 'wechatpay-v3',
      test: false,
      order: {
        orderNo: 'N1',
        state: 'pending',
        dispute: null,
        flags: [],
        amountChecked: false,
        amount: null,
        paid: null,
        refunded: null,
        paidAt: null,
        providerState: null,
        payments: [],
        refunds: [],
        attach: null,
        metadata: {},
        expiresAt: null,
      },
      payer: null,
      refund: null,
      provenance: {},
    });
  });

  it('has the same fields whatever happened, and none of them undefined', () => {
    const keysOf = (value: object) => Object.keys(value).sort();
    const [data, order] = [keysOf(snapshot(fresh(), [])), keysOf(renderOrder(fresh()))];
    fc.assert(
      fc.property(anyStart, anyStory, (begin, facts) => {
        const rendered = snapshot(begin, facts);
        expect([keysOf(rendered), keysOf(rendered.order)]).toEqual([data, order]);
        expect(JSON.parse(JSON.stringify(rendered))).toStrictEqual(rendered);
      }),
    );
  });

  it('keeps the bytes of the snapshot as they were committed', () => {
    const data = '{"id":"evt_01",  "note":"\\u8336"}';
    const { body } = renderStandard('order.flagged', T0, data);
    expect(body).toBe(`{"type":"order.flagged","timestamp":"2026-01-01T00:00:00.000Z","data":${data}}`);
  });
});

describe('an order for a merchant', () => {
  it('counts in the registered currency before any payment', () => {
    expect(renderOrder(registered(100))).toMatchObject({
      amount: cny(100),
      paid: cny(0),
      refunded: cny(0),
      paidAt: null,
    });
  });

  it('takes the amount from the payment where none is registered, and says that nothing was checked', () => {
    expect(renderOrder(orderOf(fresh(), [payment]))).toMatchObject({ amount: cny(100), amountChecked: false });
  });

  it('shows no time of payment while a part is missing', () => {
    expect(renderOrder(orderOf(registered(200), [payment]))).toMatchObject({
      state: 'pending',
      paid: cny(100),
      paidAt: null,
    });
  });

  it('shows what a chain received beside the priced amount, never summed', () => {
    const received = { amount: '0.10000001', asset: 'USDT', network: 'TRC20' };
    const order = renderOrder(orderOf(fresh(), [paid('t1', 100, { received }), paid('t2', 50, { received })]));
    expect([order.paid, order.payments[0]?.received]).toEqual([cny(150), received]);
  });

  it('shows its dispute beside its state', () => {
    expect(renderOrder(orderOf(fresh(), [payment, dispute('d1', 'open')]))).toMatchObject({
      state: 'paid',
      dispute: 'open',
    });
  });
});

describe('the refund of an event', () => {
  it('is the one that the event is about, as it then stood', () => {
    expect(snapshot(fresh(), [payment, refunded, refund('R2', 5, 'pending')]).refund).toMatchObject({
      refundNo: 'R2',
      state: 'pending',
    });
    expect(snapshot(fresh(), [refunded, payment]).refund).toBeNull();
  });

  it('is there for a flagged one too', () => {
    const stuck = refund('R1', 30, 'needs_attention');
    expect(history(fresh(), [payment, stuck]).at(-1)?.type).toBe('order.flagged');
    expect(snapshot(fresh(), [payment, stuck]).refund).toMatchObject({ refundNo: 'R1', state: 'needs_attention' });
  });
});
