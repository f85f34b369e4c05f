//! The real programs, as processes: `tributary` and `tributary-field`, found beside the test that runs.

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use tempfile::TempDir;
use tributary::storage::folder::DataFolder;

use super::server::PASSWORD;
use super::{Client, Tripwire};

/// Where a program lies: two folders above the test itself, `target/<profile>`.
pub(super) fn place_of(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// The same, if it is there.
pub fn program(name: &str) -> PathBuf {
    let path = place_of(name);
    assert!(
        path.is_file(),
        "{} is missing. Build the programs first: cargo build --workspace --bins (tests/run does it)",
        path.display()
    );
    path
}

/// A command without any setting of whoever runs the tests.
fn command(name: &str) -> Command {
    let mut command = Command::new(program(name));
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("TRIBUTARY_") {
            command.env_remove(variable);
        }
    }
    command
}

/// What a command printed, if it ended well.
#[track_caller]
fn well(output: &Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    out.into_owned()
}

/// What a command complained of, if it failed as it should.
#[track_caller]
fn ill(output: &Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(1), "{out}\n{err}");
    format!("{out}{err}")
}

/// A data folder that `tributary init` made, the server that may run over it, and one address that leads to it however
/// often it starts.
pub struct Installation {
    folder: TempDir,
    wire: Tripwire,
    server: Option<(Child, SocketAddr)>,
    /// Programs run over a disk that loses; how many did.
    losing: Option<Cell<u64>>,
}

impl Installation {
    /// `tributary init`, with an organisation `first` and an admin `admin`.
    pub fn init() -> Self {
        Self::init_on(|_| ())
    }
    /// The same, over what `disk` makes of the place for the data folder.
    pub fn init_on(disk: impl FnOnce(&Path)) -> Self {
        Self::init_with(None, disk)
    }
    /// The same, where every program runs over a disk that loses what was not synced when it is killed.
    pub fn init_on_a_losing_disk() -> Self {
        Self::init_with(Some(Cell::new(1)), |_| ())
    }
    fn init_with(losing: Option<Cell<u64>>, disk: impl FnOnce(&Path)) -> Self {
        tributary::tls::install_provider();
        let here = Self {
            losing,
            folder: tempfile::tempdir().unwrap(),
            wire: Tripwire::listen(),
            server: None,
        };
        disk(&here.place("data"));
        let mut command = here.tributary(&["init", "--password-stdin"]);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
        assert!(child.wait().unwrap().success());
        here
    }
    /// A folder for whatever belongs to the test.
    pub fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// The data folder.
    pub fn data(&self) -> DataFolder {
        DataFolder::at(self.place("data"))
    }
    /// The way to the server, with a tripwire in it.
    pub fn wire(&self) -> &Tripwire {
        &self.wire
    }
    fn tributary(&self, arguments: &[&str]) -> Command {
        let data = self.place("data");
        let mut command = match &self.losing {
            Some(run) => {
                run.set(run.get() + 1);
                on_a_losing_disk("tributary", &data, run.get())
            }
            None => command("tributary"),
        };
        over(&mut command, &data).args(arguments);
        command
    }
    /// Runs `tributary` to its end; what it printed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        well(&self.tributary(arguments).output().unwrap())
    }
    /// The same where it has to fail; what it complained of.
    #[track_caller]
    pub fn fails(&self, arguments: &[&str]) -> String {
        ill(&self.tributary(arguments).output().unwrap())
    }
    /// Starts `tributary serve` and waits until it says that it answers.
    pub fn serve(&mut self) {
        let command = self.tributary(&["serve", "--workers", "2", "--log-level", "error"]);
        self.start(command);
    }
    /// The same, with a log that says as much as it can be made to; the log.
    pub fn serve_talking(&mut self) -> ChildStderr {
        let mut command = self.tributary(&["serve", "--workers", "2", "--log-level", "debug"]);
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
        command.stderr(Stdio::piped());
        self.start(command).stderr.take().unwrap()
    }
    fn start(&mut self, mut command: Command) -> &mut Child {
        self.kill();
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let address = line
            .split_once("answers at https://")
            .and_then(|(_, rest)| rest.split_once(". Stop"))
            .and_then(|(address, _)| address.parse().ok())
            .unwrap_or_else(|| panic!("the server did not start: {line}"));
        self.wire.lead_to(Some(address));
        &mut self.server.insert((child, address)).0
    }
    /// The process of the server.
    pub fn server(&self) -> u32 {
        self.server.as_ref().expect("a running server").0.id()
    }
    /// SIGKILL, whatever the server is doing.
    pub fn kill(&mut self) {
        if let Some((mut child, _)) = self.server.take() {
            self.wire.lead_to(None);
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    /// SIGKILL, if the server still runs; then what `tributary check` says of its folder, which has to be sound.
    #[track_caller]
    pub fn end(&mut self) {
        self.kill();
        let checked = self.run(&["check"]);
        assert!(
            checked.contains("Everything is what was written"),
            "{checked}"
        );
    }
    /// A new worker, and the link for a device of theirs, which reaches the server over the wire.
    pub fn worker_link(&self, name: &str) -> String {
        self.run(&["user", "create", name, "--role", "worker"]);
        let link = self.run(&["device", "enrol-code", name, "--link-only"]);
        let (_, rest) = link.trim().split_once("/enrol#").unwrap();
        format!("https://{}/enrol#{rest}", self.wire.address())
    }
    /// Somebody who is not signed in.
    pub fn client(&self) -> Client {
        let certificate = tributary::startup::certificate::own_certificate(&self.data()).unwrap();
        Client::new(&format!("https://{}", self.wire.address()), &certificate)
    }
    /// The admin, signed in.
    pub fn admin(&self) -> Client {
        let client = self.client();
        let body =
            serde_json::json!({"organisation": "first", "name": "admin", "password": PASSWORD});
        let reply = client.post("/api/v1/auth/sign-in", &body).expect(200);
        client.with_token(reply["access_token"].as_str().unwrap())
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `tributary` over a data folder, on whatever port is free, not yet started.
pub fn tributary_command(data: &Path) -> Command {
    let mut command = command("tributary");
    over(&mut command, data);
    command
}

fn over<'c>(command: &'c mut Command, data: &Path) -> &'c mut Command {
    command.arg("--data").arg(data);
    command.args(["--listen", "127.0.0.1:0"])
}

/// A program over a disk that loses what was not synced when it is killed; `seed` says which single writes survive.
fn on_a_losing_disk(name: &str, folder: &Path, seed: u64) -> Command {
    let mut command = command(&format!("{name}-on-a-losing-disk"));
    command.env("LOSING_DISK", folder);
    command.env("LOSING_SEED", seed.to_string());
    command
}

/// Runs `tributary-field` over a folder to its end; what it printed.
#[track_caller]
pub fn field(home: &Path, arguments: &[&str]) -> String {
    well(&field_command(home, arguments).output().unwrap())
}

/// The same where it has to fail; what it complained of.
#[track_caller]
pub fn field_fails(home: &Path, arguments: &[&str]) -> String {
    ill(&field_command(home, arguments).output().unwrap())
}

/// `tributary-field` over a folder, not yet started.
pub fn field_command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = command("tributary-field");
    command.arg("--home").arg(home).args(arguments);
    command
}

/// The same over a disk that loses what was not synced when it is killed.
pub fn field_on_a_losing_disk(home: &Path, arguments: &[&str], seed: u64) -> Command {
    let mut command = on_a_losing_disk("tributary-field", home, seed);
    command.arg("--home").arg(home).args(arguments);
    command
}
