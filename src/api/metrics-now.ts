// How things stand, for /metrics: backlogs, breakers, alarms, ends of keys, discrepancies, messages about alarms. Each
// part is asked by itself: one that does not answer is missing, and says so.
import { daysLeft, keyEndsOf, lastOnes } from '../core/key-ends.ts';
import { REGISTRY_READ_TIMEOUT_MS } from '../core/limits.ts';
import type { Family, Sample } from '../core/open-metrics.ts';
import { TROUBLE_KINDS } from '../core/provider-health.ts';
import { within } from '../core/within.ts';
import { countOpenDeliveries } from '../store/lists.ts';
import { countOpenDiscrepancies } from '../store/reconcile-lists.ts';
import { deskOf } from './alarms.ts';
import { configuredEnds } from './channel-shape.ts';
import { type Context, registryOf } from './kit.ts';
import { readGate } from './origin-gate.ts';

/** Gates asked in one scrape; more origins than this have their own dashboards. */
const GATES_MAX = 100;
const PHASES = ['closed', 'open', 'half_open'] as const;

export type Part = { readonly part: string; readonly read: (c: Context, now: number) => Promise<readonly Family[]> };
export const PARTS_NOW: readonly Part[] = [
  { part: 'registry', read: alarmsAndKeys },
  { part: 'gates', read: breakers },
  { part: 'alarm_desk', read: deskFamilies },
  { part: 'projection', read: openNow },
];

/** What each part knows, and which of them answered. */
export async function readParts(parts: readonly Part[], c: Context, now: number): Promise<readonly Family[]> {
  const found = await Promise.all(parts.map(({ part, read }) => tried(part, () => read(c, now))));
  const up: Family = {
    name: 'tollgate_part_up',
    type: 'gauge',
    help: 'Whether the part answered this scrape; what it knows is missing where it did not.',
    samples: parts.map(({ part }, index) => ({ labels: { part }, value: found[index] === null ? 0 : 1 })),
  };
  return [...found.flatMap((families) => families ?? []), up];
}

async function tried(part: string, read: () => Promise<readonly Family[]>): Promise<readonly Family[] | null> {
  try {
    return await within(read(), REGISTRY_READ_TIMEOUT_MS, part);
  } catch (error) {
    console.error(JSON.stringify({ hop: 'metrics', part, error: String(error) }));
    return null;
  }
}

const gauge = (name: string, help: string, samples: readonly Sample[]): Family => ({
  name,
  type: 'gauge',
  help,
  samples,
});

async function alarmsAndKeys(c: Context, now: number): Promise<readonly Family[]> {
  const registry = registryOf(c.env);
  const [alarms, records, troubles] = await Promise.all([
    registry.countAlarms(),
    registry.listChannels(),
    registry.listTroubles(),
  ]);
  const ends = await Promise.all(
    records.map(async (record) => {
      const [first] = lastOnes(keyEndsOf(record.keys, await configuredEnds(c, record)));
      return first === undefined ? [] : [{ channel: record.channel.id, at: first.expiresAt }];
    }),
  );
  return [
    gauge(
      'tollgate_alarms_open',
      'Alarms that are not resolved, by code.',
      alarms.map(({ code, count }) => ({ labels: { code }, value: count })),
    ),
    {
      name: 'tollgate_provider_trouble_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'For how long the provider of the channel has answered no question; 0 where it did, or nobody asked.',
      samples: records.flatMap(({ channel: { id: channel } }) =>
        TROUBLE_KINDS.map((kind) => {
          const trouble = troubles.find((one) => one.channel === channel && one.kind === kind);
          return { labels: { channel, kind }, value: trouble ? Math.max(0, now - trouble.since) / 1_000 : 0 };
        }),
      ),
    },
    gauge(
      'tollgate_key_days_left',
      'Days until the first key or certificate ends that nothing takes the place of.',
      ends.flat().map(({ channel, at }) => ({ labels: { channel }, value: daysLeft(at, now) })),
    ),
  ];
}

async function breakers({ env }: Context): Promise<readonly Family[]> {
  const origins = (await registryOf(env).listOrigins()).slice(0, GATES_MAX);
  const gates = await Promise.all(origins.map(async ({ id }) => ({ id, gate: await readGate(env, id) })));
  const known = gates.flatMap(({ id, gate }) => (gate === null ? [] : [{ id, gate }]));
  const name = 'tollgate_breaker';
  return [
    {
      name,
      type: 'stateset',
      help: 'The breaker of each origin.',
      samples: known.flatMap(({ id, gate }) =>
        PHASES.map((phase) => ({ labels: { origin: id, [name]: phase }, value: gate.breaker === phase ? 1 : 0 })),
      ),
    },
    gauge(
      'tollgate_origin_in_flight',
      'Deliveries on their way to the origin.',
      known.map(({ id, gate }) => ({ labels: { origin: id }, value: gate.inFlight })),
    ),
  ];
}

async function deskFamilies({ env }: Context, now: number): Promise<readonly Family[]> {
  const [vitals, paces] = await Promise.all([deskOf(env).readVitals(), deskOf(env).listPaces()]);
  const backlogs = vitals?.backlogs ?? [];
  const total = (labels: Sample['labels'], value: number): Sample => ({ suffix: '_total', labels, value });
  return [
    gauge(
      'tollgate_backlog_deliveries',
      'Deliveries that are neither over, held nor paused, as cron saw them; counted up to a bound.',
      backlogs.map(({ channel, waiting }) => ({ labels: { channel }, value: waiting })),
    ),
    {
      name: 'tollgate_backlog_age_seconds',
      type: 'gauge',
      unit: 'seconds',
      help: 'How long the oldest of them has waited; 0 where none does.',
      samples: backlogs.map(({ channel, oldestAt }) => ({
        labels: { channel },
        value: oldestAt === null ? 0 : Math.max(0, now - oldestAt) / 1_000,
      })),
    },
    {
      name: 'tollgate_alarm_messages',
      type: 'counter',
      help: 'Messages about alarms: sent, tries that failed, and those that no try brought for a day.',
      samples: paces.flatMap(({ destination, sent, failed, dead }) => [
        total({ destination, outcome: 'sent' }, sent),
        total({ destination, outcome: 'failed' }, failed),
        total({ destination, outcome: 'dead' }, dead),
      ]),
    },
  ];
}

async function openNow({ env }: Context): Promise<readonly Family[]> {
  const [waiting, discrepancies] = await Promise.all([countOpenDeliveries(env.DB), countOpenDiscrepancies(env.DB)]);
  return [
    gauge(
      'tollgate_deliveries_open',
      'Deliveries that are not done, by state; 10000 stands for more.',
      waiting.map(({ state, count }) => ({ labels: { state }, value: count })),
    ),
    gauge(
      'tollgate_discrepancies_open',
      'Differences between a bill and the ledger that want a person.',
      discrepancies.map(({ channel, kind, count }) => ({ labels: { channel, kind }, value: count })),
    ),
  ];
}
