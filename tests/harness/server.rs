//! The server, its organisations and users.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tributary::config::{Settings, Transport};
use tributary::service::access::Role;
use tributary::service::ambient::{Manual, SharedAmbient, System};
use tributary::service::names::Secret;
use tributary::service::organisations::CreateOrganisation;
use tributary::service::users::CreateUser;
use tributary::service::{By, Service, ServiceOptions};
use tributary::startup::{Application, StopHandle, certificate};
use tributary::storage::folder::DataFolder;
use tributary_sync_core::ids::{OrgId, UserId};

use super::{Client, DeviceKey, TestDevice};

/// The password of every user who has one.
pub const PASSWORD: &str = "four unrelated words";
/// When the manual clock starts: 14 November 2023.
const START_MS: u64 = 1_700_000_000_000;

/// A real server, in this process, over TLS, with a folder and a clock of its own. It stops when it is dropped.
pub struct TestServer {
    folder: TempDir,
    clock: Option<Arc<Manual>>,
    plain: bool,
    running: Option<Running>,
}

struct Running {
    url: String,
    service: Arc<Service>,
    stop: StopHandle,
    thread: JoinHandle<anyhow::Result<()>>,
}

/// An organisation of the server.
pub struct Organisation<'s> {
    server: &'s TestServer,
    /// Its id.
    pub id: OrgId,
    /// Its slug.
    pub slug: String,
}

/// A user who signed in.
pub struct TestUser {
    /// The id.
    pub id: UserId,
    /// The name.
    pub name: String,
    /// Speaks with the user's access token.
    pub client: Client,
    /// The refresh token.
    pub refresh_token: String,
}

impl TestServer {
    /// With the machine's clock.
    pub fn start() -> Self {
        Self::start_with(None, false)
    }
    /// With a clock that is moved by hand; see [`TestServer::pass`].
    pub fn start_with_manual_clock() -> Self {
        Self::start_with(Some(Arc::new(Manual::at(START_MS))), false)
    }
    /// Over a data folder that some server left, with a clock of its own that stands at `now_ms`.
    pub fn over(folder: TempDir, now_ms: u64) -> Self {
        tributary::tls::install_provider();
        let mut server = Self {
            folder,
            clock: Some(Arc::new(Manual::at(now_ms))),
            running: None,
            plain: false,
        };
        server.run();
        server
    }
    /// The same without TLS, for what is sent byte by byte; see [`TestServer::socket`].
    pub fn start_plain() -> Self {
        Self::start_with(Some(Arc::new(Manual::at(START_MS))), true)
    }
    fn start_with(clock: Option<Arc<Manual>>, plain: bool) -> Self {
        tributary::tls::install_provider();
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        let mut server = Self {
            folder,
            clock,
            plain,
            running: None,
        };
        drop(Service::create(&data, ServiceOptions::default(), server.ambient()).unwrap());
        server.run();
        server
    }
    fn ambient(&self) -> SharedAmbient {
        match &self.clock {
            Some(manual) => manual.clone(),
            None => Arc::new(System::new()),
        }
    }
    fn run(&mut self) {
        let app = Application::build_in(self.settings(), self.ambient()).unwrap();
        let (service, stop) = (app.service(), app.stop_handle());
        let scheme = if self.plain { "http" } else { "https" };
        let url = format!("{scheme}://127.0.0.1:{}", app.port());
        let thread = std::thread::spawn(move || app.run());
        self.running = Some(Running {
            url,
            service,
            stop,
            thread,
        });
    }
    fn running(&self) -> &Running {
        self.running.as_ref().expect("the server runs")
    }
    fn halt(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop.stop();
            let ended = running.thread.join();
            if !std::thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }

