// SQL of the alarm desk's outbox: what each destination was told, what waits to be sent, how each fares. Synchronous;
// decides nothing.
import type { NoteKind, ToldAlarm } from '../core/alarm-rule.ts';

// — what was told —

/** One on its way counts as told: a second message about the same would follow it at once. */
export function readTold(
  sql: SqlStorage,
  destination: string,
  code: string,
  subject: string,
  now: number,
): ToldAlarm | null {
  const [sending] = sql
    .exec<{ kind: NoteKind; doc: string }>(
      `SELECT kind, doc FROM notes WHERE code = ? AND subject = ? AND destination = ? AND state = 'sending'`,
      code,
      subject,
      destination,
    )
    .toArray();
  if (!sending) return toldBefore(sql, destination, code, subject);
  const { firstAt, count } = JSON.parse(sending.doc) as NoteDoc; // written by putNote alone
  return { kind: sending.kind, firstAt, count, at: now };
}

export function toldBefore(sql: SqlStorage, destination: string, code: string, subject: string): ToldAlarm | null {
  const [row] = sql
    .exec<{ doc: string }>(
      'SELECT doc FROM told WHERE destination = ? AND code = ? AND subject = ?',
      destination,
      code,
      subject,
    )
    .toArray();
  return row ? (JSON.parse(row.doc) as ToldAlarm) : null; // written by putTold alone
}

export type NoteDoc = {
  readonly detail: string;
  readonly count: number;
  readonly firstAt: number;
  readonly lastAt: number;
  readonly critical: boolean;
};

export function putTold(sql: SqlStorage, note: NoteRow, at: number): void {
  const doc = JSON.stringify({ kind: note.kind, firstAt: note.doc.firstAt, count: note.doc.count, at });
  sql.exec('INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?)', note.destination, note.code, note.subject, doc, at);
}

// — what waits, and what became of it —

export type NoteState = 'waiting' | 'sending' | 'sent' | 'dead';
export type NoteRow = {
  readonly id: number;
  readonly destination: string;
  readonly code: string;
  readonly subject: string;
  readonly kind: NoteKind;
  readonly doc: NoteDoc;
  readonly createdAt: number;
  readonly dueAt: number;
  readonly state: NoteState;
  readonly tries: number;
  readonly error: string | null;
  readonly sentAt: number | null;
};
const NOTE = `SELECT id, destination, code, subject, kind, doc, created_at AS createdAt, due_at AS dueAt, state, tries,
  error, sent_at AS sentAt FROM notes`;
type RawNote = Omit<NoteRow, 'doc'> & { readonly doc: string };
const noteOf = (row: RawNote): NoteRow => ({ ...row, doc: JSON.parse(row.doc) as NoteDoc }); // written by putNote alone

export const countWaiting = (sql: SqlStorage, destination: string): number =>
  sql
    .exec<{ n: number }>("SELECT COUNT(*) AS n FROM notes WHERE destination = ? AND state = 'waiting'", destination)
    .one().n;

export const waitingNote = (
  sql: SqlStorage,
  destination: string,
  code: string,
  subject: string,
): { readonly id: number; readonly dueAt: number } | null =>
  sql
    .exec<{ id: number; dueAt: number }>(
      `SELECT id, due_at AS dueAt FROM notes
       WHERE destination = ? AND code = ? AND subject = ? AND state = 'waiting'`,
      destination,
      code,
      subject,
    )
    .toArray()[0] ?? null;

export type NewNote = Pick<NoteRow, 'destination' | 'code' | 'subject' | 'kind' | 'doc' | 'createdAt' | 'dueAt'>;

/** One that waits about the same alarm takes the newer words and keeps its place. */
export function putNote(sql: SqlStorage, note: NewNote): void {
  sql.exec(
    `INSERT INTO notes (destination, code, subject, kind, doc, created_at, due_at, state, tries)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0)
     ON CONFLICT (destination, code, subject) WHERE state = 'waiting' DO UPDATE SET kind = excluded.kind,
       doc = excluded.doc, due_at = min(due_at, excluded.due_at)`,
    note.destination,
    note.code,
    note.subject,
    note.kind,
    JSON.stringify(note.doc),
    note.createdAt,
    note.dueAt,
  );
}

export function dropNote(sql: SqlStorage, id: number): void {
  sql.exec('DELETE FROM notes WHERE id = ?', id);
}

/** What is not urgent waits until this time now, since the quiet hours have changed; reminders keep theirs. */
export function replan(sql: SqlStorage, destination: string, until: number): void {
  sql.exec(
    `UPDATE notes SET due_at = ? WHERE destination = ? AND state = 'waiting' AND kind <> 'again'
       AND NOT json_extract(doc, '$.critical')`,
    until,
    destination,
  );
}

/** It was switched off while something was on its way, which came back: nothing is kept for it. */
export function dropWaiting(sql: SqlStorage, destination: string): void {
  sql.exec("DELETE FROM notes WHERE destination = ? AND state = 'waiting'", destination);
}

