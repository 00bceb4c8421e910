// Refund requests and timers in the ledger: money set aside once, and questions that are asked again until somebody
// comes back.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ReserveRequest } from '../../src/core/record.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { config, fact, ledger, paid, refunded, unique } from './ledger-kit.ts';

const record = (name: string, events: Parameters<typeof fact>[0][]) =>
  ledger(name).record({ v: 1, facts: events.map(fact), dispatch: config([]) });

const reserve = (
  name: string,
  orderNo: string,
  refundNo: string,
  minor: number,
  change: Partial<ReserveRequest> = {},
) =>
  ledger(name).reserveRefund({
    v: 1,
    orderNo,
    refundNo,
    amount: { minor, currency: 'CNY' },
    reason: null,
    transactionId: null,
    actor: { key: 'key_a', reason: null },
    askAgainAt: Date.now() + 60_000,
    ...change,
  });

/** When the one refund that is set aside was asked for. */
async function requestedAt(name: string): Promise<number> {
  const [request] = (await ledger(name).readOrder('F1'))?.order.refundRequests ?? [];
  if (!request) throw new Error('nothing is set aside');
  return request.requestedAt;
}

const timersOf = (name: string) =>
  runInDurableObject(ledger(name), (_: OrderLedger, state) =>
    state.storage.sql.exec('SELECT order_no, kind, ref FROM timers ORDER BY due_at').toArray(),
  );

describe('a refund request', () => {
  it('is set aside with a timer and a line of the history', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    expect(await reserve(name, 'F1', 'R1', 60)).toMatchObject({
      kind: 'reserved',
      transactionId: 'tx-F1',
      paid: { minor: 100, currency: 'CNY' },
    });
    expect(await timersOf(name)).toEqual([{ order_no: 'F1', kind: 'refund', ref: 'R1' }]);
    const act = (await ledger(name).readOrder('F1'))?.timeline.find(({ kind }) => kind === 'act');
    expect(act).toMatchObject({ act: 'refund_requested', actor: 'key_a', about: 'R1: 0.60 CNY' });
    const fact = (await ledger(name).readOrder('F1'))?.timeline.find(({ kind }) => kind === 'fact');
    expect(fact).toMatchObject({ ref: 'tx-F1', minor: 100, currency: 'CNY', state: 'paid' });
  });

  it('of two at once that exceed the payment together, one is set aside', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    const replies = await Promise.all(['R1', 'R2', 'R3'].map((no) => reserve(name, 'F1', no, 60)));
    expect(replies.map(({ kind }) => kind).sort()).toEqual(['exceeds', 'exceeds', 'reserved']);
  });

  it('told again is the same, without a second timer', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    await reserve(name, 'F1', 'R1', 60);
    expect((await reserve(name, 'F1', 'R1', 60)).kind).toBe('same');
    expect(await reserve(name, 'F1', 'R1', 61)).toEqual({ kind: 'conflict', field: 'amount' });
    expect(await timersOf(name)).toHaveLength(1);
  });

  it('of an order that is not here, or that nobody paid, is refused', async () => {
    const name = unique('shard');
    expect(await reserve(name, 'F1', 'R1', 1)).toEqual({ kind: 'missing' });
    await record(name, [paid('F1', { status: 'pending', transactionId: null, amount: null })]);
    expect(await reserve(name, 'F2', 'R1', 1)).toEqual({ kind: 'missing' });
    expect(await reserve(name, 'F1', 'R1', 1)).toEqual({ kind: 'not_paid' });
  });

  it('that is refused leaves nothing to tell D1', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    const dirtySince = () =>
      runInDurableObject(ledger(name), (_: OrderLedger, state) =>
        state.storage.sql.exec('SELECT dirty_since FROM marks').one(),
      );
    expect((await reserve(name, 'F1', 'R1', 101)).kind).toBe('exceeds');
    expect(await ledger(name).dropRefund({ v: 1, orderNo: 'F1', refundNo: 'R1', requestedAt: 1, detail: '' })).toBe(
      false,
    );
    expect(await dirtySince()).toEqual({ dirty_since: null });
    expect((await reserve(name, 'F1', 'R1', 100)).kind).toBe('reserved');
    expect(await dirtySince()).toEqual({ dirty_since: expect.any(Number) });
  });

  it('that the provider refused frees its amount, and says why in the history', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    await reserve(name, 'F1', 'R1', 100);
    expect((await reserve(name, 'F1', 'R2', 100)).kind).toBe('exceeds');
    await ledger(name).dropRefund({
      v: 1,
      orderNo: 'F1',
      refundNo: 'R1',
      requestedAt: await requestedAt(name),
      detail: 'NOT_ENOUGH',
    });
    expect((await reserve(name, 'F1', 'R2', 100)).kind).toBe('reserved');
    const acts = (await ledger(name).readOrder('F1'))?.timeline.filter(({ kind }) => kind === 'act');
    expect(acts?.map(({ act, reason }) => [act, reason])).toEqual([
      ['refund_requested', null],
      ['refund_refused', 'NOT_ENOUGH'],
      ['refund_requested', null],
    ]);
  });

  it('that a fact took over is not freed by a late refusal', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    await reserve(name, 'F1', 'R1', 30);
    const asked = await requestedAt(name);
    await record(name, [refunded('F1', 'R1', { state: 'pending' })]);
    await ledger(name).dropRefund({ v: 1, orderNo: 'F1', refundNo: 'R1', requestedAt: asked, detail: 'late' });
    expect(await reserve(name, 'F1', 'R2', 71)).toMatchObject({ kind: 'exceeds', refundable: { minor: 70 } });
  });
});

