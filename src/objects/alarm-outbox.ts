// The alarm desk's outbox: from what changed in the registry to what is due to whom, and from there to messages. Each
// step is committed before the next, so that a crash repeats a message at worst. Never throws for a destination's sake.
import type { Bulletin, BulletinItem } from '../alarm/index.ts';
import { whereOf } from '../alarm/where.ts';
import { type AlarmRecord, isAlarmCode } from '../core/alarm.ts';
import { type AlarmRules, type Destination, noteDue, rulesWith } from '../core/alarm-rule.ts';
import { backoffMs } from '../core/delivery.ts';
import {
  BULLETIN_ITEMS_MAX,
  BULLETIN_PACE_MS,
  NOTE_BACKOFF_MS_MAX,
  NOTE_BACKOFF_MS_MIN,
  NOTE_DEAD_MS,
  NOTE_DELAY_MS,
  NOTES_WAITING_MAX,
} from '../core/limits.ts';
import { readConfig } from '../env.ts';
import { logHop } from '../log.ts';
import { newId } from '../record.ts';
import * as desk from '../store/alarm-desk.ts';
import * as notes from '../store/alarm-notes.ts';
import type { DeafBook } from './alarm-deaf.ts';
import { type Posted, postBulletin } from './bulletin-post.ts';

export class AlarmOutbox {
  readonly #storage: DurableObjectStorage;
  readonly #env: Env;
  readonly #deaf: DeafBook;

  constructor(storage: DurableObjectStorage, env: Env, deaf: DeafBook) {
    this.#storage = storage;
    this.#env = env;
    this.#deaf = deaf;
  }

