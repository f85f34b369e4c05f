//! Published form versions, and policies as log entries.

use rusqlite::{Row, params};
use tributary_sync_core::ids::{FieldId, FormHash, LogPos, UserId};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::wire::message::PolicyEntry;

use super::{LogKind, NewLog, OrgTxn, Result, pos, sql, unsql};
use crate::storage::StorageError;

/// A published form version; immutable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormRow {
    /// SHA-256 of its package.
    pub hash: FormHash,
    /// Its lineage.
    pub form_id: String,
    /// What its author calls the version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The form package, JCS JSON.
    pub package: String,
    /// The XForm as served.
    pub xform: String,
    /// The log position of its publication.
    pub pos: LogPos,
    /// When, in milliseconds since 1970.
    pub published_at: u64,
    /// By whom.
    pub published_by: Option<UserId>,
}

/// A policy and since which log position it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyRow {
    /// Since.
    pub pos: LogPos,
    /// The policy.
    pub policy: PolicyEntry,
}

const FORM: &str = "SELECT hash, form_id, version, title, package, xform, pos, published_at, published_by FROM form";

impl OrgTxn<'_> {
    /// Publishes a version: a log entry that every device reads. `form.pos` is given here.
    pub fn add_form(&self, form: &FormRow, now: u64) -> Result<LogPos> {
        let body = form.hash.as_bytes().as_slice();
        let new = NewLog {
            kind: LogKind::Form,
            record: None,
            profile: None,
            dot: None,
            body,
        };
        let at = self.append(&new, now)?;
        self.execute(
            "INSERT INTO form (hash, form_id, version, title, package, xform, pos, published_at, published_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                form.hash.as_bytes(),
                form.form_id,
                form.version,
                form.title,
                form.package,
                form.xform,
                sql(at.get()),
                sql(now),
                form.published_by.as_ref().map(|u| u.as_bytes().as_slice())
            ],
        )?;
        Ok(at)
    }
    /// One version.
    pub fn form(&self, hash: FormHash) -> Result<Option<FormRow>> {
        self.one(
            &format!("{FORM} WHERE hash = ?1"),
            [hash.as_bytes()],
            read_form,
        )
    }
    /// The lineage of a version.
    pub fn form_id(&self, hash: FormHash) -> Result<Option<String>> {
        self.one(
            "SELECT form_id FROM form WHERE hash = ?1",
            [hash.as_bytes()],
            |r| r.get(0),
        )
    }
    /// All versions of a lineage, the oldest first.
    pub fn form_versions(&self, form_id: &str) -> Result<Vec<FormRow>> {
        self.all(
            &format!("{FORM} WHERE form_id = ?1 ORDER BY pos"),
            [form_id],
            read_form,
        )
    }
    /// All versions of all lineages, the oldest first.
    pub fn forms(&self) -> Result<Vec<FormRow>> {
        self.all(&format!("{FORM} ORDER BY pos"), [], read_form)
    }

    /// Every field that a lineage has or ever had, as the service wrote it down.
    pub fn lineage(&self, form_id: &str) -> Result<Option<String>> {
        self.one(
            "SELECT fields FROM lineage WHERE form_id = ?1",
            [form_id],
            |r| r.get(0),
        )
    }
    /// Writes them down.
    pub fn set_lineage(&self, form_id: &str, fields: &str) -> Result<()> {
        self.execute(
            "INSERT INTO lineage (form_id, fields) VALUES (?1, ?2) ON CONFLICT (form_id) DO UPDATE SET fields = ?2",
            params![form_id, fields],
        )?;
        Ok(())
    }

    /// Sets the policy of a field: a log entry, so that the past can be reproduced.
    pub fn add_policy(&self, policy: &PolicyEntry, now: u64) -> Result<LogPos> {
        let body = serde_json::to_string(policy).unwrap_or_default();
        let new = NewLog {
            kind: LogKind::Policy,
            record: None,
            profile: None,
            dot: None,
            body: body.as_bytes(),
        };
        let at = self.append(&new, now)?;
        self.execute(
            "INSERT INTO policy (form_id, field, pos, body) VALUES (?1, ?2, ?3, ?4)",
            params![policy.form_id, policy.field.0, sql(at.get()), body],
        )?;
        Ok(at)
    }
    /// The policies in force at a log position; of all lineages unless one is named.
    pub fn policy_rows(&self, form_id: Option<&str>, at: LogPos) -> Result<Vec<PolicyRow>> {
        let rows = self.all(
            "SELECT max(pos), body FROM policy WHERE (?1 IS NULL OR form_id = ?1) AND pos <= ?2
             GROUP BY form_id, field ORDER BY form_id, field",
            params![form_id, sql(at.get())],
            |r| Ok((pos(r.get(0)?), r.get::<_, String>(1)?)),
        )?;
        rows.into_iter()
            .map(|(pos, body)| {
                let policy = serde_json::from_str(&body).map_err(|_| {
                    StorageError::damaged("policy")(tributary_sync_core::error::ParseError::Bytes(
                        "policy",
                    ))
                })?;
                Ok(PolicyRow { pos, policy })
            })
            .collect()
    }
    /// The same, as the merge reads them.
    pub fn policies(&self, form_id: &str) -> Result<Policies> {
        let mut policies = Policies::default();
        let end = LogPos::new(tributary_sync_core::ids::COUNTER_MAX).unwrap_or_default();
        for row in self.policy_rows(Some(form_id), end)? {
            policies.set(FieldId(row.policy.field.0), row.policy.field_policy());
        }
        Ok(policies)
    }
}

fn read_form(r: &Row<'_>) -> rusqlite::Result<FormRow> {
    Ok(FormRow {
        hash: FormHash::from_bytes(r.get(0)?),
        form_id: r.get(1)?,
        version: r.get(2)?,
        title: r.get(3)?,
        package: r.get(4)?,
        xform: r.get(5)?,
        pos: pos(r.get(6)?),
        published_at: unsql(r.get(7)?),
        published_by: r.get::<_, Option<[u8; 16]>>(8)?.map(UserId::from_bytes),
    })
}
