// What the overview shows: read from /v1 as any program would read it, and put into words, for the page and for the
// script that keeps it fresh. What cannot be read now is told as unknown and takes nothing else along.
import { z } from 'zod';
import { OriginWithGate } from '../api/origin-gate.ts';
import { CallbackSeries } from '../api/stats-callbacks.ts';
import { FiguresBody } from '../api/stats-shape.ts';
import { Waiting } from '../api/stats-waiting.ts';
import { ok } from '../core/result.ts';
import type { Asked } from './call.ts';
import { get, v1 } from './call.ts';
import type { Rows } from './chart.tsx';
import { type Context, to, withQuery } from './kit.ts';
import type { Key, Say } from './texts.ts';
import { wordFor } from './texts.ts';

/** Days begin where those of reports over all channels do. */
export const DAY_OFFSET_MINUTES = 480;

export const RANGES = {
  '1h': { ms: 3_600_000, stepMinutes: 1, by: 'hour', againMs: 5_000 },
  '24h': { ms: 86_400_000, stepMinutes: 10, by: 'hour', againMs: 15_000 },
  '7d': { ms: 7 * 86_400_000, stepMinutes: 60, by: 'hour', againMs: 60_000 },
  '30d': { ms: 30 * 86_400_000, stepMinutes: 480, by: 'day', againMs: 300_000 },
} as const;
export type Range = keyof typeof RANGES;
export const isRange = (text: string): text is Range => Object.hasOwn(RANGES, text);

/** What is looked at; `channel` null: all. */
export type View = { readonly range: Range; readonly channel: string | null };

const COUNTED_MAX = 200;
/** Origins whose gates are asked: each is a question to an object of its own. */
const GATES_MAX = 20;

export type Figure = {
  /** Of the text beside it, and of the place where the script puts what is new. */
  readonly key: Key;
  readonly href: string;
  readonly text: string;
  readonly isBad: boolean;
};

const Counted = z.object({ items: z.array(z.unknown()), next: z.string().nullable() });
/** Of each step what charts show, and no more: there are hundreds of them. */
const Drawn = z.object({ p50Ms: z.int().nullable(), p95Ms: z.int().nullable(), p99Ms: z.int().nullable() });
const DrawnStep = z.object({
  at: z.string(),
  figures: z.object({
    callbacks: z.object({ accepted: z.int(), duplicate: z.int(), ignored: z.int(), rejected: z.int() }),
    attempts: z.object({ successShare: z.number().nullable() }),
    latencies: z.object({ acknowledged: Drawn, paidToDelivered: Drawn }),
  }),
});
const Stats = z.object({ from: z.string(), total: FiguresBody, items: z.array(DrawnStep) });
export type Step = z.infer<typeof DrawnStep>;
type Figures = z.infer<typeof FiguresBody>;

type Series = Pick<z.infer<typeof CallbackSeries>, 'items' | 'from'>;
export type Told = { readonly series: Asked<Series>; readonly stats: Asked<z.infer<typeof Stats>> };

/** What charts are drawn from. */
export async function readTold(c: Context, { range, channel }: View, now: number): Promise<Told> {
  const { ms, stepMinutes, by } = RANGES[range];
  const from = new Date(now - ms).toISOString();
  const asked = { from, channel: channel ?? undefined };
  const utcOffsetMinutes = by === 'day' ? String(DAY_OFFSET_MINUTES) : undefined;
  const figures = get(c, withQuery('/v1/stats', { ...asked, by, utcOffsetMinutes }), Stats);
  if (by === 'hour' && stepMinutes === 60) {
    const stats = await figures;
    return { stats, series: stats.ok ? ok(byTheHour(stats.value, range, now)) : stats };
  }
  const query = { ...asked, stepMinutes: String(stepMinutes) };
  const [series, stats] = await Promise.all([get(c, withQuery('/v1/stats/callbacks', query), CallbackSeries), figures]);
  return { series, stats };
}

export type Slot = { readonly at: string; readonly figures: Step['figures'] | null };
const NONE = { accepted: 0, duplicate: 0, ignored: 0, rejected: 0 };

const byTheHour = ({ from, items }: z.infer<typeof Stats>, range: Range, now: number): Series => ({
  from,
  items: allSteps(items, range, now).map(({ at, figures }) => ({ at, ...(figures?.callbacks ?? NONE) })),
});

