-- What is to be written to Dynamics, from the moment it is asked for. One chat or message and one cause are one entry.
CREATE TABLE outbox (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    id           TEXT    NOT NULL UNIQUE,
    organization TEXT    NOT NULL,
    subject      TEXT    NOT NULL,
    person_key   TEXT    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'queued', 'sending', 'done', 'nothing', 'attention', 'discarded')),
    due_at       INTEGER,
    attempts     INTEGER NOT NULL DEFAULT 0,
    -- How often what is to be written has changed after it had been planned.
    revised      INTEGER NOT NULL DEFAULT 0,
    intent       TEXT    NOT NULL,
    plan         TEXT,
    outcome      TEXT,
    problem      TEXT,
    created_at   INTEGER NOT NULL,
    changed_at   INTEGER NOT NULL,
    -- Rises with every change, so that nobody writes over what somebody else has changed since.
    revision     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_open ON outbox (organization, person_key, number) WHERE state IN ('waiting', 'queued', 'sending');
CREATE INDEX outbox_due ON outbox (organization, due_at) WHERE state IN ('waiting', 'queued');
CREATE INDEX outbox_subject ON outbox (organization, subject, number);
CREATE INDEX outbox_state ON outbox (organization, state, number);

-- What was recognised and written. Lines are added, never changed.
CREATE TABLE activity (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    what         TEXT    NOT NULL,
    visitor      TEXT    NOT NULL,
    detail       TEXT    NOT NULL,
    by_whom      TEXT    NOT NULL,
    chat         TEXT,
    entry        TEXT,
    table_name   TEXT,
    record_id    TEXT,
    record_name  TEXT,
    -- Visitor, record and detail in lower case, for searching in every script.
    folded       TEXT    NOT NULL
) STRICT;
CREATE INDEX activity_organization ON activity (organization, number);
CREATE INDEX activity_record ON activity (organization, record_id) WHERE record_id IS NOT NULL;
CREATE TRIGGER activity_is_not_changed BEFORE UPDATE ON activity BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END;
CREATE TRIGGER activity_is_not_deleted BEFORE DELETE ON activity BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END;
