// Whether a channel's provider answers what it is asked: what one answer says of it, how long trouble has lasted, and
// when a person is told. Pure. Asks nobody.
import type { Alarm } from './alarm.ts';
import type { AlarmRules } from './alarm-rule.ts';
import { PROVIDER_TROUBLE_GAP_MS } from './limits.ts';

/** `away`: no usable answer came. `refuses`: it does not take the channel's credentials, or proves nothing by them. */
export type TroubleKind = 'away' | 'refuses';
export type ProviderWord = { readonly kind: 'answers' } | { readonly kind: TroubleKind; readonly detail: string };

/** Since the first question that failed, nothing else came. */
export type Trouble = {
  readonly channel: string;
  readonly kind: TroubleKind;
  readonly since: number;
  readonly lastAt: number;
  readonly count: number;
  readonly detail: string;
};

export const TROUBLE_CODES = { away: 'provider_away', refuses: 'provider_refuses' } as const;
export const TROUBLE_KINDS: readonly TroubleKind[] = ['away', 'refuses'];

/** Trouble of whatever kind goes on; after a long time in which nobody asked, it begins anew. Null: there is none. */
export function troubleAfter(known: Trouble | null, channel: string, word: ProviderWord, at: number): Trouble | null {
  if (word.kind === 'answers') return null;
  const { kind, detail } = word;
  const goesOn = known !== null && at - known.lastAt <= PROVIDER_TROUBLE_GAP_MS;
  if (!goesOn) return { channel, kind, since: at, lastAt: at, count: 1, detail };
  return { channel, kind, since: known.since, lastAt: Math.max(at, known.lastAt), count: known.count + 1, detail };
}

const MINUTE_MS = 60_000;
/** An alarm that goes on is counted once in this. */
const AGAIN_MS = 10 * MINUTE_MS;

type News = { readonly alarm: Alarm; readonly since: number };

/** What the registry is to be told of it now: that it wants a person, and that it is no longer of the other kind. */
export function troubleNews(
  { channel, kind, since, lastAt, count, detail }: Trouble,
  rules: AlarmRules,
  now: number,
): readonly News[] {
  const subject = `channel/${channel}`;
  const code = TROUBLE_CODES[kind];
  const other = TROUBLE_CODES[kind === 'away' ? 'refuses' : 'away'];
  const ends: News = { alarm: { code: other, subject, detail: '', at: now, ended: true }, since: now };
  const boundMs = (rules[code].minutes ?? 0) * MINUTE_MS;
  if (count < 2 || lastAt - since < boundMs) return [ends];
  const minutes = Math.max(1, Math.floor((lastAt - since) / MINUTE_MS));
  const told = `For ${minutes} min no question was answered; the last: ${detail}`;
  return [{ alarm: { code, subject, detail: told, at: lastAt }, since: Math.min(lastAt, now - AGAIN_MS + 1) }, ends];
}

export const troubleOver = (channel: string, at: number): readonly News[] =>
  TROUBLE_KINDS.map((kind) => {
    const about = { code: TROUBLE_CODES[kind], subject: `channel/${channel}`, detail: '', at, ended: true } as const;
    return { alarm: about, since: at };
  });
