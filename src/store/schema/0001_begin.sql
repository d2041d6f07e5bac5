-- Everything bluf holds. Moments are texts as `domain::Moment` writes them; columns that end in _ms are Unix milliseconds,
-- kept beside a moment where it has an instant, so that it can be sorted by.

CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  cursor TEXT,                            -- its own words: how far it has been pulled
  pulled_ms INTEGER,                      -- when it was last pulled to its end
  next_try_ms INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,    -- in a row
  last_error TEXT
) STRICT;

CREATE TABLE thread (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,               -- what the API calls it
  source_id INTEGER NOT NULL REFERENCES source,
  external_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT,
  title TEXT NOT NULL,
  url TEXT,
  participants TEXT NOT NULL,             -- a JSON list, in the order of their first message
  as_of TEXT,
  origin TEXT,                            -- the file it was read from
  messages INTEGER NOT NULL DEFAULT 0,
  opened_at TEXT,
  last_at TEXT,
  last_ms INTEGER NOT NULL DEFAULT 0,     -- last activity; when it was pulled, where its messages have no times
  version INTEGER NOT NULL DEFAULT 0,     -- the `change` that last touched what is said in it
  changed_ms INTEGER NOT NULL DEFAULT 0,  -- when that was
  unread_ms INTEGER NOT NULL DEFAULT 0,   -- when it first changed since it was last read
  read_version INTEGER NOT NULL DEFAULT 0, -- the version that was last read, or given up
  read_failures INTEGER NOT NULL DEFAULT 0,
  next_read_ms INTEGER NOT NULL DEFAULT 0,
  read_error TEXT,
  UNIQUE (source_id, external_id)
) STRICT;
CREATE INDEX thread_by_activity ON thread (last_ms DESC, id DESC);
CREATE INDEX thread_by_source ON thread (source_id, last_ms DESC, id DESC);
CREATE INDEX thread_by_origin ON thread (source_id, origin) WHERE origin IS NOT NULL;
CREATE INDEX thread_unread ON thread (next_read_ms) WHERE version <> read_version;

