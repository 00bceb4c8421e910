// The registry's book of alarms: raised, ended, acknowledged, resolved. Tells the alarm desk that there is something
// new, and never waits for it: the desk reads what changed by its number, whenever it comes.
import type { Alarm, AlarmAct, AlarmPage, AlarmRecord } from '../core/alarm.ts';
import { ALARM_CODES, isAlarmCode, quietMsOf } from '../core/alarm.ts';
import type { WriteReply, WriteStamp } from '../core/registry.ts';
import * as alarms from '../store/registry-alarms.ts';
import { listPausedChannels } from '../store/registry-channels.ts';
import { readOriginRow } from '../store/registry-origins.ts';
import { doneOr, type RegistryWriter } from './registry-writer.ts';

const DETAIL_CHARS_MAX = 500;
const SUBJECT_CHARS_MAX = 200;
/** The desk is told once in this at most; what it is not told it finds with the next, or with cron. */
const NUDGE_MS = 500;

/** What the desk takes over at once. */
export type AlarmNews = { readonly items: readonly AlarmRecord[]; readonly rev: number };

export class AlarmBook {
  readonly #ctx: DurableObjectState;
  readonly #env: Env;
  readonly #writer: RegistryWriter;
  #nudgedAt = 0;

  constructor(ctx: DurableObjectState, env: Env, writer: RegistryWriter) {
    this.#ctx = ctx;
    this.#env = env;
    this.#writer = writer;
  }

  get #sql(): SqlStorage {
    return this.#ctx.storage.sql;
  }

  raise(all: readonly Alarm[]): void {
    const raised = this.#ctx.storage.transactionSync(() => all.flatMap((alarm) => this.#note(alarm)));
    for (const { code, subject, detail, count } of raised) {
      if (isPowerOfTen(count)) console.warn(JSON.stringify({ hop: 'alarm', code, subject, detail, count }));
    }
    if (all.length > 0) this.#nudge();
  }

  /** Raises those of which nobody has heard since the time that stands beside each. */
  raiseNews(news: readonly { readonly alarm: Alarm; readonly since: number }[]): void {
    const isNew = ({ alarm, since }: (typeof news)[number]) =>
      alarm.ended === true ? this.#wants(alarm) : alarms.isNews(this.#sql, alarm, since);
    this.raise(news.filter(isNew).map(({ alarm }) => alarm));
  }

  list(page: AlarmPage): readonly AlarmRecord[] {
    return alarms.listAlarmRows(this.#sql, page);
  }

  act(act: AlarmAct, stamp: WriteStamp): WriteReply<AlarmRecord> {
    const reply = this.#writer.write(stamp, () => doneOr(alarms.actOnAlarm(this.#sql, act, stamp.now), 'missing'));
    this.#nudge();
    return reply;
  }

  news(after: number, limit: number): AlarmNews {
    return { items: alarms.listAlarmNews(this.#sql, after, limit), rev: alarms.lastAlarmRev(this.#sql) };
  }

  /** What is over as far as the registry itself can see, and what has not been seen for so long that it counts so. */
  endOver(now: number): void {
    const paused = new Set(listPausedChannels(this.#sql, now).map(({ id }) => `channel/${id}`));
    const isRunning = (subject: string) =>
      readOriginRow(this.#sql, subject.replace(/^origin\//, ''))?.status === 'active';
    const over = [
      ...this.#wanting('channel_paused_long').filter(({ subject }) => !paused.has(subject)),
      ...(['origin_paused', 'origin_gone'] as const).flatMap((code) =>
        this.#wanting(code).filter(({ subject }) => isRunning(subject)),
      ),
      ...ALARM_CODES.flatMap((code) => {
        const quietMs = quietMsOf(code);
        return quietMs === null ? [] : this.#wanting(code).filter(({ lastAt }) => now - lastAt >= quietMs);
      }),
    ];
    this.raise(over.flatMap(({ code, subject }) => (isAlarmCode(code) ? [endOf(code, subject, now)] : [])));
  }

  #wanting(code: Alarm['code']): readonly AlarmRecord[] {
    return alarms.listWanting(this.#sql, code);
  }

  #wants({ code, subject }: Alarm): boolean {
    const known = alarms.readAlarm(this.#sql, code, subject);
    return known !== null && known.state !== 'resolved';
  }

  #note(alarm: Alarm): AlarmRecord[] {
    const subject = alarm.subject.slice(0, SUBJECT_CHARS_MAX);
    if (alarm.ended === true) {
      alarms.endAlarm(this.#sql, { ...alarm, subject });
      return [];
    }
    return [alarms.raiseAlarm(this.#sql, { ...alarm, subject, detail: alarm.detail.slice(0, DETAIL_CHARS_MAX) })];
  }

  #nudge(): void {
    const now = Date.now();
    if (Math.abs(now - this.#nudgedAt) < NUDGE_MS) return;
    this.#nudgedAt = now;
    const nudging = this.#env.ALARM_DESK.getByName('alarms').poke(now);
    this.#ctx.waitUntil(nudging.catch((error) => console.error(JSON.stringify({ hop: 'notify', error: `${error}` }))));
  }
}

export const endOf = (code: Alarm['code'], subject: string, at: number): Alarm => ({
  code,
  subject,
  detail: '',
  at,
  ended: true,
});

const isPowerOfTen = (count: number): boolean => /^10*$/.test(String(count));
