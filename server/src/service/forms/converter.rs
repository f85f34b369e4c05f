//! A stranger's file is read in a child process with a memory and a time limit, so that what it costs or breaks is the
//! child's and not the server's.
//!
//! The child is this program once more, under the command `convert-form`: an empty environment, no descriptors but its
//! three, no files, no processes. What it answers is judged in [`super::conversion`].

use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tributary_sync_core::form::{FormError, FormErrorKind, PreparedForm};
use tributary_sync_core::ids::OrgId;

use super::conversion::{self, ANSWER_BYTES_MAX};
use super::import;
use crate::service::Service;
use crate::service::error::{Code, Result, ServiceError};

/// How many children read at once.
pub(in crate::service) const AT_ONCE: usize = 2;
/// How many of them read for one organisation.
pub(in crate::service) const EACH: usize = 1;
/// When somebody who found no place may ask again.
const AGAIN: Duration = Duration::from_secs(5);

/// Which program reads, and what it may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converter {
    /// The program, which knows the command `convert-form`.
    pub program: PathBuf,
    /// What one file may cost.
    pub limits: Limits,
}

/// What reading one file may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// All memory of the child, its program included, in bytes.
    pub memory_bytes: u64,
    /// Time on a processor, in seconds.
    pub cpu_seconds: u64,
    /// Time by the clock, after which the child is killed.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_bytes: 512 * 1024 * 1024,
            cpu_seconds: 20,
            patience: Duration::from_secs(60),
        }
    }
}

impl Default for Converter {
    /// This very program.
    fn default() -> Self {
        // The link leads to the program that runs, also when its file was replaced or removed since.
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().unwrap_or_else(|_| PathBuf::from("tributary"))
        };
        Self {
            program,
            limits: Limits::default(),
        }
    }
}

/// How the child ended.
enum End {
    Answered(Vec<u8>),
    /// By a signal: a limit, or our patience.
    Stopped,
    Failed,
}

impl Service {
    /// Reads a form from a file, in a child.
    pub(super) fn convert(
        &self,
        org: OrgId,
        bytes: &[u8],
        file_name: &str,
    ) -> Result<PreparedForm> {
        import::fits(bytes)?;
        let Some(_seat) = self.conversions.take(org, 1) else {
            return Err(ServiceError::from(Code::Overloaded).retry_after(AGAIN));
        };
        let converter = &self.options.converter;
        let end = converter
            .ask(conversion::question(bytes, file_name))
            .map_err(|e| ServiceError::from(Code::Overloaded).because(e))?;
        match end {
            End::Answered(answer) => match conversion::read(&answer) {
                Some(form) => Ok(form?),
                None => Err(failed("the child that reads forms gave no answer")),
            },
            End::Stopped => {
                let detail = "Reading this file takes more memory or time than a form may need.";
                Err(FormError::new(FormErrorKind::Costly, detail).into())
            }
            End::Failed => Err(failed("the child that reads forms failed")),
        }
    }
}

fn failed(cause: &str) -> ServiceError {
    ServiceError::from(Code::Internal).because(cause)
}

impl Converter {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        let Limits {
            memory_bytes,
            cpu_seconds,
            ..
        } = self.limits;
        command
            .args(["convert-form", "--memory-bytes", &memory_bytes.to_string()])
            .args(["--cpu-seconds", &cpu_seconds.to_string()])
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt as _;
            // Ctrl-c at the server is not the child's end, which would look like a file that is too costly.
            command.arg0("tributary").process_group(0);
        }
        command
    }

    /// Lets a child answer. It has ended when this returns.
    fn ask(&self, question: Vec<u8>) -> io::Result<End> {
        let mut child = Reaped(self.command().spawn()?);
        let (stdin, stdout) = (child.0.stdin.take(), child.0.stdout.take());
        let (Some(mut stdin), Some(stdout)) = (stdin, stdout) else {
            return Err(io::Error::other("no pipes"));
        };
        let (tell, told) = mpsc::sync_channel(1);
        // Whoever does not read to the end of the file has judged it by its beginning.
        let write = move || drop(stdin.write_all(&question));
        let read = move || {
            let mut answer = Vec::new();
            let most = ANSWER_BYTES_MAX as u64 + 1;
            let read = stdout.take(most).read_to_end(&mut answer);
            let _ = tell.send(read.map(|_| answer));
        };
        let answer = std::thread::scope(|scope| {
            let threads = std::thread::Builder::new()
                .spawn_scoped(scope, write)
                .and_then(|_| std::thread::Builder::new().spawn_scoped(scope, read));
            let answer = threads.map(|_| told.recv_timeout(self.limits.patience));
            // It has said all that is listened to. Both threads end when nobody is left at the other ends.
            let _ = child.0.kill();
            answer
        })?;
        let status = child.0.wait()?;
        Ok(match answer {
            Ok(Ok(answer)) if answer.is_empty() && status.code().is_none() => End::Stopped,
            Ok(Ok(answer)) if (1..=ANSWER_BYTES_MAX).contains(&answer.len()) => {
                End::Answered(answer)
            }
            Err(RecvTimeoutError::Timeout) => End::Stopped,
            _ => End::Failed,
        })
    }
}

/// A child that does not outlive its question.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