/** Steps that hold nothing are not told: they are put back, so that a gap looks like one. */
export function allSteps(items: readonly Step[], range: Range, now: number): readonly Slot[] {
  const { ms, by } = RANGES[range];
  const [stepMs, offsetMs] = by === 'hour' ? [3_600_000, 0] : [86_400_000, DAY_OFFSET_MINUTES * 60_000];
  const first = Math.floor((now - ms + offsetMs) / stepMs) * stepMs - offsetMs;
  const known = new Map(items.map((step) => [Date.parse(step.at), step.figures]));
  const count = Math.floor((now - first) / stepMs) + 1;
  return Array.from({ length: count }, (_, index) => {
    const at = first + index * stepMs;
    return { at: new Date(at).toISOString(), figures: known.get(at) ?? null };
  });
}

type Count = { readonly count: number; readonly isMore: boolean } | null;

async function countOf(c: Context, path: string, query: Readonly<Record<string, string | undefined>>): Promise<Count> {
  const page = await get(c, withQuery(`/v1/${path}`, { ...query, limit: String(COUNTED_MAX) }), Counted);
  return page.ok ? { count: page.value.items.length, isMore: page.value.next !== null } : null;
}

/** What wants a person now. */
export async function readWanting(c: Context, { channel }: View, say: Say, now: number): Promise<readonly Figure[]> {
  const of = { channel: channel ?? undefined };
  const [alarms, parked, discrepancies, waiting] = await Promise.all([
    countOf(c, 'alarms', {}),
    countOf(c, 'orders', { ...of, state: 'parked' }),
    countOf(c, 'discrepancies', { ...of, status: 'open' }),
    get(c, withQuery('/v1/stats/waiting', of), Waiting),
  ]);
  const counted = (key: Key, href: string, count: Count, isBad: boolean): Figure => {
    const text = count === null ? say('overview.unknown') : countText(say, count);
    return { key, href, text, isBad: isBad && (count?.count ?? 0) > 0 };
  };
  const stateOf = (state: string) => (waiting.ok ? waiting.value.states.find((one) => one.state === state) : undefined);
  const delivery = (key: Key, state: string, isBad: boolean): Figure =>
    counted(key, withQuery(to('deliveries'), { ...of, state }), stateOf(state) ?? null, isBad);
  const { waits, oldestAt } = waitingOf(waiting.ok ? waiting.value : null);
  return [
    counted('overview.alarms', to('alarms'), alarms, true),
    delivery('overview.held', 'held', true),
    delivery('overview.dead', 'dead', true),
    counted('overview.parked', withQuery(to('orders'), { ...of, state: 'parked' }), parked, true),
    ...(discrepancies === null
      ? []
      : [
          counted(
            'figures.discrepancies',
            withQuery(to('discrepancies'), { ...of, status: 'open' }),
            discrepancies,
            true,
          ),
        ]),
    counted('overview.waiting', withQuery(to('deliveries'), { ...of, state: 'waiting' }), waits, false),
    {
      key: 'figures.oldest',
      href: withQuery(to('deliveries'), { ...of, state: 'waiting' }),
      text:
        oldestAt === null ? (waiting.ok ? '–' : say('overview.unknown')) : spanText(say, now - Date.parse(oldestAt)),
      isBad: false,
    },
    delivery('figures.paused', 'paused', false),
  ];
}

/** Tried and waiting again, as the lists say, or all that should go, as the ledgers said last: whichever is more. */
function waitingOf(told: z.infer<typeof Waiting> | null): { readonly waits: Count; readonly oldestAt: string | null } {
  const tried = told?.states.find(({ state }) => state === 'waiting');
  if (!told || !tried) return { waits: null, oldestAt: null };
  const { backlog } = told;
  const [oldestAt = null] = [tried.oldestAt, backlog?.oldestAt ?? null].filter((at) => at !== null).sort();
  return { waits: { count: Math.max(tried.count, backlog?.waiting ?? 0), isMore: tried.isMore }, oldestAt };
}

const countText = (say: Say, { count, isMore }: { readonly count: number; readonly isMore: boolean }): string =>
  isMore ? say('overview.more', { count }) : String(count);

