//! Who is asking, as the database has it at this moment. A principal only comes from a credential that was checked.

use tributary_sync_core::ids::{OrgId, ProfileId, TeamId, UserId};

use super::Service;
use super::access::{self, Action, Reach, Role};
use super::error::{Code, Result};
use super::exchange::Caller;
use crate::storage::directory::{SessionId, UserRow, View};

/// A user of an organisation, signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The organisation.
    pub org: OrgId,
    /// The user.
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// The role, never a server admin's.
    pub role: Role,
    /// The teams the user is in.
    pub teams: Vec<TeamId>,
    /// The sign-in.
    pub session: SessionId,
    /// When the user typed a password for it, in milliseconds since 1970.
    pub signed_in_at: u64,
}

impl User {
    /// How far this user's role reaches, or the refusal.
    pub fn require(&self, action: Action) -> Result<Reach> {
        access::require(self.role, action)
    }
}

/// Somebody who looks after the server, signed in: organisations, no answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAdmin {
    /// The user.
    pub id: UserId,
    /// The name to show.
    pub name: String,
}

impl ServerAdmin {
    /// How far the role reaches, or the refusal.
    pub fn require(&self, action: Action) -> Result<Reach> {
        access::require(Role::ServerAdmin, action)
    }
}

/// Whoever is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignedIn {
    /// A user of an organisation.
    User(User),
    /// A server admin.
    ServerAdmin(ServerAdmin),
}

/// Whether a device still gets data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Live,
    /// It, or its user, is kept out: it may only push, and only into quarantine.
    Revoked,
}

/// A device that proved itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The organisation.
    pub org: OrgId,
    /// The profile: one user on one installation.
    pub profile: ProfileId,
    /// Its user.
    pub user: UserId,
    /// The user's name to show.
    pub user_name: String,
    /// The user's role.
    pub role: Role,
    /// The user's teams.
    pub teams: Vec<TeamId>,
    /// Whether it still gets data.
    pub standing: Standing,
    /// The key it enrolled with, an uncompressed point.
    pub public_key: [u8; 65],
}

impl Device {
    /// Refuses a device that is revoked.
    pub fn require_live(&self) -> Result<()> {
        match self.standing {
            Standing::Live => Ok(()),
            Standing::Revoked => Err(Code::DeviceRevoked.into()),
        }
    }
    /// How far the role of this device's user reaches, or the refusal.
    pub fn require(&self, action: Action) -> Result<Reach> {
        self.require_live()?;
        access::require(self.role, action)
    }
    /// The same as the exchange has it.
    pub fn caller(&self) -> Caller {
        Caller {
            org: self.org,
            profile: self.profile,
            user: self.user,
            role: self.role,
            revoked: self.standing == Standing::Revoked,
            device_key: self.public_key.to_vec(),
        }
    }
}

/// Refuses an organisation that is suspended, and says nothing of one that is not there.
pub(super) fn require_open(view: &View<'_>, org: OrgId) -> Result<()> {
    match view.organisation(org)? {
        Some(row) if row.suspended_at.is_none() => Ok(()),
        Some(_) => Err(Code::OrganisationSuspended.into()),
        None => Err(Code::TokenInvalid.into()),
    }
}

pub(super) fn user_of_row(
    view: &View<'_>,
    row: UserRow,
    session: SessionId,
    signed_in_at: u64,
) -> Result<SignedIn> {
    if row.disabled_at.is_some() {
        return Err(Code::TokenInvalid.into());
    }
    let Some(org) = row.org else {
        return Ok(SignedIn::ServerAdmin(ServerAdmin {
            id: row.id,
            name: row.name,
        }));
    };
    require_open(view, org)?;
    Ok(SignedIn::User(User {
        org,
        id: row.id,
        name: row.name,
        role: row.role,
        teams: view.teams_of_user(row.id)?,
        session,
        signed_in_at,
    }))
}

/// A user's access token that is ours and has not expired. Whether its sign-in is still open, the database says.
#[derive(Clone, Copy, Debug)]
pub struct UserClaim {
    /// Whose.
    pub user: UserId,
    /// The sign-in.
    session: SessionId,
}

/// A device's token that is ours and has not expired. What the device may do, the database says.
#[derive(Clone, Copy, Debug)]
pub struct DeviceClaim {
    /// Whose.
    pub profile: ProfileId,
}

impl Service {
    /// Judges an access token without asking the database.
    pub fn user_claim(&self, token: &str) -> Result<UserClaim> {
        let (user, session) = self.tokens.user(token)?;
        Ok(UserClaim { user, session })
    }
    /// Judges a device's token without asking the database.
    pub fn device_claim(&self, token: &str) -> Result<DeviceClaim> {
        let profile = self.tokens.device(token)?;
        Ok(DeviceClaim { profile })
    }
    /// Whoever holds this access token.
    pub fn signed_in(&self, claim: UserClaim) -> Result<SignedIn> {
        let UserClaim { user, session } = claim;
        self.directory.read(|view| {
            let open = view.open_session(session)?;
            let (_, signed_in_at) = open
                .filter(|(owner, _)| *owner == user)
                .ok_or(Code::TokenInvalid)?;
            let row = view.user(user)?.ok_or(Code::TokenInvalid)?;
            user_of_row(view, row, session, signed_in_at)
        })
    }
    /// The user of an organisation who holds this access token.
    pub fn user(&self, claim: UserClaim) -> Result<User> {
        match self.signed_in(claim)? {
            SignedIn::User(user) => Ok(user),
            SignedIn::ServerAdmin(_) => Err(Code::NotAllowed.into()),
        }
    }
    /// The server admin who holds this access token.
    pub fn server_admin(&self, claim: UserClaim) -> Result<ServerAdmin> {
        match self.signed_in(claim)? {
            SignedIn::ServerAdmin(admin) => Ok(admin),
            SignedIn::User(_) => Err(Code::NotAllowed.into()),
        }
    }
    /// The device that holds this token, revoked or not.
    pub fn device(&self, claim: DeviceClaim) -> Result<Device> {
        self.directory
            .read(|view| device_of_row(view, claim.profile))
    }
}

/// The profile's device, as the database has it now.
pub(super) fn device_of_row(view: &View<'_>, profile: ProfileId) -> Result<Device> {
    let row = view.profile(profile)?.ok_or(Code::TokenInvalid)?;
    require_open(view, row.org)?;
    let user = view.user(row.user)?.ok_or(Code::TokenInvalid)?;
    let out = row.revoked_at.is_some() || user.disabled_at.is_some();
    Ok(Device {
        org: row.org,
        profile,
        user: user.id,
        user_name: user.name,
        role: user.role,
        teams: view.teams_of_user(user.id)?,
        standing: if out {
            Standing::Revoked
        } else {
            Standing::Live
        },
        public_key: row.public_key,
    })
}
