-- What reports sum, in rows of their own: absolute sums of one shard, hour and currency, the newest version wins. Narrow,
-- because a report reads them by the year. `currency` is empty where an order ended unpaid and nobody said one.
CREATE TABLE takings (
  channel TEXT NOT NULL,
  hour INTEGER NOT NULL,
  shard TEXT NOT NULL,
  currency TEXT NOT NULL,
  version INTEGER NOT NULL,
  gross INTEGER NOT NULL,
  refunded INTEGER NOT NULL,
  reversed INTEGER NOT NULL,
  refunds INTEGER NOT NULL,
  reversals INTEGER NOT NULL,
  paid INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  closed INTEGER NOT NULL,
  PRIMARY KEY (channel, hour, shard, currency)
) WITHOUT ROWID;
ALTER TABLE rollups DROP COLUMN money;
