// Silence: whether a channel has been quiet for longer than its own past explains. Pure. It compares with the same
// hours of the weeks before, takes the quietest of them, and asks how likely nothing at all would then be.
import { DAY_MS, SILENCE_CHANCE, SILENCE_WEEKS, SILENCE_WINDOW_MS } from './limits.ts';
import { HOUR_MS, hourOf } from './tally.ts';

const WEEK_MS = 7 * DAY_MS;
/** Fewer weeks than this say nothing of what is usual. */
const WEEKS_MIN = 2;

export type Past = {
  /** Callbacks by the hour they came in; an hour that is not there had none. */
  readonly counts: ReadonlyMap<number, number>;
  /** The first hour that anything is known of; null: nothing is. */
  readonly firstHour: number | null;
  /** When the last callback came, or the channel was changed; earlier than the window counts as its beginning. */
  readonly lastAt: number;
};

export type Silence =
  | { readonly kind: 'learning' }
  | { readonly kind: 'usual' }
  | { readonly kind: 'silent'; readonly forMs: number; readonly perHour: number };

/** The chance that none comes where so many usually do (Poisson). */
export const chanceOfNone = (expected: number): number => Math.exp(-expected);

export function silenceOf({ counts, firstHour, lastAt }: Past, now: number): Silence {
  const from = Math.max(lastAt, now - SILENCE_WINDOW_MS);
  const weeks = Array.from({ length: SILENCE_WEEKS }, (_, week) => (week + 1) * WEEK_MS);
  const known = weeks.filter((ago) => firstHour !== null && firstHour <= from - ago);
  if (known.length < WEEKS_MIN) return { kind: 'learning' };
  if (now <= from) return { kind: 'usual' };
  const usual = known.map((ago) => countedIn(counts, from - ago, now - ago));
  if (chanceOfNone(Math.min(...usual)) >= SILENCE_CHANCE) return { kind: 'usual' };
  const mean = usual.reduce((sum, one) => sum + one, 0) / usual.length;
  return { kind: 'silent', forMs: now - lastAt, perHour: (mean * HOUR_MS) / (now - from) };
}

/** What came in this time, as if each hour's callbacks were spread evenly over it. */
function countedIn(counts: ReadonlyMap<number, number>, from: number, to: number): number {
  let sum = 0;
  for (let hour = hourOf(from); hour < to; hour += HOUR_MS) {
    const share = (Math.min(to, hour + HOUR_MS) - Math.max(from, hour)) / HOUR_MS;
    sum += share * (counts.get(hour) ?? 0);
  }
  return sum;
}

/** The hours of the past that a look at this moment may need. */
export const hoursToKnow = (now: number): readonly number[] =>
  Array.from({ length: SILENCE_WEEKS }, (_, week) => (week + 1) * WEEK_MS).flatMap((ago) => {
    const first = hourOf(now - SILENCE_WINDOW_MS - ago);
    return Array.from({ length: SILENCE_WINDOW_MS / HOUR_MS + 1 }, (_, n) => first + n * HOUR_MS);
  });

/** `normally 40 an hour, none for 35 minutes` */
export function silenceText({ forMs, perHour }: { readonly forMs: number; readonly perHour: number }): string {
  const minutes = Math.floor(forMs / 60_000);
  const quiet = minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours`;
  return `normally ${perHour < 10 ? perHour.toFixed(1) : Math.round(perHour)} an hour, none for ${quiet}`;
}

/** What the provider says of a quiet channel: `asked` about so many orders at once, `paid` since the last callback. */
export type Word = { readonly asked: number; readonly paid: number };

/** One sentence; null: it cannot be asked. */
export function wordText(word: Word | null): string {
  if (word === null) return 'This provider cannot be asked what it knows.';
  const { asked, paid } = word;
  if (paid > 0) return `The provider's query says ${paid} ${paid === 1 ? 'was' : 'were'} paid: callbacks are lost.`;
  if (asked === 0) return 'No registered order waits for a payment, so there was nothing to ask the provider about.';
  return `The provider was asked about ${asked} that wait, and no payment has been heard of yet.`;
}
