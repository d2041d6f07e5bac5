-- What is owed, what was done about it, and what was told to whom.

-- Enough of what a sentence does to work out again, without any model, what a thread's history leaves owing.
DELETE FROM act;
ALTER TABLE act ADD COLUMN action REAL NOT NULL DEFAULT 0;
ALTER TABLE act ADD COLUMN due_start INTEGER;   -- the words that say by when
ALTER TABLE act ADD COLUMN due_end INTEGER;
UPDATE thread SET read_version = 0;

-- The version of a thread that its obligations were last worked out from.
ALTER TABLE thread ADD COLUMN docket_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE thread ADD COLUMN docket_ms INTEGER NOT NULL DEFAULT 0;   -- when that was
ALTER TABLE thread ADD COLUMN flags TEXT;       -- a JSON list; it quotes, so it goes when a message that is quoted does
CREATE INDEX thread_docket ON thread (id) WHERE docket_version <> read_version;

-- What deadlines were last reckoned by; one row.
CREATE TABLE rules (id INTEGER PRIMARY KEY CHECK (id = 1), fingerprint TEXT NOT NULL) STRICT;

CREATE TABLE obligation (
  id TEXT PRIMARY KEY,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  kind TEXT NOT NULL,
  metric TEXT NOT NULL,
  owed_by TEXT NOT NULL,                  -- JSON lists of names
  owed_to TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  message_id INTEGER REFERENCES message ON DELETE CASCADE,  -- whose words opened it,
  start INTEGER,                          -- from here
  "end" INTEGER,                          -- to here in bytes; or else
  event TEXT,                             -- what the source told, as JSON
  first_opened_ms INTEGER,
  stated_due_ms INTEGER,
  policy TEXT,
  zone TEXT NOT NULL,                     -- in which its times are shown
  warn_ms INTEGER,
  due_ms INTEGER,
  paused TEXT,                            -- why its clock stands still
  round_the_clock INTEGER NOT NULL DEFAULT 0,
  closed_ms INTEGER,
  closed_how TEXT,
  closed_message_id INTEGER REFERENCES message ON DELETE SET NULL,
  closed_start INTEGER,
  closed_end INTEGER,
  closed_event TEXT,
  next_ms INTEGER                         -- when to look whether somebody is to be told
) STRICT, WITHOUT ROWID;
CREATE INDEX obligation_by_thread ON obligation (thread_id);
CREATE INDEX obligation_by_message ON obligation (message_id);
CREATE INDEX obligation_closed_by_message ON obligation (closed_message_id) WHERE closed_message_id IS NOT NULL;
CREATE INDEX obligation_next ON obligation (next_ms) WHERE next_ms IS NOT NULL;
CREATE INDEX obligation_open ON obligation (due_ms, id) WHERE closed_ms IS NULL;
CREATE INDEX obligation_by_policy ON obligation (policy) WHERE closed_ms IS NULL;

-- When an obligation was first kept. It outlives the obligation, which goes and comes with what is read of its thread.
CREATE TABLE sighting (
  obligation_id TEXT PRIMARY KEY,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  first_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sighting_by_thread ON sighting (thread_id);

-- What people did about an obligation.
CREATE TABLE hold (
  obligation_id TEXT NOT NULL,
  thread_id INTEGER NOT NULL REFERENCES thread ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('ack', 'snooze', 'waive')),
  who TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  until_ms INTEGER,                       -- of a snooze
  reason TEXT,
  PRIMARY KEY (obligation_id, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX hold_by_thread ON hold (thread_id);

CREATE TABLE silence (
  id INTEGER PRIMARY KEY,
  matches TEXT NOT NULL,                  -- JSON
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT;

-- The outbox: envelopes, and which notices are in each.
CREATE TABLE envelope (
  id TEXT PRIMARY KEY,                    -- the same at every attempt
  sink TEXT NOT NULL,
  topic TEXT NOT NULL,
  grouped TEXT NOT NULL,                  -- what it belongs to: a thread's key, a source's name
  source TEXT,                            -- a source that is down, as JSON
  made_ms INTEGER NOT NULL,
  together INTEGER NOT NULL DEFAULT 0,    -- more may be put in until it is first sent
  next_try_ms INTEGER,                    -- NULL: nothing is left to do
  attempts INTEGER NOT NULL DEFAULT 0,
  sent_ms INTEGER,
  ended TEXT,                             -- why it was not sent
  last_error TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_waiting ON envelope (sink, next_try_ms) WHERE next_try_ms IS NOT NULL;
CREATE INDEX envelope_by_time ON envelope (made_ms);

CREATE TABLE notice (
  id INTEGER PRIMARY KEY,
  obligation_id TEXT NOT NULL,
  stage TEXT NOT NULL CHECK (stage IN ('at_risk', 'breached', 'escalated', 'closed')),
  sink TEXT NOT NULL,
  round INTEGER NOT NULL DEFAULT 0,
  at_ms INTEGER NOT NULL,
  envelope_id TEXT NOT NULL REFERENCES envelope ON DELETE CASCADE,
  UNIQUE (obligation_id, stage, sink, round)
) STRICT;
CREATE INDEX notice_by_envelope ON notice (envelope_id);
