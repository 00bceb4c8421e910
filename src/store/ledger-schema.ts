// The ledger's own tables, one database a shard. Created on the first write, so that a probe never makes storage.
// Rows written are the bill: few indexes, one update per settled event. docs/storage.md tells each column's life.

const TABLES = `
CREATE TABLE orders (
  order_no TEXT PRIMARY KEY, doc TEXT NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY, order_no TEXT NOT NULL, fact_key TEXT NOT NULL, sequence INTEGER, event_id TEXT NOT NULL,
  type TEXT, verdict TEXT NOT NULL, source TEXT NOT NULL, occurred_at INTEGER NOT NULL, received_at INTEGER NOT NULL,
  data TEXT, content_type TEXT, headers TEXT, body BLOB, remote_address TEXT, digest TEXT, settled TEXT
);
CREATE UNIQUE INDEX events_by_fact ON events (order_no, fact_key);
CREATE TABLE deliveries (
  seq INTEGER NOT NULL, origin_id TEXT NOT NULL, order_no TEXT NOT NULL, state TEXT NOT NULL, reason TEXT,
  due_at INTEGER, attempt INTEGER NOT NULL, failures INTEGER NOT NULL, rev INTEGER NOT NULL,
  PRIMARY KEY (seq, origin_id)
) WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (origin_id, state, due_at, seq) WHERE state IN ('waiting', 'in_flight');
CREATE INDEX deliveries_lane ON deliveries (order_no, origin_id, seq) WHERE state IN ('waiting', 'in_flight');
CREATE TABLE attempts (
  seq INTEGER NOT NULL, origin_id TEXT NOT NULL, attempt INTEGER NOT NULL, doc TEXT NOT NULL,
  PRIMARY KEY (seq, origin_id, attempt)
) WITHOUT ROWID;
CREATE TABLE requests (
  seq INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, digest TEXT NOT NULL, at INTEGER NOT NULL
);
CREATE TABLE alarms (id INTEGER PRIMARY KEY, doc TEXT NOT NULL);
CREATE TABLE marks (
  id INTEGER PRIMARY KEY, schema INTEGER NOT NULL, head INTEGER NOT NULL, low INTEGER NOT NULL,
  projected INTEGER NOT NULL, dirty_since INTEGER, config TEXT NOT NULL
);
`;

/** Times and people: what is due when, what is held since when, who did what. */
const TIMES_AND_ACTS = `
ALTER TABLE events ADD COLUMN chain TEXT;
CREATE TABLE timers (
  due_at INTEGER NOT NULL, order_no TEXT NOT NULL, kind TEXT NOT NULL, ref TEXT NOT NULL,
  PRIMARY KEY (due_at, order_no, kind, ref)
) WITHOUT ROWID;
CREATE TABLE holds (
  order_no TEXT PRIMARY KEY, since INTEGER NOT NULL, from_seq INTEGER NOT NULL, flags TEXT NOT NULL, asked TEXT
) WITHOUT ROWID;
CREATE TABLE acts (
  id INTEGER PRIMARY KEY, order_no TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL,
  detail TEXT NOT NULL, posted INTEGER NOT NULL
);
CREATE INDEX acts_by_order ON acts (order_no, id);
CREATE INDEX acts_to_post ON acts (id) WHERE posted = 0;
`;

/** What is let go of with time, and where the bytes of old callbacks are. */
const KEEPING = `
CREATE TABLE walks (
  kind TEXT PRIMARY KEY, seq INTEGER NOT NULL, skipped INTEGER, started_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE archives (id INTEGER PRIMARY KEY, key TEXT NOT NULL, at INTEGER NOT NULL);
ALTER TABLE events ADD COLUMN archive INTEGER;
`;

/** Figures by hour. `upto`: facts that were counted when the row was written; `told` 0: D1 has to hear of it again. */
const TALLIES = `
CREATE TABLE tallies (
  hour INTEGER PRIMARY KEY, version INTEGER NOT NULL, upto INTEGER NOT NULL, last_at INTEGER, doc TEXT NOT NULL,
  told INTEGER NOT NULL
);
CREATE INDEX tallies_untold ON tallies (hour) WHERE told = 0;
`;

/** What a person decided about an event that was held: `released` or `discarded`; null for all others. */
const DECISIONS = `
ALTER TABLE events ADD COLUMN decision TEXT;
`;

/** What reports sum. `booked`: JSON of what a fact changed of it; `minutes`: callbacks by the minute of the hour. */
const REPORTS = `
ALTER TABLE events ADD COLUMN booked TEXT;
ALTER TABLE tallies ADD COLUMN money TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tallies ADD COLUMN minutes TEXT NOT NULL DEFAULT '{}';
`;

/** Which callback, question or bill a fact came with: one id for all that comes of it. */
const TRACES = `
ALTER TABLE events ADD COLUMN trace TEXT;
`;

/** D1 adds up what shards tell while they tell it: what was told before that is told again. */
const TOLD_AGAIN = `
UPDATE tallies SET told = 0;
`;

/** Orders that D1 refused for themselves. */
const ASIDE = `
CREATE TABLE aside (
  order_no TEXT PRIMARY KEY, from_seq INTEGER NOT NULL, since INTEGER NOT NULL, due_at INTEGER NOT NULL,
  error TEXT NOT NULL
) WITHOUT ROWID;
`;

/** One step from each version to the next; a step is never changed once it was released. */
const STEPS: readonly string[] = [
  TABLES,
  TIMES_AND_ACTS,
  KEEPING,
  TALLIES,
  DECISIONS,
  REPORTS,
  TRACES,
  TOLD_AGAIN,
  ASIDE,
];

export function hasLedgerTables(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'marks'").toArray().length > 0;
}

/** Creates the tables with the configuration that the first write brought. */
export function createLedgerTables(sql: SqlStorage, config: string): void {
  for (const step of STEPS) sql.exec(step);
  sql.exec(
    'INSERT INTO marks (id, schema, head, low, projected, dirty_since, config) VALUES (1, ?, 0, 0, 0, NULL, ?)',
    STEPS.length,
    config,
  );
}

/** Brings tables of an older version up to this one. Called inside a transaction. */
export function upgradeLedgerTables(sql: SqlStorage): void {
  const { version } = sql.exec<{ version: number }>('SELECT schema AS version FROM marks WHERE id = 1').one();
  if (version >= STEPS.length) return;
  for (const step of STEPS.slice(version)) sql.exec(step);
  sql.exec('UPDATE marks SET schema = ? WHERE id = 1', STEPS.length);
}
