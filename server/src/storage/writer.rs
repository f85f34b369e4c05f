//! The one writer of an organisation's file, with group commit.
//!
//! Jobs that wait while a commit runs are gathered into the next one. Each job is a savepoint: its failure undoes that
//! job alone. Nobody hears of a result before the commit that holds it is on the disk; a commit that fails, fails every
//! job in it, and the file is opened again (§6.5). Scrubbing, after an erasure, runs between two commits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, TransactionBehavior};
use tributary_sync_core::ids::OrgId;

use super::error::StorageError;
use super::open;
use super::org::{MIGRATIONS, OrgTxn};
use super::tally::COMMITS;

/// How many jobs one commit may gather.
const GROUP_MAX: usize = 64;

/// Tells a waiting caller what became of its job once the commit is decided.
type Verdict = Box<dyn FnOnce(Result<(), StorageError>) + Send>;
/// Runs in its savepoint, or hears why there is none; `false` is for a job that undoes itself.
type Work = Box<dyn FnOnce(Result<&OrgTxn<'_>, StorageError>) -> (bool, Verdict) + Send>;

/// What the thread is asked for.
enum Job {
    /// Something to commit.
    Work(Work),
    /// Erased words are to leave the files.
    Scrub(SyncSender<Result<(), StorageError>>),
}

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
        let job: Work = Box::new(move |txn| {
            let result = match txn {
                Ok(txn) => work(txn),
                Err(why) => Err(why.into()),
            };
            let keep = result.is_ok();
            let verdict: Verdict = Box::new(move |commit| {
                // A job's own failure says more than that of the commit which it brought down.
                let told = match (commit, result) {
                    (Err(why), Ok(_)) => Err(why.into()),
                    (_, result) => result,
                };
                // The caller may have gone; its work is done all the same.
                let _ = reply.send(told);
            });
            (keep, verdict)
        });
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(Job::Work(job)).is_ok());
        if !sent {
            return Err(StorageError::Closed.into());
        }
        wait.recv()
            .unwrap_or_else(|_| Err(StorageError::Closed.into()))
    }

    /// Takes what was deleted out of the file and its WAL, between two commits.
    pub(crate) fn scrub(&self) -> Result<(), StorageError> {
        let (reply, wait) = sync_channel(1);
        let sent = self
            .jobs
            .as_ref()
            .is_some_and(|jobs| jobs.send(Job::Scrub(reply)).is_ok());
        if !sent {
            return Err(StorageError::Closed);
        }
        wait.recv().unwrap_or(Err(StorageError::Closed))
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
    let mut next = None;
    while let Some(first) = next.take().or_else(|| inbox.recv().ok()) {
        let open = match conn.take() {
            Some(conn) => Ok(conn),
            None => open::writer(path, MIGRATIONS, false),
        };
        match first {
            Job::Scrub(reply) => {
                let outcome = open.and_then(|mut c| {
                    let done = scrub(org, &mut c);
                    conn = Some(c);
                    done
                });
                let _ = reply.send(outcome);
            }
            Job::Work(work) => match open {
                Ok(c) => {
                    let (still_open, left) = commit(org, c, work, inbox);
                    (conn, next) = (still_open, left);
                }
                Err(why) => {
                    let (_, verdict) = work(Err(why));
                    verdict(Ok(()));
                }
            },
        }
    }
}

/// One commit, and its verdicts. The connection comes back only after a good one.
fn commit(
    org: OrgId,
    mut conn: Connection,
    work: Work,
    inbox: &Receiver<Job>,
) -> (Option<Connection>, Option<Job>) {
    let mut verdicts = Vec::new();
    // A job that panics is a bug; it must not take the organisation down with it. Unwinding rolls everything back, and
    // the file is opened again as after any failed commit.
    let done = catch_unwind(AssertUnwindSafe(|| {
        group(org, &mut conn, work, inbox, &mut verdicts)
    }))
    .unwrap_or(Err(StorageError::Closed));
    match done {
        Ok(left) => {
            COMMITS.durable(verdicts.len());
            verdicts.into_iter().for_each(|verdict| verdict(Ok(())));
            (Some(conn), left)
        }
        Err(cause) => {
            COMMITS.failed();
            let others = cause.shared();
            let mut cause = Some(cause);
            // The first hears the cause; the others that the group failed with it.
            for verdict in verdicts {
                verdict(Err(cause.take().unwrap_or_else(|| others.shared())));
            }
            (None, None)
        }
    }
}

