// Reconciliations: a day's bills fetched, checked, compared, repaired and settled by the reconciler, and what the API
// shows of it. The provider behind fetch is the only thing that is played.
import { evictDurableObject } from 'cloudflare:test';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Json } from './api-world.ts';
import { CNY, filesOf, Merchant, refundOf, told, trade } from './reconcile-world.ts';

vi.setConfig({ testTimeout: 30_000 });
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

const kindsOf = (items: readonly Json[]) =>
  items.map(({ kind, orderNo }) => `${String(kind)} ${String(orderNo)}`).sort();

describe('a day with every kind of difference', () => {
  const same = trade('A-same');
  const lost = trade('A-lost');
  const dear = trade('A-dear', { fen: 2_000, feeFen: 12 });
  const fee = trade('A-fee', { feeFen: 60 });
  const refunded = trade('A-refunded');
  const refund = refundOf('A-refunded');
  const foreign = trade('B-other');
  const trades = [same, lost, dear, fee, refunded, refund, foreign, same];
  const absent = trade('A-absent');

  const opened = async (settings: object = { orderNoPattern: 'A-*' }) => {
    const merchant = await Merchant.open(filesOf(trades), { settings });
    await merchant.hear(told(same), told(dear, { amount: CNY(1_999) }), told(fee), told(refunded), told(absent));
    await merchant.hear(told(refund, { state: 'pending' }));
    return merchant;
  };

  it('is fetched, compared, repaired and settled', async () => {
    const merchant = await opened();
    const body = await merchant.run();
    expect(merchant.asked.map((path) => path.split('?')[0])).toEqual([
      '/v3/bill/tradebill',
      '/v3/billdownload/trade',
      '/v3/bill/fundflowbill',
      '/v3/billdownload/fund',
    ]);
    expect(body).toMatchObject({ state: 'done', step: 'done', runs: 1, begunBy: 'hand', problem: null });
    expect(kindsOf(await merchant.discrepancies())).toEqual([
      'amount A-dear',
      'duplicate A-same',
      'fee A-fee',
      'missing_here A-lost',
      'missing_there A-absent',
      'state A-refunded',
    ]);
    const [tradesBill] = [...(body.bills ?? [])];
    expect(tradesBill).toMatchObject({ kind: 'trade', state: 'done', rows: 8, source: 'provider' });
    expect(tradesBill?.tally).toMatchObject({ repaired: 2, foreign: 1, matched: 2 });
    expect([...(body.settlement ?? [])]).toMatchObject([
      { currency: 'CNY', gross: '80.00000', difference: '0.00000', balanceDifference: '0.00000' },
    ]);
    expect(body.untied).toEqual({ bill: 0, account: 0 });
    const order = (await merchant.order('A-lost')).body;
    expect(order.order).toMatchObject({ state: 'paid', flags: ['late_payment'] });
    expect([...(order.timeline ?? [])]).toMatchObject([{ source: 'bill', type: 'payment.succeeded' }]);
    expect((await merchant.order('A-refunded')).body.order).toMatchObject({ state: 'partially_refunded' });
    expect((await merchant.order('B-other')).status).toBe(404);
    const [fixed] = await merchant.discrepancies('&kind=missing_here');
    expect(fixed).toMatchObject({ status: 'fixed', repaired: true });
    const [first] = [...(order.timeline ?? [])];
    expect(String(fixed?.eventId)).toBe(String(first?.eventId));
  });

  it('finds the same under the same ids when it runs again, and tells nobody twice', async () => {
    const merchant = await opened();
    await merchant.run();
    const before = await merchant.discrepancies();
    const body = await merchant.run();
    expect(body).toMatchObject({ runs: 2 });
    const after = await merchant.discrepancies();
    expect(after.map(({ id, status }) => [id, status])).toEqual(before.map(({ id, status }) => [id, status]));
    const { timeline } = (await merchant.order('A-lost')).body;
    expect([...(timeline ?? [])]).toHaveLength(1);
  });

  it('ends as if nothing had happened when the object is restarted between any two alarms', async () => {
    const merchant = await opened();
    await merchant.start();
    await evictDurableObject(await merchant.reconciler());
    await merchant.until('done');
    expect(kindsOf(await merchant.discrepancies())).toHaveLength(6);
  });
});