-- Every id by which a source may name a thread or one of its messages before or after it is known.
CREATE TABLE alias (
  source_id INTEGER NOT NULL REFERENCES source,
  external_id TEXT NOT NULL,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  PRIMARY KEY (source_id, external_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_by_thread ON alias (thread_id);

CREATE TABLE person (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL
) STRICT;
CREATE TABLE handle (
  source_id INTEGER NOT NULL REFERENCES source,
  handle TEXT NOT NULL,                   -- an address or account; the name where the source has nothing better
  person_id INTEGER NOT NULL REFERENCES person,
  PRIMARY KEY (source_id, handle)
) STRICT, WITHOUT ROWID;
CREATE INDEX handle_by_person ON handle (person_id);

CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  external_id TEXT NOT NULL,
  ordinal INTEGER,                        -- its place, where the source gives the whole thread at once
  author TEXT,
  author_id TEXT,
  person_id INTEGER REFERENCES person,
  sent_at TEXT,
  sent_ms INTEGER,
  edited_at TEXT,
  reply_to TEXT,
  bot INTEGER NOT NULL DEFAULT 0,
  text TEXT NOT NULL,
  hash BLOB NOT NULL,
  UNIQUE (thread_id, external_id)
) STRICT;

-- What a message said before it was edited.
CREATE TABLE message_version (
  id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  author TEXT,
  edited_at TEXT,
  text TEXT NOT NULL,
  replaced_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX message_version_by_message ON message_version (message_id);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  at TEXT,
  at_ms INTEGER,
  kind TEXT NOT NULL,
  actor TEXT,
  subject TEXT,
  hash BLOB NOT NULL,
  UNIQUE (thread_id, hash)
) STRICT;

-- What the encoder made of a piece of text, so that no message is read twice.
CREATE TABLE vector (
  id INTEGER PRIMARY KEY,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  hash BLOB NOT NULL,                     -- of the encoder and the text
  data BLOB NOT NULL,                     -- f32, little endian
  UNIQUE (thread_id, hash)
) STRICT;

-- What a sentence does, as it was last read.
CREATE TABLE act (
  id INTEGER PRIMARY KEY,
  message_id INTEGER NOT NULL REFERENCES message ON DELETE CASCADE,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL,
  act TEXT NOT NULL,
  probability REAL NOT NULL,
  addressee TEXT
) STRICT;
CREATE INDEX act_by_message ON act (message_id);

-- Superseded, never edited; the newest of a thread is the one that counts.
CREATE TABLE summary (
  id INTEGER PRIMARY KEY,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  thread_version INTEGER NOT NULL,
  made_ms INTEGER NOT NULL,
  bottom_line TEXT NOT NULL,
  json TEXT NOT NULL                      -- bluf.summary/1
) STRICT;
CREATE INDEX summary_by_thread ON summary (thread_id, id DESC, bottom_line); -- a list looks at nothing else of it
CREATE INDEX summary_by_time ON summary (made_ms);

CREATE TABLE claim (
  id INTEGER PRIMARY KEY,
  summary_id INTEGER NOT NULL REFERENCES summary ON DELETE CASCADE,
  section TEXT NOT NULL CHECK (section IN ('bottom_line', 'decision', 'ask', 'question', 'blocker', 'context')),
  text TEXT NOT NULL,
  person TEXT,                            -- who decided, owns or asked, by section
  at TEXT,
  at_ms INTEGER,
  state TEXT
) STRICT;
CREATE INDEX claim_by_summary ON claim (summary_id);
CREATE INDEX claim_by_section ON claim (section, at_ms DESC, id DESC);

CREATE TABLE cite (
  id INTEGER PRIMARY KEY,
  claim_id INTEGER NOT NULL REFERENCES claim ON DELETE CASCADE,
  message_id INTEGER NOT NULL REFERENCES message,
  start INTEGER NOT NULL,
  "end" INTEGER NOT NULL
) STRICT;
CREATE INDEX cite_by_claim ON cite (claim_id);
CREATE INDEX cite_by_message ON cite (message_id);

-- What happened here, in order: versions, and what the event stream resumes by.
CREATE TABLE change (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,                     -- thread.changed, thread.gone, summary.made, source.down, source.up
  source_id INTEGER,
  thread_key TEXT
) STRICT;

-- Items of a source that could not be read.
CREATE TABLE quarantine (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source,
  external_id TEXT NOT NULL,
  what TEXT NOT NULL,
  first_ms INTEGER NOT NULL,
  last_ms INTEGER NOT NULL,
  UNIQUE (source_id, external_id)
) STRICT;

CREATE TABLE token (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  hash BLOB NOT NULL UNIQUE,              -- sha256
  scope TEXT NOT NULL CHECK (scope IN ('read', 'act', 'admin')),
  sources TEXT,                           -- a JSON list of the sources it may see; NULL: all
  created_ms INTEGER NOT NULL,
  expires_ms INTEGER,
  used_ms INTEGER
) STRICT;

-- Who read or did what. No text of a thread, ever.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  what TEXT NOT NULL,
  subject TEXT,
  request_id TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at_ms);

-- Answers to requests that may be sent again.
CREATE TABLE idempotency (
  key TEXT NOT NULL,
  who TEXT NOT NULL,
  request BLOB NOT NULL,                  -- sha256 of what was asked
  status INTEGER NOT NULL,
  answer TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (key, who)
) STRICT, WITHOUT ROWID;

CREATE VIRTUAL TABLE message_fts USING fts5 (
  text, content = 'message', content_rowid = 'id', tokenize = "unicode61 remove_diacritics 2"
);
INSERT INTO message_fts (message_fts, rank) VALUES ('secure-delete', 1);
CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
  INSERT INTO message_fts (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER message_removed AFTER DELETE ON message BEGIN
  INSERT INTO message_fts (message_fts, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER message_changed AFTER UPDATE OF text ON message BEGIN
  INSERT INTO message_fts (message_fts, rowid, text) VALUES ('delete', old.id, old.text);
  INSERT INTO message_fts (rowid, text) VALUES (new.id, new.text);
END;
