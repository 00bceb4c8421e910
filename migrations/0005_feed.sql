-- The feed of /v1/events. What is held is known here and not in the feed; once it is let go it gets a cursor of its own
-- time. A database that begins anew is another generation, in which old cursors mean nothing.
ALTER TABLE events ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0;

CREATE TABLE feed (generation TEXT NOT NULL);
INSERT INTO feed (generation) VALUES (lower(hex(randomblob(8))));

-- Up to which cursor a channel's events may have been let go of.
CREATE TABLE feed_pruned (
  channel TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL
) WITHOUT ROWID;
