// The registry: the one writer of channels, origins, products, API keys, fetched provider keys and alarms. One object.
// Hands out secrets only sealed, and never waits for anybody inside a transaction.
import { type Act, GATEWAY } from '../core/act.ts';
import type { Alarm, AlarmAct, AlarmPage, AlarmRecord } from '../core/alarm.ts';
import type { ChannelRecord, ChannelView } from '../core/channel.ts';
import { PROVIDER_TROUBLE_GAP_MS } from '../core/limits.ts';
import type { Origin } from '../core/origin.ts';
import type { Product, ProductChange, ProductDraft } from '../core/product.ts';
import { type ProviderWord, type Trouble, troubleAfter, troubleOver } from '../core/provider-health.ts';
import type {
  ChannelChange,
  ChannelDraft,
  KeyRefresh,
  OriginChange,
  OriginDraft,
  OriginPause,
  OriginResume,
  Rotation,
  StatusChange,
  WriteReply,
  WriteStamp,
} from '../core/registry.ts';
import { viewOf } from '../core/rotation.ts';
import { forgetOldWrites } from '../store/registry-access.ts';
import { countWanting, listAbout, pruneAlarms } from '../store/registry-alarms.ts';
import * as channels from '../store/registry-channels.ts';
import * as origins from '../store/registry-origins.ts';
import * as products from '../store/registry-products.ts';
import { prepareRegistryTables } from '../store/registry-schema.ts';
import * as troubles from '../store/registry-troubles.ts';
import { AlarmBook, type AlarmNews } from './alarm-book.ts';
import { recordOf } from './channel-record.ts';
import { KeyRefresher } from './key-refresh.ts';
import { KeyWatch } from './key-watch.ts';
import { longPauses } from './long-pauses.ts';
import { OriginDesk } from './registry-origins.ts';
import { PeopleRegistry } from './registry-people.ts';
import { already, done, doneOr, type Note } from './registry-writer.ts';

