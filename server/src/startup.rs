//! The composition root: settings in, a bound and running server out. Tests and the demo start it in their own process.
//!
//! The only place where configuration, service and HTTP meet.

pub mod certificate;
pub mod first;

use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpServer, middleware, web};
use anyhow::{Context, Result};
use tokio::sync::watch;

use crate::config::{Settings, Transport};
use crate::http;
use crate::http::connections::{ALL_MAX, Connections};
use crate::service::ambient::{SharedAmbient, System};
use crate::service::backup::{BackupError, Made, Runner, Schedule};
use crate::service::forms::Converter;
use crate::service::upkeep::{Round, Upkeep};
use crate::service::{Service, ServiceOptions};
use crate::storage::StorageError;
use crate::storage::folder::{DataFolder, FolderLock};
use crate::tls;

/// How long requests that have begun may take to end when the server is told to stop.
const GRACE_SECONDS: u64 = 30;
/// How long a slow link may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a slow link may take to agree on keys.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection that nobody uses stays open.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long the other side may take to read an answer that came before its request was read, and to hang up.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(5);
/// Threads of one worker that may block, made as they are needed: several times what one organisation's writer lets wait.
const BLOCKING_THREADS: usize = 512;

/// A server that has its port and has not begun to answer.
pub struct Application {
    settings: Settings,
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    tls: Option<certificate::Tls>,
    stop: watch::Sender<bool>,
    _lock: FolderLock,
}

/// Stops a running server from another thread.
#[derive(Clone, Debug)]
pub struct StopHandle(watch::Sender<bool>);

impl StopHandle {
    /// No new requests; those that have begun are answered; then [`Application::run`] returns.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

/// Takes the lock of the data folder, with a sentence for people if another holds it.
pub fn lock(data: &DataFolder) -> Result<FolderLock> {
    data.lock().map_err(|e| match e {
        StorageError::Locked => anyhow::anyhow!(
            "another Tributary server is using the data folder {}.\n\
             Two servers on one folder would damage it, so this one does not start. Stop the other first, or name \
             another folder with --data.",
            data.path().display()
        ),
        other => other.into(),
    })
}

/// Where people reach the server, when the settings do not say: its address on the local network.
pub fn derived_url(settings: &Settings, port: u16) -> String {
    let scheme = if settings.transport == Transport::Plain {
        "http"
    } else {
        "https"
    };
    let ip = settings.listen.ip();
    let ip = if ip.is_unspecified() {
        tls::local_address().unwrap_or(ip)
    } else {
        ip
    };
    if ip.is_unspecified() {
        format!("{scheme}://localhost:{port}")
    } else {
        format!("{scheme}://{}", SocketAddr::new(ip, port))
    }
}

/// The host of a URL.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    }
}

/// What the rules are told.
fn options(settings: &Settings, url: String, tls: Option<&certificate::Tls>) -> ServiceOptions {
    let mut converter = Converter::default();
    if let Some(program) = &settings.converter {
        converter.program.clone_from(program);
    }
    ServiceOptions {
        public_url: url,
        audience: settings.audience.clone(),
        certificate: tls.and_then(|tls| tls.pin.clone()),
        copies: settings.backup.is_some(),
        copies_every: settings.backup.as_ref().map(|b| b.every),
        converter,
    }
}

/// The service of a data folder as commands use it: without listening, beside a server that may be running.
pub fn open_service(settings: &Settings) -> Result<Service> {
    let data = DataFolder::at(&settings.data);
    anyhow::ensure!(
        data.is_initialised(),
        "{} is not a data folder yet. Make one with `tributary init`, or name another with --data.",
        data.path().display()
    );
    let url = settings.public_url.clone();
    let url = url.unwrap_or_else(|| derived_url(settings, settings.listen.port()));
    let tls = certificate::load(&settings.transport, &data, host_of(&url))?;
    let options = options(settings, url, tls.as_ref());
    Service::open(&data, options, Arc::new(System::new())).map_err(in_words)
}

/// A failure of the service in the words of the command line: with its cause.
pub fn in_words(error: crate::service::error::ServiceError) -> anyhow::Error {
    match &error.cause {
        Some(cause) => anyhow::anyhow!("{error} ({cause})"),
        None => anyhow::anyhow!("{error}"),
    }
}

impl Application {
    /// Locks the data folder, binds the port, opens the files.
    pub fn build(settings: Settings) -> Result<Self> {
        Self::build_in(settings, Arc::new(System::new()))
    }
    /// The same with clocks that are the caller's.
    pub fn build_in(settings: Settings, ambient: SharedAmbient) -> Result<Self> {
        tls::install_provider();
        let data = DataFolder::at(&settings.data);
        anyhow::ensure!(
            data.is_initialised(),
            "{} is not a data folder yet. Make one with `tributary init`, or name another with --data.",
            data.path().display()
        );
        let lock = lock(&data)?;
        data.sweep(&lock)?;
        let listener = TcpListener::bind(settings.listen)
            .with_context(|| format!("listening on {}", settings.listen))?;
        let address = listener.local_addr()?;
        let url = settings.public_url.clone();
        let url = url.unwrap_or_else(|| derived_url(&settings, address.port()));
        let tls = certificate::load(&settings.transport, &data, host_of(&url))?;
        let options = options(&settings, url, tls.as_ref());
        let service = Service::open(&data, options, ambient).map_err(in_words)?;
        let service = Arc::new(service);
        let (stop, _) = watch::channel(false);
        Ok(Self {
            settings,
            listener,
            address,
            service,
            tls,
            stop,
            _lock: lock,
        })
    }