export function spanText(say: Say, ms: number): string {
  if (ms < 1_000) return say('span.ms', { n: Math.round(ms) });
  if (ms < 60_000) return say('span.s', { n: Math.round(ms / 1_000) });
  if (ms < 3_600_000) return say('span.min', { n: Math.round(ms / 60_000) });
  return ms < 172_800_000
    ? say('span.h', { n: Math.round(ms / 3_600_000) })
    : say('span.d', { n: Math.floor(ms / 86_400_000) });
}

export const percentText = (share: number | null): string =>
  share === null ? '–' : `${Math.round(share * 1_000) / 10} %`;

/** What the chosen time brought. */
export function figuresOf({ series, stats }: Told, { channel }: View, say: Say): readonly Figure[] {
  const of = { channel: channel ?? undefined };
  const sum = (verdict: 'accepted' | 'duplicate' | 'rejected'): string =>
    series.ok ? String(series.value.items.reduce((all, step) => all + step[verdict], 0)) : say('overview.unknown');
  const told = (text: (figures: Figures) => string): string =>
    stats.ok ? text(stats.value.total) : say('overview.unknown');
  const figure = (key: Key, page: string, text: string, query = {}): Figure => ({
    key,
    href: withQuery(to(page), { ...of, ...query }),
    text,
    isBad: false,
  });
  return [
    figure('overview.accepted', 'callbacks', sum('accepted'), { verdict: 'accepted' }),
    figure('figures.duplicates', 'callbacks', sum('duplicate'), { verdict: 'duplicate' }),
    figure('overview.rejected', 'callbacks', sum('rejected'), { verdict: 'rejected' }),
    figure(
      'overview.paid',
      'orders',
      told(({ payments }) => String(payments.succeeded)),
      { state: 'paid' },
    ),
    figure(
      'overview.missed',
      'orders',
      told(({ payments }) => percentText(payments.missShare)),
    ),
    figure(
      'overview.refunds',
      'orders',
      told(({ refunds }) => String(refunds)),
      { state: 'refunded' },
    ),
    figure(
      'overview.flagged',
      'orders',
      told(({ flagged }) => String(flagged)),
    ),
    figure(
      'figures.success',
      'deliveries',
      told(({ attempts }) => percentText(attempts.successShare)),
    ),
    figure(
      'figures.gaveUp',
      'deliveries',
      told(({ attempts }) => String(attempts.dead)),
      { state: 'dead' },
    ),
  ];
}

/** Since when callbacks are counted, and all else; null while it cannot be read. */
export const sinceOf = ({ series, stats }: Told) => ({
  callbacks: series.ok ? series.value.from : null,
  figures: stats.ok ? stats.value.from : null,
});

export const WAYS = ['acknowledged', 'paidToVerified', 'verifiedToDelivered', 'paidToDelivered'] as const;

/** Each way with its percentiles, the upper ends of their buckets. */
export function timesRows({ stats }: Told, say: Say): Rows {
  if (!stats.ok) return [];
  return WAYS.map((way) => {
    const { count, p50Ms, p95Ms, p99Ms } = stats.value.total.latencies[way];
    const spans = [p50Ms, p95Ms, p99Ms].map((ms) => (ms === null ? '–' : `≤ ${spanText(say, ms)}`));
    return [say(`way.${way}` satisfies Key), String(count), ...spans];
  });
}

const Ids = z.object({ items: z.array(z.object({ id: z.string() })) });
const Gate = OriginWithGate.pick({ id: true, gate: true });

/** How the first origins stand with their gates. */
export async function gateRows(c: Context, say: Say, among: readonly string[] | null): Promise<Rows> {
  const list = await get(c, '/v1/origins?limit=200', Ids);
  const ids = list.ok ? list.value.items.map(({ id }) => id) : [];
  const chosen = ids.filter((id) => among === null || among.includes(id)).slice(0, GATES_MAX);
  const found = await Promise.all(chosen.map((id) => get(c, v1('origins', id), Gate)));
  return found.map((origin, index) => {
    const id = chosen[index] ?? '';
    const gate = origin.ok ? origin.value.gate : null;
    const name = { href: to('origins', id), text: id };
    if (gate === null) return [name, say('overview.unknown'), '–', '–', '–'];
    const { breaker, since, probeAt, inFlight } = gate;
    const at = (time: string | null) => (time === null ? '–' : { at: time });
    return [name, wordFor(say, 'breaker', breaker), at(since), at(probeAt), String(inFlight)];
  });
}
