// OpenMetrics text: families with their samples, each name written once. Pure.
// https://prometheus.io/docs/specs/om/open_metrics_spec/ (version 1.0, read 2026-11)

export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

export type Labels = Readonly<Record<string, string>>;
export type Sample = {
  /** What follows the family's name, such as `_total`. */
  readonly suffix?: string;
  readonly labels: Labels;
  readonly value: number;
};
export type Family = {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'stateset';
  readonly help: string;
  /** The last part of the name, where it has one. */
  readonly unit?: 'seconds';
  readonly samples: readonly Sample[];
};

/** Backslash, quote and line break have an escape; nothing else needs one (section "ABNF"). */
const escaped = (text: string): string => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

const familyLines = ({ name, type, help, unit, samples }: Family): readonly string[] => [
  `# TYPE ${name} ${type}`,
  ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]),
  `# HELP ${name} ${escaped(help)}`,
  ...samples.map(({ suffix = '', labels, value }) => `${name}${suffix}${labelText(labels)} ${value}`),
];

export const printOpenMetrics = (families: readonly Family[]): string =>
  `${[...families.flatMap(familyLines), '# EOF'].join('\n')}\n`;

/** A bound of a histogram as every exposer should write it, so that the series of two are one (section "Numbers"). */
export const canonical = (bound: number): string => (Number.isInteger(bound) ? `${bound}.0` : String(bound));

/** A count that began at a time: what a scraper needs to know a restart. */
export const counted = (labels: Labels, value: number, sinceMs: number): readonly Sample[] => [
  { suffix: '_total', labels, value },
  { suffix: '_created', labels, value: sinceMs / 1_000 },
];
