-- Figures without shards: what the rows of all shards add up to, by the hour and by 8 hours (`hours`), made in the same
-- transaction as the rows they are made of. `money` is what reports sum, `minutes` callbacks by the minute of the hour.
-- Empty at first: each shard and each callback log tells all of its hours again when the new version first meets it.
CREATE TABLE figures (
  channel TEXT NOT NULL,
  hours INTEGER NOT NULL,
  at INTEGER NOT NULL,
  last_at INTEGER,
  accepted INTEGER NOT NULL,
  money TEXT,
  minutes TEXT,
  doc TEXT NOT NULL,
  PRIMARY KEY (channel, hours, at)
) WITHOUT ROWID;
-- The same of what changed no order: `doc` by verdict and reason, `minutes` by verdict and minute of the hour.
CREATE TABLE arrivals (
  channel TEXT NOT NULL,
  hours INTEGER NOT NULL,
  at INTEGER NOT NULL,
  minutes TEXT,
  doc TEXT NOT NULL,
  PRIMARY KEY (channel, hours, at)
) WITHOUT ROWID;
-- A shard's sums of money are in its one row again; reports read them from figures.
ALTER TABLE rollups ADD COLUMN money TEXT;
DROP TABLE takings;
