-- 0005_idempotency.sql - POST requests that may be sent again: what was asked, and what was answered.

-- No change of a tenant's: without audit and revision.  A row is written in the transaction of its
-- change, the answer (sealed: it may hold a token) right after it.
CREATE TABLE idempotency (
    key     BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
    request BLOB NOT NULL CHECK (length(request) = 32),
    at_us   INTEGER NOT NULL,
    status  INTEGER,
    revision INTEGER,
    answer  BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (at_us);