    /// The port it has.
    pub fn port(&self) -> u16 {
        self.address.port()
    }
    /// Where people reach it.
    pub fn url(&self) -> &str {
        &self.service.options().public_url
    }
    /// The rules it runs, for those who start it in their own process.
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service)
    }
    /// Stops it from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        StopHandle(self.stop.clone())
    }

    /// Answers until it is told to stop, by the handle, by SIGTERM or by ctrl-c. Blocks.
    pub fn run(self) -> Result<()> {
        actix_web::rt::System::new().block_on(self.serve())
    }

    /// The schedule of copies, if there is one.
    fn copies(&self) -> Result<Option<Runner>> {
        let Some(backup) = &self.settings.backup else {
            tracing::warn!("no backup folder is set: a lost disk loses what phones no longer hold");
            return Ok(None);
        };
        let schedule = Schedule {
            data: self.settings.data.clone(),
            target: backup.folder.clone(),
            every: backup.every,
            keep: backup.keep.get(),
        };
        let runner = Runner::start(schedule, Arc::clone(&self.service), report_copy)?;
        Ok(Some(runner))
    }

    async fn serve(self) -> Result<()> {
        let service = web::Data::from(Arc::clone(&self.service));
        let options = web::Data::new(http::HttpOptions {
            behind_proxy: self.settings.behind_proxy,
            pinned: self.tls.as_ref().is_none_or(|tls| tls.pin.is_some()),
            metrics_token: self.settings.metrics_token.clone(),
            rooms: http::Rooms::default(),
        });
        // They end, with what is under way, when the server does.
        let _copies = self.copies()?;
        let _upkeep = Upkeep::start(Arc::clone(&self.service), report_upkeep)?;
        let app = move || {
            App::new()
                .app_data(service.clone())
                .app_data(options.clone())
                .configure(http::routes::configure)
                .wrap(middleware::Compress::default())
                .wrap(middleware::from_fn(http::frame::frame))
        };
        let workers = self.settings.workers.map_or_else(
            || std::thread::available_parallelism().map_or(2, NonZeroUsize::get),
            NonZeroUsize::get,
        );
        let connections = Connections::new();
        // A proxy's connections are everybody's.
        let counted = !self.settings.behind_proxy;
        let server = HttpServer::new(app)
            // As many may agree on keys as may be connected: whoever opens connections and says nothing would else keep
            // all others waiting. First, because workers take it as it is when they are made.
            .max_connection_rate(ALL_MAX)
            .tls_handshake_timeout(HANDSHAKE_TIMEOUT)
            .workers(workers)
            .max_connections(ALL_MAX.div_ceil(workers))
            .on_connect(move |io, data| {
                if counted {
                    connections.admit(io, data);
                }
            })
            .shutdown_timeout(GRACE_SECONDS)
            .client_request_timeout(HEAD_TIMEOUT)
            .client_disconnect_timeout(CLOSING_TIMEOUT)
            .keep_alive(KEEP_ALIVE)
            .worker_max_blocking_threads(BLOCKING_THREADS)
            .shutdown_signal(stopped(self.stop.subscribe()));
        let server = match self.tls {
            Some(tls) => server.listen_rustls_0_23(self.listener, tls.config)?,
            None => server.listen(self.listener)?,
        };
        tracing::info!(address = %self.address, version = env!("CARGO_PKG_VERSION"), "listening");
        server.run().await?;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Says in the log what became of a copy. Organisations are named by their ids only.
fn report_copy(outcome: &Result<Made, BackupError>) {
    match outcome {
        Ok(made) => {
            for (org, why) in &made.withheld {
                tracing::error!(organisation = %org, reason = ?why, "not copied");
            }
            if made.same_disk {
                tracing::warn!(
                    "the backup folder lies on the disk of the data: no copy off this machine"
                );
            }
            tracing::info!(organisations = made.copied.len(), "copied");
        }
        Err(error) => tracing::error!(%error, "no copy was made"),
    }
}

/// Says in the log what a round of upkeep did.
fn report_upkeep(round: Round, outcome: &crate::service::error::Result<u64>) {
    match outcome {
        Ok(0) => {}
        Ok(bodies) if round == Round::Quarantine => {
            tracing::info!(bodies, "left quarantine unjudged: their time was over");
        }
        Ok(records) => tracing::info!(records, "hidden: they were kept as long as they may be"),
        Err(error) => tracing::error!(code = error.code.entry().code, "upkeep failed"),
    }
}

/// Ends when somebody wants the server to stop.
async fn stopped(mut told: watch::Receiver<bool>) {
    let told = async {
        // An error says that nobody is left who could tell.
        if told.wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = told => {}
        _ = tokio::signal::ctrl_c() => tracing::info!(signal = "interrupt", "stopping"),
        () = terminated() => tracing::info!(signal = "terminate", "stopping"),
    }
}

#[cfg(unix)]
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}
#[cfg(not(unix))]
async fn terminated() {
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_of_a_url() {
        assert_eq!(
            host_of("https://survey.example.org:8443/x"),
            Some("survey.example.org")
        );
        assert_eq!(host_of("https://[::1]:8443"), Some("::1"));
        assert_eq!(host_of("http://10.0.0.1"), Some("10.0.0.1"));
        assert_eq!(host_of("nonsense"), None);
    }
}
