-- Figures by hour: each row is the absolute count of one shard, and the newest version wins. `doc` is a flat JSON object
-- of counters; `last_at` is when the hour's last callback came.
CREATE TABLE rollups (
  channel TEXT NOT NULL,
  hour INTEGER NOT NULL,
  shard TEXT NOT NULL,
  version INTEGER NOT NULL,
  last_at INTEGER,
  doc TEXT NOT NULL,
  PRIMARY KEY (channel, hour, shard)
) WITHOUT ROWID;
