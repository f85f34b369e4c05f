//! Organisations: made, listed, suspended. Nothing here reads an answer.

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{EpochId, OrgId};
use utoipa::ToSchema;

use super::access::Action;
use super::ambient::{random, rfc3339, uuid_v7};
use super::error::{Code, Result, ServiceError};
use super::names::{Name, Slug};
use super::paging::{Page, PageRequest};
use super::{By, Service};
use crate::storage::directory::OrganisationRow;
use crate::storage::{LogKind, NewLog};

/// An organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrganisationView {
    /// The id.
    #[schema(value_type = String)]
    pub id: OrgId,
    /// How people name it when they sign in.
    pub slug: String,
    /// How it is shown.
    pub name: String,
    /// When it was made.
    pub created_at: String,
    /// Since when nobody of it gets in.
    pub suspended_at: Option<String>,
    /// SHA-256 of its root key, which devices pin.
    pub root_fingerprint: String,
}

/// An organisation to be made.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateOrganisation {
    /// 2 to 40 lower-case letters, digits and dashes.
    pub slug: String,
    /// 1 to 80 characters in any script.
    pub name: String,
}

impl Service {
    fn organisation_view(&self, row: OrganisationRow) -> Result<OrganisationView> {
        Ok(OrganisationView {
            id: row.id,
            root_fingerprint: self.keys.of_org(row.id)?.root_fingerprint(),
            slug: row.slug,
            name: row.name,
            created_at: rfc3339(row.created_at),
            suspended_at: row.suspended_at.map(rfc3339),
        })
    }

    /// Makes an organisation: its keys, its file with a first epoch, and last its line in the directory, so that one
    /// that is listed is whole.
    pub fn create_organisation(
        &self,
        by: By<'_>,
        new: &CreateOrganisation,
    ) -> Result<OrganisationView> {
        let id = OrgId::from_bytes(uuid_v7(&*self.ambient)?);
        by.require(id, Action::ManageOrganisations)?;
        let slug = Slug::new("/slug", &new.slug)?;
        let name = Name::new("/name", &new.name)?;
        if self
            .directory
            .read(|view| view.organisation_by_slug(slug.as_str()))?
            .is_some()
        {
            return Err(Code::NameTaken.into());
        }
        self.keys.create(id)?;
        self.files.create(id)?;
        let epoch = EpochId::from_bytes(random(&*self.ambient)?);
        let cursor_key: [u8; 32] = random(&*self.ambient)?;
        let now = self.now();
        self.files
            .write(id, move |txn| txn.initialise(epoch, cursor_key, now))?;
        self.audit(by, id, "organisation.create", None, None)?;
        let row = OrganisationRow {
            id,
            slug: slug.as_str().to_owned(),
            name: name.as_str().to_owned(),
            created_at: now,
            suspended_at: None,
        };
        self.directory.write(|txn| {
            if txn.insert_organisation(&row)? {
                Ok(())
            } else {
                Err(ServiceError::from(Code::NameTaken))
            }
        })?;
        self.organisation_view(row)
    }

    /// All organisations.
    pub fn organisations(&self, by: By<'_>, page: &PageRequest) -> Result<Page<OrganisationView>> {
        by.require(OrgId::default(), Action::ManageOrganisations)?;
        self.directory.read(|view| {
            page.page(
                |after, limit| Ok(view.organisations(after, limit)?),
                |row| row.id,
                |row| self.organisation_view(row),
            )
        })
    }

    /// The organisation that people name so.
    pub fn organisation_named(&self, slug: &str) -> Result<OrganisationView> {
        let row = self
            .directory
            .read(|view| view.organisation_by_slug(slug))?;
        self.organisation_view(row.ok_or(Code::NotFound)?)
    }

    /// Keeps everybody of an organisation out, or lets them in again. Nothing stored is touched.
    pub fn set_organisation_suspended(
        &self,
        by: By<'_>,
        org: OrgId,
        suspended: bool,
    ) -> Result<OrganisationView> {
        by.require(org, Action::ManageOrganisations)?;
        self.directory
            .read(|view| view.organisation(org))?
            .ok_or(Code::NotFound)?;
        let action = if suspended {
            "organisation.suspend"
        } else {
            "organisation.resume"
        };
        self.audit(by, org, action, None, None)?;
        let now = self.now();
        let row = self.directory.write(|txn| {
            let row = txn.organisation(org)?.ok_or(Code::NotFound)?;
            if suspended != row.suspended_at.is_some() {
                txn.set_organisation_suspended(org, suspended.then_some(now))?;
            }
            txn.organisation(org)?
                .ok_or_else(|| ServiceError::from(Code::NotFound))
        })?;
        self.organisation_view(row)
    }

    /// Makes new receipt and inbox keys for an organisation and tells its devices. Earlier ones stay good for what was
    /// signed with and sealed to them.
    pub fn renew_keys(&self, by: By<'_>, org: OrgId) -> Result<()> {
        by.require(org, Action::ManageOrganisations)?;
        self.directory
            .read(|view| view.organisation(org))?
            .ok_or(Code::NotFound)?;
        self.audit(by, org, "organisation.renew_keys", None, None)?;
        let keys = self.keys.renew(org)?;
        let body = serde_json::to_vec(keys.public())
            .map_err(|e| ServiceError::from(Code::Internal).because(e))?;
        let now = self.now();
        // A device that meets the new keys before this entry asks for the set of now.
        self.files.write(org, move |txn| {
            let new = NewLog {
                kind: LogKind::Keys,
                record: None,
                profile: None,
                dot: None,
                body: &body,
            };
            txn.append(&new, now)?;
            Ok::<_, ServiceError>(())
        })
    }
}
