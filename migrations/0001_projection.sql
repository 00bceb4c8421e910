-- The projection: derived from the ledgers and logs, rebuilt at will, never truth. Times are epoch milliseconds.

CREATE TABLE orders (
  channel TEXT NOT NULL,
  order_no TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  flags TEXT NOT NULL,
  amount_minor INTEGER,
  currency TEXT,
  paid_minor INTEGER,
  refunded_minor INTEGER,
  sequence INTEGER NOT NULL,
  registered INTEGER NOT NULL,
  test INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  paid_at INTEGER,
  PRIMARY KEY (channel, order_no)
) WITHOUT ROWID;
-- Three indexes and no more: each one is a billed row for every order.
CREATE INDEX orders_by_time ON orders (created_at, channel, order_no);
CREATE INDEX orders_by_channel ON orders (channel, created_at, order_no);
CREATE INDEX orders_by_state ON orders (state, created_at, channel, order_no);

-- Every fact a ledger committed; `type` is null where the origin was told nothing. `cursor` is the feed's position.
CREATE TABLE events (
  cursor INTEGER PRIMARY KEY,
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
CREATE INDEX events_by_time ON events (received_at, event_id);

-- Written when an attempt is settled, not when it is dispatched. The key begins with the time, so lists need no index.
CREATE TABLE deliveries (
  created_at INTEGER NOT NULL,
  event_id TEXT NOT NULL,
  origin TEXT NOT NULL,
  channel TEXT NOT NULL,
  order_no TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  attempts INTEGER NOT NULL,
  last_outcome TEXT,
  last_status INTEGER,
  due_at INTEGER,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (created_at, event_id, origin)
) WITHOUT ROWID;
-- Free for the delivered majority.
CREATE INDEX deliveries_open ON deliveries (state, created_at, event_id, origin) WHERE state <> 'delivered';

-- Arrivals that changed no order: refusals, duplicates, ignored notices; counts are exact, samples are bounded.
CREATE TABLE callbacks (
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  channel TEXT NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT,
  detail TEXT,
  remote_address TEXT,
  order_no TEXT,
  notice_type TEXT,
  digest TEXT,
  bytes INTEGER,
  PRIMARY KEY (at, id)
) WITHOUT ROWID;
CREATE INDEX callbacks_by_channel ON callbacks (channel, at, id);

CREATE TABLE callback_counts (
  channel TEXT NOT NULL,
  minute INTEGER NOT NULL,
  verdict TEXT NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  PRIMARY KEY (channel, minute, verdict, reason)
) WITHOUT ROWID;
