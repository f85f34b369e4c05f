//! Files that travel apart: which are here, which records have them, which are on their way, which must go.

use rusqlite::params;
use tributary_sync_core::ids::{OrgId, ProfileId};

use super::{OrgTxn, RecordNo, Result, sql, unsql};
use crate::storage::attachments::{Attachments, half_path, whole_path};
use crate::storage::{AttachmentHash, UploadId};

/// A file on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Its name.
    pub id: UploadId,
    /// Who sends it.
    pub profile: ProfileId,
    /// For which record.
    pub record: RecordNo,
    /// What it will be.
    pub sha256: AttachmentHash,
    /// How long it will be, in bytes.
    pub size: u64,
    /// How much of it is durable, in bytes.
    pub received: u64,
    /// It is whole, and its record has it.
    pub finished: bool,
    /// When it is forgotten, in milliseconds since 1970.
    pub expires: u64,
}

/// What files take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How many.
    pub count: u64,
    /// Their bytes.
    pub bytes: u64,
}

const UPLOAD: &str =
    "SELECT id, profile, record, sha256, size, received, finished, expires FROM upload";

fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<UploadRow> {
    Ok(UploadRow {
        id: UploadId::from_bytes(r.get(0)?),
        profile: ProfileId::from_bytes(r.get(1)?),
        record: RecordNo(r.get(2)?),
        sha256: AttachmentHash::from_bytes(r.get(3)?),
        size: unsql(r.get(4)?),
        received: unsql(r.get(5)?),
        finished: r.get(6)?,
        expires: unsql(r.get(7)?),
    })
}

fn usage(r: &rusqlite::Row<'_>) -> rusqlite::Result<Usage> {
    Ok(Usage {
        count: unsql(r.get(0)?),
        bytes: unsql(r.get(1)?),
    })
}

