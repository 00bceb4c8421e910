-- A cursor is never given twice, though the newest rows may go: a parked event is replaced, old ones are pruned, and
-- whoever reads the feed from a cursor must meet everything that came after it.
CREATE TABLE events_next (
  cursor INTEGER PRIMARY KEY AUTOINCREMENT,
  event_id TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  order_no TEXT NOT NULL,
  sequence INTEGER,
  type TEXT,
  verdict TEXT NOT NULL,
  source TEXT NOT NULL,
  remote_address TEXT,
  digest TEXT,
  occurred_at INTEGER NOT NULL,
  received_at INTEGER NOT NULL,
  data TEXT
);
INSERT INTO events_next SELECT * FROM events ORDER BY cursor;
DROP TABLE events;
ALTER TABLE events_next RENAME TO events;
CREATE INDEX events_by_time ON events (received_at, event_id);
