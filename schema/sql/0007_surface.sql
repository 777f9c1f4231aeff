-- 0007_surface.sql - certificates have an order, zones prove who controls them, audit has its filters' indexes.

ALTER TABLE certificates ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;

-- A pending zone has no document: it is not served.
ALTER TABLE zones ADD COLUMN verification_key TEXT NOT NULL DEFAULT '';
ALTER TABLE zones ADD COLUMN activated_at_us INTEGER NOT NULL DEFAULT 0;
UPDATE zones SET activated_at_us = created_at_us;
CREATE INDEX zones_pending ON zones (id) WHERE status = 'pending';

CREATE INDEX audit_by_user ON audit (user_id, id);
