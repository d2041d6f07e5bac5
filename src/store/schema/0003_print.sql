-- What was kept is known again by a print of it: one more message writes what it changes, and nothing else is even read.
ALTER TABLE message ADD COLUMN acts INTEGER;    -- of what its sentences do, as it was last written; NULL: nothing was
ALTER TABLE obligation ADD COLUMN print INTEGER NOT NULL DEFAULT 0;
DROP INDEX obligation_by_thread;
CREATE INDEX obligation_by_thread ON obligation (thread_id, print);
