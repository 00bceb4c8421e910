-- What reports sum, and callbacks by minute: flat JSON objects of counters; null where they hold nothing.
ALTER TABLE rollups ADD COLUMN money TEXT;
ALTER TABLE rollups ADD COLUMN minutes TEXT;
