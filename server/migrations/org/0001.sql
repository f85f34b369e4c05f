-- The file of one organisation. Names follow record-and-sync: a position is a log position, a tombstone the SHA-256 of
-- a record's id. Every table ends with a sum over its row (storage/rowsum.rs): what check finds a flipped bit by.
-- Rules for changes: see README.md beside this file.

CREATE TABLE meta (
    key TEXT PRIMARY KEY, value BLOB NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(key, value)) STORED
) WITHOUT ROWID;

-- Every epoch this log ever had, in order, and what each profile had confirmed when the next one opened (§1.7).
CREATE TABLE epoch (
    ordinal INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, opened_at INTEGER NOT NULL, opened_pos INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(ordinal, id, opened_at, opened_pos)) STORED
);
CREATE TABLE epoch_mark (
    ordinal INTEGER NOT NULL, profile BLOB NOT NULL, confirmed INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(ordinal, profile, confirmed)) STORED,
    PRIMARY KEY (ordinal, profile)
) WITHOUT ROWID;

-- What the server knows of a profile besides its credential.
CREATE TABLE profile (
    id BLOB PRIMARY KEY, user BLOB NOT NULL, confirmed INTEGER NOT NULL DEFAULT 0, last_sync INTEGER, skew_ms INTEGER,
    version TEXT, quarantine_bytes INTEGER NOT NULL DEFAULT 0,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, user, confirmed, last_sync, skew_ms, version, quarantine_bytes)) STORED
) WITHOUT ROWID;

-- profile is NULL for actors of the server (rewrites, releases, the console); user is NULL for the server itself.
CREATE TABLE actor (
    id INTEGER PRIMARY KEY, profile BLOB, user BLOB, instance BLOB, device_key BLOB, acked INTEGER NOT NULL DEFAULT 0,
    chain BLOB NOT NULL, closed INTEGER NOT NULL DEFAULT 0, epoch BLOB NOT NULL,
    nth INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(id, profile, user, instance, device_key, acked, chain, closed, epoch, nth)) STORED,
    UNIQUE (profile, instance)
);

-- One row for every number an actor has used.
CREATE TABLE item (
    actor INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL, chain BLOB NOT NULL, status INTEGER NOT NULL,
    code TEXT, record INTEGER, pos INTEGER NOT NULL, effective_ms INTEGER, effective_n INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(actor, seq, status, code, record, pos, effective_ms, effective_n)) STORED,
    PRIMARY KEY (actor, seq)
) WITHOUT ROWID;

-- Where re-stamped changesets first stood, so that a second arrival of one origin is a duplicate.
CREATE TABLE origin (
    actor INTEGER NOT NULL, seq INTEGER NOT NULL, hash BLOB NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(actor, seq, hash)) STORED,
    PRIMARY KEY (actor, seq, hash)
) WITHOUT ROWID;

-- The log. entry_hash covers what the entry says and outlives an erased body; log_hash chains it.
CREATE TABLE log (
    pos INTEGER PRIMARY KEY, kind INTEGER NOT NULL, record INTEGER, profile BLOB, actor INTEGER, seq INTEGER, body BLOB,
    context BLOB, effective_ms INTEGER, effective_n INTEGER, received INTEGER NOT NULL, cut INTEGER NOT NULL DEFAULT 0,
    entry_hash BLOB NOT NULL, log_hash BLOB NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(pos, kind, record, profile, actor, seq, effective_ms, effective_n, received, cut)) STORED
);
CREATE INDEX log_change ON log (record, actor, seq) WHERE kind = 1;

