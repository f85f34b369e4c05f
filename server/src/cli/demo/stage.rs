//! The stage: a data folder, a real server behind TLS on loopback, the organisation with its people and its form, and the
//! bad link that every phone goes through.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::{Context, Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tributary_native::tls::ServerProof;
use tributary_sync_core::ids::{OrgId, TeamId, UserId};

use super::calendar::Calendar;
use super::cast::{ADMIN, COORDINATOR, ORGANISATION, ORGANISATION_NAME, REVIEWER, TEAMS, WORKERS};
use super::chance::Chance;
use super::relay::Relay;
use crate::config::Settings;
use crate::service::access::Role;
use crate::service::ambient::SharedAmbient;
use crate::service::names::{NewPassword, Secret};
use crate::service::organisations::CreateOrganisation;
use crate::service::teams::CreateTeam;
use crate::service::users::CreateUser;
use crate::service::{By, Service, ServiceOptions};
use crate::startup::{Application, StopHandle, certificate, in_words};
use crate::storage::folder::DataFolder;

/// The port that the demonstration takes when it is free.
const PORT: u16 = 8443;

/// The running server, and what stands around it.
pub(super) struct Stage {
    pub(super) calendar: Arc<Calendar>,
    pub(super) data: DataFolder,
    pub(super) service: Arc<Service>,
    pub(super) relay: Relay,
    pub(super) url: String,
    pub(super) proof: ServerProof,
    pub(super) org: OrgId,
    pub(super) workers: Vec<UserId>,
    pub(super) coordinator: UserId,
    pub(super) teams: Vec<TeamId>,
    /// Of every user who signs in; made for this run.
    pub(super) password: String,
    pub(super) form_id: String,
    stop: StopHandle,
    thread: JoinHandle<Result<()>>,
}

impl Stage {
    /// Makes the data folder and starts the server over it.
    pub(super) fn build(folder: &Path, seed: u64) -> Result<Self> {
        let calendar = Arc::new(Calendar::new());
        let ambient: SharedAmbient = Arc::clone(&calendar) as _;
        let data = DataFolder::at(folder.join("server"));
        let made = Service::create(&data, ServiceOptions::default(), Arc::clone(&ambient));
        drop(made.map_err(in_words)?);
        let application = Application::build_in(settings(data.path()), ambient)?;
        let (service, stop) = (application.service(), application.stop_handle());
        let url = application.url().to_owned();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, application.port()));
        let pem = certificate::own_certificate(&data)?;
        let own = CertificateDer::from_pem_slice(&pem).context("reading the certificate")?;
        let proof = ServerProof::Certificate(own.to_vec());
        let thread = std::thread::spawn(move || application.run());
        let relay = Relay::start(address, Chance::from_seed(seed))?;
        let people = People::make(&service)?;
        Ok(Self {
            calendar,
            data,
            service,
            relay,
            url,
            proof,
            org: people.org,
            workers: people.workers,
            coordinator: people.coordinator,
            teams: people.teams,
            password: people.password,
            form_id: people.form_id,
            stop,
            thread,
        })
    }
    /// Whether somebody stopped the server meanwhile, by ctrl-c.
    pub(super) fn is_stopped(&self) -> bool {
        self.thread.is_finished()
    }
    /// Waits until somebody stops the server.
    pub(super) fn wait(self) -> Result<()> {
        self.thread
            .join()
            .map_err(|_| anyhow!("the server ended with a panic"))?
    }
    /// Stops the server and waits until it has stopped.
    pub(super) fn end(self) -> Result<()> {
        self.stop.stop();
        self.wait()
    }
}

fn settings(data: &Path) -> Settings {
    let mut settings = Settings::on_loopback(data);
    if TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).is_ok() {
        settings.listen.set_port(PORT);
    }
    settings
}

struct People {
    org: OrgId,
    workers: Vec<UserId>,
    coordinator: UserId,
    teams: Vec<TeamId>,
    password: String,
    form_id: String,
}

impl People {
    fn make(service: &Service) -> Result<Self> {
        let new = CreateOrganisation {
            slug: ORGANISATION.to_owned(),
            name: ORGANISATION_NAME.to_owned(),
        };
        let org = service.create_organisation(By::Operator, &new);
        let org = org.map_err(in_words)?.id;
        let form = service.publish_builtin_interview(By::Operator, org);
        let form_id = form.map_err(in_words)?.form_id;
        let user = |name: &str, role: Role| {
            let new = CreateUser {
                name: name.to_owned(),
                role,
            };
            let made = service.create_user(By::Operator, org, &new);
            Ok::<_, anyhow::Error>(made.map_err(in_words)?.user.id)
        };
        let password = made_up()?;
        let mut desks = Vec::new();
        for person in [ADMIN, COORDINATOR, REVIEWER] {
            let id = user(person.name, person.role)?;
            let new = NewPassword::new(Secret::new(password.clone())).map_err(in_words)?;
            service.set_password(id, &new).map_err(in_words)?;
            desks.push(id);
        }
        let coordinator = desks.get(1).copied().context("a coordinator")?;
        let mut teams = Vec::new();
        for name in TEAMS {
            let name = name.to_owned();
            let team = service.create_team(By::Operator, org, &CreateTeam { name });
            teams.push(team.map_err(in_words)?.id);
        }
        let mut workers = Vec::new();
        for worker in WORKERS {
            let id = user(worker.name, Role::Worker)?;
            let team = teams.get(worker.team).copied().context("a team")?;
            let joined = service.set_team_member(By::Operator, org, team, id, true);
            joined.map_err(in_words)?;
            workers.push(id);
        }
        Ok(Self {
            org,
            workers,
            coordinator,
            teams,
            password,
            form_id,
        })
    }
}

/// 96 bits: the server stays up, and others may use this machine.
fn made_up() -> Result<String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes).map_err(|e| anyhow!("the system gave no randomness: {e}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
