-- How often a sink said that it failed, which is not how often it was tried: bluf may have ended meanwhile, and then waits no longer for it.
ALTER TABLE envelope ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
UPDATE envelope SET failures = attempts WHERE last_error IS NOT NULL;
