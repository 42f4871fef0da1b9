-- Agent Consoles that were paired with this companion. The token itself is never kept, only its SHA-256.
CREATE TABLE console (
    id         TEXT NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    token_hash BLOB NOT NULL UNIQUE,
    paired_at  TEXT NOT NULL,
    last_seen  TEXT,
    revoked_at TEXT
) STRICT;
