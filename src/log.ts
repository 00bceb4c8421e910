// The log of what goes well: one line of JSON for each hop of a callback, each with the same keys, so that a trace can
// be followed from the provider to the origin. What fails is logged by whoever meets it. Never a secret, never a body.
import { HOP_LINES_PER_MINUTE_MAX } from './core/limits.ts';
import { PerMinute } from './core/per-minute.ts';
import { readConfig, type Vars } from './env.ts';

export type HopLine = {
  readonly hop: 'receive' | 'record' | 'dispatch' | 'deliver' | 'settle' | 'ask' | 'notify';
  readonly trace?: string | null;
  readonly channel?: string | null;
  readonly orderNo?: string | null;
  readonly eventId?: string | null;
  /** The verdict of a callback or fact, the outcome of an attempt. */
  readonly outcome: string;
  readonly ms: number;
  /** Of a line that is about several: each of theirs, so that a search for one finds it. */
  readonly traces?: readonly string[];
  /** What only this hop has. */
  readonly more?: Readonly<Record<string, string | number | null>>;
};

const refused = new PerMinute(HOP_LINES_PER_MINUTE_MAX);

/** Strangers cannot fill the log: beyond so many a minute and isolate their lines are left out; they are counted. */
export const mayLogRefusal = (now: number): boolean => refused.allows('refused', now);

export function logHop(env: Vars, line: HopLine): void {
  if (!readConfig(env).logsHops) return;
  const { hop, channel = null, orderNo = null, eventId = null, outcome, ms, more = {}, traces = [] } = line;
  const trace = line.trace ?? (traces.length === 1 ? traces[0] : null);
  const all = traces.length > 1 ? { traces } : {};
  console.log(JSON.stringify({ hop, trace, channel, orderNo, eventId, outcome, ms, ...more, ...all }));
}