describe('a late refusal of an old try', () => {
  afterEach(() => vi.restoreAllMocks());

  it('frees nothing of a newer one under the same number, and leaves no line', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    const start = Date.now();
    const clock = vi.spyOn(Date, 'now').mockReturnValue(start);
    await reserve(name, 'F1', 'R1', 100);
    const old = { v: 1, orderNo: 'F1', refundNo: 'R1', requestedAt: start, detail: 'NOT_ENOUGH' } as const;
    await ledger(name).dropRefund(old);
    clock.mockReturnValue(start + 1);
    await reserve(name, 'F1', 'R1', 100);
    await ledger(name).dropRefund(old);
    expect(await requestedAt(name)).toBe(start + 1);
    const acts = (await ledger(name).readOrder('F1'))?.timeline.filter(({ kind }) => kind === 'act');
    expect(acts?.map(({ act }) => act)).toEqual(['refund_requested', 'refund_refused', 'refund_requested']);
  });
});

describe('a timer', () => {
  const due = { askAgainAt: 1 };

  it('whose refund was settled meanwhile asks nobody', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    await reserve(name, 'F1', 'R1', 30, due);
    await record(name, [refunded('F1', 'R1')]);
    for (let i = 0; i < 5 && (await timersOf(name)).length > 0; i++) await runDurableObjectAlarm(ledger(name));
    expect(await timersOf(name)).toEqual([]);
  });

  it('stays until whoever asked comes back, and is due again when they say so', async () => {
    const name = unique('shard');
    await record(name, [paid('F1')]);
    await reserve(name, 'F1', 'R1', 30, { askAgainAt: Date.now() + 3_600_000 });
    const [row] = await runInDurableObject(ledger(name), (_: OrderLedger, state) =>
      state.storage.sql.exec<{ due_at: number }>('SELECT due_at FROM timers').toArray(),
    );
    const timer = { dueAt: row?.due_at ?? 0, orderNo: 'F1', kind: 'refund', ref: 'R1' } as const;
    const next = timer.dueAt + 1;
    await ledger(name).finishTimer({ v: 1, timer, next });
    expect(await timersOf(name)).toHaveLength(1);
    await ledger(name).finishTimer({ v: 1, timer, next: null }); // late and for the old time: harms nothing
    expect(await timersOf(name)).toHaveLength(1);
    await ledger(name).finishTimer({ v: 1, timer: { ...timer, dueAt: next }, next: null });
    expect(await timersOf(name)).toEqual([]);
  });

  it('of an expiry is set once, at the order’s end and not before five minutes', async () => {
    const name = unique('shard');
    const now = Date.now();
    const registration = {
      amount: { minor: 100, currency: 'CNY' },
      description: null,
      expiresAt: null,
      metadata: {},
      registeredAt: now,
    };
    const pay = { payBy: now + 60_000, closeOnExpiry: true };
    const request = { v: 1, orderNo: 'E1', registration, dispatch: config([]), eventId: `evt_${unique('e')}` } as const;
    expect(await ledger(name).register(request)).toMatchObject({ kind: 'created', order: { payBy: null } });
    expect(await timersOf(name)).toEqual([]);
    expect(await ledger(name).register({ ...request, pay })).toMatchObject({
      kind: 'same',
      order: { payBy: pay.payBy },
    });
    const later = { payBy: now + 120_000, closeOnExpiry: true };
    expect(await ledger(name).register({ ...request, pay: later })).toMatchObject({ order: { payBy: pay.payBy } });
    expect(await timersOf(name)).toEqual([{ order_no: 'E1', kind: 'expire', ref: '' }]);
    const [row] = await runInDurableObject(ledger(name), (_: OrderLedger, state) =>
      state.storage.sql.exec<{ due_at: number }>('SELECT due_at FROM timers').toArray(),
    );
    expect(row?.due_at).toBeGreaterThanOrEqual(now + 5 * 60_000);
  });
});
