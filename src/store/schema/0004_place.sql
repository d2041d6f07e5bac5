-- A thread's messages in reading order, with what tells whether they are known already: one more message reads none of the others.
CREATE INDEX message_by_place ON message (thread_id, ordinal, sent_ms, id, external_id, hash, acts);
