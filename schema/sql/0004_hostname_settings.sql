-- 0004_hostname_settings.sql - settings that one hostname of a zone has for itself.

CREATE TABLE hostname_settings (
    zone_id        TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    setting        TEXT NOT NULL,
    hostname       TEXT NOT NULL,
    value          TEXT NOT NULL,
    created_at_us  INTEGER NOT NULL,
    modified_at_us INTEGER NOT NULL,
    PRIMARY KEY (zone_id, setting, hostname)
) STRICT, WITHOUT ROWID;
