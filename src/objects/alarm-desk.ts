// AlarmDesk: whom alarms are told, and the outbox of what is to be told. One object. It reads from the registry what
// changed and sends it; the registry never waits for it. Holds secrets only sealed. Never raises but its own failures.
import { DurableObject } from 'cloudflare:workers';
import {
  type AlarmRules,
  type Destination,
  type DestinationChange,
  type DestinationDraft,
  quietUntil,
  rulesWith,
} from '../core/alarm-rule.ts';
import { backoffMs } from '../core/delivery.ts';
import {
  ALARM_NEWS_MAX,
  BACKOFF_MS_MAX,
  BACKOFF_MS_MIN,
  DESTINATIONS_MAX,
  NOTE_DELAY_MS,
  NOTES_KEPT_MAX,
  REGISTRY_READ_TIMEOUT_MS,
  TOLD_KEPT_MS,
} from '../core/limits.ts';
import type { WriteReply, WriteStamp } from '../core/registry.ts';
import type { Vitals } from '../core/vitals.ts';
import { within } from '../core/within.ts';
import * as desk from '../store/alarm-desk.ts';
import * as notes from '../store/alarm-notes.ts';
import { forgetOldWrites, writeOnce } from '../store/registry-access.ts';
import { alarmsIn, DeafBook } from './alarm-deaf.ts';
import { AlarmOutbox } from './alarm-outbox.ts';
import { postBulletin } from './bulletin-post.ts';
import { done, doneOr } from './registry-writer.ts';

const VITALS = 'vitals';
/** So many reads of news in one alarm; the rest in the next. */
const READS_MAX = 10;

export class AlarmDesk extends DurableObject<Env> {
  readonly #deaf: DeafBook;
  readonly #outbox: AlarmOutbox;
  #hasTables = false;
  #failures = 0;
  /** More is to be read than memory knows of: always so at the beginning. */
  #hasNews = true;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#deaf = new DeafBook(ctx.storage);
    this.#outbox = new AlarmOutbox(ctx.storage, env, this.#deaf);
    this.#hasTables = desk.hasDeskTables(this.#sql);
    if (this.#hasTables) this.#outbox.recover();
  }

