-- Runs over the days' bills and what they found, as the reconcilers tell it; the newest version wins. `doc` is the whole.
CREATE TABLE reconciliations (
  channel TEXT NOT NULL,
  day TEXT NOT NULL,
  state TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  doc TEXT NOT NULL,
  PRIMARY KEY (day, channel)
) WITHOUT ROWID;
CREATE INDEX reconciliations_by_channel ON reconciliations (channel, day);
CREATE TABLE discrepancies (
  id TEXT PRIMARY KEY,
  channel TEXT NOT NULL,
  day TEXT NOT NULL,
  kind TEXT NOT NULL,
  status TEXT NOT NULL,
  owner TEXT,
  order_no TEXT,
  found_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  version INTEGER NOT NULL,
  doc TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX discrepancies_by_time ON discrepancies (found_at, id);
CREATE INDEX discrepancies_by_channel ON discrepancies (channel, found_at, id);
CREATE INDEX discrepancies_by_day ON discrepancies (day, found_at, id);
CREATE INDEX discrepancies_by_status ON discrepancies (status, found_at, id, channel, kind);
