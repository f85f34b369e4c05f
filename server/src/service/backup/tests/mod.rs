//! Copies, disasters and the way back, over real files, with phones made by hand. The honest device's own session is run
//! through the same in the crate of whole-system tests.

mod copies;
mod epochs;
mod returns;

use std::path::{Path, PathBuf};

use tributary_sync_core::ids::*;
use tributary_sync_core::wire::message::*;

use super::*;
use crate::service::env::SystemEntropy;
use crate::service::exchange::tests::*;
use crate::service::exchange::{Refusal, compare};
use crate::storage::folder::DataFolder;
use crate::storage::{AuditEntry, StorageError, read_file, sets};

/// An office and the disk its copies go to.
struct Cellar {
    office: Office,
    disk: tempfile::TempDir,
}

impl Cellar {
    fn open() -> Self {
        let cellar = Self {
            office: Office::open(),
            disk: tempfile::tempdir().unwrap(),
        };
        DataFolder::at(cellar.data()).create().unwrap();
        cellar
    }
    fn org(&self) -> OrgId {
        self.office.org
    }
    fn data(&self) -> PathBuf {
        let org = self.office.files.path(self.office.org);
        org.parent().unwrap().parent().unwrap().to_owned()
    }
    fn target(&self) -> PathBuf {
        self.disk.path().join("copies")
    }
    fn plan(&self) -> Plan {
        Plan {
            data: self.data(),
            target: self.target(),
            which: Which::All,
            keep: KEEP_DEFAULT,
        }
    }
    fn backup(&self) -> Made {
        backup(
            &self.office.files,
            &self.office.env,
            &self.plan(),
            &mut |_| {},
        )
        .unwrap()
    }
    /// A copy that must succeed; the name of its set.
    fn copy(&self) -> String {
        let made = self.backup();
        assert_eq!(made.withheld, []);
        let set = made.set.unwrap();
        set.file_name().unwrap().to_str().unwrap().to_owned()
    }
    fn sets(&self) -> Vec<String> {
        Sets::read(&self.target())
            .unwrap()
            .sets
            .into_iter()
            .map(|s| s.name)
            .collect()
    }
    fn restore(&self, set: Option<&str>, overrides: Overrides) -> Result<Restored, BackupError> {
        self.office.files.close(self.org());
        let lock = DataFolder::at(self.data()).lock().unwrap();
        let source = Source {
            target: self.target(),
            set: set.map(str::to_owned),
        };
        let one = Which::One(self.org());
        let mut all = restore(
            self.offline(&lock, &self.data()),
            &source,
            one,
            overrides,
            &mut |_| {},
        )?;
        Ok(all.remove(0))
    }
    fn offline<'a>(
        &self,
        lock: &'a crate::storage::folder::FolderLock,
        data: &'a Path,
    ) -> Offline<'a> {
        Offline {
            data,
            lock,
            entropy: &SystemEntropy,
            now: self.office.env.now,
        }
    }
    fn open_epoch(&self, target: Option<&Path>, without_copy: bool) -> Result<Opened, BackupError> {
        self.office.files.close(self.org());
        let lock = DataFolder::at(self.data()).lock().unwrap();
        open_epoch(
            self.offline(&lock, &self.data()),
            self.org(),
            target,
            without_copy,
        )
    }
    /// What an unannounced roll-back brings back later.
    fn image(&self) -> Vec<u8> {
        self.office.files.close(self.org());
        std::fs::read(self.office.files.path(self.org())).unwrap()
    }
    fn roll_back(&self, image: &[u8]) {
        self.office.files.close(self.org());
        std::fs::write(self.office.files.path(self.org()), image).unwrap();
    }
    fn lose_the_disk(&self) {
        self.office.files.close(self.org());
        std::fs::remove_file(self.office.files.path(self.org())).unwrap();
        std::fs::remove_dir_all(self.data().join("erased")).unwrap();
    }
    /// Whether these words stand in the organisation's file or in its write-ahead log.
    fn holds(&self, words: &str) -> bool {
        let path = self.office.files.path(self.org());
        let log = path.with_extension("db-wal");
        [path, log].iter().any(|file| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(words.len()).any(|w| w == words.as_bytes())
        })
    }
    fn stopped(&self) -> bool {
        copy_state(&self.office.files, self.org(), true)
            .unwrap()
            .stopped
    }
    fn copied(&self) -> LogPos {
        copy_state(&self.office.files, self.org(), true)
            .unwrap()
            .copied
    }
}

/// What a phone does that hears of a new epoch: compares all its actors, then goes on from where both agree.
fn rejoin(phone: &mut Phone, cellar: &Cellar) {
    let office = &cellar.office;
    let epoch = match phone.send(office, phone.request()) {
        Err(Refusal::EpochChanged { epoch }) => epoch,
        other => panic!("the phone was to hear of a new epoch: {other:?}"),
    };
    let points = phone
        .chain
        .iter()
        .enumerate()
        .map(|(n, hash)| ChainPoint {
            seq: Seq::new(n as u64).unwrap(),
            hash: *hash,
        })
        .collect();
    let request = CompareRequest {
        epoch,
        head: None,
        actors: vec![ActorChain {
            actor: phone.actor,
            grant: Some(phone.grant.clone()),
            points,
        }],
        tombstones: phone.tombstones.clone(),
    };
    let reply = compare(&office.files, &office.env, &phone.caller, request).unwrap();
    let agreement = &reply.actors[0];
    assert_eq!(
        agreement.agreed, agreement.acked,
        "no fork: the phone knows all that the server has of it"
    );
    phone.epoch = epoch;
    phone.acked = usize::try_from(agreement.agreed.get()).unwrap();
    phone.cursor = None;
    phone.records.clear();
    phone.sync(office);
    // What it shows comes whole from the server, its own changes included.
    phone.sync(office);
}
