-- Who a visitor is, because an agent said so.
CREATE TABLE link (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    organization TEXT    NOT NULL,
    -- By what the visitor is known again; without it the link holds for the chat alone.
    identity     TEXT,
    chat         TEXT,
    table_name   TEXT    NOT NULL,
    record_id    TEXT    NOT NULL,
    record_name  TEXT    NOT NULL,
    by_whom      TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    CHECK (identity IS NOT NULL OR chat IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX link_identity ON link (organization, identity, table_name) WHERE identity IS NOT NULL;
CREATE UNIQUE INDEX link_chat ON link (organization, chat, table_name) WHERE chat IS NOT NULL;
CREATE INDEX link_record ON link (record_id);
