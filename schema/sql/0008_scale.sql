-- 0008_scale.sql - indexes for a million zones: what a new revision, a removed account and a clean-up look for.

-- SQLite asks the documents for a revision as it is made; led by `deleted`, the index was read from end to end.
DROP INDEX documents_by_revision;
CREATE INDEX documents_by_revision ON documents (revision, deleted);

CREATE INDEX origin_certificates_by_account ON origin_certificates (account_id);
CREATE INDEX zones_by_status ON zones (status, name);
CREATE INDEX logins_by_age ON logins (seen_at_us);
CREATE INDEX login_tries_by_age ON login_tries (at_us);
