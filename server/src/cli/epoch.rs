//! `tributary epoch`: where writing has stopped, and where an organisation moves.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::{Common, org_id, slug, terminal};
use crate::service::ambient::{Ambient, System};
use crate::service::backup::{Offline, Opened, open_epoch, seal};
use crate::startup::{lock, open_service};
use crate::storage::folder::DataFolder;
use crate::telemetry;

#[derive(Subcommand)]
pub(super) enum Epoch {
    /// Open a new epoch, from the newest copy if the file here lacks something of it
    Open {
        /// The organisation's slug
        #[arg(long, short, value_name = "SLUG")]
        org: String,
        /// The folder of copies [default: backup.folder of the settings]
        #[arg(long, value_name = "FOLDER")]
        from: Option<PathBuf>,
        /// Every copy is lost: open it over the file as it is
        #[arg(long)]
        without_copy: bool,
    },
    /// Stop writing for good, because the organisation moves to another server; take a backup next
    Seal {
        /// The organisation's slug
        #[arg(long, short, value_name = "SLUG")]
        org: String,
    },
}

impl Epoch {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let settings = common.settings(Vec::new())?;
        telemetry::init(settings.log);
        let system = System::new();
        match self {
            Self::Open {
                org,
                from,
                without_copy,
            } => {
                let id = org_id(&settings, &org)?;
                let lock = lock(&DataFolder::at(&settings.data))?;
                let at = Offline {
                    data: &settings.data,
                    lock: &lock,
                    entropy: &system,
                    now: system.now(),
                };
                let target = from.or_else(|| settings.backup.as_ref().map(|b| b.folder.clone()));
                match open_epoch(at, id, target.as_deref(), without_copy)? {
                    Opened::InPlace(epoch) => terminal::say(format!(
                        "{org} writes again, in the new epoch {epoch}. Its file has everything that the newest copy has."
                    ))?,
                    Opened::FromCopy(restored) => terminal::say(format!(
                        "{org} writes again, in the new epoch {}. Its file lacked something of the newest copy, so it was \
                         restored from {}.",
                        restored.epoch, restored.set
                    ))?,
                }
                terminal::say(
                    "At their next sync, phones compare and send again what is missing here. Next: start the server, and \
                     find out how the folder came to be rolled back.",
                )
            }
            Self::Seal { org } => {
                let service = open_service(&settings)?;
                let org = service
                    .organisation_named(&org)
                    .map_err(crate::startup::in_words)?;
                seal(service.files(), org.id, system.now())?;
                terminal::say(format!(
                    "{0} takes nothing more here. Next: `tributary backup`, `tributary restore` on the new server, and point \
                     its address there. Phones then go on by themselves.",
                    slug(&service, org.id)
                ))
            }
        }
    }
}
