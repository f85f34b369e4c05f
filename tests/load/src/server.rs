//! The real program as a process of its own, over a data folder on a real disk.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use tributary_native::tls::{self, ServerProof};
use tributary_sync_core::testing::workload::xform;

use crate::wire::Place;

/// What the organisation and its admin are called.
pub(crate) const SLUG: &str = "load";
pub(crate) const ADMIN: &str = "admin";
pub(crate) const PASSWORD: &str = "four unrelated words";
/// Ticks of processor time in a second, as Linux tells them to everybody.
const TICKS: f64 = 100.0;

/// A running server. It is ended, and its folder is deleted, when it is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) folder: TempDir,
    pub(crate) place: Place,
}

/// Memory of the process in kB, and its processor time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Use {
    pub(crate) resident: u64,
    pub(crate) peak: u64,
    pub(crate) cpu: Duration,
}

impl Server {
    /// Makes a data folder below `parent`, publishes the workload's form and serves it.
    pub(crate) fn start(program: &Path, parent: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("tributary-load-")
            .tempdir_in(parent)?;
        let data = folder.path().join("data");
        let command = |words: &[&str]| {
            let mut command = Command::new(program);
            // Settings of whoever runs this are not the server's.
            for (name, _) in std::env::vars_os() {
                if name.to_string_lossy().starts_with("TRIBUTARY_") {
                    command.env_remove(name);
                }
            }
            command.args(words).arg("--data").arg(&data);
            command
        };
        let init = ["init", "--org", SLUG, "--admin", ADMIN, "--password-stdin"];
        run(command(&init), PASSWORD)?;
        let form = folder.path().join("workload.xml");
        std::fs::write(&form, xform())?;
        let mut publish = command(&["form", "publish"]);
        publish.arg(&form);
        run(publish, "")?;
        let mut process = command(&["serve", "--listen", "127.0.0.1:0", "--log-level", "error"])
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let address = address(&mut process);
        let mut server = Self {
            process,
            place: Place {
                address: SocketAddr::from(([127, 0, 0, 1], 0)),
                tls: tls::config(&ServerProof::Certificate(certificate(&data)?))?,
            },
            folder,
        };
        server.place.address = address?;
        Ok(server)
    }

    /// What it uses now.
    pub(crate) fn usage(&self) -> Result<Use> {
        let of =
            |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", self.process.id()));
        let status = of("status").context("memory is only known on Linux")?;
        let kb = |name: &str| -> u64 {
            let line = status.lines().find_map(|l| l.strip_prefix(name));
            line.and_then(|l| l.split_whitespace().next()?.parse().ok())
                .unwrap_or(0)
        };
        let stat = of("stat")?;
        // The name in brackets may hold anything; the numbers come behind it.
        let numbers: Vec<&str> = stat
            .rsplit_once(") ")
            .map_or(Vec::new(), |(_, rest)| rest.split(' ').collect());
        let ticks = |n: usize| {
            numbers
                .get(n)
                .and_then(|t| t.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        Ok(Use {
            resident: kb("VmRSS:"),
            peak: kb("VmHWM:"),
            cpu: Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS),
        })
    }

    /// The size of the organisation's file and its write-ahead log.
    pub(crate) fn stored_bytes(&self) -> Result<u64> {
        let mut sum = 0;
        for entry in std::fs::read_dir(self.data().join("org"))? {
            sum += entry?.metadata()?.len();
        }
        Ok(sum)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The folder goes too: there is nothing to end in good order.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn run(mut command: Command, input: &str) -> Result<()> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        writeln!(stdin, "{input}")?;
    }
    let status = child.wait()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}

/// From the line that the server prints once it has its port.
fn address(process: &mut Child) -> Result<SocketAddr> {
    let out = process.stdout.take().context("the output of the server")?;
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let at = line
        .split("https://")
        .nth(1)
        .and_then(|rest| rest.split(". ").next());
    at.and_then(|at| at.parse().ok())
        .with_context(|| format!("the server said no address: {line:?}"))
}

fn certificate(data: &Path) -> Result<Vec<u8>> {
    let path = data.join("keys/tls-certificate.pem");
    let pem = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(CertificateDer::from_pem_slice(&pem)?.to_vec())
}
