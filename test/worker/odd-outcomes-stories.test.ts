// Random stories through the real ledger: step by step it does what the core says, its rows have no gaps, and an order
// whose facts were parked ends like one that was registered first.
import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DispatchConfig } from '../../src/core/channel.ts';
import type { Order } from '../../src/core/order.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { cny, truthOf } from '../core/facts.ts';
import { anyParked, anySteps, Book, type Outcome, type Step, tell } from '../core/stories.ts';
import { config, fact, ledger, unique } from './ledger-kit.ts';

const STORIES = 50;
/** Beside every expectation, so that a failure names it. */
const seed = Math.floor(Math.random() * 0x7fff_ffff);
const actor = { key: 'key_a', reason: null };

/** One step through the ledger's own doors, in the words of the book. */
async function act(name: string, orderNo: string, step: Step, dispatch: DispatchConfig): Promise<Outcome> {
  const shard = ledger(name);
  switch (step.do) {
    case 'tell': {
      const [reply] = await shard.record({ v: 1, facts: [fact({ ...step.fact, orderNo })], dispatch });
      if (!reply || reply.verdict === 'refused' || reply.verdict === 'incomplete') {
        throw new Error('a story is never that long, and nobody is asked in it');
      }
      return reply.verdict;
    }
    case 'register': {
      const { registration } = step;
      const { kind } = await shard.register({ v: 1, orderNo, registration, dispatch, eventId: `evt_${unique('s')}` });
      return kind === 'created' ? 'registered' : 'same';
    }
    case 'ask': {
      const { refundNo, minor } = step;
      const request = { refundNo, amount: cny(minor), reason: null, transactionId: null, actor };
      const { kind } = await shard.reserveRefund({ v: 1, orderNo, ...request, askAgainAt: Date.now() + 3_600_000 });
      return kind === 'reserved' ? 'asked' : 'same';
    }
    case 'drop': {
      const before = (await shard.readOrder(orderNo))?.order.refundRequests ?? [];
      const { refundNo } = step;
      const requestedAt = before.find((request) => request.refundNo === refundNo)?.requestedAt ?? 0;
      await shard.dropRefund({ v: 1, orderNo, refundNo, requestedAt, detail: 'refused' });
      const after = (await shard.readOrder(orderNo))?.order.refundRequests ?? [];
      return after.length === before.length ? 'same' : 'dropped';
    }
  }
}

/** The order but for the moments at which this run happened. */
function comparable({ createdAt, updatedAt, chain, orderNo, parkedAt, refundRequests, ...order }: Order) {
  const requests = refundRequests.map(({ requestedAt: _, ...request }) => request);
  return { ...order, isParked: parkedAt !== null, requests };
}

type Row = { sequence: number; type: string; state: string; flags: string };
const eventsOf = (name: string, orderNo: string) =>
  runInDurableObject(ledger(name), (_: OrderLedger, { storage }) =>
    storage.sql
      .exec<Row>(
        `SELECT sequence, type, data ->> '$.order.state' AS state, data ->> '$.order.flags' AS flags
         FROM events WHERE order_no = ? AND type IS NOT NULL ORDER BY seq`,
        orderNo,
      )
      .toArray(),
  );

const told = (book: Book): Row[] =>
  book.events.map(({ sequence, type, order }) => {
    const { state, flags } = { ...truthOf(order), flags: order.flags };
    return { sequence, type, state, flags: JSON.stringify(flags) };
  });

const sampled = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { numRuns: STORIES, seed });

describe('the ledger, through random stories,', () => {
  it.each(['open', 'registered'] as const)('does what the core says, in mode %s', { timeout: 60_000 }, async (mode) => {
    const name = unique('stories');
    const dispatch = config([], { mode });
    for (const [index, steps] of sampled(anySteps).entries()) {
      const orderNo = `S${index}`;
      const book = new Book(mode);
      for (const [at, step] of steps.entries()) {
        const outcome = await act(name, orderNo, step, dispatch);
        expect([seed, index, at, outcome]).toEqual([seed, index, at, book.do(step)]);
      }
      const detail = await ledger(name).readOrder(orderNo);
      if (detail) expect([seed, index, comparable(detail.order)]).toEqual([seed, index, comparable(book.order)]);
      expect([seed, index, await eventsOf(name, orderNo)]).toEqual([seed, index, told(book)]);
      if (index % 25 === 24) await evictDurableObject(ledger(name)); // what is durable is all there is
    }
  });

  it('ends the same for facts that were parked and for those that came after', { timeout: 60_000 }, async () => {
    const [one, other] = [unique('before'), unique('after')];
    for (const [index, { told: facts, what }] of sampled(anyParked).entries()) {
      const orderNo = `P${index}`;
      const register: Step = { do: 'register', registration: what };
      for (const step of [register, ...facts.map(tell)]) await act(one, orderNo, step, config([]));
      for (const step of [...facts.map(tell), register]) {
        await act(other, orderNo, step, config([], { mode: 'registered' }));
      }
      const [before, after] = [await ledger(one).readOrder(orderNo), await ledger(other).readOrder(orderNo)];
      if (!before || !after) throw new Error('both were registered');
      const { version: _, registration: first, ...expected } = comparable(before.order);
      const { version: __, registration: second, ...seen } = comparable(after.order);
      expect([seed, index, seen, second?.amount]).toEqual([seed, index, expected, first?.amount]);
      expect([seed, index, await eventsOf(other, orderNo)]).toEqual([seed, index, await eventsOf(one, orderNo)]);
    }
  });
});
