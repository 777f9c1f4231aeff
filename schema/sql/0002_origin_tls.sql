-- 0002_origin_tls.sql - TLS to origins: client certificates of zones, and the origin CA.

-- The same table with a third source: 'client', what the edge shows to origins.
CREATE TABLE certificates_next (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    zone_id       TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    revision      INTEGER NOT NULL DEFAULT 0,
    source        TEXT NOT NULL CHECK (source IN ('client', 'custom', 'local')),
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
INSERT INTO certificates_next (id, zone_id, revision, source, names, issuer, serial, signature,
    fingerprint, not_before_s, not_after_s, created_at_us, chain_pem, key_sealed)
    SELECT id, zone_id, revision, source, names, issuer, serial, signature, fingerprint,
    not_before_s, not_after_s, created_at_us, chain_pem, key_sealed FROM certificates;
DROP TABLE certificates;
ALTER TABLE certificates_next RENAME TO certificates;
CREATE INDEX certificates_by_zone ON certificates (zone_id, revision);
CREATE INDEX certificates_by_revision ON certificates (revision);
CREATE INDEX certificates_by_end ON certificates (not_after_s) WHERE source = 'local';

-- The CA that signs for origins.  Edges get its certificate; revision 0: they have not been told.
CREATE TABLE origin_ca (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    record_id     TEXT NOT NULL CHECK (length(record_id) = 32),
    revision      INTEGER NOT NULL DEFAULT 0,
    chain_pem     TEXT NOT NULL,
    key_sealed    BLOB NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT;

-- What it has signed: never a key, that stays at the origin.
CREATE TABLE origin_certificates (
    id             TEXT PRIMARY KEY CHECK (length(id) = 32),
    account_id     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    hostnames      TEXT NOT NULL,
    request_type   TEXT NOT NULL CHECK (request_type IN ('origin-rsa', 'origin-ecc')),
    validity_days  INTEGER NOT NULL,
    csr_pem        TEXT NOT NULL,
    chain_pem      TEXT NOT NULL,
    serial         TEXT NOT NULL,
    not_after_s    INTEGER NOT NULL,
    created_at_us  INTEGER NOT NULL,
    revoked_at_us  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE origin_certificate_zones (
    certificate_id TEXT NOT NULL REFERENCES origin_certificates (id) ON DELETE CASCADE,
    zone_id        TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    PRIMARY KEY (certificate_id, zone_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX origin_certificate_zones_by_zone ON origin_certificate_zones (zone_id);
