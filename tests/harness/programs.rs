//! The real programs, as processes: `tributary` and `tributary-field`, found beside the test that runs.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use tributary::storage::folder::DataFolder;

use super::Client;

/// The admin's password.
const PASSWORD: &str = "four unrelated words";

/// Where a program lies: two folders above the test itself, `target/<profile>`.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
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

/// A data folder that `tributary init` made, and the server that may run over it.
pub struct Installation {
    folder: TempDir,
    address: SocketAddr,
    server: Option<Child>,
}

impl Installation {
    /// `tributary init`, with an organisation `first` and an admin `admin`.
    pub fn init() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Commands beside the server have to know its port, so one is chosen before it starts.
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let here = Self {
            folder,
            address,
            server: None,
        };
        here.run_with(&["init", "--password-stdin"], PASSWORD);
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
    /// Where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    fn tributary(&self, arguments: &[&str]) -> Command {
        let mut command = command("tributary");
        command.arg("--data").arg(self.place("data"));
        command.arg("--listen").arg(self.address.to_string());
        command.args(arguments);
        command
    }
    /// Runs `tributary` to its end; what it printed.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> String {
        well(&self.tributary(arguments).output().unwrap())
    }
    fn run_with(&self, arguments: &[&str], input: &str) {
        let mut command = self.tributary(arguments);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        writeln!(child.stdin.take().unwrap(), "{input}").unwrap();
        assert!(child.wait().unwrap().success());
    }
    /// Starts `tributary serve` and waits until it says that it answers.
    pub fn serve(&mut self) {
        self.kill();
        let mut command = self.tributary(&["serve", "--workers", "2", "--log-level", "error"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.take().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        assert!(line.contains("answers at"), "{line}");
        self.server = Some(child);
    }
    /// The process of the server.
    pub fn server(&self) -> u32 {
        self.server.as_ref().expect("a running server").id()
    }
    /// SIGKILL, whatever the server is doing.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.server.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    /// A new worker, and the link for a device of theirs, led to `server` in place of the server's own address.
    pub fn worker_link(&self, name: &str, server: SocketAddr) -> String {
        self.run(&["user", "create", name, "--role", "worker"]);
        let link = self.run(&["device", "enrol-code", name, "--link-only"]);
        let (_, rest) = link.trim().split_once("/enrol#").unwrap();
        format!("https://{server}/enrol#{rest}")
    }
    /// The admin, signed in.
    pub fn admin(&self) -> Client {
        let certificate = tributary::startup::certificate::own_certificate(&self.data()).unwrap();
        let client = Client::new(&format!("https://{}", self.address), &certificate);
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

/// Runs `tributary-field` over a folder to its end; what it printed.
#[track_caller]
pub fn field(home: &Path, arguments: &[&str]) -> String {
    well(&field_command(home, arguments).output().unwrap())
}

/// `tributary-field` over a folder, not yet started.
pub fn field_command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = command("tributary-field");
    command.arg("--home").arg(home).args(arguments);
    command
}
