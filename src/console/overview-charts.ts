// The charts of the overview, from the figures of /v1. Each step of the chosen time has its point; a step of which
// nothing is known breaks the line. Pure.
import type { Cell, ChartData, Series } from './chart.tsx';
import { allSteps, RANGES, type Range, type Slot, spanText, type Told } from './overview-data.ts';
import type { Key, Say } from './texts.ts';

const round = (value: number): number => Math.round(value * 100) / 100;

export function chartsOf(told: Told, range: Range, say: Say, now: number): readonly ChartData[] {
  const steps = told.stats.ok ? allSteps(told.stats.value.items, range, now) : [];
  return [
    callbacks(told, range, say),
    latency('acknowledged', steps, say),
    latency('paidToDelivered', steps, say),
    success(steps, say),
  ];
}

function callbacks({ series }: Told, range: Range, say: Say): ChartData {
  const { stepMinutes } = RANGES[range];
  const items = series.ok ? series.value.items : [];
  const rates = (name: 'accepted' | 'duplicate' | 'rejected') => items.map((step) => round(step[name] / stepMinutes));
  const lines: readonly Series[] = [
    { name: say('figures.accepted'), tone: 'link', values: rates('accepted') },
    { name: say('figures.duplicate'), tone: 'warn', values: rates('duplicate') },
    { name: say('figures.rejected'), tone: 'bad', values: rates('rejected') },
  ];
  const times = items.map(({ at }) => at);
  return chartOf('callbacks', say('figures.callbacks'), 'count', times, lines, say, String);
}

type Way = 'acknowledged' | 'paidToDelivered';

function latency(way: Way, steps: readonly Slot[], say: Say): ChartData {
  const of = (name: 'p50Ms' | 'p95Ms' | 'p99Ms') => steps.map(({ figures }) => figures?.latencies[way][name] ?? null);
  const lines: readonly Series[] = [
    { name: say('figures.p50'), tone: 'link', values: of('p50Ms') },
    { name: say('figures.p95'), tone: 'warn', values: of('p95Ms') },
    { name: say('figures.p99'), tone: 'bad', values: of('p99Ms') },
  ];
  const title = say(`way.${way}` satisfies Key);
  return chartOf(way, title, 'ms', timesOf(steps), lines, say, (ms) => `≤ ${spanText(say, ms)}`);
}

function success(steps: readonly Slot[], say: Say): ChartData {
  const shares = steps.map(({ figures }) => figures?.attempts.successShare ?? null);
  const values = shares.map((share) => (share === null ? null : round(share * 100)));
  const line: Series = { name: say('figures.success.share'), tone: 'good', values };
  return chartOf('success', say('figures.success.chart'), 'percent', timesOf(steps), [line], say, String);
}

const timesOf = (steps: readonly Slot[]): readonly string[] => steps.map(({ at }) => at);

function chartOf(
  id: string,
  title: string,
  unit: ChartData['unit'],
  times: readonly string[],
  series: readonly Series[],
  say: Say,
  write: (value: number) => string,
): ChartData {
  const rows = times.map((at, index): readonly Cell[] => {
    const told = series.map(({ values }) => values[index] ?? null);
    return [{ at }, ...told.map((value) => (value === null ? '–' : write(value)))];
  });
  const heads = [say('chart.time'), ...series.map(({ name }) => name)];
  const x = times.map((at) => Date.parse(at) / 1_000);
  return { id, title, unit, x, series, heads, rows: rows.toReversed() };
}
