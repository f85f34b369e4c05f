//! The one writer of an organisation's file, with group commit.
//!
//! Jobs that wait while a commit runs are gathered into the next one. Each job is a savepoint: its failure undoes that
//! job alone. Nobody hears of a result before the commit that holds it is on the disk; a commit that fails, fails every
//! job in it, and the file is opened again (§6.5).

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tributary_sync_core::ids::OrgId;

use super::error::StorageError;
use super::open;
use super::org::{MIGRATIONS, OrgTxn};

/// How many jobs one commit may gather.
const GROUP_MAX: usize = 64;

/// Tells a waiting caller what became of its job once the commit is decided.
type Verdict = Box<dyn FnOnce(Result<(), StorageError>) + Send>;
/// Runs in its savepoint; `Err` carries a verdict for a job that undid itself.
type Job = Box<dyn FnOnce(&OrgTxn<'_>) -> (bool, Verdict) + Send>;

/// A handle on the writer thread of one organisation.
pub(crate) struct Writer {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Opens the file and starts the thread.
    pub(crate) fn start(org: OrgId, path: PathBuf) -> Result<Self, StorageError> {
        let conn = open::writer(&path, MIGRATIONS, false)?;
        let (jobs, inbox) = channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("org-writer".to_owned())
            .spawn(move || run(org, &path, conn, &inbox))
            .map_err(|source| StorageError::Io {
                what: "starting the writer",
                source,
            })?;
        Ok(Self {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    /// Runs `work` in a savepoint of the next commit and returns its result once that commit is durable. An `Err` of
    /// `work` undoes what it did.
    pub(crate) fn write<T, E>(
        &self,
        work: impl FnOnce(&OrgTxn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (reply, wait) = sync_channel::<Result<T, E>>(1);
        let job: Job = Box::new(move |txn| {
            let result = work(txn);
            let keep = result.is_ok();
            let verdict: Verdict = Box::new(move |commit| {
                // The caller may have gone; its work is done all the same.
                let _ = reply.send(commit.map_err(E::from).and(result));
            });
            (keep, verdict)
        });
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(job).is_ok());
        if !sent {
            return Err(StorageError::Closed.into());
        }
        wait.recv()
            .unwrap_or_else(|_| Err(StorageError::Closed.into()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread ends when the last sender is gone, after what it has begun.
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(org: OrgId, path: &std::path::Path, conn: Connection, inbox: &Receiver<Job>) {
    let mut conn = Some(conn);
    while let Ok(first) = inbox.recv() {
        let mut verdicts = Vec::new();
        let open = match conn.take() {
            Some(conn) => Ok(conn),
            None => open::writer(path, MIGRATIONS, false),
        };
        let outcome = open.and_then(|mut c| {
            let done = group(org, &mut c, first, inbox, &mut verdicts);
            if done.is_ok() {
                conn = Some(c);
            }
            done
        });
        let mut outcome = Some(outcome);
        for verdict in verdicts {
            verdict(match &mut outcome {
                Some(Ok(())) => Ok(()),
                // The first hears the cause; the others that the group failed with it.
                failed => failed.take().unwrap_or(Err(StorageError::Closed)),
            });
        }
    }
}

/// One commit. Every job's verdict lands in `verdicts`, also when the commit fails.
fn group(
    org: OrgId,
    conn: &mut Connection,
    first: Job,
    inbox: &Receiver<Job>,
    verdicts: &mut Vec<Verdict>,
) -> Result<(), StorageError> {
    let txn = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(StorageError::classify)?;
    let mut next = Some(first);
    while let Some(job) = next {
        txn.execute_batch("SAVEPOINT job")
            .map_err(StorageError::classify)?;
        let (keep, verdict) = job(&OrgTxn::new(org, &txn));
        verdicts.push(verdict);
        let end = if keep {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        };
        txn.execute_batch(end).map_err(StorageError::classify)?;
        next = if verdicts.len() < GROUP_MAX {
            inbox.try_recv().ok()
        } else {
            None
        };
    }
    txn.commit().map_err(StorageError::classify)
}
