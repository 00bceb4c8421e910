// SQL of the alarm desk: its tables, destinations and rules. Synchronous; decides nothing. The tables are made with the
// first thing that somebody configures.
import type { AlarmRule, Destination, DestinationChange, DestinationDraft } from '../core/alarm-rule.ts';

const TABLES = `
CREATE TABLE marks (id INTEGER PRIMARY KEY, rev INTEGER NOT NULL, rules TEXT NOT NULL);
INSERT INTO marks (id, rev, rules) VALUES (1, 0, '{}');
CREATE TABLE destinations (id TEXT PRIMARY KEY, doc TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE told (
  destination TEXT NOT NULL, code TEXT NOT NULL, subject TEXT NOT NULL, doc TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (destination, code, subject)
) WITHOUT ROWID;
CREATE TABLE notes (
  id INTEGER PRIMARY KEY, destination TEXT NOT NULL, code TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL,
  doc TEXT NOT NULL, created_at INTEGER NOT NULL, due_at INTEGER NOT NULL, state TEXT NOT NULL, tries INTEGER NOT NULL,
  error TEXT, sent_at INTEGER
);
CREATE UNIQUE INDEX notes_waiting ON notes (destination, code, subject) WHERE state = 'waiting';
CREATE INDEX notes_due ON notes (destination, due_at) WHERE state = 'waiting';
CREATE INDEX notes_by_alarm ON notes (code, subject, id);
CREATE TABLE paces (
  destination TEXT PRIMARY KEY, next_at INTEGER NOT NULL, failures INTEGER NOT NULL, sent INTEGER NOT NULL,
  failed INTEGER NOT NULL, dead INTEGER NOT NULL, more INTEGER NOT NULL, error TEXT
) WITHOUT ROWID;
CREATE TABLE writes (
  key TEXT PRIMARY KEY, digest TEXT NOT NULL, reply TEXT NOT NULL, at INTEGER NOT NULL
) WITHOUT ROWID;
`;

export const hasDeskTables = (sql: SqlStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'marks'").toArray().length > 0;
export function createDeskTables(sql: SqlStorage): void {
  sql.exec(TABLES);
}

export type ChosenRules = Readonly<Partial<Record<string, Partial<AlarmRule>>>>;
export function readMarks(sql: SqlStorage): { readonly rev: number; readonly rules: ChosenRules } {
  const { rev, rules } = sql.exec<{ rev: number; rules: string }>('SELECT rev, rules FROM marks WHERE id = 1').one();
  return { rev, rules: JSON.parse(rules) as ChosenRules }; // written by writeRules alone
}
export function writeRev(sql: SqlStorage, rev: number): void {
  sql.exec('UPDATE marks SET rev = ? WHERE id = 1', rev);
}
export function writeRules(sql: SqlStorage, rules: ChosenRules): void {
  sql.exec('UPDATE marks SET rules = ? WHERE id = 1', JSON.stringify(rules));
}

// — destinations —

const destinationOf = ({ doc }: { doc: string }): Destination => JSON.parse(doc) as Destination; // written below alone

export const listDestinationRows = (sql: SqlStorage): readonly Destination[] =>
  sql.exec<{ doc: string }>('SELECT doc FROM destinations ORDER BY id').toArray().map(destinationOf);

export function readDestinationRow(sql: SqlStorage, id: string): Destination | null {
  const [row] = sql.exec<{ doc: string }>('SELECT doc FROM destinations WHERE id = ?', id).toArray();
  return row ? destinationOf(row) : null;
}

function putDestination(sql: SqlStorage, destination: Destination): Destination {
  const doc = JSON.stringify(destination);
  sql.exec('INSERT OR REPLACE INTO destinations (id, doc) VALUES (?, ?)', destination.id, doc);
  return destination;
}

export function insertDestination(sql: SqlStorage, draft: DestinationDraft, now: number): Destination | null {
  if (readDestinationRow(sql, draft.id)) return null;
  sql.exec('INSERT OR REPLACE INTO paces VALUES (?, 0, 0, 0, 0, 0, 0, NULL)', draft.id);
  return putDestination(sql, { ...draft, version: 1, createdAt: now, updatedAt: now });
}

/** Only what is named changes. What failed before may work now: it is tried at once. */
export function changeDestination(
  sql: SqlStorage,
  id: string,
  change: DestinationChange,
  now: number,
): Destination | null {
  const known = readDestinationRow(sql, id);
  if (!known) return null;
  const named = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  sql.exec('UPDATE paces SET next_at = 0, failures = 0 WHERE destination = ?', id);
  // Switched off it is told nothing, and nothing is kept for it.
  if (change.enabled === false) sql.exec("DELETE FROM notes WHERE destination = ? AND state = 'waiting'", id);
  return putDestination(sql, { ...known, ...named, version: known.version + 1, updatedAt: now });
}

/** A rule that named this one alone is everybody's again, so that no alarm is told to nobody by accident. */
export function deleteDestination(sql: SqlStorage, id: string): Destination | null {
  const known = readDestinationRow(sql, id);
  const { rules } = readMarks(sql);
  const without = Object.entries(rules).map(([code, rule]) => {
    const left = rule?.destinations?.filter((one) => one !== id) ?? [];
    return [code, rule?.destinations?.includes(id) ? { ...rule, destinations: left.length > 0 ? left : null } : rule];
  });
  writeRules(sql, Object.fromEntries(without));
  for (const table of ['told', 'notes', 'paces']) sql.exec(`DELETE FROM ${table} WHERE destination = ?`, id);
  sql.exec('DELETE FROM destinations WHERE id = ?', id);
  return known;
}
