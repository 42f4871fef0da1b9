-- The versions of the settings document that were saved here. There is no secret in a settings document.
CREATE TABLE settings_version (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    saved_at INTEGER NOT NULL,
    saved_by TEXT    NOT NULL,
    reason   TEXT    NOT NULL,
    changes  INTEGER NOT NULL,
    text     TEXT    NOT NULL
) STRICT;
