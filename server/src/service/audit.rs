//! The audit as people read it: who did what, by hashes and codes only.

use std::collections::HashMap;

use serde::Serialize;
use tributary_sync_core::ids::{ProfileId, UserId};
use utoipa::ToSchema;

use super::access::Action;
use super::ambient::rfc3339;
use super::error::{Code, Result, ServiceError};
use super::paging::{Page, PageRequest};
use super::{Service, principal::User};
use crate::storage::AuditRow;

/// One row of the audit.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditLine {
    /// 1, 2, 3 …
    pub n: u64,
    /// When.
    pub at: String,
    /// Who; none for the server and for whoever sits at its machine.
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// Their name.
    pub name: Option<String>,
    /// The device it was done with.
    #[schema(value_type = Option<String>)]
    pub device: Option<ProfileId>,
    /// What: a stable word.
    pub action: String,
    /// To what: a user, a device, a form, the hash of a record's id.
    pub subject: Option<String>,
    /// Counts and codes.
    pub detail: Option<String>,
    /// The hash of the audit up to here.
    pub hash: String,
}

impl Service {
    /// A page of the audit, the oldest first.
    pub fn audit_rows(&self, user: &User, page: &PageRequest) -> Result<Page<AuditLine>> {
        user.require(Action::ReadAudit)?;
        let mut names: HashMap<UserId, Option<String>> = HashMap::new();
        self.files().read(user.org, |txn| {
            page.page(
                |after: u64, limit| {
                    let limit = u32::try_from(limit).map_err(|_| Code::ParameterInvalid)?;
                    Ok(txn.audit_rows(after, limit)?)
                },
                |row| row.n,
                |row: AuditRow| {
                    let name = match row.user {
                        None => None,
                        Some(id) => match names.get(&id) {
                            Some(known) => known.clone(),
                            None => {
                                let found = self.directory().read(|view| view.user(id))?;
                                let name = found.map(|u| u.name);
                                names.insert(id, name.clone());
                                name
                            }
                        },
                    };
                    Ok::<_, ServiceError>(line(row, name))
                },
            )
        })
    }
}

fn line(row: AuditRow, name: Option<String>) -> AuditLine {
    AuditLine {
        n: row.n,
        at: rfc3339(row.at),
        user: row.user,
        name,
        device: row.profile,
        action: row.action,
        subject: row.subject,
        detail: row.detail,
        hash: hex::encode(row.hash),
    }
}
