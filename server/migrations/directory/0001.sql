-- The directory: organisations, users, teams, devices and what proves who they are. No answer is ever stored here.
-- Times are milliseconds since 1970. Secrets are stored as SHA-256 (random ones) or argon2id (passwords).
-- Every table has a sum over its row (storage/rowsum.rs): what check finds a flipped bit by.

-- What there is once.
CREATE TABLE server (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(key, value)) STORED
) STRICT, WITHOUT ROWID;

CREATE TABLE organisation (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    slug         TEXT NOT NULL UNIQUE,
    name         TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    suspended_at INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, slug, name, created_at, suspended_at)) STORED
) STRICT, WITHOUT ROWID;

-- A server admin belongs to no organisation and everybody else to exactly one.
CREATE TABLE user (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    org           BLOB REFERENCES organisation (id),
    name          TEXT NOT NULL,
    -- The name as it is compared: names that differ only in case are one name.
    name_key      TEXT NOT NULL,
    role          TEXT NOT NULL CHECK (role IN ('server_admin', 'org_admin', 'coordinator', 'reviewer', 'worker')),
    -- argon2id in PHC form; none until the first password is set.
    password      TEXT,
    -- The one-time link by which a password is set.
    reset_hash    BLOB UNIQUE,
    reset_expires INTEGER,
    created_at    INTEGER NOT NULL,
    disabled_at   INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, org, name, name_key, role, password, reset_hash, reset_expires, created_at, disabled_at)) STORED,
    CHECK ((role = 'server_admin') = (org IS NULL)),
    CHECK ((reset_hash IS NULL) = (reset_expires IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_name ON user (coalesce(org, x''), name_key);

CREATE TABLE team (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    org        BLOB NOT NULL REFERENCES organisation (id),
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, org, name, name_key, created_at)) STORED,
    UNIQUE (org, name_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE team_member (
    team BLOB NOT NULL REFERENCES team (id),
    user BLOB NOT NULL REFERENCES user (id),
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(team, user)) STORED,
    PRIMARY KEY (team, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX team_member_user ON team_member (user);

-- One user on one installation: what the API calls a device.
CREATE TABLE profile (
    id           BLOB PRIMARY KEY CHECK (length(id) = 16),
    org          BLOB NOT NULL REFERENCES organisation (id),
    user         BLOB NOT NULL REFERENCES user (id),
    -- P-256, uncompressed point.
    public_key   BLOB NOT NULL UNIQUE CHECK (length(public_key) = 65),
    label        TEXT NOT NULL,
    enrolled_at  INTEGER NOT NULL,
    revoked_at   INTEGER,
    last_seen_at INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, org, user, public_key, label, enrolled_at, revoked_at, last_seen_at)) STORED
) STRICT, WITHOUT ROWID;
CREATE INDEX profile_org ON profile (org, id);
CREATE INDEX profile_user ON profile (user);

CREATE TABLE enrol_code (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    org        BLOB NOT NULL REFERENCES organisation (id),
    user       BLOB NOT NULL REFERENCES user (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    -- The profile that it made.
    profile    BLOB REFERENCES profile (id),
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(hash, org, user, created_at, expires_at, profile)) STORED
) STRICT, WITHOUT ROWID;

-- One sign-in, and the family of refresh tokens that follows from it.
CREATE TABLE session (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    user       BLOB NOT NULL REFERENCES user (id),
    -- Of the plain page alone: its refresh token is a cookie and is never exchanged for another.
    page       INTEGER NOT NULL CHECK (page IN (0, 1)),
    created_at INTEGER NOT NULL,
    ended_at   INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, user, page, created_at, ended_at)) STORED
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user);

CREATE TABLE refresh_token (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    session    BLOB NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(hash, session, expires_at, used_at)) STORED
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_token_session ON refresh_token (session);
