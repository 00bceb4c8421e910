// What the lists in D1 let go of: events and deliveries that are older than their channel keeps them. Only the ledger
// that wrote them takes them away. Repeating it changes nothing.

export type OldRow = { readonly id: string; readonly at: number };

// A cursor before this would miss what is let go of. What the feed never showed nobody misses.
const NOTE = `INSERT INTO feed_pruned (channel, cursor)
  SELECT e.channel, max(e.cursor) FROM json_each(?1) j JOIN events e ON e.event_id = j.value ->> '$.id'
  WHERE e.type IS NOT NULL AND e.withheld = 0 GROUP BY e.channel
  ON CONFLICT (channel) DO UPDATE SET cursor = max(feed_pruned.cursor, excluded.cursor)`;
const EVENTS = "DELETE FROM events WHERE event_id IN (SELECT value ->> '$.id' FROM json_each(?1))";
const DELIVERIES = `DELETE FROM deliveries WHERE (created_at, event_id, origin) IN (
  SELECT d.created_at, d.event_id, d.origin FROM json_each(?1) j
  JOIN deliveries d ON d.created_at = j.value ->> '$.at' AND d.event_id = j.value ->> '$.id')`;

export async function pruneLists(db: D1Database, rows: readonly OldRow[]): Promise<void> {
  if (rows.length === 0) return;
  const old = JSON.stringify(rows.map(({ id, at }) => ({ id, at })));
  await db.batch([NOTE, DELIVERIES, EVENTS].map((statement) => db.prepare(statement).bind(old)));
}
