// Races: the same thing told many times at once, different things at the same instant. One transition, one event, one
// refund; and everybody is answered.
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import { type ChannelRecord, DEFAULT_CHANNEL_SETTINGS, ledgerNameOf } from '../../src/core/channel.ts';
import type { ReserveReply } from '../../src/core/record.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { recordTold } from '../../src/record.ts';
import { call } from './api-world.ts';
import { config, fact, ledger, origin, paid, refunded, unique, until } from './ledger-kit.ts';
import * as world from './receive-world.ts';

const COPIES = 50;
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

async function channelOf(id: string): Promise<ChannelRecord> {
  const record = await env.REGISTRY.getByName('registry').readChannel(id);
  if (!record) throw new Error(`no channel ${id}`);
  return record;
}

type EventRow = { type: string | null; sequence: number | null; verdict: string; source: string; data: string };

const rowsOf = async (channelId: string, orderNo: string) => {
  const { channel } = await channelOf(channelId);
  return runInDurableObject(env.LEDGER.getByName(ledgerNameOf(channel, orderNo)), (_: OrderLedger, state) =>
    state.storage.sql
      .exec<EventRow>(
        'SELECT type, sequence, verdict, source, data FROM events WHERE order_no = ? ORDER BY seq',
        orderNo,
      )
      .toArray(),
  );
};

const orderOf = async (channelId: string, orderNo: string) => {
  const { channel } = await channelOf(channelId);
  return (await env.LEDGER.getByName(ledgerNameOf(channel, orderNo)).readOrder(orderNo))?.order;
};

describe('a callback', () => {
  it(`that comes ${COPIES} times at once is acknowledged each time, and is one event`, async () => {
    const { id } = await world.makeChannel();
    const orderNo = unique('X');
    const { body, headers } = await world.paid(orderNo);
    const answers = await Promise.all(times(COPIES, () => world.post(id, body, headers)));
    expect(answers.map(({ status }) => status)).toEqual(times(COPIES, () => 204));
    expect(await rowsOf(id, orderNo)).toMatchObject([{ type: 'payment.succeeded', sequence: 1, verdict: 'applied' }]);
    expect(await orderOf(id, orderNo)).toMatchObject({ paymentState: 'paid', version: 1, sequence: 1, flags: [] });
  });

  it('that comes many times at once for many orders is one event of each', async () => {
    const { id } = await world.makeChannel();
    const orderNos = times(10, () => unique('Y'));
    // Each retry of the platform has its own id, nonce and signature.
    const copies = await Promise.all(orderNos.flatMap((orderNo) => times(5, () => world.paid(orderNo))));
    const answers = await Promise.all(copies.map(({ body, headers }) => world.post(id, body, headers)));
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    for (const orderNo of orderNos) expect(await rowsOf(id, orderNo)).toHaveLength(1);
  });
});

describe('a callback, the answer to a query, and the registration at the same instant', () => {
  const query = (record: ChannelRecord, orderNo: string) => {
    const amount = { minor: 100, currency: 'CNY' };
    const event = paid(orderNo, { transactionId: `42000027${orderNo}`, amount });
    const recording = { env, record, deadline: Date.now() + 4_000, receivedAt: Date.now(), evidence: null };
    return recordTold(recording, [
      { source: 'query', translation: { events: [event], noticeType: 'query', noticeId: null } },
    ]);
  };

  it.each(['callback first', 'query first', 'registration first'])(
    'are one transition and one event: %s',
    async (first) => {
      const { id } = await world.makeChannel();
      const record = await channelOf(id);
      for (const orderNo of times(8, () => unique('Z'))) {
        const { body, headers } = await world.paid(orderNo);
        const input = { channel: id, orderNo, amount: { minor: 100, currency: 'CNY' } };
        const callback = async () => expect((await world.post(id, body, headers)).status).toBe(204);
        const asked = async () => expect(['applied', 'duplicate']).toContain((await query(record, orderNo))[0]);
        const registered = async () => expect((await call('POST', '/v1/orders', input)).status).toBe(201);
        const acts = [callback, asked, registered, callback, asked];
        const from = ['callback first', 'query first', 'registration first'].indexOf(first);
        await Promise.all([...acts.slice(from), ...acts.slice(0, from)].map((act) => act()));
        const rows = await rowsOf(id, orderNo);
        expect(rows).toMatchObject([{ type: 'payment.succeeded', sequence: 1, verdict: 'applied' }]);
        const order = await orderOf(id, orderNo);
        expect(order).toMatchObject({ paymentState: 'paid', sequence: 1, version: 2, flags: [] });
        expect(order?.registration?.amount).toEqual({ minor: 100, currency: 'CNY' });
        expect(order?.payments).toHaveLength(1);
      }
    },
  );

  it('are one event in a channel that parks what is not registered, too', async () => {
    const { id } = await world.makeChannel();
    await world.registry().updateChannel(id, { mode: 'registered' }, { now: Date.now(), key: null, digest: '' });
    const record = await channelOf(id);
    expect(record.dispatch.mode).toBe('registered');
    for (const orderNo of times(8, () => unique('P'))) {
      const amount = { minor: 100, currency: 'CNY' };
      const registration = { amount, description: null, expiresAt: null, metadata: {}, registeredAt: Date.now() };
      const shard = env.LEDGER.getByName(ledgerNameOf(record.channel, orderNo));
      const dispatch = record.dispatch;
      const verdicts = await Promise.all([
        query(record, orderNo),
        shard.register({ v: 1, orderNo, registration, dispatch, eventId: 'evt_race' }),
        query(record, orderNo),
      ]);
      expect(verdicts[1]).toMatchObject({ kind: 'created' });
      expect(await rowsOf(id, orderNo)).toMatchObject([{ type: 'payment.succeeded', sequence: 1, source: 'query' }]);
      expect(await orderOf(id, orderNo)).toMatchObject({ paymentState: 'paid', parkedAt: null, flags: [] });
    }
  });
});

