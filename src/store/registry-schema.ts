// The registry's own tables. One object, one database, one writer. docs/storage.md tells each column's life.

const TABLES = `
CREATE TABLE schema (version INTEGER NOT NULL);
CREATE TABLE channels (
  id TEXT PRIMARY KEY, uid TEXT NOT NULL, version INTEGER NOT NULL, provider TEXT NOT NULL, status TEXT NOT NULL,
  status_at INTEGER NOT NULL, mode TEXT NOT NULL, environment TEXT NOT NULL, shards INTEGER NOT NULL,
  location_hint TEXT, origins TEXT NOT NULL, allowlist TEXT NOT NULL, credentials TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE origins (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, url TEXT NOT NULL, format TEXT NOT NULL, status TEXT NOT NULL,
  pause_reason TEXT, secrets TEXT NOT NULL, timeout_ms INTEGER NOT NULL, ladder_seconds TEXT NOT NULL,
  per_second INTEGER NOT NULL, concurrent INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE fetched_keys (
  channel TEXT NOT NULL, serial TEXT NOT NULL, pem TEXT NOT NULL, effective_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, PRIMARY KEY (channel, serial)
) WITHOUT ROWID;
CREATE TABLE key_fetches (channel TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE api_keys (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL, scopes TEXT NOT NULL, ending TEXT NOT NULL,
  created_at INTEGER NOT NULL, revoked_at INTEGER
) WITHOUT ROWID;
CREATE TABLE alarms (
  code TEXT NOT NULL, subject TEXT NOT NULL, detail TEXT NOT NULL, count INTEGER NOT NULL, first_at INTEGER NOT NULL,
  last_at INTEGER NOT NULL, PRIMARY KEY (code, subject)
) WITHOUT ROWID;
CREATE INDEX alarms_by_time ON alarms (last_at, code, subject);
CREATE TABLE writes (
  key TEXT PRIMARY KEY, digest TEXT NOT NULL, reply TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX writes_by_time ON writes (at);
CREATE TABLE pushes (
  channel TEXT PRIMARY KEY, token TEXT NOT NULL, failures INTEGER NOT NULL, due_at INTEGER NOT NULL
) WITHOUT ROWID;
`;

const PRODUCTS = `
CREATE TABLE products (
  id TEXT PRIMARY KEY, channel TEXT NOT NULL, name TEXT NOT NULL, minor INTEGER NOT NULL, currency TEXT NOT NULL,
  enabled INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) WITHOUT ROWID;
`;

const CHANNEL_SETTINGS = `
ALTER TABLE channels ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE channels ADD COLUMN previous TEXT;
`;

const ORIGIN_SETTINGS = `
ALTER TABLE origins ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
`;

/** What people did about an alarm, and in which order alarms changed. */
const ALARM_STATES = `
ALTER TABLE alarms ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alarms ADD COLUMN state TEXT NOT NULL DEFAULT 'open';
ALTER TABLE alarms ADD COLUMN acted_by TEXT;
ALTER TABLE alarms ADD COLUMN acted_at INTEGER;
CREATE INDEX alarms_by_rev ON alarms (rev);
CREATE TABLE alarm_marks (id INTEGER PRIMARY KEY, rev INTEGER NOT NULL);
INSERT INTO alarm_marks (id, rev) VALUES (1, 0);
`;

/** Who did what; how keys are used; who may come in by another door, and since when older sessions are over. */
const ACTS_AND_ACCESS = `
CREATE TABLE acts (
  id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, actor TEXT NOT NULL,
  address TEXT, about TEXT NOT NULL, reason TEXT, posted INTEGER NOT NULL
);
CREATE INDEX acts_to_post ON acts (id) WHERE posted = 0;
CREATE INDEX acts_by_kind ON acts (kind, at);
ALTER TABLE api_keys ADD COLUMN expires_at INTEGER;
ALTER TABLE api_keys ADD COLUMN last_used_at INTEGER;
CREATE TABLE access (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, doc TEXT NOT NULL, updated_at INTEGER NOT NULL);
CREATE TABLE logouts (actor TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Channels whose provider does not answer. */
const PROVIDER_TROUBLES = `
CREATE TABLE provider_troubles (
  channel TEXT PRIMARY KEY, kind TEXT NOT NULL, since INTEGER NOT NULL, last_at INTEGER NOT NULL,
  count INTEGER NOT NULL, detail TEXT NOT NULL
) WITHOUT ROWID;
`;

/** Whose session a logout ended, so that those of one person never push out another's. */
const LOGOUTS_WHOSE = 'ALTER TABLE logouts ADD COLUMN whose TEXT;';

/** One step from each version to the next; a step is never changed once it was released. */
const STEPS: readonly string[] = [
  ...[TABLES, PRODUCTS, CHANNEL_SETTINGS, ORIGIN_SETTINGS, ALARM_STATES, ACTS_AND_ACCESS],
  ...[PROVIDER_TROUBLES, LOGOUTS_WHOSE],
];

/** Creates the tables when the object has none, and brings older ones up to this version. */
export function prepareRegistryTables(sql: SqlStorage): void {
  const version = versionOf(sql);
  if (version >= STEPS.length) return;
  for (const step of STEPS.slice(version)) sql.exec(step);
  sql.exec(version === 0 ? 'INSERT INTO schema (version) VALUES (?)' : 'UPDATE schema SET version = ?', STEPS.length);
}

function versionOf(sql: SqlStorage): number {
  const known = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema'").toArray().length > 0;
  return known ? sql.exec<{ version: number }>('SELECT version FROM schema').one().version : 0;
}
