//! Forms as the people of an organisation handle them: preview, publish, list, fetch.

use std::collections::BTreeMap;

use serde::Serialize;
use tributary_sync_core::form::{FormError, Place, Preview};
use tributary_sync_core::ids::{FieldId, FormHash, LogPos, OrgId};
use tributary_sync_core::wire::enrol::FormDelivery;
use tributary_sync_core::wire::message::PolicyEntry;
use utoipa::ToSchema;

use super::{ImportedForm, NewVersion, PublishError, Published, preview, publish};
use crate::service::access::Action;
use crate::service::ambient::rfc3339;
use crate::service::error::{Code, ErrorItem, Result, ServiceError};
use crate::service::{By, Service};
use crate::storage::{FormRow, OrgTxn, StorageError};

/// A form file to preview or publish.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The bytes of an XLSForm workbook or an XForm.
    pub bytes: Vec<u8>,
    /// The name of the file: form id of an XLSForm that gives none.
    pub file_name: String,
    /// Paths of the new version that are old fields.
    pub mapping: BTreeMap<String, FieldId>,
    /// Whether it may protect less than before.
    pub weaken: bool,
}

/// What a version changes or changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VersionView {
    /// The form.
    pub form_id: String,
    /// The version's hash.
    #[schema(value_type = String)]
    pub hash: FormHash,
    /// False if this very version was published before.
    pub new: bool,
    /// Whether it protects less than the version before: only an org admin publishes that, and says so.
    pub weakens: bool,
    /// Added, dropped, moved, retyped, renamed, rules.
    #[schema(value_type = Object)]
    pub changes: Preview,
}

/// A published version in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FormView {
    /// The form.
    pub form_id: String,
    /// Its title.
    pub title: String,
    /// What its author calls the version.
    pub version: String,
    /// The version's hash.
    #[schema(value_type = String)]
    pub hash: FormHash,
    /// When it was published.
    pub published_at: String,
}

impl From<FormRow> for FormView {
    fn from(row: FormRow) -> Self {
        let published_at = rfc3339(row.published_at);
        Self {
            form_id: row.form_id,
            title: row.title,
            version: row.version,
            hash: row.hash,
            published_at,
        }
    }
}

impl From<FormError> for ServiceError {
    fn from(error: FormError) -> Self {
        let mut item = ErrorItem {
            pointer: None,
            ..ErrorItem::at("", error.code(), error.detail)
        };
        match *error.place {
            Place::Unknown => {}
            Place::Xml { line, column } => {
                item.row = Some(line);
                item.column = Some(column.to_string());
            }
            Place::Cell { sheet, row, column } => {
                (item.sheet, item.row, item.column) = (Some(sheet), row, column);
            }
        }
        Self::from(Code::FormInvalid).item(item)
    }
}
impl From<PublishError> for ServiceError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Form(e) => e.into(),
            PublishError::Storage(e) => e.into(),
        }
    }
}

impl Service {
    /// What publishing this file would change. Nothing is stored.
    pub fn preview_form(&self, by: By<'_>, org: OrgId, upload: Upload) -> Result<VersionView> {
        by.require(org, Action::ManageForms)?;
        let version = self.read(org, upload)?;
        let env = self.env();
        let done = self
            .files
            .read::<_, PublishError>(org, |txn| preview(txn, &env, &version))?;
        Ok(view(&version, done))
    }
    /// Publishes a form version. Broken files are refused with the place of the fault, and nothing is stored.
    pub fn publish_form(&self, by: By<'_>, org: OrgId, upload: Upload) -> Result<VersionView> {
        by.require(org, Action::ManageForms)?;
        let version = self.read(org, upload)?;
        self.publish_version(by, org, version)
    }
    fn read(&self, org: OrgId, upload: Upload) -> Result<NewVersion> {
        Ok(NewVersion {
            form: self.convert(org, &upload.bytes, &upload.file_name)?,
            attachments: Vec::new(),
            mapping: upload.mapping,
            weaken: upload.weaken,
        })
    }
    /// Publishes the outreach interview that comes with Tributary.
    pub fn publish_builtin_interview(&self, by: By<'_>, org: OrgId) -> Result<VersionView> {
        by.require(org, Action::ManageForms)?;
        let ImportedForm { form, .. } = super::builtin_interview()?;
        self.publish_version(
            by,
            org,
            NewVersion {
                form,
                attachments: Vec::new(),
                mapping: BTreeMap::new(),
                weaken: false,
            },
        )
    }
    fn publish_version(&self, by: By<'_>, org: OrgId, version: NewVersion) -> Result<VersionView> {
        let (env, user) = (self.env(), by.user());
        let (done, version) = self.files.write::<_, PublishError>(org, move |txn| {
            let done = publish(txn, &env, user, &version)?;
            Ok((done, version))
        })?;
        Ok(view(&version, done))
    }
    /// The newest version of each form.
    pub fn forms(&self, by: By<'_>, org: OrgId) -> Result<Vec<FormView>> {
        by.require(org, Action::ReadForms)?;
        let rows = self.files.read::<_, StorageError>(org, |txn| txn.forms())?;
        let mut newest = BTreeMap::new();
        for row in rows {
            newest.insert(row.form_id.clone(), row);
        }
        Ok(newest.into_values().map(FormView::from).collect())
    }
    /// All versions of a form, the oldest first.
    pub fn form_versions(&self, by: By<'_>, org: OrgId, form_id: &str) -> Result<Vec<FormView>> {
        by.require(org, Action::ReadForms)?;
        let rows = self
            .files
            .read::<_, StorageError>(org, |txn| txn.form_versions(form_id))?;
        if rows.is_empty() {
            return Err(Code::NotFound.into());
        }
        Ok(rows.into_iter().map(FormView::from).collect())
    }
    /// A version: its package and its XForm as served.
    pub fn form_version(&self, by: By<'_>, org: OrgId, hash: FormHash) -> Result<FormDelivery> {
        by.require(org, Action::ReadForms)?;
        let form = self
            .files
            .read::<_, StorageError>(org, |txn| txn.form(hash))?;
        delivery(form.ok_or(Code::NotFound)?)
    }
}

fn view(version: &NewVersion, done: Published) -> VersionView {
    VersionView {
        form_id: version.form.model.form_id.clone(),
        hash: done.hash,
        new: done.new,
        weakens: done.preview.weakens(),
        changes: done.preview,
    }
}

/// A version as devices are given it.
pub fn delivery(row: FormRow) -> Result<FormDelivery> {
    let package = serde_json::from_str(&row.package).map_err(|_| {
        ServiceError::from(Code::Internal).because("a stored form package cannot be read")
    })?;
    Ok(FormDelivery {
        package,
        xform: row.xform,
    })
}

/// What a new device is given: every version that records may be of, and the policies in force.
pub fn handout(txn: &OrgTxn<'_>) -> Result<(Vec<FormDelivery>, Vec<PolicyEntry>)> {
    let forms = txn
        .forms()?
        .into_iter()
        .map(delivery)
        .collect::<Result<_>>()?;
    let end = LogPos::new(tributary_sync_core::ids::COUNTER_MAX).unwrap_or_default();
    let policies = txn
        .policy_rows(None, end)?
        .into_iter()
        .map(|row| row.policy)
        .collect();
    Ok((forms, policies))
}