  get #sql(): SqlStorage {
    return this.#storage.sql;
  }

  get rules(): AlarmRules {
    return rulesWith(desk.readMarks(this.#sql).rules);
  }

  /** What a former life of this object was sending when it ended goes again. */
  recover(): void {
    this.#storage.transactionSync(() => {
      for (const note of notes.listSending(this.#sql)) notes.putBack(this.#sql, note, note.error);
    });
  }

  /** Takes over what changed, and with it up to where it was read. */
  takeOver(alarms: readonly AlarmRecord[], rev: number, now: number): void {
    this.#storage.transactionSync(() => {
      const rules = this.rules;
      const destinations = desk.listDestinationRows(this.#sql);
      for (const alarm of alarms) for (const one of destinations) this.#note(alarm, one, rules, now);
      desk.writeRev(this.#sql, rev);
    });
  }

  #note(alarm: AlarmRecord, destination: Destination, rules: AlarmRules, now: number): void {
    const { code, subject, detail, count, firstAt, lastAt } = alarm;
    if (!isAlarmCode(code)) return; // a newer version's
    const waiting = notes.waitingNote(this.#sql, destination.id, code, subject);
    const told = notes.readTold(this.#sql, destination.id, code, subject, now);
    const rule = rules[code];
    const due = noteDue({ alarm, rule, destination, told, isWaiting: waiting !== null }, now);
    if (due === null) return;
    if (due === 'drop') {
      if (waiting) notes.dropNote(this.#sql, waiting.id);
      return;
    }
    if (!waiting && notes.countWaiting(this.#sql, destination.id) >= NOTES_WAITING_MAX) {
      notes.countMore(this.#sql, destination.id);
      return;
    }
    const doc = { detail, count, firstAt, lastAt, critical: rule.critical };
    const dueAt = due.dueAt + (due.kind === 'again' ? 0 : NOTE_DELAY_MS);
    const { kind } = due;
    notes.putNote(this.#sql, { destination: destination.id, code, subject, kind, doc, createdAt: now, dueAt });
  }

  /** One message to each destination that has something due. */
  async send(now: number): Promise<void> {
    const paces = notes.listPaces(this.#sql).filter(({ nextAt }) => nextAt <= now);
    await Promise.all(paces.map((pace) => this.#sendTo(pace, now)));
  }

  async #sendTo(pace: notes.PaceRow, now: number): Promise<void> {
    const destination = desk.readDestinationRow(this.#sql, pace.destination);
    if (!destination?.enabled) {
      notes.dropWaiting(this.#sql, pace.destination); // or the alarm would go off for them for ever
      return;
    }
    const taken = notes.takeDue(this.#sql, destination.id, now, NOTES_WAITING_MAX);
    if (taken.length === 0) return;
    const begunAt = Date.now();
    const posted = await postBulletin(this.#env, destination, this.#bulletinOf(destination, taken, pace.more, now));
    const [ms, outcome] = [Date.now() - begunAt, posted.error === null ? 'sent' : 'failed'];
    logHop(this.#env, { hop: 'notify', outcome, ms, more: { destination: destination.id, count: taken.length } });
    this.#storage.transactionSync(() => this.#settle(pace, taken, posted, Date.now()));
  }

  #settle(before: notes.PaceRow, taken: readonly notes.NoteRow[], posted: Posted, now: number): void {
    const { error, restMs } = posted;
    const { destination: id } = before;
    const pace = notes.listPaces(this.#sql).find(({ destination }) => destination === id);
    if (!pace) return; // removed meanwhile
    if (error === null) {
      for (const note of taken) {
        notes.settleNote(this.#sql, note.id, 'sent', null, now);
        notes.putTold(this.#sql, note, now);
      }
      const more = Math.max(0, pace.more - before.more);
      notes.putPace(this.#sql, {
        ...pace,
        nextAt: now + Math.max(BULLETIN_PACE_MS, restMs),
        failures: 0,
        sent: pace.sent + 1,
        more,
        error,
      });
      this.#deaf.noteOver(id);
      return;
    }
    const dead = taken.filter(({ dueAt }) => now - dueAt >= NOTE_DEAD_MS);
    for (const note of taken) {
      if (!dead.includes(note)) notes.putBack(this.#sql, note, error);
      else {
        notes.settleNote(this.#sql, note.id, 'dead', error, now);
        notes.putTold(this.#sql, note, now); // or the next time it comes it would be told as the first
      }
    }
    const failures = pace.failures + 1;
    const nextAt = now + Math.max(restMs, backoffMs(failures, NOTE_BACKOFF_MS_MIN, NOTE_BACKOFF_MS_MAX));
    const counts = { failed: pace.failed + 1, dead: pace.dead + dead.length };
    notes.putPace(this.#sql, { ...pace, ...counts, nextAt, failures, error });
    if (dead.length > 0) this.#deaf.noteDead(id, error);
  }

  #bulletinOf(destination: Destination, due: readonly notes.NoteRow[], more: number, now: number): Bulletin {
    const urgentFirst = due.toSorted((a, b) => Number(b.doc.critical) - Number(a.doc.critical) || a.id - b.id);
    const items = urgentFirst.slice(0, BULLETIN_ITEMS_MAX).map((note) => this.#itemOf(note));
    return this.bulletin(destination, items, due.length - items.length + more, now);
  }

  bulletin({ language }: Destination, items: readonly BulletinItem[], more: number, at: number): Bulletin {
    return { id: newId('msg'), at, language, items, more, link: this.#linkTo('/console/alarms') };
  }

  #itemOf({ destination, kind, code, subject, doc }: notes.NoteRow): BulletinItem {
    const { detail, count, firstAt, lastAt, critical } = doc;
    const told = kind === 'again' ? notes.toldBefore(this.#sql, destination, code, subject) : null;
    const since = told && { count: count - told.count, at: told.at };
    const link = this.#linkTo(whereOf({ code, subject }) ?? '/console/alarms');
    return { kind, code, subject, detail, count, since, firstAt, lastAt, critical, link };
  }

  #linkTo(path: string): string | null {
    const { publicUrl } = readConfig(this.#env);
    return publicUrl === null ? null : publicUrl + path;
  }
}
