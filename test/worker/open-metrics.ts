// Reads OpenMetrics text by the grammar of its specification and refuses what that forbids: a scraper for tests.
// https://prometheus.io/docs/specs/om/open_metrics_spec/ (version 1.0), sections "ABNF" and "MetricFamily".

type Sample = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
};
export type MetricFamily = { type: string; unit: string | null; help: string | null; readonly samples: Sample[] };

const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total', '_created'],
  gauge: [''],
  stateset: [''],
  histogram: ['_bucket', '_count', '_sum', '_created'],
};
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;

/** Throws at the first line that is not OpenMetrics. */
export function readOpenMetrics(text: string): ReadonlyMap<string, MetricFamily> {
  if (!text.endsWith('# EOF\n') || text.indexOf('# EOF') !== text.length - 6) throw new Error('# EOF must end it');
  const families = new Map<string, MetricFamily>();
  const seen = new Set<string>();
  let current = '';
  for (const line of text.slice(0, -6).split('\n').slice(0, -1)) {
    const [, word, name = '', rest = ''] = /^# (TYPE|UNIT|HELP) (\S+) (.*)$/.exec(line) ?? [];
    if (word === undefined) {
      const sample = sampleIn(line);
      const family = families.get(current);
      const suffix = sample.name.startsWith(current) ? sample.name.slice(current.length) : null;
      if (!family || suffix === null || !SUFFIXES[family.type]?.includes(suffix)) throw new Error(`no place: ${line}`);
      const id = `${sample.name}${JSON.stringify(Object.entries(sample.labels).sort())}`;
      if (seen.has(id)) throw new Error(`twice: ${line}`);
      seen.add(id);
      if (family.type === 'counter' && !(sample.value >= 0)) throw new Error(`a count below none: ${line}`);
      if (family.type === 'stateset' && !(current in sample.labels)) throw new Error(`no state: ${line}`);
      family.samples.push(sample);
      continue;
    }
    if (name !== current) {
      if (families.has(name)) throw new Error(`${name} comes in two places`);
      families.set(name, { type: 'unknown', unit: null, help: null, samples: [] });
      current = name;
    }
    const family = families.get(name);
    if (!family || family.samples.length > 0) throw new Error(`too late: ${line}`);
    if (word === 'TYPE') family.type = rest;
    if (word === 'UNIT') {
      if (!name.endsWith(`_${rest}`)) throw new Error(`${name} does not end with its unit ${rest}`);
      family.unit = rest;
    }
    if (word === 'HELP') family.help = rest;
  }
  for (const [name, { type, samples }] of families) if (type === 'histogram') checkHistogram(name, samples);
  return families;
}

function sampleIn(line: string): Sample {
  const [, name = '', , inside = '', written = ''] = SAMPLE.exec(line) ?? [];
  const value = Number(written);
  if (name === '' || Number.isNaN(value)) throw new Error(`no sample: ${line}`);
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < inside.length) {
    const [, label = '', text = ''] = LABEL.exec(inside) ?? [];
    if (label === '' || label in labels) throw new Error(`no labels: ${line}`);
    labels[label] = text.replace(/\\(["\\n])/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
  }
  return { name, labels, value };
}

/** Buckets add up, in order, to +Inf, which is the count. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const without = ({ le: _, ...rest }: Sample['labels']) => JSON.stringify(rest);
  for (const [labels, group] of Map.groupBy(samples, (sample) => without(sample.labels))) {
    const buckets = group.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map((sample) => (sample.labels.le === '+Inf' ? Infinity : Number(sample.labels.le)));
    const counts = buckets.map(({ value }) => value);
    const isRising = (all: readonly number[], strictly: boolean) =>
      all.every((one, i) => i === 0 || (strictly ? one > (all[i - 1] ?? 0) : one >= (all[i - 1] ?? 0)));
    const count = group.find((sample) => sample.name === `${name}_count`)?.value;
    const isSound = isRising(bounds, true) && isRising(counts, false) && bounds.at(-1) === Infinity;
    if (!isSound || counts.at(-1) !== count) throw new Error(`${name} ${labels} does not add up`);
  }
}
