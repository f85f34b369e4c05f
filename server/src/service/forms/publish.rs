//! Publishing a form version: what it changes is shown first; a version that protects less is an act of its own.
//!
//! Not here: reading spreadsheets ([`super::xlsform`]) and the rules for field ids (`sync_core::form`).

use std::collections::BTreeMap;

use thiserror::Error;
use tributary_sync_core::form::{
    Assignment, FieldIdentity, FieldRules, FormError, PackageAttachment, PreparedForm, Preview,
    assign_ids,
};
use tributary_sync_core::ids::{FieldId, FormHash, LogPos, UserId};
use tributary_sync_core::policy::{FieldPolicy, Policies};
use tributary_sync_core::wire::message::PolicyEntry;

use crate::service::env::Env;
use crate::service::exchange::follow_holders;
use crate::storage::{AuditEntry, FormRow, OrgTxn, StorageError};

/// A form version to publish.
#[derive(Clone, Debug)]
pub struct NewVersion {
    /// The form as it is to be served.
    pub form: PreparedForm,
    /// Its files, by name and hash.
    pub attachments: Vec<PackageAttachment>,
    /// Paths of the new version that are old fields.
    pub mapping: BTreeMap<String, FieldId>,
    /// Whether it may protect less than before: only an org admin says so.
    pub weaken: bool,
}

/// What publishing does or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The version.
    pub hash: FormHash,
    /// What changes, for people.
    pub preview: Preview,
    /// False if this very version was published before: nothing changed.
    pub new: bool,
}

/// Why a version is not published; nothing is stored.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The form itself.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Below the rules.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What publishing would do, without doing it.
pub fn preview(
    txn: &OrgTxn<'_>,
    env: &Env,
    version: &NewVersion,
) -> Result<Published, PublishError> {
    let assignment = assign(txn, env, version)?;
    let hash = assignment.package.hash()?;
    Ok(Published {
        hash,
        new: txn.form(hash)?.is_none(),
        preview: assignment.preview,
    })
}

/// Publishes a version: log entries for the version and for every policy that it changes, in one transaction.
pub fn publish(
    txn: &OrgTxn<'_>,
    env: &Env,
    by: Option<UserId>,
    version: &NewVersion,
) -> Result<Published, PublishError> {
    let Assignment {
        package,
        identities,
        rules,
        preview,
    } = assign(txn, env, version)?;
    if !version.weaken {
        preview.plain()?;
    }
    let hash = package.hash()?;
    if txn.form(hash)?.is_some() {
        return Ok(Published {
            hash,
            preview,
            new: false,
        });
    }
    let model = &version.form.model;
    let weakens = preview.weakens();
    txn.add_form(
        &FormRow {
            hash,
            form_id: model.form_id.clone(),
            version: model.version.clone().unwrap_or_default(),
            title: model.title.clone(),
            package: String::from_utf8(package.to_bytes()?).unwrap_or_default(),
            xform: version.form.xform.clone(),
            pos: LogPos::ZERO,
            published_at: env.now,
            published_by: by,
        },
        env.now,
    )?;
    put_policies(txn, env, &model.form_id, &rules)?;
    txn.set_lineage(
        &model.form_id,
        &serde_json::to_string(&identities).unwrap_or_default(),
    )?;
    txn.audit(
        &AuditEntry {
            user: by,
            action: if weakens {
                "form.publish_weaker"
            } else {
                "form.publish"
            },
            subject: Some(model.form_id.clone()),
            detail: Some(format!(
                "version {hash}, {} fields, {} policies",
                package.fields.len(),
                rules.len()
            )),
            ..AuditEntry::default()
        },
        env.now,
    )?;
    Ok(Published {
        hash,
        preview,
        new: true,
    })
}

/// Puts the rules of a version into force. Codes that count as consent can be replaced by others, but a lineage that has
/// asked consent goes on asking it: a record is never consented because a form stopped asking (§8). Which records are
/// withheld, and so which phones hold them, follows at once.
fn put_policies(
    txn: &OrgTxn<'_>,
    env: &Env,
    form_id: &str,
    rules: &[(FieldId, FieldRules)],
) -> Result<(), StorageError> {
    let before = txn.policies(form_id)?;
    for (field, rules) in rules {
        let mut entry = PolicyEntry::new(form_id, *field, rules);
        if entry.consent.is_empty() {
            entry.consent.clone_from(&before.get(*field).consent);
        }
        txn.add_policy(&entry, env.now)?;
    }
    let after = txn.policies(form_id)?;
    let asking = |policies: &Policies| -> Vec<(FieldId, FieldPolicy)> {
        let asking = policies.iter().filter(|(_, p)| !p.consent.is_empty());
        asking
            .map(|(field, policy)| (field, policy.clone()))
            .collect()
    };
    if asking(&before) != asking(&after) {
        for no in txn.withhold(form_id, |record| after.withheld(record))? {
            follow_holders(txn, env, no)?;
        }
    }
    Ok(())
}

fn assign(txn: &OrgTxn<'_>, env: &Env, version: &NewVersion) -> Result<Assignment, PublishError> {
    let form = &version.form;
    let previous: Vec<FieldIdentity> = match txn.lineage(&form.model.form_id)? {
        Some(json) => serde_json::from_str(&json).map_err(|_| {
            StorageError::damaged("lineage")(tributary_sync_core::error::ParseError::Bytes(
                "lineage",
            ))
        })?,
        None => Vec::new(),
    };
    let mut failed = None;
    let random = || match env.random() {
        Ok(bytes) => u32::from_be_bytes(bytes),
        Err(error) => {
            failed = Some(error);
            0
        }
    };
    let assigned = assign_ids(
        &previous,
        form,
        version.attachments.clone(),
        &version.mapping,
        random,
    );
    match failed {
        Some(error) => Err(error.into()),
        None => Ok(assigned?),
    }
}