/** It happened and nobody will be told of it one by one. */
export function countMore(sql: SqlStorage, destination: string): void {
  sql.exec('UPDATE paces SET more = more + 1 WHERE destination = ?', destination);
}

/** What is due now, on its way from here on. */
export function takeDue(sql: SqlStorage, destination: string, now: number, limit: number): readonly NoteRow[] {
  return sql
    .exec<RawNote>(
      `UPDATE notes SET state = 'sending', tries = tries + 1 WHERE id IN (
         SELECT id FROM notes WHERE destination = ? AND state = 'waiting' AND due_at <= ? ORDER BY due_at LIMIT ?)
       RETURNING id, destination, code, subject, kind, doc, created_at AS createdAt, due_at AS dueAt, state, tries,
         error, sent_at AS sentAt`,
      destination,
      now,
      limit,
    )
    .toArray()
    .map(noteOf);
}

export function settleNote(
  sql: SqlStorage,
  id: number,
  state: 'sent' | 'dead',
  error: string | null,
  at: number,
): void {
  sql.exec('UPDATE notes SET state = ?, error = ?, sent_at = ? WHERE id = ?', state, error, at, id);
}

/** Back to wait, unless a newer one about the same alarm waits already: that one has its age from now on. */
export function putBack(sql: SqlStorage, note: NoteRow, error: string | null): void {
  const newer = waitingNote(sql, note.destination, note.code, note.subject);
  if (newer === null) {
    sql.exec("UPDATE notes SET state = 'waiting', error = ? WHERE id = ?", error, note.id);
    return;
  }
  sql.exec(
    'UPDATE notes SET created_at = min(created_at, ?), due_at = min(due_at, ?), tries = ?, error = ? WHERE id = ?',
    note.createdAt,
    note.dueAt,
    note.tries,
    error,
    newer.id,
  );
  dropNote(sql, note.id);
}

/** A life of the object that ended while it sent: nobody knows whether these arrived, so they go again. */
export const listSending = (sql: SqlStorage): readonly NoteRow[] =>
  sql.exec<RawNote>(`${NOTE} WHERE state = 'sending'`).toArray().map(noteOf);

export const nextDueAt = (sql: SqlStorage): number | null =>
  sql
    .exec<{ at: number | null }>(
      `SELECT MIN(max(n.due_at, p.next_at)) AS at FROM notes n JOIN paces p ON p.destination = n.destination
       WHERE n.state = 'waiting'`,
    )
    .one().at;

export type PaceRow = {
  readonly destination: string;
  readonly nextAt: number;
  readonly failures: number;
  readonly sent: number;
  readonly failed: number;
  readonly dead: number;
  /** Alarms that were too many to keep one by one. */
  readonly more: number;
  readonly error: string | null;
};
const PACE = 'SELECT destination, next_at AS nextAt, failures, sent, failed, dead, more, error FROM paces';

export const listPaces = (sql: SqlStorage): readonly PaceRow[] =>
  sql.exec<PaceRow>(`${PACE} ORDER BY destination`).toArray();

export function putPace(sql: SqlStorage, { destination, nextAt, failures, sent, failed, dead, more, error }: PaceRow) {
  sql.exec(
    `UPDATE paces SET next_at = ?, failures = ?, sent = ?, failed = ?, dead = ?, more = ?, error = ?
     WHERE destination = ?`,
    nextAt,
    failures,
    sent,
    failed,
    dead,
    more,
    error,
    destination,
  );
}

/** The last things told about these alarms, each destination's newest first. */
export const notesAbout = (sql: SqlStorage, code: string, subject: string, limit: number): readonly NoteRow[] =>
  sql
    .exec<RawNote>(`${NOTE} WHERE code = ? AND subject = ? ORDER BY id DESC LIMIT ?`, code, subject, limit)
    .toArray()
    .map(noteOf);

/** Newest first, from the place before the one that was seen last. */
export function listNotes(
  sql: SqlStorage,
  before: number | null,
  limit: number,
  filter: { readonly destination?: string | undefined; readonly state?: NoteState | undefined },
): readonly NoteRow[] {
  const { destination = null, state = null } = filter;
  return sql
    .exec<RawNote>(
      `${NOTE} WHERE id < ?1 AND (?2 IS NULL OR destination = ?2) AND (?3 IS NULL OR state = ?3)
       ORDER BY id DESC LIMIT ?4`,
      before ?? Number.MAX_SAFE_INTEGER,
      destination,
      state,
      limit,
    )
    .toArray()
    .map(noteOf);
}

/** Drops the oldest of what is over, beyond what is kept; what was told of alarms that nobody raised for long. */
export function pruneNotes(sql: SqlStorage, kept: number, toldSince: number): void {
  sql.exec(`DELETE FROM notes WHERE state IN ('sent', 'dead') AND id <= (SELECT MAX(id) FROM notes) - ?`, kept);
  sql.exec('DELETE FROM told WHERE at < ?', toldSince);
}
