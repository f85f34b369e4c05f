//! Users of an organisation: made, listed, disabled, given roles and one-time links.

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{OrgId, TeamId, UserId};
use utoipa::ToSchema;

use super::access::{Action, Role};
use super::ambient::{rfc3339, uuid_v7};
use super::error::{Code, Result, ServiceError, invalid};
use super::names::Name;
use super::paging::{Page, PageRequest};
use super::sign_in::ResetLink;
use super::{By, Service};
use crate::storage::directory::{NewUser, Txn, UserRow, View};

/// Whether a user gets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserState {
    /// Has not set a password yet.
    Invited,
    /// Gets in.
    Active,
    /// Is kept out.
    Disabled,
}

/// A user.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserView {
    /// The id.
    #[schema(value_type = String)]
    pub id: UserId,
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The teams.
    #[schema(value_type = Vec<String>)]
    pub teams: Vec<TeamId>,
    /// Whether the user gets in.
    pub state: UserState,
    /// When the user was made.
    pub created_at: String,
}

/// A user to be made.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// The name to sign in with and to show: 1 to 80 characters in any script.
    pub name: String,
    /// The role: anything but server_admin.
    pub role: Role,
}

/// A user that was made, with the link that sets the first password.
#[derive(Clone, Serialize, ToSchema)]
pub struct CreatedUser {
    /// The user.
    pub user: UserView,
    /// The link.
    pub link: ResetLink,
}

fn org_role(role: Role) -> Result<Role> {
    match role {
        Role::ServerAdmin => Err(invalid(
            "/role",
            "role_invalid",
            "No user of an organisation looks after the server.",
        )),
        role => Ok(role),
    }
}

fn view_of(view: &View<'_>, row: UserRow) -> Result<UserView> {
    let state = match (row.disabled_at, &row.password) {
        (Some(_), _) => UserState::Disabled,
        (None, None) => UserState::Invited,
        (None, Some(_)) => UserState::Active,
    };
    Ok(UserView {
        id: row.id,
        teams: view.teams_of_user(row.id)?,
        name: row.name,
        role: row.role,
        state,
        created_at: rfc3339(row.created_at),
    })
}

/// An organisation keeps an admin: refuses to take the last one away.
fn keep_an_admin(txn: &Txn<'_>, org: OrgId, row: &UserRow) -> Result<()> {
    let counts = row.role == Role::OrgAdmin && row.disabled_at.is_none();
    if counts && txn.count_enabled(org, Role::OrgAdmin)? <= 1 {
        return Err(Code::LastAdmin.into());
    }
    Ok(())
}

impl Service {
    /// Makes a user. The link that is returned sets the first password; only its hash is kept.
    pub fn create_user(&self, by: By<'_>, org: OrgId, new: &CreateUser) -> Result<CreatedUser> {
        by.require(org, Action::ManageUsers)?;
        let name = Name::new("/name", &new.name)?;
        let role = org_role(new.role)?;
        self.directory
            .read(|view| view.organisation(org))?
            .ok_or(Code::NotFound)?;
        let id = UserId::from_bytes(uuid_v7(&*self.ambient)?);
        self.audit(
            by,
            org,
            "user.create",
            Some(id.to_string()),
            Some(role.to_string()),
        )?;
        self.directory.write(|txn| {
            let added = txn.insert_user(&NewUser {
                id,
                org: Some(org),
                name: name.as_str(),
                name_key: &name.key(),
                role,
                created_at: self.now(),
            })?;
            if !added {
                return Err(ServiceError::from(Code::NameTaken));
            }
            let link = self.open_reset(txn, id)?;
            let row = txn.user(id)?.ok_or(Code::Internal)?;
            Ok(CreatedUser {
                user: view_of(txn, row)?,
                link,
            })
        })
    }

    /// Makes somebody who looks after the server, or opens a new link for one who is there. Only whoever sits at the
    /// machine can.
    pub fn create_server_admin(&self, name: &Name) -> Result<ResetLink> {
        let id = UserId::from_bytes(uuid_v7(&*self.ambient)?);
        self.directory.write(|txn| {
            if let Some(known) = txn.user_by_name(None, &name.key())? {
                txn.set_disabled(known.id, None)?;
                return self.open_reset(txn, known.id);
            }
            txn.insert_user(&NewUser {
                id,
                org: None,
                name: name.as_str(),
                name_key: &name.key(),
                role: Role::ServerAdmin,
                created_at: self.now(),
            })?;
            self.open_reset(txn, id)
        })
    }

