// One test callback as it stands: its events, and for each origin what became of them, or what it would have got. Reads
// only; sends nothing.
import type { ChannelRecord } from '../core/channel.ts';
import { ORIGIN_TIMEOUT_MS_DEFAULT, RETRY_LADDER_SECONDS } from '../core/limits.ts';
import { DEFAULT_ORIGIN_SETTINGS, type Origin } from '../core/origin.ts';
import { type Filtered, matches } from '../core/origin-filter.ts';
import type { ToldEvent } from '../core/record.ts';
import { dayIn, type RehearsalOutcome, rehearsalEndOf, rehearsalLedgerOf } from '../core/rehearsal.ts';
import { formatOf } from '../prepare.ts';
import type { TestBody } from './channel-test-shape.ts';
import { iso } from './fields.ts';
import { registryOf, type z } from './kit.ts';
import { renderDetail } from './order-answer.ts';
import { previewEvent } from './origin-preview.ts';
import { testLedger } from './rehearse.ts';

type Shown = z.infer<typeof TestBody>;
type Delivery = Shown['deliveries'][number];
type Known = ReturnType<typeof renderDetail>['deliveries'][number];

type Snapshot = { readonly order: Filtered['order'] & { readonly orderNo: string } };

const OPEN: readonly Delivery['deliveryState'][] = ['waiting', 'in_flight'];

/** A ledger looks at what is new well within this. */
const DISPATCHED_WITHIN_MS = 10_000;

/** Who would get it where the channel has no origin yet: the default format, signed with a secret made for the look. */
const NOBODY: Origin = {
  ...{ id: '', version: 0, url: 'https://your-backend.example/', format: 'standard', status: 'active' },
  ...{ settings: DEFAULT_ORIGIN_SETTINGS, pauseReason: null, secrets: [], timeoutMs: ORIGIN_TIMEOUT_MS_DEFAULT },
  ...{ ladderSeconds: RETRY_LADDER_SECONDS, perSecond: 1, concurrent: 1, createdAt: 0, updatedAt: 0 },
};

export async function renderTest(env: Env, record: ChannelRecord, outcome: RehearsalOutcome): Promise<Shown> {
  const { channel } = record;
  const { orderNo, at, verdict, reason, detail: said, noticeType, answer, signedWith } = outcome;
  const ledger = testLedger(env, record, orderNo);
  const detail = await ledger.readOrder(orderNo);
  const count = detail?.order.sequence ?? 0;
  const sequences = Array.from({ length: count }, (_, index) => index + 1);
  const told = (await Promise.all(sequences.map((sequence) => ledger.readTold(orderNo, { sequence })))).map(
    (event, index) => (event === null ? [] : [{ event, sequence: index + 1 }]),
  );
  const events = told.flat();
  const known = detail === null ? [] : renderDetail(detail).deliveries;
  const origins = await originsOf(env, record);
  const deliveries = await Promise.all(
    events.flatMap(({ event }) => origins.map((origin) => deliveryOf(env, record, origin, event, known, at))),
  );
  return {
    orderNo,
    channel: channel.id,
    test: true,
    sentAt: iso(at),
    signedWith,
    arrival: { verdict, reason, detail: said, noticeType },
    answer: { status: answer.status, headers: { ...answer.headers }, body: answer.body },
    events: events.map(({ event, sequence }) => ({
      ...{ id: event.id, type: event.type, sequence },
      at: iso(event.occurredAt),
    })),
    deliveries,
    isDone: deliveries.every(({ deliveryState }) => !OPEN.includes(deliveryState)),
    keptUntil: iso(rehearsalEndOf(rehearsalLedgerOf(channel.uid, dayIn(orderNo))) ?? at),
  };
}

async function originsOf(env: Env, { channel }: ChannelRecord): Promise<readonly Origin[]> {
  if (channel.origins.length === 0) return [NOBODY];
  const all = await registryOf(env).listOrigins();
  return channel.origins.flatMap((id) => all.find((origin) => origin.id === id) ?? []);
}

async function deliveryOf(
  env: Env,
  record: ChannelRecord,
  origin: Origin,
  event: ToldEvent,
  known: readonly Known[],
  sentAt: number,
): Promise<Delivery> {
  const { filter, acceptsTest: accepts } = origin.settings;
  const blank = { deliveryState: null, reason: null, dueAt: null, attempts: [], wouldSend: null, problem: null };
  const about = { eventId: event.id, origin: origin.id || null, format: origin.format, accepts };
  const delivery = known.find((one) => one.eventId === event.id && one.origin === origin.id);
  const { order }: Snapshot = JSON.parse(event.data); // renderEventData wrote it
  const { orderNo } = order;
  const type = event.type as Filtered['type']; // the ledger wrote it
  const isTried = delivery !== undefined && delivery.attempts.length > 0; // then it was sent, whatever changed since
  if (!isTried && !matches(filter, { channel: record.channel.id, type, order })) {
    return { ...blank, ...about, reason: 'filtered' };
  }
  if (delivery && (isTried || accepts)) {
    const { state: deliveryState, reason, dueAt, attempts } = delivery;
    return { ...blank, ...about, deliveryState, reason, dueAt, attempts };
  }
  if (accepts) {
    // On its way to be dispatched; or it began to accept when this test had passed it.
    const isFresh = Date.now() - sentAt < DISPATCHED_WITHIN_MS;
    return isFresh
      ? { ...blank, ...about, deliveryState: 'waiting', reason: 'dispatch' }
      : { ...blank, ...about, reason: 'sent_before' };
  }
  const ledger = testLedger(env, record, orderNo);
  const found = { event, readCallback: async () => ledger.readCallback(event.seq) };
  const preview = await previewEvent(env, origin, formatOf(origin), found, {
    isReplay: false,
    mayBeSigned: true, // it is a test, and says so
  });
  return preview.ok
    ? { ...blank, ...about, wouldSend: preview.value }
    : { ...blank, ...about, problem: preview.error.detail };
}