/// One commit. Every job's verdict lands in `verdicts`, also when the commit fails. Returns what came in meanwhile that
/// cannot be part of a commit.
fn group(
    org: OrgId,
    conn: &mut Connection,
    first: Work,
    inbox: &Receiver<Job>,
    verdicts: &mut Vec<Verdict>,
) -> Result<Option<Job>, StorageError> {
    let txn = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(StorageError::classify)?;
    let mut next = Some(first);
    let mut left = None;
    while let Some(work) = next.take() {
        txn.execute_batch("SAVEPOINT job")
            .map_err(StorageError::classify)?;
        let (keep, verdict) = work(Ok(&OrgTxn::new(org, &txn)));
        verdicts.push(verdict);
        let end = if keep {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        };
        txn.execute_batch(end).map_err(StorageError::classify)?;
        if verdicts.len() < GROUP_MAX {
            match inbox.try_recv().ok() {
                Some(Job::Work(work)) => next = Some(work),
                other => left = other,
            }
        }
    }
    txn.commit().map_err(StorageError::classify)?;
    Ok(left)
}

/// `secure_delete` zeroes deleted cells, but a page that was split keeps copies of cells that moved away in its unused
/// part (measured: 1 of 100 erased bodies was still in the file). Only a rewrite of the file leaves nothing; the
/// write-ahead log is cut to nothing before and after. Fails while a reader holds an older state for long.
fn scrub(org: OrgId, conn: &mut Connection) -> Result<(), StorageError> {
    truncate_wal(conn)?;
    conn.execute_batch("VACUUM")
        .map_err(StorageError::classify)?;
    truncate_wal(conn)?;
    let txn = conn
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(StorageError::classify)?;
    OrgTxn::new(org, &txn).set_scrub_owed(false)?;
    txn.commit().map_err(StorageError::classify)
}

