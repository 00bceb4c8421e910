// Every odd outcome of money: played through the ledger, and what the origin would receive read word by word.
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it, vi } from 'vitest';
import { DEFAULT_CHANNEL_SETTINGS, type DispatchConfig } from '../../src/core/channel.ts';
import type { OrderLedger } from '../../src/objects/order-ledger.ts';
import { config, fact, ledger, origin, unique, until } from './ledger-kit.ts';
import { type Act, AT, ORDER_NO, OUTCOMES, type Outcome, ordersOf, type Told } from './odd-outcomes.ts';

const RECEIVED = AT + 5_000;
const { parkAgeSeconds } = DEFAULT_CHANNEL_SETTINGS;

const dispatchOf = ({ mode, hold = [] }: Outcome, channelId: string): DispatchConfig =>
  config([origin('nobody-home', { paused: true })], {
    channelId,
    mode: mode ?? 'open',
    settings: { ...DEFAULT_CHANNEL_SETTINGS, hold },
  });

async function play(act: Act, name: string, dispatch: DispatchConfig): Promise<void> {
  if ('tell' in act) {
    const calls = act.tell.map((event) =>
      ledger(name).record({ v: 1, facts: [{ ...fact(event), receivedAt: RECEIVED }], dispatch }),
    );
    await Promise.all(calls);
  } else if ('register' in act) {
    const eventId = `evt_${unique('r')}`;
    await ledger(name).register({ v: 1, orderNo: ORDER_NO, registration: act.register, dispatch, eventId });
  } else {
    vi.setSystemTime(Date.now() + (parkAgeSeconds + 1) * 1_000);
    await runDurableObjectAlarm(ledger(name));
    vi.useRealTimers();
  }
}

/** What leaves, as it was fixed at commit: the rows that are dispatched, in their order. */
const sentOf = (name: string) =>
  runInDurableObject(ledger(name), (_: OrderLedger, state) =>
    state.storage.sql
      .exec<{ type: string; sequence: number; event_id: string; data: string }>(
        'SELECT type, sequence, event_id, data FROM events WHERE order_no = ? AND type IS NOT NULL ORDER BY seq',
        ORDER_NO,
      )
      .toArray(),
  );

/** The whole of an event's data; only ids and the time of a registration are the moment's. */
function wholeOf(told: readonly Told[], channel: string) {
  const orders = ordersOf(told);
  return told.map(({ type, source = 'callback', refundNo }, index) => {
    const order = orders[index];
    const id = expect.stringMatching(/^evt_/);
    const receivedAt = source === 'callback' ? new Date(RECEIVED).toISOString() : expect.stringMatching(/Z$/);
    const refund = order?.refunds.find((one) => one.refundNo === refundNo) ?? null;
    const data = { id, sequence: index + 1, source, receivedAt, channel, provider: 'test', test: false };
    return { type, data: { ...data, order, payer: null, refund, provenance: {} } };
  });
}

const alarmsOf = async (channel: string) =>
  (await env.REGISTRY.getByName('registry').listAlarms({ limit: 200, after: null }))
    .filter(({ subject }) => subject === `order/${channel}/${ORDER_NO}`)
    .map(({ code }) => code);

async function playOut(outcome: Outcome) {
  const name = unique('odd');
  const channel = unique('ch');
  const dispatch = dispatchOf(outcome, channel);
  for (const act of outcome.acts) await play(act, name, dispatch);
  return { name, channel };
}

const outcomeOf = (name: string): Outcome => {
  const outcome = OUTCOMES.find((one) => one.name === name);
  if (!outcome) throw new Error(`no outcome is called ${name}`);
  return outcome;
};

describe('an origin receives, word by word,', () => {
  it.each(OUTCOMES.map((outcome) => [outcome.name, outcome] as const))('of %s', async (_, outcome) => {
    const { name, channel } = await playOut(outcome);
    const sent = await sentOf(name);
    expect(sent.map(({ type, data }) => ({ type, data: JSON.parse(data) }))).toEqual(wholeOf(outcome.told, channel));
    for (const { event_id: id, sequence, data } of sent) expect(JSON.parse(data)).toMatchObject({ id, sequence });
  });
});

describe('a person is called', () => {
  it.each([
    ['a refund that is stuck and later succeeds', 'refund_needs_attention'],
    ['parked and never registered', 'unmatched'],
    ['held and released', 'order_held'],
    ['the provider contradicts itself', 'order_flagged'],
  ])('by %s', async (outcome, code) => {
    const { name, channel } = await playOut(outcomeOf(outcome));
    await until(name, async () => (await alarmsOf(channel)).includes(code));
  });
});

describe('an order', () => {
  it('that was never registered is shown as parked, flagged, with what waits', async () => {
    const { name } = await playOut(outcomeOf('parked and never registered'));
    const detail = await ledger(name).readOrder(ORDER_NO);
    expect(detail?.order).toMatchObject({ flags: ['unmatched'], sequence: 0, payments: [] });
    expect(detail?.timeline).toMatchObject([{ kind: 'fact', verdict: 'parked', type: null }]);
  });

  it('that is held lets nothing go until a person releases it, and then all in sequence', async () => {
    const { name } = await playOut(outcomeOf('held and released'));
    const states = async () => (await ledger(name).readOrder(ORDER_NO))?.deliveries.map(({ state }) => state) ?? [];
    await until(name, async () => (await states()).join() === 'held,held');
    const actor = { key: 'key_a', reason: 'the payer tipped' };
    const reply = await ledger(name).release({ v: 1, orderNo: ORDER_NO, actor, discard: false });
    expect(reply).toEqual({ kind: 'released', deliveries: 2 });
    const [first, second] = (await ledger(name).readOrder(ORDER_NO))?.deliveries ?? [];
    expect([first?.sequence, first?.reason]).toEqual([1, 'dispatch']);
    expect([second?.sequence, second?.reason]).toEqual([2, 'behind']);
  });
});
