//! `tributary device`: codes to enrol devices, a list, revocation.

use anyhow::{Context, Result};
use clap::Subcommand;
use tributary_sync_core::ids::ProfileId;

use super::{OrgFlag, terminal};
use crate::service::paging::PageRequest;
use crate::service::{By, Service};
use crate::startup::in_words;

#[derive(Subcommand)]
pub(super) enum Device {
    /// Print a one-time code, as a link and as a QR code, with which one device of a user enrols
    EnrolCode {
        /// The user's name
        user: String,
        /// How long it is good
        #[arg(long, default_value_t = 60)]
        minutes: u32,
        /// Print the link only
        #[arg(long)]
        link_only: bool,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// List the devices
    List {
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Revoke a device, at once: it gets nothing more, and what it still sends is kept apart
    Revoke {
        /// The device's id, as `device list` shows it
        id: String,
        #[command(flatten)]
        org: OrgFlag,
    },
}

impl Device {
    pub(super) fn run(self, service: &Service) -> Result<()> {
        match self {
            Self::EnrolCode {
                user,
                minutes,
                link_only,
                org,
            } => {
                let org = org.find(service)?;
                let user = service.user_named(org.id, &user).map_err(in_words)?;
                let good_for = Some(u64::from(minutes) * 60_000);
                let code = service
                    .enrol_code(By::Operator, org.id, user.id, good_for)
                    .map_err(in_words)?;
                if link_only {
                    return terminal::say(code.link);
                }
                terminal::say(terminal::qr(&code.link)?)?;
                terminal::say(format!(
                    "For one device of {}, once, until {}.",
                    user.name, code.expires_at
                ))?;
                terminal::say(format!(
                    "Scan it, or open this link, or type the code {}:",
                    code.code
                ))?;
                terminal::say(code.link)
            }
            Self::List { org } => list(service, &org),
            Self::Revoke { id, org } => {
                let org = org.find(service)?;
                let id: ProfileId = id
                    .parse()
                    .context("not the id of a device: see `tributary device list`")?;
                service
                    .revoke_device(By::Operator, org.id, id)
                    .map_err(in_words)?;
                terminal::say(
                    "Revoked. It gets nothing more; what it still sends is kept apart for a coordinator.",
                )
            }
        }
    }
}

fn list(service: &Service, org: &OrgFlag) -> Result<()> {
    let org = org.find(service)?;
    let mut rows = Vec::new();
    let mut page = PageRequest::largest(None);
    loop {
        let found = service
            .devices(By::Operator, org.id, &page)
            .map_err(in_words)?;
        rows.extend(found.items.into_iter().map(|d| {
            let state = if d.revoked_at.is_some() {
                "revoked"
            } else {
                "live"
            };
            let synced = d.last_sync_at.unwrap_or_else(|| "never".to_owned());
            vec![
                d.user_name,
                d.label,
                state.to_owned(),
                synced,
                d.id.to_string(),
            ]
        }));
        match found.next {
            Some(next) => page = PageRequest::largest(Some(next)),
            None => return terminal::table(&["USER", "LABEL", "STATE", "LAST SYNC", "ID"], &rows),
        }
    }
}
