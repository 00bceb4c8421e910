// Which alarms are told, to whom and when: rules, destinations, quiet hours, and what is due after an alarm changed.
// Pure. Secrets appear here only sealed.
import { ALARM_CODES, type AlarmCode, type AlarmRecord, isCriticalByNature } from './alarm.ts';
import type { Language } from './language.ts';
import { DAY_MS } from './limits.ts';

export type AlarmRule = {
  readonly enabled: boolean;
  /** Told in quiet hours too. */
  readonly critical: boolean;
  /** Ids of destinations; null: all of them. */
  readonly destinations: readonly string[] | null;
  /** An alarm that goes on is told again after this. */
  readonly repeatMinutes: number;
  /** backlog_age: how old the oldest undelivered event may be. provider_…: how long no question is answered. */
  readonly minutes?: number;
  /** rejection_spike: fewer refusals a minute than this are never one. */
  readonly perMinute?: number;
  /** rejection_spike: so many times the usual rate. */
  readonly times?: number;
};
export type AlarmRules = Readonly<Record<AlarmCode, AlarmRule>>;

const REPEAT_MINUTES = 60;
const THRESHOLDS: Readonly<Partial<Record<AlarmCode, Pick<AlarmRule, 'minutes' | 'perMinute' | 'times'>>>> = {
  backlog_age: { minutes: 15 },
  provider_away: { minutes: 10 },
  provider_refuses: { minutes: 5 },
  rejection_spike: { perMinute: 10, times: 5 },
};
export const thresholdsOf = (code: AlarmCode) => THRESHOLDS[code] ?? {};

const defaultOf = (code: AlarmCode): AlarmRule => ({
  enabled: true,
  critical: isCriticalByNature(code),
  destinations: null,
  repeatMinutes: REPEAT_MINUTES,
  ...thresholdsOf(code),
});

/** What was chosen over what is usual. */
export function rulesWith(chosen: Readonly<Partial<Record<string, Partial<AlarmRule>>>>): AlarmRules {
  const all = Object.fromEntries(ALARM_CODES.map((code) => [code, { ...defaultOf(code), ...chosen[code] }]));
  return all as AlarmRules; // its keys are all of the codes
}

/** Minutes after midnight, in the reader's own time. `from` after `to` is over midnight. */
export type QuietHours = {
  readonly from: number;
  readonly to: number;
  readonly utcOffsetMinutes: number;
  /** A zone by its name, whose clocks may change; it counts before the offset. */
  readonly timeZone?: string | undefined;
};

const MINUTE_MS = 60_000;

/** When a message that is not urgent may go: now, or at the end of the quiet hours. */
export function quietUntil(hours: QuietHours | null, now: number): number {
  if (hours === null || hours.from === hours.to) return now;
  const { from, to } = hours;
  const local = now + offsetMinutesAt(hours, now) * MINUTE_MS;
  const midnight = local - (((local % DAY_MS) + DAY_MS) % DAY_MS);
  const sinceMs = local - midnight;
  const isOver = from < to ? sinceMs < from * MINUTE_MS || sinceMs >= to * MINUTE_MS : isDay(sinceMs, from, to);
  if (isOver) return now;
  const end = midnight + to * MINUTE_MS;
  const localEnd = end > local ? end : end + DAY_MS;
  // Clocks may change before then.
  return localEnd - offsetMinutesAt(hours, localEnd - offsetMinutesAt(hours, now) * MINUTE_MS) * MINUTE_MS;
}

/** How far the reader's clock is ahead of UTC at that time. */
export function offsetMinutesAt({ timeZone, utcOffsetMinutes }: QuietHours, at: number): number {
  if (timeZone === undefined) return utcOffsetMinutes;
  const parts = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' }).formatToParts(at);
  const name = parts.find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const [, sign, hours = '0', minutes = '0'] = /^GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(name) ?? [];
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
}

export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false; // no zone of that name
  }
}

const isDay = (sinceMs: number, from: number, to: number): boolean =>
  sinceMs >= to * MINUTE_MS && sinceMs < from * MINUTE_MS;

export const DESTINATION_KINDS = ['feishu', 'dingtalk', 'wecom', 'slack', 'webhook', 'email'] as const;
export type DestinationKind = (typeof DESTINATION_KINDS)[number];

export type Destination = {
  readonly id: string;
  readonly kind: DestinationKind;
  readonly enabled: boolean;
  readonly language: Language;
  readonly quietHours: QuietHours | null;
  /** The address, whose path or query is the chat platforms' password; null for e-mail. */
  readonly url: string | null;
  /** Enough of the address to tell two apart. */
  readonly shownUrl: string | null;
  readonly secret: string | null;
  readonly from: string | null;
  readonly to: readonly string[];
  readonly version: number;
  readonly createdAt: number;
  readonly updatedAt: number;
};
export type DestinationDraft = Omit<Destination, 'version' | 'createdAt' | 'updatedAt'>;
export type DestinationChange = {
  readonly [K in keyof Omit<DestinationDraft, 'id' | 'kind'>]?: Destination[K] | undefined;
};

export type NoteKind = 'raised' | 'again' | 'resolved' | 'test';

/** What a destination was told last about an alarm. */
export type ToldAlarm = {
  readonly kind: NoteKind;
  readonly firstAt: number;
  readonly count: number;
  readonly at: number;
};

/** What is due to a destination after an alarm changed; null: nothing. `drop`: what waits need not be told any more. */
export type DueNote = { readonly kind: NoteKind; readonly dueAt: number } | 'drop' | null;

/** What was said to be over is told anew only after this: it may come and go. */
const FLAP_MS = 5 * MINUTE_MS;

type DueInput = {
  readonly alarm: AlarmRecord;
  readonly rule: AlarmRule;
  readonly destination: Pick<Destination, 'id' | 'enabled' | 'quietHours'>;
  readonly told: ToldAlarm | null;
  /** Something about it waits to be sent already. */
  readonly isWaiting: boolean;
};

/** One message for each alarm, again when it goes on, and one when it is over; nothing more once somebody has it. */
export function noteDue({ alarm, rule, destination, told, isWaiting }: DueInput, now: number): DueNote {
  const isWanted = rule.enabled && destination.enabled && (rule.destinations?.includes(destination.id) ?? true);
  if (!isWanted || alarm.subject === `destination/${destination.id}`) return isWaiting ? 'drop' : null;
  const dueAt = rule.critical ? now : quietUntil(destination.quietHours, now);
  const isKnown = told !== null && told.kind !== 'resolved' && told.firstAt === alarm.firstAt;
  const wasOver = told?.kind === 'resolved';
  if (alarm.state === 'resolved') {
    if (wasOver && isWaiting) return 'drop'; // came and went before anybody was told
    return isKnown || isWaiting ? { kind: 'resolved', dueAt } : null;
  }
  if (!isKnown) {
    if (alarm.state === 'acknowledged' && !isWaiting) return null;
    return { kind: 'raised', dueAt: wasOver ? Math.max(dueAt, told.at + FLAP_MS) : dueAt };
  }
  if (alarm.state === 'acknowledged') return isWaiting ? 'drop' : null;
  if (alarm.count <= told.count) return null;
  return { kind: 'again', dueAt: Math.max(dueAt, told.at + rule.repeatMinutes * MINUTE_MS) };
}
