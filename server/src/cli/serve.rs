//! `tributary serve`: the server, until it is told to stop.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{Common, terminal};
use crate::startup::Application;
use crate::telemetry;

#[derive(Args)]
pub(super) struct Serve {
    /// No TLS: only on loopback, or with --behind-proxy
    #[arg(long)]
    plain: bool,
    /// A proxy with TLS stands in front and sets X-Forwarded-For
    #[arg(long)]
    behind_proxy: bool,
    /// The certificate chain, PEM
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<PathBuf>,
    /// The private key of the certificate, PEM
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// How many threads answer [default: one a processor]
    #[arg(long)]
    workers: Option<u32>,
    /// error, warn, info or debug [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Copy everything to this folder, on another disk, once a day
    #[arg(long, value_name = "FOLDER")]
    backup_folder: Option<PathBuf>,
}

impl Serve {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let path = |path: Option<PathBuf>| path.map(|p| p.to_string_lossy().into_owned());
        let set = [
            ("plain", self.plain.then(|| "true".to_owned())),
            ("behind_proxy", self.behind_proxy.then(|| "true".to_owned())),
            ("tls.certificate", path(self.tls_certificate)),
            ("tls.key", path(self.tls_key)),
            ("workers", self.workers.map(|n| n.to_string())),
            ("log.level", self.log_level),
            ("log.format", self.log_format),
            ("backup.folder", path(self.backup_folder)),
        ];
        let set = set
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        let settings = common.settings(set)?;
        telemetry::init(settings.log);
        let application = Application::build(settings)?;
        terminal::say(format!(
            "Tributary answers at {}. Stop it with ctrl-c.",
            application.url()
        ))?;
        application.run()
    }
}