-- The merged state of each interview. AUTOINCREMENT: the number of an erased record is never given again.
CREATE TABLE record (
    n INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, form_id TEXT NOT NULL, form BLOB NOT NULL,
    maker BLOB, created_at INTEGER NOT NULL, pos INTEGER NOT NULL, body BLOB NOT NULL, conflicts INTEGER NOT NULL,
    presence INTEGER NOT NULL, withheld INTEGER NOT NULL, status TEXT NOT NULL, restricted_at INTEGER, restricted_by BLOB,
    erase_after INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(n, id, form_id, form, maker, created_at, pos, conflicts, presence, withheld, status, restricted_at, restricted_by, erase_after)) STORED
);
CREATE INDEX record_conflicts ON record (n) WHERE conflicts > 0;
CREATE INDEX record_form ON record (form_id, n);
CREATE INDEX record_pos ON record (pos);
CREATE INDEX record_restricted ON record (n, restricted_at) WHERE restricted_at IS NOT NULL;

-- A row stands from the first time a profile had the record; in scope while made or assigned.
CREATE TABLE scope (
    profile BLOB NOT NULL, record INTEGER NOT NULL, made INTEGER NOT NULL, assigned INTEGER NOT NULL, since INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(profile, record, made, assigned, since)) STORED,
    PRIMARY KEY (profile, record)
) WITHOUT ROWID;
CREATE INDEX scope_record ON scope (record);
-- Earlier spans of time in scope, by log position.
CREATE TABLE scope_span (
    profile BLOB NOT NULL, record INTEGER NOT NULL, from_pos INTEGER NOT NULL, to_pos INTEGER NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(profile, record, from_pos, to_pos)) STORED
);
CREATE INDEX scope_span_of ON scope_span (profile, record);

CREATE TABLE quarantine (
    n INTEGER PRIMARY KEY AUTOINCREMENT, profile BLOB NOT NULL, actor INTEGER NOT NULL, seq INTEGER NOT NULL, record BLOB,
    body BLOB NOT NULL, readable INTEGER NOT NULL, code TEXT NOT NULL, received INTEGER NOT NULL, repeat_ms INTEGER, repeat_n INTEGER,
    judged INTEGER NOT NULL DEFAULT 0, judged_by BLOB, judged_at INTEGER,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(n, profile, actor, seq, record, body, readable, code, received, repeat_ms, repeat_n, judged, judged_by, judged_at)) STORED,
    UNIQUE (actor, seq)
);
CREATE INDEX quarantine_record ON quarantine (record);

-- What remains of erased records. record is the number it had, so that statuses of its items can be told.
CREATE TABLE tombstone (
    hash BLOB PRIMARY KEY, record INTEGER, pos INTEGER NOT NULL, erased_at INTEGER NOT NULL, late_edits INTEGER NOT NULL DEFAULT 0,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(hash, record, pos, erased_at, late_edits)) STORED
) WITHOUT ROWID;

CREATE TABLE form (
    hash BLOB PRIMARY KEY, form_id TEXT NOT NULL, version TEXT NOT NULL, title TEXT NOT NULL, package TEXT NOT NULL, xform TEXT NOT NULL,
    pos INTEGER NOT NULL, published_at INTEGER NOT NULL, published_by BLOB,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(hash, form_id, version, title, package, xform, pos, published_at, published_by)) STORED
) WITHOUT ROWID;
CREATE INDEX form_lineage ON form (form_id, pos);

-- Every field that a lineage has or ever had, so that no id is given twice; JSON.
CREATE TABLE lineage (
    form_id TEXT PRIMARY KEY, fields TEXT NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(form_id, fields)) STORED
) WITHOUT ROWID;

CREATE TABLE policy (
    form_id TEXT NOT NULL, field INTEGER NOT NULL, pos INTEGER NOT NULL, body TEXT NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(form_id, field, pos, body)) STORED,
    PRIMARY KEY (form_id, field, pos)
) WITHOUT ROWID;

-- Who did what: hash-chained, without answers, filter values or record ids.
CREATE TABLE audit (
    n INTEGER PRIMARY KEY, at INTEGER NOT NULL, actor_user BLOB, actor_profile BLOB, action TEXT NOT NULL, subject TEXT, detail TEXT, hash BLOB NOT NULL,
    sum INTEGER NOT NULL GENERATED ALWAYS AS (row_sum(n, at, actor_user, actor_profile, action, subject, detail, hash)) STORED
);
