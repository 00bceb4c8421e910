// The registry's origins: create, change, pause, rotate. Replies after every shard that has the origin was told.
// Holds secrets only sealed.
import type { Origin } from '../core/origin.ts';
import type {
  OriginChange,
  OriginDraft,
  OriginPause,
  OriginResume,
  Rotation,
  WriteReply,
  WriteStamp,
} from '../core/registry.ts';
import { listChannelsOfOrigin } from '../store/registry-channels.ts';
import * as origins from '../store/registry-origins.ts';
import { already, done, doneOr, type Note, type RegistryWriter } from './registry-writer.ts';

export class OriginDesk {
  readonly #sql: SqlStorage;
  readonly #writer: RegistryWriter;

  constructor(sql: SqlStorage, writer: RegistryWriter) {
    this.#sql = sql;
    this.#writer = writer;
  }

  create(draft: OriginDraft, stamp: WriteStamp): WriteReply<Origin> {
    return this.#writer.write(stamp, () => {
      if (origins.readOriginRow(this.#sql, draft.id)) return { kind: 'exists' };
      return done(origins.insertOrigin(this.#sql, draft, stamp.now));
    });
  }

  update(id: string, change: OriginChange, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    return this.#writer.writeAndPush(stamp, (note) => {
      const origin = origins.readOriginRow(this.#sql, id);
      if (!origin) return { kind: 'missing' };
      if (change.ifVersion !== undefined && change.ifVersion !== origin.version) return { kind: 'changed' };
      origins.changeOrigin(this.#sql, origin, change, stamp.now);
      return this.#changed(id, note);
    });
  }

  rotate(id: string, rotation: Rotation, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    return this.#writer.writeAndPush(stamp, (note) => {
      const origin = origins.readOriginRow(this.#sql, id);
      if (!origin) return { kind: 'missing' };
      origins.rotateSecrets(this.#sql, origin, rotation, stamp.now);
      return this.#changed(id, note);
    });
  }

  pause(pause: OriginPause, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    return this.#setPaused(pause.id, stamp, () => origins.pauseOriginRow(this.#sql, pause));
  }

  resume(resume: OriginResume, stamp: WriteStamp): Promise<WriteReply<Origin>> {
    return this.#setPaused(resume.id, stamp, () => origins.resumeOriginRow(this.#sql, resume));
  }

  #setPaused(id: string, stamp: WriteStamp, change: () => boolean): Promise<WriteReply<Origin>> {
    return this.#writer.writeAndPush(stamp, (note) => {
      if (change()) return this.#changed(id, note);
      const origin = origins.readOriginRow(this.#sql, id);
      return origin ? already(origin) : { kind: 'missing' };
    });
  }

  #changed(id: string, note: Note): WriteReply<Origin> {
    for (const channel of listChannelsOfOrigin(this.#sql, id)) note(channel.id);
    return doneOr(origins.readOriginRow(this.#sql, id), 'missing');
  }
}
