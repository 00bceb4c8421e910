// The charts of the overview, from the figures of /v1. Each step of the chosen time has its point; a step of which
// nothing is known breaks the line. Pure.
import { DAY_MS } from '../core/limits.ts';
import { dayText } from '../core/report.ts';
import type { Cell, ChartData, Series } from './chart.tsx';
import { allSteps, DAY_OFFSET_MINUTES, RANGES, type Range, type Slot, spanText, type Told } from './overview-data.ts';
import type { Key, Say } from './texts.ts';

const round = (value: number): number => Math.round(value * 100) / 100;

export function chartsOf(told: Told, range: Range, say: Say, now: number): readonly ChartData[] {
  const steps = told.stats.ok ? allSteps(told.stats.value.items, range, now) : [];
  const times = timesOf(steps, RANGES[range].by);
  return [
    callbacks(told, range, say),
    latency('acknowledged', steps, times, say),
    latency('paidToDelivered', steps, times, say),
    success(steps, times, say),
  ];
}

function callbacks({ series }: Told, range: Range, say: Say): ChartData {
  const items = series.ok ? series.value.items : [];
  const counts = (name: 'accepted' | 'duplicate' | 'rejected') => items.map((step) => step[name]);
  const lines: readonly Series[] = [
    { name: say('figures.accepted'), tone: 'link', values: counts('accepted') },
    { name: say('figures.duplicate'), tone: 'warn', values: counts('duplicate') },
    { name: say('figures.rejected'), tone: 'bad', values: counts('rejected') },
  ];
  const title = say('figures.callbacks', { span: spanText(say, RANGES[range].stepMinutes * 60_000) });
  const times = items.map(({ at }) => ({ at }));
  return chartOf('callbacks', title, 'count', times, lines, say, String);
}

type Way = 'acknowledged' | 'paidToDelivered';

function latency(way: Way, steps: readonly Slot[], times: Times, say: Say): ChartData {
  const of = (name: 'p50Ms' | 'p95Ms' | 'p99Ms') => steps.map(({ figures }) => figures?.latencies[way][name] ?? null);
  const lines: readonly Series[] = [
    { name: say('figures.p50'), tone: 'link', values: of('p50Ms') },
    { name: say('figures.p95'), tone: 'warn', values: of('p95Ms') },
    { name: say('figures.p99'), tone: 'bad', values: of('p99Ms') },
  ];
  const title = say(`way.${way}` satisfies Key);
  return chartOf(way, title, 'ms', times, lines, say, (ms) => `≤ ${spanText(say, ms)}`);
}

function success(steps: readonly Slot[], times: Times, say: Say): ChartData {
  const shares = steps.map(({ figures }) => figures?.attempts.successShare ?? null);
  const values = shares.map((share) => (share === null ? null : round(share * 100)));
  const line: Series = { name: say('figures.success.share'), tone: 'good', values };
  return chartOf('success', say('figures.success.chart'), 'percent', times, [line], say, String);
}

/** Moments, or days by their names: those are the same wherever the reader is. */
type Times = readonly { readonly at: string }[] | readonly string[];

function timesOf(steps: readonly Slot[], by: 'hour' | 'day'): Times {
  if (by === 'hour') return steps.map(({ at }) => ({ at }));
  return steps.map(({ at }) => dayText((Date.parse(at) + DAY_OFFSET_MINUTES * 60_000) / DAY_MS));
}

function chartOf(
  id: string,
  title: string,
  unit: ChartData['unit'],
  times: Times,
  series: readonly Series[],
  say: Say,
  write: (value: number) => string,
): ChartData {
  const rows = times.map((time, index): readonly Cell[] => {
    const told = series.map(({ values }) => values[index] ?? null);
    return [time, ...told.map((value) => (value === null ? '–' : write(value)))];
  });
  const heads = [say('chart.time'), ...series.map(({ name }) => name)];
  const x = times.map((time) => Date.parse(typeof time === 'string' ? time : time.at) / 1_000);
  const isDays = typeof times[0] === 'string';
  return { id, title, unit, isDays, x, series, heads, rows: rows.toReversed() };
}
