-- Files that travel apart from answers: pictures, sounds, documents (record-and-sync §3.2, §5.4, §6.6).

-- A file whose bytes are durable. n is given once and only grows: a copy holds all up to the highest that it has.
CREATE TABLE attachment (
    n INTEGER PRIMARY KEY AUTOINCREMENT, sha256 BLOB NOT NULL UNIQUE, size INTEGER NOT NULL, stored_at INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(n, sha256, size, stored_at)) STORED
);

-- Records for which somebody brought the bytes: naming a hash in an answer opens nothing. unused_since: no answer of the
-- record names it any more.
CREATE TABLE attachment_of (
    sha256 BLOB NOT NULL, record INTEGER NOT NULL, unused_since INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(sha256, record, unused_since)) STORED,
    PRIMARY KEY (sha256, record)
) WITHOUT ROWID;
CREATE INDEX attachment_of_record ON attachment_of (record);

-- A file on its way. received: bytes that are durable. A finished one stays for a while, so that a lost answer can be asked
-- for again, and so that receipts can name it.
CREATE TABLE upload (
    id BLOB PRIMARY KEY, profile BLOB NOT NULL, record INTEGER NOT NULL, sha256 BLOB NOT NULL, size INTEGER NOT NULL,
    received INTEGER NOT NULL DEFAULT 0, finished INTEGER NOT NULL DEFAULT 0, expires INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, profile, record, sha256, size, received, finished, expires)) STORED
) WITHOUT ROWID;
CREATE INDEX upload_profile ON upload (profile);
CREATE INDEX upload_record ON upload (record);
CREATE INDEX upload_expires ON upload (expires);

-- Files that must still be taken off the disk, by their path below the data folder. Written with what makes them go.
CREATE TABLE file_owed (
    path TEXT PRIMARY KEY,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(path)) STORED
) WITHOUT ROWID;