impl OrgTxn<'_> {
    /// A file begins to come.
    pub fn add_upload(&self, row: &UploadRow) -> Result<()> {
        self.execute(
            "INSERT INTO upload (id, profile, record, sha256, size, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                row.id.as_bytes(),
                row.profile.as_bytes(),
                row.record.0,
                row.sha256.as_bytes(),
                sql(row.size),
                sql(row.expires)
            ],
        )?;
        Ok(())
    }
    /// An upload of a profile; none if it has none of that name.
    pub fn upload(&self, id: UploadId, profile: ProfileId) -> Result<Option<UploadRow>> {
        self.one(
            &format!("{UPLOAD} WHERE id = ?1 AND profile = ?2"),
            params![id.as_bytes(), profile.as_bytes()],
            read,
        )
    }
    /// Whether anybody brings a file under this name.
    pub fn has_upload(&self, id: UploadId) -> Result<bool> {
        let found = self.one(
            "SELECT 1 FROM upload WHERE id = ?1 AND NOT finished",
            [id.as_bytes()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
    /// More of it is durable. False if somebody else was faster.
    pub fn upload_received(&self, id: UploadId, from: u64, to: u64) -> Result<bool> {
        let changed = self.execute(
            "UPDATE upload SET received = ?3 WHERE id = ?1 AND received = ?2 AND NOT finished",
            params![id.as_bytes(), sql(from), sql(to)],
        )?;
        Ok(changed == 1)
    }
    /// The file is whole, and its record has it.
    pub fn finish_upload(&self, row: &UploadRow, now: u64) -> Result<()> {
        self.execute(
            "INSERT INTO attachment (sha256, size, stored_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![row.sha256.as_bytes(), sql(row.size), sql(now)],
        )?;
        self.execute(
            "INSERT INTO attachment_of (sha256, record) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET unused_since = NULL",
            params![row.sha256.as_bytes(), row.record.0],
        )?;
        self.execute(
            "UPDATE upload SET finished = 1, expires = ?2 WHERE id = ?1",
            params![row.id.as_bytes(), sql(row.expires)],
        )?;
        Ok(())
    }
    /// Forgets an upload; what there is of it is owed to be wiped. Where the server stopped between the rename and the
    /// commit, it lies where whole files do; it stays if a record has it.
    pub fn drop_upload(&self, id: UploadId) -> Result<()> {
        self.owe_file(&half_path(self.org, id))?;
        let whole = self.one(
            "SELECT sha256 FROM upload WHERE id = ?1",
            [id.as_bytes()],
            |r| Ok(AttachmentHash::from_bytes(r.get(0)?)),
        )?;
        if let Some(hash) = whole {
            self.owe_file(&whole_path(self.org, hash))?;
        }
        self.execute("DELETE FROM upload WHERE id = ?1", [id.as_bytes()])?;
        Ok(())
    }
    /// What of a profile is on its way.
    pub fn uploads_open(&self, profile: ProfileId) -> Result<Usage> {
        let found = self.one(
            "SELECT count(*), coalesce(sum(size), 0) FROM upload WHERE profile = ?1 AND NOT finished",
            [profile.as_bytes()],
            usage,
        )?;
        Ok(found.unwrap_or_default())
    }
    /// The files that a profile brought whole, the newest last.
    pub fn uploads_finished(&self, profile: ProfileId, most: u32) -> Result<Vec<AttachmentHash>> {
        self.all(
            "SELECT sha256 FROM upload WHERE profile = ?1 AND finished ORDER BY expires, id LIMIT ?2",
            params![profile.as_bytes(), most],
            |r| Ok(AttachmentHash::from_bytes(r.get(0)?)),
        )
    }
    /// Uploads whose time is over.
    pub fn uploads_over(&self, now: u64) -> Result<Vec<UploadId>> {
        self.all(
            "SELECT id FROM upload WHERE expires <= ?1 ORDER BY id",
            [sql(now)],
            |r| Ok(UploadId::from_bytes(r.get(0)?)),
        )
    }
    /// All files of the organisation, those on their way included.
    pub fn attachments_usage(&self) -> Result<Usage> {
        let found = self.one(
            "SELECT (SELECT count(*) FROM attachment),
                    (SELECT coalesce(sum(size), 0) FROM attachment)
                    + (SELECT coalesce(sum(size), 0) FROM upload WHERE NOT finished)",
            [],
            usage,
        )?;
        Ok(found.unwrap_or_default())
    }
    /// The records that have a file, by their numbers.
    pub fn records_of_attachment(&self, hash: AttachmentHash) -> Result<Vec<RecordNo>> {
        self.all(
            "SELECT record FROM attachment_of WHERE sha256 = ?1 ORDER BY record",
            [hash.as_bytes()],
            |r| Ok(RecordNo(r.get(0)?)),
        )
    }
    /// Whether a record has a file.
    pub fn record_has_attachment(&self, record: RecordNo, hash: AttachmentHash) -> Result<bool> {
        let found = self.one(
            "SELECT 1 FROM attachment_of WHERE sha256 = ?1 AND record = ?2",
            params![hash.as_bytes(), record.0],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
    /// All pairs of file and record, and since when the record does not use it.
    pub fn attachment_links(&self) -> Result<Vec<(AttachmentHash, RecordNo, Option<u64>)>> {
        self.all(
            "SELECT sha256, record, unused_since FROM attachment_of ORDER BY sha256, record",
            [],
            |r| {
                let since: Option<i64> = r.get(2)?;
                let hash = AttachmentHash::from_bytes(r.get(0)?);
                Ok((hash, RecordNo(r.get(1)?), since.map(unsql)))
            },
        )
    }
    /// Notes since when a record does not use a file, or that it does.
    pub fn set_attachment_unused(
        &self,
        hash: AttachmentHash,
        record: RecordNo,
        since: Option<u64>,
    ) -> Result<()> {
        self.execute(
            "UPDATE attachment_of SET unused_since = ?3 WHERE sha256 = ?1 AND record = ?2",
            params![hash.as_bytes(), record.0, since.map(sql)],
        )?;
        Ok(())
    }
    /// A record no longer has a file. The bytes go with the last record that had it.
    pub fn unlink_attachment(&self, hash: AttachmentHash, record: RecordNo) -> Result<()> {
        self.execute(
            "DELETE FROM attachment_of WHERE sha256 = ?1 AND record = ?2",
            params![hash.as_bytes(), record.0],
        )?;
        if self.records_of_attachment(hash)?.is_empty() {
            self.execute(
                "DELETE FROM attachment WHERE sha256 = ?1",
                [hash.as_bytes()],
            )?;
            self.owe_file(&whole_path(self.org, hash))?;
        }
        Ok(())
    }
    /// The files of a record go, whole and half.
    pub(super) fn drop_files_of(&self, record: RecordNo) -> Result<()> {
        let uploads = self.all("SELECT id FROM upload WHERE record = ?1", [record.0], |r| {
            Ok(UploadId::from_bytes(r.get(0)?))
        })?;
        for id in uploads {
            self.drop_upload(id)?;
        }
        let files = self.all(
            "SELECT sha256 FROM attachment_of WHERE record = ?1",
            [record.0],
            |r| Ok(AttachmentHash::from_bytes(r.get(0)?)),
        )?;
        for hash in files {
            self.unlink_attachment(hash, record)?;
        }
        Ok(())
    }

    fn owe_file(&self, path: &str) -> Result<()> {
        self.execute(
            "INSERT INTO file_owed (path) VALUES (?1) ON CONFLICT DO NOTHING",
            [path],
        )?;
        Ok(())
    }
    /// Whether files must still be taken off the disk.
    pub fn files_owed(&self) -> Result<bool> {
        let found = self.one("SELECT 1 FROM file_owed LIMIT 1", [], |_| Ok(()))?;
        Ok(found.is_some())
    }
    /// Takes off the disk what must go. Inside the writer, so that no file is taken that came back meanwhile.
    pub(crate) fn wipe_files(&self, files: &Attachments) -> Result<()> {
        let owed: Vec<String> = self.all("SELECT path FROM file_owed", [], |r| r.get(0))?;
        let live = self.live_paths(&owed)?;
        for path in owed {
            if !live.contains(&path) {
                files.remove(&path)?;
            }
            self.execute("DELETE FROM file_owed WHERE path = ?1", [&path])?;
        }
        Ok(())
    }
    /// Which of these are whole files that a record has.
    fn live_paths(&self, owed: &[String]) -> Result<Vec<String>> {
        let mut live = Vec::new();
        for path in owed {
            let name = path.rsplit('/').next().unwrap_or_default();
            let Ok(hash) = name.parse::<AttachmentHash>() else {
                continue;
            };
            let org: OrgId = self.org;
            if *path == whole_path(org, hash) && !self.records_of_attachment(hash)?.is_empty() {
                live.push(path.clone());
            }
        }
        Ok(live)
    }
    /// The hashes of all whole files that belong here.
    pub fn attachment_hashes(&self) -> Result<Vec<(AttachmentHash, u64)>> {
        // A file of an earlier program, which nobody has opened since, has none.
        if self.schema()? < 2 {
            return Ok(Vec::new());
        }
        self.all(
            "SELECT sha256, size FROM attachment ORDER BY sha256",
            [],
            |r| Ok((AttachmentHash::from_bytes(r.get(0)?), unsql(r.get(1)?))),
        )
    }
}
