// SQL of the alarms: one row per code and subject, counted, with what was done about it; bounded, so that no flood of
// subjects fills the registry. Every change has a number of its own, by which others learn what is new.
import {
  ALARM_CODES,
  type Alarm,
  type AlarmAct,
  type AlarmKey,
  type AlarmPage,
  type AlarmRecord,
} from '../core/alarm.ts';
import { ALARMS_KEPT_MAX } from '../core/limits.ts';

const ALARM_COLUMNS = `code, subject, detail, count, first_at AS firstAt, last_at AS lastAt, state,
  acted_by AS actedBy, acted_at AS actedAt, rev`;

const nextRev = (sql: SqlStorage): number =>
  sql.exec<{ rev: number }>('UPDATE alarm_marks SET rev = rev + 1 WHERE id = 1 RETURNING rev').one().rev;

// One that comes after it was resolved is a new alarm; one that is older, or comes late, only counts.
const IS_NEW = "state = 'resolved' AND excluded.last_at >= acted_at";

/** Counts one alarm and gives it as it stands now. */
export function raiseAlarm(sql: SqlStorage, { code, subject, detail, at }: Alarm): AlarmRecord {
  return sql
    .exec<AlarmRecord>(
      `INSERT INTO alarms (code, subject, detail, count, first_at, last_at, rev) VALUES (?1, ?2, ?3, 1, ?4, ?4, ?5)
       ON CONFLICT (code, subject) DO UPDATE SET
         count = CASE WHEN ${IS_NEW} THEN 1 ELSE count + 1 END,
         first_at = CASE WHEN ${IS_NEW} THEN excluded.first_at ELSE first_at END,
         acted_by = CASE WHEN ${IS_NEW} THEN NULL ELSE acted_by END,
         acted_at = CASE WHEN ${IS_NEW} THEN NULL ELSE acted_at END,
         state = CASE WHEN ${IS_NEW} THEN 'open' ELSE state END,
         detail = excluded.detail, last_at = max(last_at, excluded.last_at), rev = excluded.rev
       RETURNING ${ALARM_COLUMNS}`,
      code,
      subject,
      detail,
      at,
      nextRev(sql),
    )
    .one();
}

/** What it told of is over. Nothing to do where it was never raised, is resolved, or came again since. */
export function endAlarm(sql: SqlStorage, { code, subject, at }: Omit<Alarm, 'detail'>): boolean {
  const known = readAlarm(sql, code, subject);
  if (known === null || known.state === 'resolved' || known.lastAt > at) return false;
  settle(sql, { code, subject }, 'resolved', 'gateway', at);
  return true;
}

/** What a person did; null where there is no such alarm. Of two the first stands, and a resolved one stays so. */
export function actOnAlarm(sql: SqlStorage, { code, subject, act, by }: AlarmAct, at: number): AlarmRecord | null {
  const known = readAlarm(sql, code, subject);
  const isDone = known?.state === 'resolved' || (known?.state === 'acknowledged' && act === 'acknowledge');
  if (known === null || isDone) return known;
  settle(sql, { code, subject }, act === 'resolve' ? 'resolved' : 'acknowledged', by, at);
  return readAlarm(sql, code, subject);
}

function settle(sql: SqlStorage, { code, subject }: AlarmKey, state: AlarmRecord['state'], by: string, at: number) {
  sql.exec(
    'UPDATE alarms SET state = ?, acted_by = ?, acted_at = ?, rev = ? WHERE code = ? AND subject = ?',
    state,
    by,
    at,
    nextRev(sql),
    code,
    subject,
  );
}

export function readAlarm(sql: SqlStorage, code: string, subject: string): AlarmRecord | null {
  const rows = sql.exec<AlarmRecord>(
    `SELECT ${ALARM_COLUMNS} FROM alarms WHERE code = ? AND subject = ?`,
    code,
    subject,
  );
  return rows.toArray()[0] ?? null;
}

/** True when this was not raised since then, or what was raised ended by itself: a person may close what goes on. */
export function isNews(sql: SqlStorage, { code, subject }: Pick<Alarm, 'code' | 'subject'>, since: number): boolean {
  const known = readAlarm(sql, code, subject);
  if (known === null || known.lastAt < since) return true;
  return known.state === 'resolved' && known.actedBy === 'gateway';
}

const STATES = {
  open: ['open'],
  acknowledged: ['acknowledged'],
  resolved: ['resolved'],
  wanting: ['open', 'acknowledged'],
} as const;

/** Newest first, from the place after the last one seen. */
export function listAlarmRows(sql: SqlStorage, { limit, after, state }: AlarmPage): readonly AlarmRecord[] {
  const terms = [
    after ? '(last_at, code, subject) < (?2, ?3, ?4)' : '',
    state === undefined ? '' : `state IN (${STATES[state].map((one) => `'${one}'`).join(', ')})`,
  ].filter(Boolean);
  const where = terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`;
  const bound = after ? [limit, after.lastAt, after.code, after.subject] : [limit];
  return sql
    .exec<AlarmRecord>(
      `SELECT ${ALARM_COLUMNS} FROM alarms ${where} ORDER BY last_at DESC, code DESC, subject DESC LIMIT ?1`,
      ...bound,
    )
    .toArray();
}

/** Those of one code that are not resolved. */
export const listWanting = (sql: SqlStorage, code: string): readonly AlarmRecord[] =>
  sql.exec<AlarmRecord>(`SELECT ${ALARM_COLUMNS} FROM alarms WHERE code = ? AND state <> 'resolved'`, code).toArray();

/** All about one thing, by code. */
export const listAbout = (sql: SqlStorage, subject: string): readonly AlarmRecord[] =>
  sql
    .exec<AlarmRecord>(
      `SELECT ${ALARM_COLUMNS} FROM alarms WHERE code IN (SELECT value FROM json_each(?)) AND subject = ?`,
      JSON.stringify(ALARM_CODES),
      subject,
    )
    .toArray();

export const countWanting = (sql: SqlStorage): readonly { readonly code: string; readonly count: number }[] =>
  sql
    .exec<{ code: string; count: number }>(
      "SELECT code, COUNT(*) AS count FROM alarms WHERE state <> 'resolved' GROUP BY code",
    )
    .toArray();

/** What changed after this number, in the order of the changes. */
export const listAlarmNews = (sql: SqlStorage, after: number, limit: number): readonly AlarmRecord[] =>
  sql
    .exec<AlarmRecord>(`SELECT ${ALARM_COLUMNS} FROM alarms WHERE rev > ? ORDER BY rev LIMIT ?`, after, limit)
    .toArray();

export const lastAlarmRev = (sql: SqlStorage): number =>
  sql.exec<{ rev: number }>('SELECT rev FROM alarm_marks WHERE id = 1').one().rev;

/** Drops what is beyond the number that is kept: the resolved before the others, and of each the longest unraised. */
export function pruneAlarms(sql: SqlStorage): void {
  const { n } = sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM alarms').one();
  if (n <= ALARMS_KEPT_MAX) return;
  sql.exec(
    `DELETE FROM alarms WHERE (code, subject) IN
       (SELECT code, subject FROM alarms ORDER BY state = 'resolved', last_at DESC, code DESC, subject DESC
        LIMIT -1 OFFSET ?)`,
    ALARMS_KEPT_MAX,
  );
}