describe('refund requests at the same instant', () => {
  const actor = { key: 'key_a', reason: null };
  const reserve = (name: string, refundNo: string, minor: number): Promise<ReserveReply> =>
    ledger(name).reserveRefund({
      v: 1,
      orderNo: 'R1',
      refundNo,
      amount: { minor, currency: 'CNY' },
      reason: null,
      transactionId: null,
      actor,
      askAgainAt: Date.now() + 3_600_000,
    });
  const sold = async () => {
    const name = unique('race');
    await ledger(name).record({ v: 1, facts: [fact(paid('R1'))], dispatch: config([]) });
    return name;
  };

  it('whose sum exceeds the payment: exactly one is set aside', async () => {
    for (let round = 0; round < 10; round++) {
      const name = await sold();
      const replies = await Promise.all([reserve(name, 'A', 60), reserve(name, 'B', 60)]);
      expect(replies.map(({ kind }) => kind).sort()).toEqual(['exceeds', 'reserved']);
      const exceeding = replies.find(({ kind }) => kind === 'exceeds');
      expect(exceeding).toEqual({ kind: 'exceeds', refundable: { minor: 40, currency: 'CNY' } });
      const detail = await ledger(name).readOrder('R1');
      expect(detail?.order.refundRequests.map(({ amount }) => amount.minor)).toEqual([60]);
    }
  });

  it('never set aside more than was paid, however many there are, and a repeat is the same', async () => {
    const name = await sold();
    const replies = await Promise.all(times(40, (index) => reserve(name, `A${index % 20}`, 30)));
    const kinds = Map.groupBy(replies, ({ kind }) => kind);
    expect(kinds.get('reserved')).toHaveLength(3);
    expect(kinds.get('same')).toHaveLength(3);
    expect(kinds.get('exceeds')).toHaveLength(34);
    const detail = await ledger(name).readOrder('R1');
    expect(detail?.order.refundRequests.reduce((sum, { amount }) => sum + amount.minor, 0)).toBe(90);
  });

  it('and a refund made in the provider’s console: what is asked for never exceeds what is left', async () => {
    for (let round = 0; round < 10; round++) {
      const name = await sold();
      const amount = { minor: 70, currency: 'CNY' };
      const [reply] = await Promise.all([
        reserve(name, 'A', 60),
        ledger(name).record({ v: 1, facts: [fact(refunded('R1', 'C', { amount }))], dispatch: config([]) }),
      ]);
      const order = (await ledger(name).readOrder('R1'))?.order;
      expect(order?.refunds).toHaveLength(1);
      // The console's refund has happened, whoever was first; a request after it is refused.
      expect(order?.refundRequests.length).toBe(reply.kind === 'reserved' ? 1 : 0);
      if (reply.kind !== 'reserved') expect(reply).toMatchObject({ kind: 'exceeds', refundable: { minor: 30 } });
    }
  });
});

describe('a release', () => {
  it('that two keys ask for at once happens once', async () => {
    const name = unique('race');
    const settings = { ...DEFAULT_CHANNEL_SETTINGS, hold: ['provider_disagrees' as const] };
    const dispatch = config([origin('nobody-home', { paused: true })], { settings });
    const lie = paid('H1', { amount: { minor: 90, currency: 'CNY' } });
    await ledger(name).record({ v: 1, facts: [fact(paid('H1')), fact(lie)], dispatch });
    await until(name, async () =>
      (await ledger(name).readOrder('H1'))?.deliveries.some(({ state }) => state === 'held'),
    );
    const release = (key: string) =>
      ledger(name).release({ v: 1, orderNo: 'H1', actor: { key, reason: 'seen' }, discard: false });
    const replies = await Promise.all([release('key_a'), release('key_b')]);
    expect(replies).toEqual([{ kind: 'released', deliveries: 1 }, { kind: 'not_held' }]);
  });
});
