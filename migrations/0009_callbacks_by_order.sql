-- What arrived about one order and changed nothing: its page shows it among the rest.
CREATE INDEX callbacks_by_order ON callbacks (channel, order_no, at, id) WHERE order_no IS NOT NULL;
