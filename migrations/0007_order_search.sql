-- What orders are looked for by, beside their own number: a payment's transaction, a refund's number, its number at the
-- provider. One row each; rebuilt with the rest (POST /v1/projection/rebuild).
CREATE TABLE order_ids (
  id TEXT NOT NULL,
  channel TEXT NOT NULL,
  order_no TEXT NOT NULL,
  kind TEXT NOT NULL,
  PRIMARY KEY (id, channel, order_no, kind)
) WITHOUT ROWID;
-- Free for the paid majority, which a list finds by time as quickly.
DROP INDEX orders_by_state;
CREATE INDEX orders_by_state ON orders (state, created_at, channel, order_no) WHERE state <> 'paid';
-- Free for all that nothing is odd about.
CREATE INDEX orders_flagged ON orders (created_at, channel, order_no) WHERE flags <> '[]';
