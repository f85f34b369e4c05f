//! What a phone keeps things in: a store in memory, or the device's real SQLite file. Each step is one transaction.

use std::path::{Path, PathBuf};

use tributary_native::sqlite::Database;
use tributary_sync_core::session::{MemoryStore, Profile, SessionError, Store};

/// A phone's store.
#[derive(Debug)]
pub enum Disk {
    /// In memory.
    Memory(Box<MemoryStore>),
    /// The real one, in a file.
    File(Database, PathBuf),
}

/// A copy of a store.
#[derive(Clone, Debug)]
pub enum Image {
    /// Of one in memory.
    Memory(Box<MemoryStore>),
    /// The bytes of a file.
    File(Vec<u8>),
}

impl Disk {
    /// The store of a device that has just enrolled.
    pub fn new(profile: &Profile, file: Option<PathBuf>) -> Self {
        match file {
            None => Self::Memory(Box::new(MemoryStore::new(profile.clone()))),
            Some(path) => {
                let mut db = Database::open(&path).unwrap();
                db.step(|tx| Ok(tx.put_profile(profile)?)).unwrap();
                Self::File(db, path)
            }
        }
    }
    /// Reads.
    pub fn read<T>(&self, look: impl FnOnce(&dyn Store) -> T) -> T {
        match self {
            Self::Memory(store) => look(store.as_ref()),
            Self::File(db, _) => db.read(|tx| Ok(look(tx))).unwrap(),
        }
    }
    /// One step: all of it or nothing.
    pub fn step<T>(
        &mut self,
        work: impl FnOnce(&mut dyn Store) -> Result<T, SessionError>,
    ) -> Result<T, SessionError> {
        match self {
            Self::Memory(store) => {
                let before = store.clone();
                let done = work(store.as_mut());
                if done.is_err() {
                    *store = before;
                }
                done
            }
            Self::File(db, _) => {
                let mut refused = None;
                let done = db.step(|tx| {
                    work(tx).map_err(|e| {
                        refused = Some(e);
                        tributary_native::Error::store("the session refused")
                    })
                });
                match (done, refused) {
                    (Ok(done), _) => Ok(done),
                    (Err(_), Some(refused)) => Err(refused),
                    (Err(broken), None) => panic!("the phone's file: {broken}"),
                }
            }
        }
    }
    /// A copy of it, as somebody takes who copies the folder of a device.
    pub fn image(&mut self) -> Image {
        match self {
            Self::Memory(store) => Image::Memory(store.clone()),
            Self::File(db, path) => {
                db.forget().unwrap();
                Image::File(std::fs::read(path).unwrap())
            }
        }
    }
    /// A copy put back; a file gets a name of its own.
    pub fn from_image(image: &Image, path: &Path) -> Self {
        match image {
            Image::Memory(store) => Self::Memory(store.clone()),
            Image::File(bytes) => {
                std::fs::write(path, bytes).unwrap();
                Self::File(Database::open(path).unwrap(), path.to_owned())
            }
        }
    }
}