fn truncate_wal(conn: &Connection) -> Result<(), StorageError> {
    let busy: bool = conn
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))
        .map_err(StorageError::classify)?;
    if busy {
        Err(StorageError::Busy)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use tributary_sync_core::ids::EpochId;

    use super::*;

    type Told = Receiver<Result<(), StorageError>>;

    struct Desk {
        _folder: tempfile::TempDir,
        path: PathBuf,
        writer: Writer,
    }

    /// A commit fails in this file whenever the setting `poison` is in it: a reference that is only judged at the end.
    const POISON: &str = "CREATE TABLE parent (id INTEGER PRIMARY KEY);
        CREATE TABLE child (id INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
        CREATE TRIGGER poisoned AFTER INSERT ON meta WHEN NEW.key = 'setting.poison'
        BEGIN INSERT INTO child VALUES (99); END;";

    impl Desk {
        fn open() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("org.db");
            let conn = open::writer(&path, MIGRATIONS, true).unwrap();
            conn.execute_batch(POISON).unwrap();
            drop(conn);
            let writer = Writer::start(OrgId::from_bytes([1; 16]), path.clone()).unwrap();
            Self {
                _folder: folder,
                path,
                writer,
            }
        }
        /// Puts a job into the inbox and does not wait.
        fn post(
            &self,
            work: impl FnOnce(&OrgTxn<'_>) -> Result<(), StorageError> + Send + 'static,
        ) -> Told {
            let (reply, told) = sync_channel(1);
            let job: Work = Box::new(move |txn| {
                let result = txn.and_then(work);
                let keep = result.is_ok();
                let verdict: Verdict = Box::new(move |commit| {
                    let _ = reply.send(match (commit, result) {
                        (Err(why), Ok(())) => Err(why),
                        (_, result) => result,
                    });
                });
                (keep, verdict)
            });
            self.writer
                .jobs
                .as_ref()
                .unwrap()
                .send(Job::Work(job))
                .unwrap();
            told
        }
        /// Holds the writer inside a commit until told; what is posted meanwhile joins the same commit.
        fn hold(&self) -> (Told, SyncSender<()>) {
            let (go, wait) = sync_channel(1);
            let told = self.post(move |_| {
                wait.recv().unwrap();
                Ok(())
            });
            (told, go)
        }
        fn set(&self, name: &'static str) -> Told {
            self.post(move |txn| txn.set_setting(name, "x"))
        }
        fn has(&self, name: &str) -> bool {
            has(&self.path, name)
        }
    }

    fn has(path: &std::path::Path, name: &str) -> bool {
        crate::storage::read_file::<_, StorageError>(OrgId::default(), path, |txn| {
            txn.setting(name)
        })
        .unwrap()
        .is_some()
    }

    #[test]
    fn a_failing_job_undoes_itself_and_nobody_else() {
        let desk = Desk::open();
        let (held, go) = desk.hold();
        let before = desk.set("before");
        let failing = desk.post(|txn| {
            txn.set_setting("half", "x")?;
            Err(StorageError::NoOrganisation)
        });
        let after = desk.set("after");
        go.send(()).unwrap();
        held.recv().unwrap().unwrap();
        before.recv().unwrap().unwrap();
        assert!(matches!(
            failing.recv().unwrap(),
            Err(StorageError::NoOrganisation)
        ));
        after.recv().unwrap().unwrap();
        assert!(desk.has("before") && desk.has("after") && !desk.has("half"));
    }

    #[test]
    fn a_failing_commit_fails_its_group_and_the_file_opens_again() {
        let desk = Desk::open();
        let (held, go) = desk.hold();
        let innocent = desk.set("innocent");
        let poison = desk.set("poison");
        let own = desk.post(|_| Err(StorageError::NoOrganisation));
        go.send(()).unwrap();
        assert!(
            matches!(held.recv().unwrap(), Err(StorageError::Sqlite(_))),
            "the first hears the cause"
        );
        assert!(matches!(
            innocent.recv().unwrap(),
            Err(StorageError::Closed)
        ));
        assert!(matches!(poison.recv().unwrap(), Err(StorageError::Closed)));
        assert!(
            matches!(own.recv().unwrap(), Err(StorageError::NoOrganisation)),
            "its own failure says more"
        );
        assert!(!desk.has("innocent") && !desk.has("poison"));
        desk.set("later").recv().unwrap().unwrap();
        assert!(desk.has("later"));
    }

    #[test]
    fn nobody_hears_of_a_result_before_the_commit_that_holds_it() {
        let desk = Desk::open();
        let (_held, go) = desk.hold();
        let told = desk.set("first");
        let (tell, heard) = sync_channel(1);
        let path = desk.path.clone();
        let second = desk.post(move |txn| {
            // The first job has run in this very commit; nobody outside knows.
            let inside = txn.setting("first")?.is_some();
            tell.send((inside, told.try_recv().is_err(), !has(&path, "first"), told))
                .unwrap();
            Ok(())
        });
        go.send(()).unwrap();
        let (inside, untold, unseen, told) = heard.recv().unwrap();
        assert!(inside && untold && unseen);
        second.recv().unwrap().unwrap();
        told.recv().unwrap().unwrap();
        assert!(desk.has("first"));
    }

    #[test]
    fn a_job_that_panics_takes_its_group_along_and_not_the_organisation() {
        let desk = Desk::open();
        let (held, go) = desk.hold();
        let bug = desk.post(|_| panic!("a bug in a job"));
        go.send(()).unwrap();
        assert!(held.recv().unwrap().is_err());
        assert!(
            bug.recv().is_err(),
            "the one that panicked is gone; its caller hears that the writer closed"
        );
        let opened = desk
            .writer
            .write::<_, StorageError>(|txn| txn.open_epoch(EpochId::from_bytes([1; 16]), 1));
        opened.unwrap();
    }

    #[test]
    fn a_job_that_fills_the_file_hears_that_the_disk_is_full_and_later_ones_work() {
        let desk = Desk::open();
        desk.set("room").recv().unwrap().unwrap();
        let (held, go) = desk.hold();
        let small = desk.set("small");
        let huge = desk.post(|txn| {
            let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
            txn.set_setting("half", "x")?;
            Err(rusqlite::Error::SqliteFailure(full, None).into())
        });
        go.send(()).unwrap();
        held.recv().unwrap().unwrap();
        small.recv().unwrap().unwrap();
        assert!(matches!(huge.recv().unwrap(), Err(StorageError::Full)));
        assert!(!desk.has("half"));
    }
}