    /// Stops it and starts it again over the same folder, on another port.
    pub fn restart(&mut self) {
        self.halt();
        self.run();
    }
    /// Stops it for good; its folder stays.
    pub fn stop(mut self) -> TempDir {
        self.halt();
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }
    /// Lets time pass on the manual clock.
    pub fn pass(&self, time: Duration) {
        self.clock.as_ref().expect("a manual clock").pass(time);
    }
    /// The settings that it runs with.
    pub fn settings(&self) -> Settings {
        let mut settings = Settings::on_loopback(self.folder.path());
        // Looked up when it is used: most tests bring no file, and need no program built.
        settings.converter = Some(super::programs::place_of("tributary"));
        if self.plain {
            settings.transport = Transport::Plain;
        }
        settings
    }
    /// Where it answers.
    pub fn url(&self) -> &str {
        &self.running().url
    }
    /// A connection to a plain server, which has been sent these bytes.
    pub fn socket(&self, bytes: &[u8]) -> TcpStream {
        let address = self.url().trim_start_matches("http://");
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(bytes).unwrap();
        socket
    }
    /// The rules it runs.
    pub fn service(&self) -> &Service {
        &self.running().service
    }
    /// Its data folder.
    pub fn data(&self) -> DataFolder {
        DataFolder::at(self.folder.path())
    }
    /// Somebody who is not signed in.
    pub fn client(&self) -> Client {
        if self.plain {
            // A client cannot be made without a certificate to trust, though here it is never asked for.
            certificate::load(&Transport::SelfSigned, &self.data(), None).unwrap();
        }
        Client::new(
            self.url(),
            &certificate::own_certificate(&self.data()).unwrap(),
        )
    }

    /// A new organisation.
    pub fn organisation(&self, slug: &str) -> Organisation<'_> {
        let new = CreateOrganisation {
            slug: slug.to_owned(),
            name: slug.to_uppercase(),
        };
        let made = self
            .service()
            .create_organisation(By::Operator, &new)
            .unwrap();
        Organisation {
            server: self,
            id: made.id,
            slug: made.slug,
        }
    }
    /// A signed-in server admin.
    pub fn server_admin(&self) -> TestUser {
        let name = tributary::service::names::Name::new("/name", "Root").unwrap();
        let link = self.service().create_server_admin(&name).unwrap();
        let body = json!({"token": link.token, "password": PASSWORD});
        self.client().post("/api/v1/auth/reset", &body).expect(204);
        self.sign_in("server", "Root", UserId::default())
    }
    /// A user of an organisation, with the password of every test user.
    pub fn sign_in(&self, slug: &str, name: &str, id: UserId) -> TestUser {
        let body = json!({"organisation": slug, "name": name, "password": PASSWORD});
        let reply = self
            .client()
            .post("/api/v1/auth/sign-in", &body)
            .expect(200);
        TestUser {
            id,
            name: name.to_owned(),
            client: self
                .client()
                .with_token(reply["access_token"].as_str().unwrap()),
            refresh_token: reply["refresh_token"].as_str().unwrap().to_owned(),
        }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.halt();
    }
}

impl Organisation<'_> {
    /// A new user, not signed in.
    pub fn invite(&self, name: &str, role: Role) -> UserId {
        let new = CreateUser {
            name: name.to_owned(),
            role,
        };
        let service = self.server.service();
        let made = service.create_user(By::Operator, self.id, &new).unwrap();
        // By the link, as people do: who confirms an erasure has set a password for themselves.
        let password = Secret::new(PASSWORD.to_owned());
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        service
            .reset_password(&made.link.token, password, here)
            .unwrap();
        made.user.id
    }
    /// A new user, signed in.
    pub fn user(&self, name: &str, role: Role) -> TestUser {
        let id = self.invite(name, role);
        self.server.sign_in(&self.slug, name, id)
    }
    /// A code for one device of a user.
    pub fn code(&self, user: UserId) -> String {
        self.server
            .service()
            .enrol_code(By::Operator, self.id, user, None)
            .unwrap()
            .code
    }
    /// A user's device, enrolled.
    pub fn device(&self, user: UserId) -> TestDevice {
        TestDevice::enrol(
            self.server.client(),
            DeviceKey::generate(),
            &self.code(user),
        )
    }
}
