// What rows of shards and minutes in D1 add up to: one row an hour and one for eight, so that a chart reads few. Made
// again from what is there by whoever changed it, in its transaction; never added to, so never wrong for long.
import { BLOCK_HOURS, BLOCK_MS } from '../core/cover.ts';
import { HOUR_MS } from '../core/tally.ts';

const sumRows = (named: string) => `SELECT json_group_object(name, total) FROM (${named})`;

/** The sum of flat JSON objects of counters; null where they hold nothing. */
const sumDocs = (column: string, table: string, where: string) =>
  `nullif((${sumRows(
    `SELECT j.key AS name, SUM(j.value) AS total FROM ${table}, json_each(${table}.${column}) j WHERE ${where}
     GROUP BY 1`,
  )}), '{}')`;

function upsert(table: string, values: Readonly<Record<string, string>>, touched: string): string {
  const columns = Object.keys(values);
  return `INSERT INTO ${table} (channel, hours, at, ${columns.join(', ')})
    SELECT k.channel, k.hours, k.at, ${Object.values(values).join(', ')} FROM (${touched}) k WHERE true
    ON CONFLICT DO UPDATE SET ${columns.map((name) => `${name} = excluded.${name}`).join(', ')}`;
}

const HOUR = "(value ->> '$.hour')";
const MINUTE = "(value ->> '$.minute')";
const beginning = (time: string, unit: number) => `${time} - ${time} % ${unit}`;
const touchedBy = (channel: string, hours: number, at: string) =>
  `SELECT DISTINCT ${channel} AS channel, ${hours} AS hours, ${at} AS at FROM json_each(?1)`;
const hoursOf = (table: string) =>
  `${table}.channel = k.channel AND ${table}.hours = 1 AND ${table}.at >= k.at AND ${table}.at < k.at + ${BLOCK_MS}`;

const OF_SHARDS = 'rollups.channel = k.channel AND rollups.hour = k.at';
const OF_HOURS = hoursOf('figures');
const FIGURES: readonly string[] = [
  upsert(
    'figures',
    {
      last_at: `(SELECT MAX(last_at) FROM rollups WHERE ${OF_SHARDS})`,
      accepted: `(SELECT coalesce(SUM(doc ->> '$."facts.callback"'), 0) FROM rollups WHERE ${OF_SHARDS})`,
      money: sumDocs('money', 'rollups', OF_SHARDS),
      minutes: sumDocs('minutes', 'rollups', OF_SHARDS),
      doc: `coalesce(${sumDocs('doc', 'rollups', OF_SHARDS)}, '{}')`,
    },
    touchedBy("value ->> '$.channel'", 1, HOUR),
  ),
  upsert(
    'figures',
    {
      last_at: `(SELECT MAX(last_at) FROM figures WHERE ${OF_HOURS})`,
      accepted: `(SELECT SUM(accepted) FROM figures WHERE ${OF_HOURS})`,
      money: sumDocs('money', 'figures', OF_HOURS),
      doc: `coalesce(${sumDocs('doc', 'figures', OF_HOURS)}, '{}')`,
    },
    touchedBy("value ->> '$.channel'", BLOCK_HOURS, beginning(HOUR, BLOCK_MS)),
  ),
];

// What became a fact is counted by its ledger; here it only says what an allowlist would have refused.
const OF_MINUTES = `callback_counts.channel = k.channel AND minute >= k.at AND minute < k.at + ${HOUR_MS}
  AND verdict NOT IN ('accepted', 'parked')`;
const ARRIVALS: readonly string[] = [
  upsert(
    'arrivals',
    {
      minutes: `(${sumRows(`SELECT verdict || '.' || ((minute - k.at) / 60000) AS name, SUM(count) AS total
        FROM callback_counts WHERE ${OF_MINUTES} GROUP BY 1`)})`,
      doc: `(${sumRows(`SELECT 'callbacks.' || verdict AS name, SUM(count) AS total FROM callback_counts
          WHERE ${OF_MINUTES} GROUP BY 1
        UNION ALL SELECT 'rejections.' || reason, SUM(count) FROM callback_counts
          WHERE ${OF_MINUTES} AND verdict = 'rejected' GROUP BY 1`)})`,
    },
    touchedBy('?2', 1, beginning(MINUTE, HOUR_MS)),
  ),
  upsert(
    'arrivals',
    { doc: `coalesce(${sumDocs('doc', 'arrivals', hoursOf('arrivals'))}, '{}')` },
    touchedBy('?2', BLOCK_HOURS, beginning(MINUTE, BLOCK_MS)),
  ),
];

/** After rows of shards: the hours that they are of. */
export const foldShards = (
  db: D1Database,
  rows: readonly { channel: string; hour: number }[],
): D1PreparedStatement[] => {
  const touched = JSON.stringify(rows.map(({ channel, hour }) => ({ channel, hour })));
  return FIGURES.map((sql) => db.prepare(sql).bind(touched));
};

/** After counts of minutes of a channel: `counts` is a JSON array of them. */
export const foldMinutes = (db: D1Database, channel: string, counts: string): D1PreparedStatement[] =>
  ARRIVALS.map((sql) => db.prepare(sql).bind(counts, channel));

/** Counts that are kept no longer, before that minute. */
export const forgetArrivals = (db: D1Database, channel: string, before: number): D1PreparedStatement =>
  db
    .prepare(
      `DELETE FROM arrivals WHERE channel = ?1
         AND (hours = 1 AND at <= ?2 - ${HOUR_MS} OR hours = ${BLOCK_HOURS} AND at <= ?2 - ${BLOCK_MS})`,
    )
    .bind(channel, before);
