//! `tributary org`: organisations.

use anyhow::Result;
use clap::Subcommand;

use super::terminal;
use crate::service::organisations::CreateOrganisation;
use crate::service::paging::PageRequest;
use crate::service::{By, Service};
use crate::startup::in_words;

#[derive(Subcommand)]
pub(super) enum Org {
    /// Make an organisation
    Create {
        /// 2 to 40 lower-case letters, digits and dashes; people type it when they sign in
        slug: String,
        /// The name, as it is shown
        #[arg(long)]
        name: Option<String>,
    },
    /// List all organisations
    List,
    /// Set the time zone of an organisation: of its pages, and of downloads that name none
    TimeZone {
        /// The organisation's slug
        slug: String,
        /// The zone's IANA name, such as Asia/Phnom_Penh
        zone: String,
    },
    /// Set how many days a record stays restricted before it may be erased (7 unless set)
    RestrictionDays {
        /// The organisation's slug
        slug: String,
        /// 1 to 366
        days: u64,
    },
    /// Set for how many days records are kept after their last change; then they are hidden, and an org admin erases them
    Retention {
        /// The organisation's slug
        slug: String,
        /// 30 to 36500
        #[arg(long, required_unless_present = "for_ever")]
        days: Option<u64>,
        /// Hide none for its age, as at first
        #[arg(long, conflicts_with = "days")]
        for_ever: bool,
    },
    /// Make new keys for receipts and sealed files, for instance after a disk was stolen; works beside a running server
    RenewKeys {
        /// The organisation's slug
        slug: String,
    },
    /// Keep everybody of an organisation out; nothing stored is touched
    Suspend {
        /// The organisation's slug
        slug: String,
        /// Let them in again
        #[arg(long)]
        undo: bool,
    },
}

impl Org {
    pub(super) fn run(self, service: &Service) -> Result<()> {
        match self {
            Self::Create { slug, name } => create(service, slug, name),
            Self::List => list(service),
            Self::TimeZone { slug, zone } => {
                let org = service.organisation_named(&slug).map_err(in_words)?;
                service
                    .set_time_zone(By::Operator, org.id, &zone)
                    .map_err(in_words)?;
                terminal::say(format!("{slug} reads times of {zone} from now on."))
            }
            Self::RestrictionDays { slug, days } => {
                let org = service.organisation_named(&slug).map_err(in_words)?;
                service
                    .set_restriction_days(By::Operator, org.id, days)
                    .map_err(in_words)?;
                terminal::say(format!(
                    "A record of {slug} that is restricted from now on may be erased after {days} days."
                ))
            }
            Self::Retention { slug, days, .. } => {
                let org = service.organisation_named(&slug).map_err(in_words)?;
                service
                    .set_retention_days(By::Operator, org.id, days)
                    .map_err(in_words)?;
                terminal::say(match days {
                    Some(days) => format!(
                        "Once a day the server hides what changed last more than {days} days ago in {slug}, from phones as well. \
                         Nothing is erased by itself: the page of {slug} says what waits for an org admin to erase it."
                    ),
                    None => format!("Records of {slug} are kept until somebody erases them."),
                })
            }
            Self::RenewKeys { slug } => {
                let org = service.organisation_named(&slug).map_err(in_words)?;
                service.renew_keys(By::Operator, org.id).map_err(in_words)?;
                terminal::say(format!(
                    "{slug} has new keys. Devices learn them at their next sync; until then they go on with the earlier ones, \
                     which stay good. Make a copy now: files that devices seal from here on open with the new keys only."
                ))
            }
            Self::Suspend { slug, undo } => {
                let org = service.organisation_named(&slug).map_err(in_words)?;
                service
                    .set_organisation_suspended(By::Operator, org.id, !undo)
                    .map_err(in_words)?;
                let what = if undo {
                    "gets in again"
                } else {
                    "is suspended; devices keep what they have"
                };
                terminal::say(format!("{slug} {what}."))
            }
        }
    }
}

fn create(service: &Service, slug: String, name: Option<String>) -> Result<()> {
    let new = CreateOrganisation {
        name: name.unwrap_or_else(|| slug.clone()),
        slug,
    };
    let made = service
        .create_organisation(By::Operator, &new)
        .map_err(in_words)?;
    terminal::say(format!(
        "Made the organisation {} ({}).",
        made.slug, made.id
    ))?;
    terminal::say(format!(
        "Next: `tributary user create NAME --role org-admin --org {}`",
        made.slug
    ))
}

fn list(service: &Service) -> Result<()> {
    let mut rows = Vec::new();
    let mut page = PageRequest::largest(None);
    loop {
        let found = service
            .organisations(By::Operator, &page)
            .map_err(in_words)?;
        rows.extend(found.items.into_iter().map(|o| {
            let state = if o.suspended_at.is_some() {
                "suspended"
            } else {
                "open"
            };
            vec![o.slug, o.name, state.to_owned(), o.id.to_string()]
        }));
        match found.next {
            Some(next) => page = PageRequest::largest(Some(next)),
            None => return terminal::table(&["SLUG", "NAME", "STATE", "ID"], &rows),
        }
    }
}