  get #sql(): SqlStorage {
    return this.ctx.storage.sql;
  }

  // — configuration —

  readRules(): AlarmRules {
    return this.#hasTables ? this.#outbox.rules : rulesWith({});
  }

  /** All that is named; the others are as usual again. */
  putRules(rules: desk.ChosenRules, stamp: WriteStamp): WriteReply<AlarmRules> {
    return this.#write(stamp, () => {
      desk.writeRules(this.#sql, rules);
      return done(rulesWith(rules));
    });
  }

  listDestinations(): readonly Destination[] {
    return this.#hasTables ? desk.listDestinationRows(this.#sql) : [];
  }

  readDestination(id: string): Destination | null {
    return this.#hasTables ? desk.readDestinationRow(this.#sql, id) : null;
  }

  /** The first one is told what comes from now on: what was raised before is a list in the console. */
  async createDestination(draft: DestinationDraft, stamp: WriteStamp): Promise<WriteReply<Destination>> {
    const isFirst = this.listDestinations().length === 0;
    const rev = isFirst ? (await this.#registry().alarmNews(Number.MAX_SAFE_INTEGER, 1)).rev : null;
    return this.#write(stamp, () => {
      const all = desk.listDestinationRows(this.#sql);
      if (all.length >= DESTINATIONS_MAX) return { kind: 'wrong_status', status: `the ${DESTINATIONS_MAX + 1}st one` };
      if (rev !== null && all.length === 0) desk.writeRev(this.#sql, rev);
      return doneOr(desk.insertDestination(this.#sql, draft, stamp.now), 'exists');
    });
  }

  async changeDestination(id: string, change: DestinationChange, stamp: WriteStamp): Promise<WriteReply<Destination>> {
    const reply = this.#write(stamp, () => {
      if (change.enabled === false) this.#deaf.noteOver(id);
      const { quietHours } = change;
      if (quietHours !== undefined) notes.replan(this.#sql, id, quietUntil(quietHours, stamp.now));
      return doneOr(desk.changeDestination(this.#sql, id, change, stamp.now), 'missing');
    });
    await this.#arm(stamp.now);
    return reply;
  }

  async deleteDestination(id: string, stamp: WriteStamp): Promise<WriteReply<Destination>> {
    const reply = this.#write(stamp, () => {
      this.#deaf.noteOver(id);
      return doneOr(desk.deleteDestination(this.#sql, id), 'missing');
    });
    await this.#arm(stamp.now);
    return reply;
  }

  // — what is told —

  /** Sends a test now. Null: no such destination; `error` null: it was taken. */
  async sendTest(id: string): Promise<{ readonly error: string | null } | null> {
    const destination = this.readDestination(id);
    if (!destination) return null;
    const now = Date.now();
    const link = { subject: `destination/${id}`, detail: '', count: 1, since: null, firstAt: now, lastAt: now };
    const item = { kind: 'test', code: 'test', critical: false, link: null, ...link } as const;
    const { error } = await postBulletin(this.env, destination, this.#outbox.bulletin(destination, [item], 0, now));
    if (error === null) {
      this.#deaf.noteOver(id);
      await this.#arm(now);
    }
    return { error };
  }

  /** Something changed in the registry, or a minute passed. */
  async poke(now: number): Promise<void> {
    if (this.listDestinations().length === 0) return;
    this.#hasNews = true;
    await this.#arm(now + NOTE_DELAY_MS);
  }

  listNotes(...filter: Parameters<typeof notes.listNotes> extends [SqlStorage, ...infer Rest] ? Rest : never) {
    return this.#hasTables ? notes.listNotes(this.#sql, ...filter) : [];
  }

  /** The last messages about each of these alarms. */
  notesAbout(
    alarms: readonly { readonly code: string; readonly subject: string }[],
    limit: number,
  ): readonly (readonly notes.NoteRow[])[] {
    return alarms.map(({ code, subject }) =>
      this.#hasTables ? notes.notesAbout(this.#sql, code, subject, limit) : [],
    );
  }

  /** How each destination fares. */
  listPaces(): readonly notes.PaceRow[] {
    return this.#hasTables ? notes.listPaces(this.#sql) : [];
  }

  // — what the minute's look showed —

  noteVitals(vitals: Vitals): void {
    this.ctx.storage.kv.put(VITALS, JSON.stringify(vitals));
  }

  readVitals(): Vitals | null {
    const kept = this.ctx.storage.kv.get<string>(VITALS);
    return kept === undefined ? null : (JSON.parse(kept) as Vitals); // written by noteVitals alone
  }

  override async alarm(): Promise<void> {
    let waitMs: number | null = null;
    try {
      if (!this.#hasTables) return;
      const reading = this.#hasNews ? this.#readNews() : Promise.resolve();
      const [read] = await Promise.allSettled([reading]);
      await this.#outbox.send(Date.now()); // what is due leaves with what is known, whether or not there was an answer
      this.ctx.storage.transactionSync(() => {
        notes.pruneNotes(this.#sql, NOTES_KEPT_MAX, Date.now() - TOLD_KEPT_MS);
        forgetOldWrites(this.#sql, Date.now());
      });
      await this.#tellDeaf();
      if (read.status === 'rejected') throw read.reason;
      this.#failures = 0;
      if (this.#hasNews) waitMs = 0;
    } catch (error) {
      console.error(JSON.stringify({ hop: 'notify', error: String(error) }));
      this.#hasNews = true;
      this.#failures += 1;
      waitMs = backoffMs(this.#failures, BACKOFF_MS_MIN, BACKOFF_MS_MAX);
    } finally {
      const due = this.#hasTables ? notes.nextDueAt(this.#sql) : null;
      const again = waitMs === null ? null : Date.now() + waitMs;
      const next = [due, again].filter((at) => at !== null);
      if (next.length > 0) await this.#arm(Math.max(Date.now() + 100, Math.min(...next)));
    }
  }

  // — the inside —

  #registry() {
    return this.env.REGISTRY.getByName('registry');
  }

  async #readNews(): Promise<void> {
    this.#hasNews = false; // a poke that comes meanwhile says that there is more
    if (this.listDestinations().length === 0) return;
    for (let reads = 0; reads < READS_MAX; reads++) {
      const { rev } = desk.readMarks(this.#sql);
      const reading = this.#registry().alarmNews(rev, ALARM_NEWS_MAX);
      const { items } = await within(reading, REGISTRY_READ_TIMEOUT_MS, 'The registry');
      const last = items.at(-1);
      if (last === undefined) return;
      this.#outbox.takeOver(items, last.rev, Date.now());
      if (items.length < ALARM_NEWS_MAX) return;
    }
    this.#hasNews = true;
  }

  /** The others are told who does not hear, and who does again. */
  async #tellDeaf(): Promise<void> {
    const untold = this.#deaf.untold();
    const alarms = alarmsIn(untold, Date.now());
    if (alarms.length === 0) return;
    await within(this.#registry().raiseAlarms(alarms), REGISTRY_READ_TIMEOUT_MS, 'The registry');
    this.#deaf.noteTold(untold);
  }

  #write<T>(stamp: WriteStamp, write: () => WriteReply<T>): WriteReply<T> {
    const reply = this.ctx.storage.transactionSync(() => {
      if (!this.#hasTables) desk.createDeskTables(this.#sql);
      return writeOnce(this.#sql, stamp, write);
    });
    this.#hasTables = true;
    return reply;
  }

  /** Sets the alarm unless an earlier one is set. */
  async #arm(at: number): Promise<void> {
    const known = await this.ctx.storage.getAlarm();
    if (known === null || known > at || known < Date.now() - BACKOFF_MS_MAX) await this.ctx.storage.setAlarm(at);
  }
}
