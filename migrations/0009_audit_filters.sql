-- Acts on everything, not on orders alone: what each was done to and where it came from; and found by who or what.
ALTER TABLE audit ADD COLUMN subject TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN remote_address TEXT;
CREATE INDEX audit_by_actor ON audit (actor, at, id);
CREATE INDEX audit_by_act ON audit (act, at, id);
CREATE INDEX audit_by_subject ON audit (subject, at, id);
CREATE INDEX audit_by_channel ON audit (channel, at, id);
