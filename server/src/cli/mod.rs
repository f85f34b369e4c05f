//! The command line: one file per command. Commands work beside a running server; only `init`, `serve`, `restore` and
//! `epoch` lock the data folder.
//!
//! A command opens the service and speaks on the word of whoever sits at the machine ([`By::Operator`]); that stands so in the
//! audit. To add one: a file, a line in [`Command`], a line in [`dispatch`].

mod backup;
mod check;
mod convert_form;
mod demo;
mod device;
mod epoch;
mod export;
mod form;
mod init;
mod org;
mod progress;
mod restore;
mod serve;
mod team;
mod temporary;
mod terminal;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};
use tributary_sync_core::ids::OrgId;

use crate::config::{Flags, Settings};
use crate::service::names::SERVER_SLUG;
use crate::service::{By, Service};
use crate::startup::{in_words, open_service};
use crate::storage::StorageError;
use crate::storage::directory::Directory;
use crate::storage::folder::DataFolder;
use crate::{telemetry, tls};

/// Offline-first field survey sync server.
#[derive(Parser)]
#[command(name = "tributary", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Settings of every command. The same can stand in a TOML file and in TRIBUTARY_* variables; flags win.
#[derive(Args, Default)]
struct Common {
    /// The data folder [default: tributary-data]
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The settings file [default: tributary.toml in the data folder, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where people and devices reach the server, such as `https://survey.example.org`
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<String>,
    /// Where to listen [default: 0.0.0.0:8443, or 127.0.0.1:8080 without TLS]
    #[arg(long, global = true, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Make a data folder with a first organisation and its admin
    Init(init::Init),
    /// Run the server
    Serve(serve::Serve),
    /// Copy the data folder to another disk; works beside a running server
    Backup(backup::Backup),
    /// Bring organisations back from a copy; the server must be stopped
    Restore(restore::Restore),
    /// Prove that everything in the data folder is what was written
    Check(check::Check),
    /// Open a new epoch where writing has stopped, or seal an organisation that moves; the server must be stopped
    #[command(subcommand)]
    Epoch(epoch::Epoch),
    /// Show the whole of it in a minute: a server, a dozen phones, weeks in the field, one merged dataset
    Demo(demo::Demo),
    /// Organisations
    #[command(subcommand)]
    Org(org::Org),
    /// Users of an organisation
    #[command(subcommand)]
    User(user::User),
    /// Teams of an organisation
    #[command(subcommand)]
    Team(team::Team),
    /// Devices of an organisation
    #[command(subcommand)]
    Device(device::Device),
    /// Write the merged records of a form into a file
    Export(export::Export),
    /// Forms of an organisation
    #[command(subcommand)]
    Form(form::Form),
    /// Read a form file inside limits: what the server starts as a child
    #[command(hide = true)]
    ConvertForm(convert_form::ConvertForm),
}

fn dispatch(command: Command, common: &Common) -> Result<()> {
    match command {
        Command::Init(command) => command.run(common),
        Command::Serve(command) => command.run(common),
        Command::Backup(command) => command.run(common),
        Command::Restore(command) => command.run(common),
        Command::Check(command) => command.run(common),
        Command::Epoch(command) => command.run(common),
        Command::Demo(command) => command.run(),
        Command::Org(command) => command.run(&common.service()?),
        Command::User(command) => command.run(&common.service()?),
        Command::Team(command) => command.run(&common.service()?),
        Command::Device(command) => command.run(&common.service()?),
        Command::Export(command) => command.run(&common.service()?),
        Command::Form(command) => command.run(&common.service()?),
        Command::ConvertForm(command) => command.run(),
    }
}

impl Cli {
    /// Settings that cannot be read are complained of by the command itself.
    fn keep_temporary_files_inside(&self) {
        if matches!(self.command, Command::Demo(_) | Command::ConvertForm(_)) {
            return;
        }
        // `init` makes it with all else, after it has looked whether the place is free.
        let make = matches!(self.command, Command::Restore(_));
        if let Ok(settings) = self.common.settings(Vec::new()) {
            temporary::keep_inside(&settings.data, make);
        }
    }
}

impl Common {
    /// The settings, with further flags of a command.
    fn settings(&self, more: Vec<(&'static str, String)>) -> Result<Settings> {
        let mut set = more;
        let data = self
            .data
            .as_ref()
            .map(|path| path.to_string_lossy().into_owned());
        let own = [
            ("data", data),
            ("public_url", self.public_url.clone()),
            ("listen", self.listen.clone()),
        ];
        set.extend(
            own.into_iter()
                .filter_map(|(key, value)| Some((key, value?))),
        );
        let flags = Flags {
            config: self.config.clone(),
            set,
        };
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(Settings::load(&flags, variables)?)
    }
    /// The service of the data folder, beside a server that may be running.
    fn service(&self) -> Result<Service> {
        let settings = self.settings(Vec::new())?;
        telemetry::init(settings.log);
        open_service(&settings)
    }
}

/// The organisation that a command is about.
#[derive(Args)]
struct OrgFlag {
    /// The organisation's slug; may be left out when there is only one
    #[arg(long, short, value_name = "SLUG")]
    org: Option<String>,
}

impl OrgFlag {
    /// Whether it names those who look after the server, who belong to no organisation.
    fn is_server(&self) -> bool {
        self.org.as_deref() == Some(SERVER_SLUG)
    }
    fn find(&self, service: &Service) -> Result<crate::service::organisations::OrganisationView> {
        if let Some(slug) = &self.org {
            let found = service.organisation_named(slug);
            return found.map_err(|_| {
                anyhow::anyhow!("there is no organisation `{slug}`; see `tributary org list`")
            });
        }
        let all = service
            .organisations(By::Operator, &Default::default())
            .map_err(in_words)?
            .items;
        match <[_; 1]>::try_from(all) {
            Ok([only]) => Ok(only),
            Err(all) if all.is_empty() => {
                anyhow::bail!("there is no organisation yet; see `tributary org create --help`")
            }
            Err(_) => anyhow::bail!("there are several organisations: say which with --org"),
        }
    }
}

/// What people call an organisation; its id where nobody does.
fn slug(service: &Service, org: OrgId) -> String {
    let row = service
        .directory()
        .read::<_, StorageError>(|view| view.organisation(org));
    match row {
        Ok(Some(row)) => row.slug,
        _ => org.to_string(),
    }
}

/// An organisation by slug or id, for commands that may find no directory.
fn org_id(settings: &Settings, name: &str) -> Result<OrgId> {
    if let Ok(id) = name.parse() {
        return Ok(id);
    }
    let data = DataFolder::at(&settings.data);
    anyhow::ensure!(
        data.is_initialised(),
        "there is no directory here yet that knows `{name}`: name the organisation by its id"
    );
    let row = Directory::open(&data.directory())?
        .read::<_, StorageError>(|view| view.organisation_by_slug(name))?;
    row.map(|row| row.id).ok_or_else(|| {
        anyhow::anyhow!("there is no organisation `{name}`; see `tributary org list`")
    })
}

/// Runs what the command line says.
pub fn run() -> ExitCode {
    tls::install_provider();
    telemetry::forbid_core_dumps();
    let cli = Cli::parse();
    cli.keep_temporary_files_inside();
    match dispatch(cli.command, &cli.common) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            terminal::fail(&error);
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
