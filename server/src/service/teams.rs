//! Teams of an organisation, and who is in them.

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{OrgId, TeamId, UserId};
use utoipa::ToSchema;

use super::access::Action;
use super::ambient::{rfc3339, uuid_v7};
use super::error::{Code, Result};
use super::exchange;
use super::names::Name;
use super::paging::{Page, PageRequest};
use super::{By, Service};
use crate::storage::directory::{TeamRow, View};

/// A team.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TeamView {
    /// The id.
    #[schema(value_type = String)]
    pub id: TeamId,
    /// The name.
    pub name: String,
    /// Who is in it.
    #[schema(value_type = Vec<String>)]
    pub members: Vec<UserId>,
    /// When it was made.
    pub created_at: String,
}

/// A team to be made.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTeam {
    /// The name: 1 to 80 characters in any script.
    pub name: String,
}

fn view_of(view: &View<'_>, row: TeamRow) -> Result<TeamView> {
    Ok(TeamView {
        id: row.id,
        members: view.users_of_team(row.id)?,
        name: row.name,
        created_at: rfc3339(row.created_at),
    })
}

impl Service {
    /// Makes a team.
    pub fn create_team(&self, by: By<'_>, org: OrgId, new: &CreateTeam) -> Result<TeamView> {
        by.require(org, Action::ManageUsers)?;
        let name = Name::new("/name", &new.name)?;
        let row = TeamRow {
            id: TeamId::from_bytes(uuid_v7(&*self.ambient)?),
            org,
            name: name.as_str().to_owned(),
            created_at: self.now(),
        };
        self.audit(by, org, "team.create", Some(row.id.to_string()), None)?;
        self.directory.write(|txn| {
            if txn.insert_team(&row, &name.key())? {
                view_of(txn, row)
            } else {
                Err(Code::NameTaken.into())
            }
        })
    }

    /// The teams of an organisation.
    pub fn teams(&self, by: By<'_>, org: OrgId, page: &PageRequest) -> Result<Page<TeamView>> {
        by.require(org, Action::ReadUsers)?;
        self.directory.read(|view| {
            page.page(
                |after, limit| Ok(view.teams(org, after, limit)?),
                |row| row.id,
                |row| view_of(view, row),
            )
        })
    }

    /// The team of that name.
    pub fn team_named(&self, org: OrgId, name: &str) -> Result<TeamView> {
        let key = name.trim().to_lowercase();
        self.directory.read(|view| {
            let row = view.team_by_name(org, &key)?.ok_or(Code::NotFound)?;
            view_of(view, row)
        })
    }

    /// Puts a user into a team, or takes one out. What is assigned to the team comes onto their phones, or leaves them.
    pub fn set_team_member(
        &self,
        by: By<'_>,
        org: OrgId,
        team: TeamId,
        user: UserId,
        member: bool,
    ) -> Result<TeamView> {
        by.require(org, Action::ManageUsers)?;
        let check = |view: &View<'_>| -> Result<TeamRow> {
            view.user_of(org, user)?.ok_or(Code::NotFound)?;
            Ok(view.team_of(org, team)?.ok_or(Code::NotFound)?)
        };
        self.directory.read(check)?;
        let action = if member { "team.join" } else { "team.leave" };
        self.audit(
            by,
            org,
            action,
            Some(user.to_string()),
            Some(team.to_string()),
        )?;
        let whom = vec![format!("team:{team}")];
        let owed = whom.clone();
        self.files
            .write(org, move |txn| exchange::owe_people(txn, &owed))?;
        let shown = self.directory.write(|txn| {
            let row = check(txn)?;
            if member {
                txn.insert_member(team, user)?;
            } else {
                txn.delete_member(team, user)?;
            }
            view_of(txn, row)
        })?;
        self.follow_people(org, whom)?;
        Ok(shown)
    }

    /// Derives again which phones hold the records assigned to these. An organisation in which writing has stopped does
    /// it when it goes on.
    pub(super) fn follow_people(&self, org: OrgId, whom: Vec<String>) -> Result<()> {
        match exchange::follow_people(&self.files, &self.env(), org, whom) {
            Err(exchange::Refusal::Stopped) => Ok(()),
            done => Ok(done?),
        }
    }
}
