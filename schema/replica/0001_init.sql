-- 0001_init.sql - the tables of an edge's replica.  Written by the supervisor, read by the workers.

-- What the edge has: one row, changed in the same transaction as the documents it speaks of.
CREATE TABLE position (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    epoch    TEXT NOT NULL,
    revision INTEGER NOT NULL,
    chain    BLOB NOT NULL CHECK (length(chain) = 32)
) STRICT;
INSERT INTO position (id, epoch, revision, chain) VALUES (1, '', 0, zeroblob(32));

-- The three tables below are what a full copy stages and swaps in, found by these names.
CREATE TABLE documents (
    zone_id  TEXT PRIMARY KEY CHECK (length(zone_id) = 32),
    revision INTEGER NOT NULL,
    digest   BLOB NOT NULL CHECK (length(digest) = 32),
    body     BLOB NOT NULL
) STRICT;

-- Every claim is kept; where two zones claim one name, the newer document has it.
CREATE TABLE hostnames (
    name    TEXT NOT NULL,
    zone_id TEXT NOT NULL,
    PRIMARY KEY (name, zone_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX hostnames_by_zone ON hostnames (zone_id);

-- names: what the certificate covers, a line each.
CREATE TABLE certificates (
    id         TEXT PRIMARY KEY CHECK (length(id) = 32),
    zone_id    TEXT NOT NULL,
    names      TEXT NOT NULL,
    chain_pem  BLOB NOT NULL,
    key_sealed BLOB NOT NULL
) STRICT;
CREATE INDEX certificates_by_zone ON certificates (zone_id);