export class Registry extends PeopleRegistry {
  readonly #sql: SqlStorage;
  readonly #keys: KeyRefresher;
  readonly #watch: KeyWatch;
  readonly #origins: OriginDesk;
  readonly #alarms: AlarmBook;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#sql = ctx.storage.sql;
    this.#keys = new KeyRefresher(ctx.storage, env, (alarms) => this.raiseAlarms(alarms));
    this.#watch = new KeyWatch(this.#sql, env);
    this.#origins = new OriginDesk(this.#sql, this.writer);
    this.#alarms = new AlarmBook(ctx, env, this.writer);
    ctx.storage.transactionSync(() => prepareRegistryTables(this.#sql));
  }

  /** Answers, and with that shows that the object and its database do. */
  ping(): boolean {
    return this.#sql.exec('SELECT 1').toArray().length === 1;
  }

  // — channels —

  readChannel(id: string): ChannelRecord | null {
    const channel = channels.readChannelRow(this.#sql, id);
    return channel && recordOf(this.#sql, channel);
  }

  listChannels(): readonly ChannelRecord[] {
    return channels.listChannelRows(this.#sql).map((channel) => recordOf(this.#sql, channel));
  }

  /** Enough to tell a known id from an unknown one, when unknown ones come by the thousand. */
  listChannelIds(): readonly string[] {
    return channels.listChannelIds(this.#sql);
  }

  /** A new channel needs no push: its shards learn what they need with the first fact. */
  createChannel(draft: ChannelDraft, stamp: WriteStamp): WriteReply<ChannelView> {
    return this.writer.write(stamp, () => {
      if (channels.readChannelRow(this.#sql, draft.id)) return { kind: 'exists' };
      const unknown = this.#unknownOrigin(draft.origins);
      return unknown ?? done(viewOf(channels.insertChannel(this.#sql, draft, stamp.now), stamp.now));
    });
  }

  updateChannel(id: string, change: ChannelChange, stamp: WriteStamp): Promise<WriteReply<ChannelView>> {
    return this.writer.writeAndPush(stamp, (note) => {
      const channel = channels.readChannelRow(this.#sql, id);
      if (!channel) return { kind: 'missing' };
      if (change.rotation && change.rotation.after !== channel.credentials) return { kind: 'changed' };
      const unknown = this.#unknownOrigin(change.origins ?? []);
      if (unknown) return unknown;
      channels.changeChannel(this.#sql, channel, change, stamp.now);
      return this.#changedChannel(id, note, stamp.now);
    });
  }

  setChannelStatus(id: string, { from, to }: StatusChange, stamp: WriteStamp): Promise<WriteReply<ChannelView>> {
    return this.writer.writeAndPush(stamp, (note) => {
      const channel = channels.readChannelRow(this.#sql, id);
      if (!channel) return { kind: 'missing' };
      if (channel.status === to) return already(viewOf(channel, stamp.now));
      if (!from.includes(channel.status)) return { kind: 'wrong_status', status: channel.status };
      channels.setChannelStatus(this.#sql, id, to, stamp.now);
      return this.#changedChannel(id, note, stamp.now);
    });
  }

  // — origins —

  readOrigin(id: string): Origin | null {
    return origins.readOriginRow(this.#sql, id);
  }

  listOrigins(): readonly Origin[] {
    return origins.listOriginRows(this.#sql);
  }

  createOrigin(draft: OriginDraft, stamp: WriteStamp): WriteReply<Origin> {
    return this.#origins.create(draft, stamp);
  }

  updateOrigin(id: string, change: OriginChange, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    return this.#origins.update(id, change, stamp);
  }

  rotateOrigin(id: string, rotation: Rotation, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    return this.#origins.rotate(id, rotation, stamp);
  }

  /** Replies after every shard that has this origin was told; null when there is no such origin. */
  async pauseOrigin(pause: OriginPause): Promise<Origin | null> {
    return valueDone(await this.#origins.pause(pause, { ...byItself('origin.pause', pause), now: pause.now }));
  }

  async resumeOrigin(resume: OriginResume): Promise<Origin | null> {
    return valueDone(await this.#origins.resume(resume, { ...byItself('origin.resume', resume), now: resume.now }));
  }

  /** Pauses or resumes for a person, once per Idempotency-Key. */
  setOriginPaused(id: string, paused: boolean, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    const change = { id, version: null, now: stamp.now };
    return paused ? this.#origins.pause({ ...change, reason: 'operator' }, stamp) : this.#origins.resume(change, stamp);
  }

  // — products —

  readProduct(id: string): Product | null {
    return products.readProductRow(this.#sql, id);
  }

  listProducts(): readonly Product[] {
    return products.listProductRows(this.#sql);
  }

  /** The caller has seen to it that the channel is there; channels are never removed. */
  createProduct(draft: ProductDraft, stamp: WriteStamp): WriteReply<Product> {
    return this.writer.write(stamp, () => doneOr(products.insertProduct(this.#sql, draft, stamp.now), 'exists'));
  }

  updateProduct(id: string, change: ProductChange, stamp: WriteStamp): WriteReply<Product> {
    return this.writer.write(stamp, () => doneOr(products.changeProduct(this.#sql, id, change, stamp.now), 'missing'));
  }

  // — alarms, provider keys, time —

  raiseAlarms(alarms: readonly Alarm[]): void {
    this.#alarms.raise(alarms);
  }

  /** Raises those of which nobody has heard since the time that stands beside each. */
  raiseNews(news: readonly { readonly alarm: Alarm; readonly since: number }[]): void {
    this.#alarms.raiseNews(news);
  }

  listAlarms(page: AlarmPage): readonly AlarmRecord[] {
    return this.#alarms.list(page);
  }

  alarmsAbout(subject: string): readonly AlarmRecord[] {
    return listAbout(this.#sql, subject);
  }

  actOnAlarm(act: AlarmAct, stamp: WriteStamp): WriteReply<AlarmRecord> {
    return this.#alarms.act(act, stamp);
  }

  /** What changed after this number; for the alarm desk. */
  alarmNews(after: number, limit: number): AlarmNews {
    return this.#alarms.news(after, limit);
  }

  /** A channel's provider did not answer, or answers again. */
  noteProvider(channel: string, word: ProviderWord, at: number): void {
    if (!channels.readChannelRow(this.#sql, channel)) return;
    const trouble = troubleAfter(troubles.readTrouble(this.#sql, channel), channel, word, at);
    if (trouble !== null) {
      troubles.putTrouble(this.#sql, trouble);
      return;
    }
    troubles.dropTrouble(this.#sql, channel);
    this.raiseNews(troubleOver(channel, at));
  }

  listTroubles(): readonly Trouble[] {
    return troubles.listTroubles(this.#sql);
  }

  countAlarms(): readonly { readonly code: string; readonly count: number }[] {
    return countWanting(this.#sql);
  }

  refreshKeys(channelId: string, now: number, keyId?: string): Promise<KeyRefresh> {
    return this.#keys.refresh(channelId, now, keyId);
  }

  /** What time alone asks for; cron calls it each minute. */
  async tick(now: number): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      forgetOldWrites(this.#sql, now);
      pruneAlarms(this.#sql);
      channels.forgetEndedCredentials(this.#sql, now);
      troubles.forgetTroubles(this.#sql, now - PROVIDER_TROUBLE_GAP_MS);
      this.forgetOldPeople(now);
    });
    this.raiseAlarms(longPauses(this.#sql, now));
    this.#alarms.endOver(now);
    await this.push.pushDue(now);
    this.raiseAlarms(await this.#watch.due(now));
    await this.postActs();
    this.ctx.waitUntil(this.#keys.refreshDue(now)); // a provider that hangs must not hold up the caller
  }

  override async alarm(): Promise<void> {
    await this.push.pushDue(Date.now());
  }

  // — the inside —

  #changedChannel(id: string, note: Note, now: number): WriteReply<ChannelView> {
    note(id);
    const channel = channels.readChannelRow(this.#sql, id);
    return doneOr(channel && viewOf(channel, now), 'missing');
  }

  #unknownOrigin(ids: readonly string[]): { readonly kind: 'unknown_origin'; readonly index: number } | null {
    const index = ids.findIndex((id) => !origins.readOriginRow(this.#sql, id));
    return index < 0 ? null : { kind: 'unknown_origin', index };
  }
}

const valueDone = <T>(reply: WriteReply<T>): T | null => (reply.kind === 'done' ? reply.value : null);

/** Nobody asked for it: the origin's own answer did. */
const byItself = (kind: string, { id, reason = '' }: { readonly id: string; readonly reason?: string }) => {
  const act: Act = { kind, subject: `origin/${id}`, about: reason, reason: null, actor: GATEWAY, address: null };
  return { key: null, digest: '', act };
};
