-- 0006_identity.sql - people, what they are in accounts, and how they prove who they are.

-- An account's own tokens act as a user whose id is the account's: kind 'account', no password.
ALTER TABLE users ADD COLUMN kind TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'account'));
ALTER TABLE users ADD COLUMN first_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN last_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN telephone TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN country TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN zipcode TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN modified_at_us INTEGER NOT NULL DEFAULT 0;

-- 0: the default of limits.h.
ALTER TABLE accounts ADD COLUMN zones_max INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN tokens_max INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN members_max INTEGER NOT NULL DEFAULT 0;

CREATE TABLE members_next (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    account_id    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    role          TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'administrator', 'owner')),
    zones_limited INTEGER NOT NULL CHECK (zones_limited IN (0, 1)),
    created_at_us INTEGER NOT NULL,
    UNIQUE (user_id, account_id)
) STRICT, WITHOUT ROWID;
INSERT INTO members_next (id, user_id, account_id, role, zones_limited, created_at_us)
    SELECT lower(hex(randomblob(16))), user_id, account_id, role, 0, 0 FROM members;
DROP TABLE members;
ALTER TABLE members_next RENAME TO members;
CREATE INDEX members_by_account ON members (account_id, user_id);

CREATE TABLE member_zones (
    member_id TEXT NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    zone_id   TEXT NOT NULL REFERENCES zones (id) ON DELETE CASCADE,
    PRIMARY KEY (member_id, zone_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX member_zones_by_zone ON member_zones (zone_id);

-- What a member will be who has not accepted yet.  zones: ids with commas; "" for all.
CREATE TABLE invitations (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    account_id    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    email         TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'administrator', 'owner')),
    zones         TEXT NOT NULL,
    secret_digest BLOB NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    created_at_us INTEGER NOT NULL,
    ends_at_us    INTEGER NOT NULL,
    UNIQUE (account_id, email)
) STRICT;
CREATE INDEX invitations_by_email ON invitations (email);

-- policies, condition: JSON; "" for all that the user may, from anywhere.  Times: 0 for none.
ALTER TABLE tokens ADD COLUMN policies TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN condition TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN not_before_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN ends_at_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN modified_at_us INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tokens ADD COLUMN used_at_us INTEGER NOT NULL DEFAULT 0;

-- The global key of a user: found by its digest, shown again to who knows the password.
CREATE TABLE user_keys (
    user_id       TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    id            TEXT NOT NULL CHECK (length(id) = 32),
    secret_digest BLOB NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    secret_sealed BLOB NOT NULL,
    created_at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE second_factors (
    user_id       TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret_sealed BLOB NOT NULL,
    confirmed     INTEGER NOT NULL CHECK (confirmed IN (0, 1)),
    used_step     INTEGER NOT NULL
) STRICT;
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    digest  BLOB NOT NULL CHECK (length(digest) = 32),
    PRIMARY KEY (user_id, digest)
) STRICT, WITHOUT ROWID;

-- proved_at_us: when the password was last given.
CREATE TABLE logins (
    id            TEXT PRIMARY KEY CHECK (length(id) = 32),
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    secret_digest BLOB NOT NULL UNIQUE CHECK (length(secret_digest) = 32),
    created_at_us INTEGER NOT NULL,
    proved_at_us  INTEGER NOT NULL,
    seen_at_us    INTEGER NOT NULL,
    ip            TEXT NOT NULL
) STRICT;
CREATE INDEX logins_by_user ON logins (user_id, id);
CREATE TABLE devices (
    secret_digest BLOB PRIMARY KEY CHECK (length(secret_digest) = 32),
    user_id       TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at_us    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX devices_by_user ON devices (user_id, seen_at_us);

-- Tries to log in, by whom they count against: an email's digest, an address, a device, everybody.
CREATE TABLE login_tries (
    key   TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
