// /metrics: the day's figures of each channel, and how things stand now, as OpenMetrics text. Counters of the day begin
// anew at midnight UTC, which scrapers take as a restart; so a scrape never reads more than a day.
import { DAY_MS } from '../core/limits.ts';
import {
  canonical,
  counted,
  type Family,
  OPEN_METRICS_TYPE,
  printOpenMetrics,
  type Sample,
} from '../core/open-metrics.ts';
import { bucketsOf, LATENCIES, LATENCY_BOUNDS_MS, type Latency, type Tally } from '../core/tally.ts';
import { sumByChannel } from '../store/figures.ts';
import { requires } from './auth.ts';
import { type Context, newApp, registryOf } from './kit.ts';
import { PARTS_NOW, readParts } from './metrics-now.ts';

export const metrics = newApp();

metrics.get('/metrics', requires('metrics'), async (c) => {
  const families = await readParts([{ part: 'figures', read: figures }, ...PARTS_NOW], c, Date.now());
  return c.body(printOpenMetrics(families), 200, { 'content-type': OPEN_METRICS_TYPE });
});

async function figures(c: Context, now: number): Promise<readonly Family[]> {
  const since = now - (now % DAY_MS);
  const channels = await registryOf(c.env).listChannelIds();
  const tallies = await sumByChannel(c.env.DB, { channels, from: since, to: now + 1 });
  const all = channels.map((channel) => ({ channel, tally: tallies.get(channel) ?? {} }));
  const refused: Family = {
    name: 'tollgate_rejections',
    type: 'counter',
    help: 'Refused callbacks of the day by reason.',
    samples: all.flatMap(({ channel, tally }) =>
      Object.keys(tally)
        .filter((name) => name.startsWith(REJECTIONS))
        .sort()
        .flatMap((name) => counted({ channel, reason: name.slice(REJECTIONS.length) }, tally[name] ?? 0, since)),
    ),
  };
  return [
    ...COUNTERS.map((counter) => counterFamily(counter, all, since)),
    refused,
    ...LATENCIES.map((name) => histogramFamily(name, all, since)),
  ];
}

const REJECTIONS = 'rejections.';

type Channel = { readonly channel: string; readonly tally: Tally };
type Counter = {
  readonly name: string;
  readonly help: string;
  readonly label: string;
  readonly of: Readonly<Record<string, string>>;
};

const named = (family: string, members: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(members.map((member) => [member, `${family}.${member}`]));

/** Each with one label besides the channel, and where its values are in a tally. */
const COUNTERS: readonly Counter[] = [
  {
    name: 'tollgate_callbacks',
    help: 'Callbacks of the day by verdict.',
    label: 'verdict',
    of: { accepted: 'facts.callback', ...named('callbacks', ['duplicate', 'ignored', 'rejected']) },
  },
  {
    name: 'tollgate_facts',
    help: 'Facts by who told: callbacks, answers to queries, bills, the gateway and the merchant.',
    label: 'source',
    of: named('facts', ['callback', 'query', 'bill', 'operator', 'merchant']),
  },
  {
    name: 'tollgate_payments',
    help: 'Orders paid, by who told first.',
    label: 'source',
    of: named('learnt', ['callback', 'query', 'bill']),
  },
  {
    name: 'tollgate_events',
    help: 'Events by type.',
    label: 'type',
    of: named('events', [
      ...['payment.succeeded', 'payment.failed', 'payment.closed', 'refund.succeeded', 'refund.failed'],
      ...['dispute.opened', 'order.flagged'],
    ]),
  },
  {
    name: 'tollgate_deliveries',
    help: 'Deliveries that ended.',
    label: 'outcome',
    of: { delivered: 'delivered', dead: 'dead' },
  },
  {
    name: 'tollgate_attempts',
    help: 'Attempts to deliver, by outcome.',
    label: 'outcome',
    of: { delivered: 'delivered', ...named('attempts', ['refused', 'unreachable', 'timed_out']) },
  },
];

function counterFamily({ name, help, label, of }: Counter, all: readonly Channel[], since: number): Family {
  const samples = all.flatMap(({ channel, tally }) =>
    Object.entries(of).flatMap(([value, key]) => counted({ channel, [label]: value }, tally[key] ?? 0, since)),
  );
  return { name, type: 'counter', help, samples };
}

const HISTOGRAMS: Readonly<Record<Latency, readonly [name: string, help: string]>> = {
  acknowledged: ['tollgate_acknowledged_seconds', 'From the arrival of a callback to its facts being durable.'],
  paidToVerified: ['tollgate_paid_to_verified_seconds', 'From paid at the provider to verified here.'],
  verifiedToDelivered: ['tollgate_verified_to_delivered_seconds', 'From verified to taken by the origin.'],
  deliveredToSettled: ['tollgate_delivered_to_settled_seconds', 'From taken by the origin to settled in the ledger.'],
  paidToDelivered: ['tollgate_paid_to_delivered_seconds', 'From paid at the provider to taken by the origin.'],
};

function histogramFamily(latency: Latency, all: readonly Channel[], since: number): Family {
  const [name, help] = HISTOGRAMS[latency];
  const samples = all.flatMap(({ channel, tally }) => histogramOf(latency, channel, tally, since));
  return { name, type: 'histogram', help, unit: 'seconds', samples };
}

function histogramOf(latency: Latency, channel: string, tally: Tally, since: number): readonly Sample[] {
  const buckets = bucketsOf(tally, latency);
  let seen = 0;
  const samples = buckets.slice(0, -1).map((count, bucket) => {
    seen += count;
    const le = canonical((LATENCY_BOUNDS_MS[bucket] ?? 0) / 1_000);
    return { suffix: '_bucket', labels: { channel, le }, value: seen };
  });
  const total = seen + (buckets.at(-1) ?? 0);
  return [
    ...samples,
    { suffix: '_bucket', labels: { channel, le: '+Inf' }, value: total },
    { suffix: '_count', labels: { channel }, value: total },
    { suffix: '_sum', labels: { channel }, value: (tally[`${latency}.ms`] ?? 0) / 1_000 },
    { suffix: '_created', labels: { channel }, value: since / 1_000 },
  ];
}
