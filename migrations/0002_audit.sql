-- Who did what to an order, and why. Each row comes from the ledger that the act changed; a repeated one is ignored.
CREATE TABLE audit (
  at INTEGER NOT NULL,
  id TEXT NOT NULL,
  channel TEXT NOT NULL,
  order_no TEXT NOT NULL,
  act TEXT NOT NULL,
  actor TEXT NOT NULL,
  about TEXT NOT NULL,
  reason TEXT,
  PRIMARY KEY (at, id)
) WITHOUT ROWID;
