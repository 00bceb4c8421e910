// SQL of the bulk replays: one row each, kept as it stands. Tables are made with the first one.
import type { ReplayJob } from '../core/replay.ts';

const TABLES = `
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, key TEXT UNIQUE, digest TEXT NOT NULL,
  doc TEXT NOT NULL
);
CREATE INDEX jobs_running ON jobs (seq) WHERE state = 'running';
`;

type JobRow = { seq: number; digest: string; doc: string };
const JOB = 'SELECT seq, digest, doc FROM jobs';
const jobOf = ({ doc }: JobRow): ReplayJob => JSON.parse(doc) as ReplayJob; // written by putJob alone

export const hasReplayTables = (sql: SqlStorage): boolean =>
  sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'jobs'").toArray().length > 0;

export function createReplayTables(sql: SqlStorage): void {
  sql.exec(TABLES);
}

export function insertJob(sql: SqlStorage, job: ReplayJob, key: string | null, digest: string): void {
  sql.exec(
    'INSERT INTO jobs (id, state, key, digest, doc) VALUES (?, ?, ?, ?, ?)',
    job.id,
    job.state,
    key,
    digest,
    JSON.stringify(job),
  );
}

export function putJob(sql: SqlStorage, job: ReplayJob): void {
  sql.exec('UPDATE jobs SET state = ?, doc = ? WHERE id = ?', job.state, JSON.stringify(job), job.id);
}

export function readJob(sql: SqlStorage, id: string): ReplayJob | null {
  const [row] = sql.exec<JobRow>(`${JOB} WHERE id = ?`, id).toArray();
  return row ? jobOf(row) : null;
}

export function jobOfKey(sql: SqlStorage, key: string): { readonly job: ReplayJob; readonly digest: string } | null {
  const [row] = sql.exec<JobRow>(`${JOB} WHERE key = ?`, key).toArray();
  return row ? { job: jobOf(row), digest: row.digest } : null;
}

export const runningJobs = (sql: SqlStorage): readonly ReplayJob[] =>
  sql.exec<JobRow>(`${JOB} WHERE state = 'running' ORDER BY seq`).toArray().map(jobOf);

/** Newest first, from the place before the one that was seen last. */
export const listJobs = (
  sql: SqlStorage,
  before: number | null,
  limit: number,
): readonly { readonly place: number; readonly job: ReplayJob }[] =>
  sql
    .exec<JobRow>(`${JOB} WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before ?? Number.MAX_SAFE_INTEGER, limit)
    .toArray()
    .map((row) => ({ place: row.seq, job: jobOf(row) }));

/** Drops the oldest beyond what is kept. One that runs is never so old: few run at a time. */
export function pruneJobs(sql: SqlStorage, kept: number): void {
  sql.exec("DELETE FROM jobs WHERE state <> 'running' AND seq <= (SELECT MAX(seq) FROM jobs) - ?", kept);
}
