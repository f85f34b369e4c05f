//! Group commit when something goes wrong: who is undone, who hears what, and what is durable when.

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
    crate::storage::read_file::<_, StorageError>(OrgId::default(), path, |txn| txn.setting(name))
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
