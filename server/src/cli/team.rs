//! `tributary team`: teams of an organisation.

use anyhow::Result;
use clap::Subcommand;

use super::{OrgFlag, terminal};
use crate::service::paging::PageRequest;
use crate::service::teams::CreateTeam;
use crate::service::{By, Service};
use crate::startup::in_words;

#[derive(Subcommand)]
pub(super) enum Team {
    /// Make a team
    Create {
        /// Its name, in any script
        name: String,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// List the teams
    List {
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Put a user into a team
    Join {
        /// The team's name
        team: String,
        /// The user's name
        user: String,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Take a user out of a team
    Leave {
        /// The team's name
        team: String,
        /// The user's name
        user: String,
        #[command(flatten)]
        org: OrgFlag,
    },
}

impl Team {
    pub(super) fn run(self, service: &Service) -> Result<()> {
        match self {
            Self::Create { name, org } => {
                let org = org.find(service)?;
                let team = service
                    .create_team(By::Operator, org.id, &CreateTeam { name })
                    .map_err(in_words)?;
                terminal::say(format!("Made the team {}.", team.name))
            }
            Self::List { org } => {
                let org = org.find(service)?;
                let teams = service
                    .teams(By::Operator, org.id, &PageRequest::largest(None))
                    .map_err(in_words)?;
                let rows: Vec<_> = teams
                    .items
                    .into_iter()
                    .map(|team| {
                        vec![
                            team.name,
                            team.members.len().to_string(),
                            team.id.to_string(),
                        ]
                    })
                    .collect();
                terminal::table(&["NAME", "MEMBERS", "ID"], &rows)
            }
            Self::Join { team, user, org } => member(service, &org, &team, &user, true),
            Self::Leave { team, user, org } => member(service, &org, &team, &user, false),
        }
    }
}

fn member(service: &Service, org: &OrgFlag, team: &str, user: &str, member: bool) -> Result<()> {
    let org = org.find(service)?;
    let team = service.team_named(org.id, team).map_err(in_words)?;
    let user = service.user_named(org.id, user).map_err(in_words)?;
    service
        .set_team_member(By::Operator, org.id, team.id, user.id, member)
        .map_err(in_words)?;
    let what = if member { "is in" } else { "is not in" };
    terminal::say(format!("{} {what} {}.", user.name, team.name))
}
