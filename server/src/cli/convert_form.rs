//! `tributary convert-form`, hidden: the child that reads a stranger's form file, inside limits that it puts on itself
//! before it reads a byte. Asked and answered over standard input and output; opens no file and starts no program.

use std::io::{Read as _, Write as _};

use anyhow::{Context, Result};
use clap::Args;
use rlimit::Resource;

use crate::service::forms::conversion::{QUESTION_BYTES_MAX, answer};

#[derive(Args)]
pub(super) struct ConvertForm {
    /// All memory that it may have, in bytes
    #[arg(long)]
    memory_bytes: u64,
    /// All time that it may have on a processor, in seconds
    #[arg(long)]
    cpu_seconds: u64,
}

impl ConvertForm {
    pub(super) fn run(self) -> Result<()> {
        self.limit()?;
        let mut question = Vec::new();
        let most = QUESTION_BYTES_MAX as u64 + 1;
        let mut read = std::io::stdin().lock().take(most);
        read.read_to_end(&mut question)?;
        anyhow::ensure!(question.len() <= QUESTION_BYTES_MAX, "too long a question");
        let answer = answer(&question).context("this is no question")?;
        let mut out = std::io::stdout().lock();
        out.write_all(&answer)?;
        Ok(out.flush()?)
    }

    /// Hard limits, so that nothing that comes later can raise them again.
    fn limit(&self) -> Result<()> {
        for (resource, most) in [
            (Resource::CORE, 0),
            (Resource::AS, self.memory_bytes),
            (Resource::CPU, self.cpu_seconds),
            // No more than it has: standard input, output and error.
            (Resource::NOFILE, 3),
            (Resource::FSIZE, 0),
        ] {
            rlimit::setrlimit(resource, most, most).context("a limit could not be set")?;
        }
        // Where the system knows no such limit, there is nothing to be started within the others either.
        #[cfg(target_os = "linux")]
        rlimit::setrlimit(Resource::NPROC, 0, 0).context("a limit could not be set")?;
        Ok(())
    }
}
