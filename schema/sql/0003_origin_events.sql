-- 0003_origin_events.sql - what edges decided by themselves about an origin: HTTP/2 suspended, resumed.

-- No change of a tenant's: without audit and revision.  The newest LIMIT_ZONE_ORIGIN_EVENTS of a
-- zone are kept.
CREATE TABLE origin_events (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    zone_id TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    at_s    INTEGER NOT NULL,
    edge    TEXT NOT NULL,
    origin  TEXT NOT NULL,
    sni     TEXT NOT NULL,
    reason  TEXT NOT NULL,
    until_s INTEGER NOT NULL
) STRICT;
CREATE INDEX origin_events_by_zone ON origin_events (zone_id, id);
