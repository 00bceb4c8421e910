// The projector while D1 is slow: what changes while D1 is being told must reach it too. Everything is real but the
// moment at which D1 answers.
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { Settlement } from '../../src/core/record.ts';
import { ClaimDesk } from '../../src/objects/claim-desk.ts';
import { Dispatcher } from '../../src/objects/dispatcher.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { Projector } from '../../src/objects/projector.ts';
import { readMarks } from '../../src/store/ledger-outbox.ts';
import { config, fact, ledger, origin, paid, unique } from './ledger-kit.ts';

/** The real D1; `meanwhile` runs after each batch was written and before anybody hears of it. */
const slowly = (db: D1Database, meanwhile: () => Promise<void>): D1Database =>
  new Proxy(db, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function') return member;
      if (name !== 'batch') return member.bind(target);
      return async (...given: unknown[]) => {
        const result: unknown = await Reflect.apply(member, target, given);
        await meanwhile();
        return result;
      };
    },
  });

const delivered = (seq: number): Settlement => ({
  seq,
  originId: 'shop',
  claim: 'any',
  attempt: 1,
  outcome: 'delivered',
  at: Date.now(),
  ms: 3,
  status: 200,
  detail: '',
  retryAfterSeconds: null,
});

/** A second life of the shard, with its own hands on the tables, so that the test decides what comes when. */
function secondLife(name: string, storage: DurableObjectStorage, meanwhile: () => Promise<void>) {
  const now = Date.now();
  const shard = { env: { ...env, DB: slowly(env.DB, meanwhile) }, storage, name, epoch: 'second', leaseMs: 60_000 };
  const marks = readMarks(storage.sql);
  const dispatcher = new Dispatcher(shard, marks, now);
  return { desk: new ClaimDesk(dispatcher), projector: new Projector(shard, marks, dispatcher, now) };
}

async function flushAll(projector: Projector): Promise<void> {
  for (let at = projector.nextAt(); at !== null; at = projector.nextAt()) await projector.flush(at);
}

it('tells D1 of a delivery that settled while D1 was being told of its event', async () => {
  const name = unique('shard');
  const [first, second] = [unique('C'), unique('C')];
  const dispatch = config([origin('shop', { paused: true })], { channelId: unique('ch') });
  await ledger(name).record({ v: 1, facts: [paid(first), paid(second)].map(fact), dispatch });
  await runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
    await storage.deleteAlarm(); // the first life stands still
    let batches = 0;
    const { desk, projector } = secondLife(name, storage, async () => {
      batches += 1;
      if (batches > 1) return;
      for (const { seq, orderNo } of desk.settle([delivered(2)], Date.now(), () => 0)) {
        projector.noteChanged(orderNo, seq, Date.now());
      }
    });
    await flushAll(projector);
  });
  const states = await env.DB.prepare('SELECT order_no, state FROM deliveries WHERE channel = ?')
    .bind(dispatch.channelId)
    .all();
  expect(states.results).toEqual([{ order_no: second, state: 'delivered' }]);
});

it('begins from the first fact when a rebuild is asked for while D1 is being told', async () => {
  const name = unique('shard');
  const dispatch = config([], { channelId: unique('ch') });
  await ledger(name).record({ v: 1, facts: [paid('A'), paid('B')].map(fact), dispatch });
  await runInDurableObject(ledger(name), async (_: OrderLedger, { storage }) => {
    await storage.deleteAlarm();
    let batches = 0;
    const { projector } = secondLife(name, storage, async () => {
      batches += 1;
      if (batches > 1) return;
      await env.DB.prepare('DELETE FROM orders WHERE channel = ?').bind(dispatch.channelId).run();
      projector.rebuild(Date.now());
    });
    await flushAll(projector);
  });
  const rows = await env.DB.prepare('SELECT order_no FROM orders WHERE channel = ? ORDER BY order_no')
    .bind(dispatch.channelId)
    .all();
  expect(rows.results).toEqual([{ order_no: 'A' }, { order_no: 'B' }]);
});
