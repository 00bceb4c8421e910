// SQL of the alarms: one row per code and subject, counted; bounded, so that no flood of subjects fills the registry.
import type { Alarm } from '../core/channel.ts';
import { ALARMS_KEPT_MAX } from '../core/limits.ts';
import type { AlarmPage, AlarmRecord } from '../core/registry.ts';

const ALARM_COLUMNS = 'code, subject, detail, count, first_at AS firstAt, last_at AS lastAt';

/** Counts one alarm and gives it as it stands now. */
export function raiseAlarm(sql: SqlStorage, { code, subject, detail, at }: Alarm): AlarmRecord {
  return sql
    .exec<AlarmRecord>(
      `INSERT INTO alarms (code, subject, detail, count, first_at, last_at) VALUES (?1, ?2, ?3, 1, ?4, ?4)
       ON CONFLICT (code, subject) DO UPDATE SET count = count + 1, detail = excluded.detail,
         last_at = max(last_at, excluded.last_at)
       RETURNING ${ALARM_COLUMNS}`,
      code,
      subject,
      detail,
      at,
    )
    .one();
}

export function readAlarm(sql: SqlStorage, code: Alarm['code'], subject: string): AlarmRecord | null {
  const rows = sql.exec<AlarmRecord>(
    `SELECT ${ALARM_COLUMNS} FROM alarms WHERE code = ? AND subject = ?`,
    code,
    subject,
  );
  return rows.toArray()[0] ?? null;
}

/** True when this was not raised since then. */
export const isNews = (sql: SqlStorage, { code, subject }: Pick<Alarm, 'code' | 'subject'>, since: number): boolean =>
  (readAlarm(sql, code, subject)?.lastAt ?? Number.NEGATIVE_INFINITY) < since;

/** Newest first, from the place after the last one seen. */
export function listAlarmRows(sql: SqlStorage, { limit, after }: AlarmPage): readonly AlarmRecord[] {
  const place = after ? 'WHERE (last_at, code, subject) < (?2, ?3, ?4)' : '';
  const bound = after ? [limit, after.lastAt, after.code, after.subject] : [limit];
  return sql
    .exec<AlarmRecord>(
      `SELECT ${ALARM_COLUMNS} FROM alarms ${place} ORDER BY last_at DESC, code DESC, subject DESC LIMIT ?1`,
      ...bound,
    )
    .toArray();
}

/** Drops the longest unraised beyond what is kept. */
export function pruneAlarms(sql: SqlStorage): void {
  sql.exec(
    `DELETE FROM alarms WHERE (code, subject) IN
       (SELECT code, subject FROM alarms ORDER BY last_at DESC, code DESC, subject DESC LIMIT -1 OFFSET ?)`,
    ALARMS_KEPT_MAX,
  );
}