    /// Keeps somebody who looks after the server out, at once. A new link lets them in again.
    pub fn disable_server_admin(&self, name: &Name) -> Result<()> {
        let now = self.now();
        self.directory.write(|txn| {
            let row = txn.user_by_name(None, &name.key())?.ok_or(Code::NotFound)?;
            txn.set_disabled(row.id, Some(now))?;
            Ok(txn.end_sessions(row.id, now)?)
        })
    }

    /// The users of an organisation.
    pub fn users(&self, by: By<'_>, org: OrgId, page: &PageRequest) -> Result<Page<UserView>> {
        by.require(org, Action::ReadUsers)?;
        self.directory.read(|view| {
            page.page(
                |after, limit| Ok(view.users(org, after, limit)?),
                |row| row.id,
                |row| view_of(view, row),
            )
        })
    }

    /// One user of an organisation.
    pub fn find_user(&self, by: By<'_>, org: OrgId, user: UserId) -> Result<UserView> {
        by.require(org, Action::ReadUsers)?;
        self.directory.read(|view| {
            let row = view.user_of(org, user)?.ok_or(Code::NotFound)?;
            view_of(view, row)
        })
    }

    /// The user of that name.
    pub fn user_named(&self, org: OrgId, name: &str) -> Result<UserView> {
        let key = name.trim().to_lowercase();
        self.directory.read(|view| {
            let row = view.user_by_name(Some(org), &key)?.ok_or(Code::NotFound)?;
            view_of(view, row)
        })
    }

    /// Opens a new one-time link for a user; an earlier one is closed.
    pub fn reset_link(&self, by: By<'_>, org: OrgId, user: UserId) -> Result<ResetLink> {
        by.require(org, Action::ManageUsers)?;
        let row = self.directory.read(|view| view.user_of(org, user))?;
        row.filter(|row| row.disabled_at.is_none())
            .ok_or(Code::NotFound)?;
        self.audit(by, org, "user.reset", Some(user.to_string()), None)?;
        self.directory.write(|txn| self.open_reset(txn, user))
    }

    /// Keeps a user out, or lets one in again. Sign-ins and unused codes end at once; devices of a disabled user are
    /// treated as revoked.
    pub fn set_user_disabled(
        &self,
        by: By<'_>,
        org: OrgId,
        user: UserId,
        disabled: bool,
    ) -> Result<UserView> {
        by.require(org, Action::ManageUsers)?;
        self.directory
            .read(|view| view.user_of(org, user))?
            .ok_or(Code::NotFound)?;
        let action = if disabled {
            "user.disable"
        } else {
            "user.enable"
        };
        self.audit(by, org, action, Some(user.to_string()), None)?;
        let now = self.now();
        self.directory.write(|txn| {
            let row = txn.user_of(org, user)?.ok_or(Code::NotFound)?;
            if disabled {
                keep_an_admin(txn, org, &row)?;
                txn.end_sessions(user, now)?;
                txn.delete_unused_codes(user)?;
            }
            if disabled != row.disabled_at.is_some() {
                txn.set_disabled(user, disabled.then_some(now))?;
            }
            let row = txn.user(user)?.ok_or(Code::Internal)?;
            view_of(txn, row)
        })
    }

    /// Gives a user another role.
    pub fn set_user_role(
        &self,
        by: By<'_>,
        org: OrgId,
        user: UserId,
        role: Role,
    ) -> Result<UserView> {
        by.require(org, Action::ManageUsers)?;
        let role = org_role(role)?;
        self.directory
            .read(|view| view.user_of(org, user))?
            .ok_or(Code::NotFound)?;
        self.audit(
            by,
            org,
            "user.role",
            Some(user.to_string()),
            Some(role.to_string()),
        )?;
        self.directory.write(|txn| {
            let row = txn.user_of(org, user)?.ok_or(Code::NotFound)?;
            if role != Role::OrgAdmin {
                keep_an_admin(txn, org, &row)?;
            }
            txn.set_role(user, role)?;
            let row = txn.user(user)?.ok_or(Code::Internal)?;
            view_of(txn, row)
        })
    }
}
