// /metrics: the day's figures of each channel, and what waits, as OpenMetrics text. Counters begin anew each day at
// midnight UTC, which scrapers take as a restart; so a scrape never reads more than a day.
import { DAY_MS } from '../core/limits.ts';
import { bucketsOf, LATENCIES, LATENCY_BOUNDS_MS, type Latency, type Tally } from '../core/tally.ts';
import { countOpenDeliveries } from '../store/lists.ts';
import { countOpenDiscrepancies } from '../store/reconcile-lists.ts';
import { sumByChannel } from '../store/rollups.ts';
import { requires } from './auth.ts';
import { newApp, registryOf } from './kit.ts';

const TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export const metrics = newApp();

metrics.get('/metrics', requires('metrics'), async (c) => {
  const now = Date.now();
  const since = now - (now % DAY_MS);
  const channels = await registryOf(c.env).listChannelIds();
  const [tallies, waiting, differing] = await Promise.all([
    sumByChannel(c.env.DB, channels, since, now + 1),
    countOpenDeliveries(c.env.DB),
    countOpenDiscrepancies(c.env.DB),
  ]);
  const all = channels.map((channel) => ({ channel, tally: tallies.get(channel) ?? {} }));
  const parts = [
    ...COUNTERS.flatMap((counter) => counterLines(counter, all, since)),
    ...LATENCIES.flatMap((name) => histogramLines(name, all, since)),
    '# TYPE tollgate_deliveries_open gauge',
    '# HELP tollgate_deliveries_open Deliveries that are not done, by state; 10000 stands for more.',
    ...waiting.map(({ state, count }) => `tollgate_deliveries_open${labels({ state })} ${count}`),
    '# TYPE tollgate_discrepancies_open gauge',
    '# HELP tollgate_discrepancies_open Differences between a bill and the ledger that want a person.',
    ...differing.map(({ channel, kind, count }) => `tollgate_discrepancies_open${labels({ channel, kind })} ${count}`),
    '# EOF',
  ];
  return c.body(`${parts.join('\n')}\n`, 200, { 'content-type': TYPE });
});

type Channel = { readonly channel: string; readonly tally: Tally };
type Counter = {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly of: Readonly<Record<string, string>>;
};

/** Each with one label besides the channel, and where its values are in a tally. */
const COUNTERS: readonly Counter[] = [
  {
    name: 'tollgate_callbacks',
    help: 'Callbacks of the day by verdict.',
    label: 'verdict',
    of: {
      accepted: 'facts.callback',
      duplicate: 'callbacks.duplicate',
      ignored: 'callbacks.ignored',
      rejected: 'callbacks.rejected',
    },
  },
  {
    name: 'tollgate_payments',
    help: 'Orders paid, by who told first.',
    label: 'source',
    of: { callback: 'learnt.callback', query: 'learnt.query', bill: 'learnt.bill' },
  },
  {
    name: 'tollgate_events',
    help: 'Events by type.',
    label: 'type',
    of: Object.fromEntries(
      ['payment.failed', 'payment.closed', 'refund.succeeded', 'refund.failed', 'dispute.opened', 'order.flagged'].map(
        (type) => [type, `events.${type}`],
      ),
    ),
  },
  { name: 'tollgate_deliveries', help: 'Deliveries that ended.', label: 'outcome', of: { delivered: 'delivered' } },
];

/** Ids hold no quote, backslash or line break. */
const labels = (named: Readonly<Record<string, string>>): string =>
  `{${Object.entries(named)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`;

function counterLines({ name, help, label, of }: Counter, all: readonly Channel[], since: number): string[] {
  const lines = all.flatMap(({ channel, tally }) =>
    Object.entries(of).flatMap(([value, key]) => [
      `${name}_total${labels({ channel, [label]: value })} ${tally[key] ?? 0}`,
      `${name}_created${labels({ channel, [label]: value })} ${since / 1_000}`,
    ]),
  );
  return [`# TYPE ${name} counter`, `# HELP ${name} ${help}`, ...lines];
}

const HISTOGRAMS: Readonly<Record<Latency, readonly [name: string, help: string]>> = {
  acknowledged: ['tollgate_acknowledged_seconds', 'From the arrival of a callback to its facts being durable.'],
  paidToVerified: ['tollgate_paid_to_verified_seconds', 'From paid at the provider to verified here.'],
  verifiedToDelivered: ['tollgate_verified_to_delivered_seconds', 'From verified to taken by the origin.'],
  deliveredToSettled: ['tollgate_delivered_to_settled_seconds', 'From taken by the origin to settled in the ledger.'],
  paidToDelivered: ['tollgate_paid_to_delivered_seconds', 'From paid at the provider to taken by the origin.'],
};

function histogramLines(latency: Latency, all: readonly Channel[], since: number): string[] {
  const [name, help] = HISTOGRAMS[latency];
  const head = [`# TYPE ${name} histogram`, `# UNIT ${name} seconds`, `# HELP ${name} ${help}`];
  return [...head, ...all.flatMap(({ channel, tally }) => histogramOf(name, latency, channel, tally, since))];
}

function histogramOf(name: string, latency: Latency, channel: string, tally: Tally, since: number): string[] {
  const buckets = bucketsOf(tally, latency);
  let seen = 0;
  const lines = buckets.slice(0, -1).map((count, bucket) => {
    seen += count;
    return `${name}_bucket${labels({ channel, le: String((LATENCY_BOUNDS_MS[bucket] ?? 0) / 1_000) })} ${seen}`;
  });
  const total = seen + (buckets.at(-1) ?? 0);
  return [
    ...lines,
    `${name}_bucket${labels({ channel, le: '+Inf' })} ${total}`,
    `${name}_count${labels({ channel })} ${total}`,
    `${name}_sum${labels({ channel })} ${(tally[`${latency}.ms`] ?? 0) / 1_000}`,
    `${name}_created${labels({ channel })} ${since / 1_000}`,
  ];
}
