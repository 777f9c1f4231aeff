-- 0001_init.sql - the tables of control.  Applied once, in order, never edited afterwards: the
-- store keeps the SHA-256 of each file it has applied.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    platform_wide INTEGER NOT NULL CHECK (platform_wide IN (0, 1)),
    created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    name          TEXT NOT NULL,
    zone_count    INTEGER NOT NULL DEFAULT 0 CHECK (zone_count >= 0),
    created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_by_name ON accounts (name, id);

CREATE TABLE members (
    user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role       TEXT NOT NULL CHECK (role IN ('owner')),
    PRIMARY KEY (user_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_account ON members (account_id, user_id);

CREATE TABLE tokens (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret_digest BLOB NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    name          TEXT NOT NULL,
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_user ON tokens (user_id, id);

-- name_key is the name backwards, so that everything below a name is one range of it.
CREATE TABLE zones (
    id             TEXT PRIMARY KEY CHECK (length(id) = 32),
    account_id     TEXT NOT NULL REFERENCES accounts (id),
    name           TEXT NOT NULL UNIQUE,
    name_key       TEXT NOT NULL UNIQUE,
    name_servers   TEXT NOT NULL,
    status         TEXT NOT NULL,
    type           TEXT NOT NULL,
    plan           TEXT NOT NULL CHECK (plan IN ('free', 'pro', 'business', 'enterprise')),
    paused         INTEGER NOT NULL CHECK (paused IN (0, 1)),
    created_at_us  INTEGER NOT NULL,
    modified_at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX zones_by_account ON zones (account_id, name);

CREATE TABLE zone_settings (
    zone_id        TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    setting        TEXT NOT NULL,
    value          TEXT NOT NULL,
    modified_at_us INTEGER NOT NULL,
    PRIMARY KEY (zone_id, setting)
) STRICT, WITHOUT ROWID;

CREATE TABLE dns_records (
    id                 TEXT PRIMARY KEY CHECK (length(id) = 32),
    zone_id            TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    name               TEXT NOT NULL,
    type               TEXT NOT NULL,
    content            TEXT NOT NULL,
    ttl_s              INTEGER NOT NULL,
    proxied            INTEGER NOT NULL CHECK (proxied IN (0, 1)),
    priority           INTEGER NOT NULL,
    priority_given     INTEGER NOT NULL CHECK (priority_given IN (0, 1)),
    comment            TEXT NOT NULL,
    origin_port        INTEGER NOT NULL,
    origin_host_header TEXT NOT NULL,
    origin_sni         TEXT NOT NULL,
    created_at_us      INTEGER NOT NULL,
    modified_at_us     INTEGER NOT NULL,
    UNIQUE (zone_id, name, type, content, priority)
) STRICT;

-- revision 0: written by a transaction that has not taken its revision yet.
CREATE TABLE certificates (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    zone_id       TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    revision      INTEGER NOT NULL DEFAULT 0,
    source        TEXT NOT NULL CHECK (source IN ('custom', 'local')),
    names         TEXT NOT NULL,
    issuer        TEXT NOT NULL,
    serial        TEXT NOT NULL,
    signature     TEXT NOT NULL,
    fingerprint   TEXT NOT NULL,
    not_before_s  INTEGER NOT NULL,
    not_after_s   INTEGER NOT NULL,
    created_at_us INTEGER NOT NULL,
    chain_pem     TEXT NOT NULL,
    key_sealed    BLOB NOT NULL
) STRICT;
CREATE INDEX certificates_by_zone ON certificates (zone_id, revision);
CREATE INDEX certificates_by_revision ON certificates (revision);
CREATE INDEX certificates_by_end ON certificates (not_after_s) WHERE source = 'local';

CREATE TABLE local_ca (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    chain_pem     TEXT NOT NULL,
    key_sealed    BLOB NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT;

-- A deleted zone keeps its row as a tombstone, so that edges hear of it.
CREATE TABLE documents (
    zone_id  TEXT PRIMARY KEY CHECK (length(zone_id) = 32),
    revision INTEGER NOT NULL REFERENCES revisions (revision) DEFERRABLE INITIALLY DEFERRED,
    deleted  INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    digest   BLOB NOT NULL CHECK (length(digest) = 32),
    body     BLOB NOT NULL
) STRICT;
CREATE INDEX documents_by_revision ON documents (deleted, revision);

CREATE TABLE revisions (
    revision INTEGER PRIMARY KEY CHECK (revision > 0),
    chain    BLOB NOT NULL CHECK (length(chain) = 32),
    at_us    INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at_us      INTEGER NOT NULL,
    user_id    TEXT NOT NULL,
    token_id   TEXT NOT NULL,
    account_id TEXT NOT NULL,
    zone_id    TEXT NOT NULL,
    action     TEXT NOT NULL,
    old_json   TEXT NOT NULL,
    new_json   TEXT NOT NULL,
    ip         TEXT NOT NULL,
    request_id TEXT NOT NULL,
    prev_hash  BLOB NOT NULL CHECK (length(prev_hash) = 32),
    hash       BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_by_account ON audit (account_id, id);
CREATE INDEX audit_by_zone ON audit (zone_id, id);

CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows stay');
END;
CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'audit rows stay as they are');
END;
