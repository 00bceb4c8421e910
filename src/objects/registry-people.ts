// The registry's people and programs: API keys, who comes in by Cloudflare Access, ended sessions, and the acts that
// the audit log is told. Keys are here as hashes alone.
import { DurableObject } from 'cloudflare:workers';
import { type AccessCopy, type AccessSettings, endsPeople, PEOPLE } from '../core/access.ts';
import { type Act, LOGIN_FAILED, WRITE_REFUSED } from '../core/act.ts';
import {
  ACTS_KEPT_MS,
  API_KEYS_MAX,
  DISPATCH_BATCH_MAX,
  PROJECT_TIMEOUT_MS,
  REFUSALS_NOTED_MAX,
  SESSION_MS_MAX,
} from '../core/limits.ts';
import type { ApiKey, ApiKeyChange, ApiKeyCopy, ApiKeyDraft, WriteReply, WriteStamp } from '../core/registry.ts';
import { within } from '../core/within.ts';
import { putAudit } from '../store/audit.ts';
import * as keys from '../store/registry-access.ts';
import * as acts from '../store/registry-acts.ts';
import type { KeptAccess } from '../store/registry-logins.ts';
import * as logins from '../store/registry-logins.ts';
import { ConfigPush } from './config-push.ts';
import { done, doneOr, RegistryWriter } from './registry-writer.ts';

const HOUR_MS = 3_600_000;
const FLOODING: readonly string[] = [LOGIN_FAILED, WRITE_REFUSED];

/** The part of the registry that knows people and programs. */
export abstract class PeopleRegistry extends DurableObject<Env> {
  protected readonly push: ConfigPush;
  protected readonly writer: RegistryWriter;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.push = new ConfigPush(ctx.storage, env);
    this.writer = new RegistryWriter(ctx.storage, this.push, () => ctx.waitUntil(this.postActs()));
  }

  get #sql(): SqlStorage {
    return this.ctx.storage.sql;
  }

  // — API keys —

  createApiKey(draft: ApiKeyDraft, stamp: WriteStamp): WriteReply<{ readonly key: ApiKey; readonly sealed: string }> {
    return this.writer.write(stamp, () => {
      if (keys.countLiveApiKeys(this.#sql) >= API_KEYS_MAX) return { kind: 'full', most: API_KEYS_MAX };
      return done({ key: keys.insertApiKey(this.#sql, draft, stamp.now), sealed: draft.sealed });
    });
  }

  changeApiKey(id: string, change: ApiKeyChange, stamp: WriteStamp): WriteReply<ApiKey> {
    return this.writer.write(stamp, () => doneOr(keys.changeApiKeyRow(this.#sql, id, change), 'missing'));
  }

  revokeApiKey(id: string, stamp: WriteStamp): WriteReply<ApiKey> {
    return this.writer.write(stamp, () => doneOr(keys.revokeApiKeyRow(this.#sql, id, stamp.now), 'missing'));
  }

  listApiKeys(): readonly ApiKey[] {
    return keys.listApiKeyRows(this.#sql);
  }

  /** What isolates keep a copy of: the hashes of all keys that are not revoked. */
  listApiKeyCopies(): readonly ApiKeyCopy[] {
    return keys.listLiveApiKeys(this.#sql);
  }

  noteKeyUse(id: string, now: number): void {
    keys.noteKeyUse(this.#sql, id, now);
  }

  // — people —

  readAccess(): KeptAccess {
    return logins.readAccess(this.#sql);
  }

  readAccessCopy(): AccessCopy {
    return { settings: logins.readAccess(this.#sql).settings, logouts: logins.readLogouts(this.#sql) };
  }

  /** `ifVersion`: the one that the caller looked at; null: whatever stands. */
  changeAccess(settings: AccessSettings, ifVersion: number | null, stamp: WriteStamp): WriteReply<KeptAccess> {
    return this.writer.write(stamp, () => {
      const before = logins.readAccess(this.#sql);
      if (ifVersion !== null && before.version !== ifVersion) return { kind: 'changed' };
      if (endsPeople(before.settings, settings)) logins.putLogout(this.#sql, PEOPLE, stamp.now);
      return done(logins.putAccess(this.#sql, settings, stamp.now));
    });
  }

  /** Sessions that began before are over; `actor` null: everybody's. `whose`: where it is one session, this one's. */
  endSessions(
    actor: string | null,
    stamp: WriteStamp,
    whose: string | null = null,
  ): WriteReply<{ readonly at: number }> {
    return this.writer.write(stamp, () => {
      logins.putLogout(this.#sql, actor, stamp.now, whose);
      return done({ at: stamp.now });
    });
  }

  // — acts —

  /** What was done elsewhere. A flood of what was refused is written down so far and no further. */
  noteAct(act: Act, now: number): void {
    const isFlood =
      FLOODING.includes(act.kind) &&
      acts.countActs(this.#sql, act.kind, now - HOUR_MS, REFUSALS_NOTED_MAX) >= REFUSALS_NOTED_MAX;
    if (isFlood) return;
    acts.putAct(this.#sql, act, now);
    this.ctx.waitUntil(this.postActs());
  }

  /** The audit log is told everything again. */
  rebuild(): void {
    acts.postAgain(this.#sql);
    this.ctx.waitUntil(this.postActs());
  }

  protected forgetOldPeople(now: number): void {
    acts.forgetOldActs(this.#sql, now - ACTS_KEPT_MS);
    logins.forgetOldLogouts(this.#sql, now - SESSION_MS_MAX);
  }

  /** Brings acts to D1 until none is left or D1 refuses. Never throws: what is left goes at the next nudge. */
  protected async postActs(): Promise<void> {
    for (;;) {
      const pending = acts.actsToPost(this.#sql, DISPATCH_BATCH_MAX);
      const last = pending.at(-1);
      if (!last) return;
      try {
        await within(putAudit(this.env.DB, pending.map(rowOf)), PROJECT_TIMEOUT_MS, 'D1');
      } catch (error) {
        console.error(JSON.stringify({ hop: 'audit', shard: 'registry', error: String(error) }));
        return;
      }
      acts.markPosted(this.#sql, last.id);
    }
  }
}

const rowOf = ({ id, kind, address, ...act }: acts.ActRow) => ({
  ...act,
  id: `registry/${id}`,
  channel: act.subject.startsWith('channel/') ? act.subject.slice('channel/'.length) : '',
  order_no: '',
  act: kind,
  remote_address: address,
});
