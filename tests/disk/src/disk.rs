//! The disk below one folder: what of it is not synced, which fault comes when, and what a power cut leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::unsynced::{Change, Unsynced};

/// A real disk writes this much or nothing of it.
pub const SECTOR: usize = 512;

/// What is to go wrong, counted over all files of the disk from 1 since [`Disk::plan`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fault {
    /// The power goes while this write, truncation or deletion is under way.
    CutAtWrite(u64),
    /// The power goes while this sync is under way.
    CutAtSync(u64),
    /// The power goes when this sync is done and before anybody hears of it.
    CutAfterSync(u64),
    /// From this write on the disk is full, until [`Disk::mend`].
    FullFrom(u64),
    /// This read fails.
    Read(u64),
    /// This sync fails: what it should have written is never written, whatever later syncs say.
    Sync(u64),
}

/// What was done to the disk since the last [`Disk::plan`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reads.
    pub reads: u64,
    /// Writes, truncations, deletions.
    pub writes: u64,
    /// Syncs.
    pub syncs: u64,
}

/// How an operation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Fine,
    /// The power is off.
    Off,
    Full,
    Failed,
}

/// A name that was taken out of a folder that was not synced since.
struct Removed {
    path: PathBuf,
    content: Vec<u8>,
    changes: Unsynced,
    /// The database that it belonged to.
    beside: Option<Identity>,
}

#[derive(Default)]
struct State {
    files: BTreeMap<PathBuf, Unsynced>,
    /// Which file it was that was opened last under a name.
    known: BTreeMap<PathBuf, Identity>,
    /// Names that were made in a folder that was not synced since.
    made: BTreeSet<PathBuf>,
    removed: Vec<Removed>,
    counts: Counts,
    fault: Option<Fault>,
    struck: bool,
    off: bool,
    /// Goes up with every power cut: what was opened before is dead.
    life: u64,
    dice: u64,
    early: bool,
}

/// The disk below one folder.
pub struct Disk {
    root: PathBuf,
    state: Mutex<State>,
}

impl Disk {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self {
            root,
            state: Mutex::default(),
        }
    }
    pub(crate) fn holds(&self, path: &Path) -> bool {
        path.starts_with(&self.root)
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes wrong next, if anything does, and the seed of all chance from here on. Counting starts anew.
    pub fn plan(&self, fault: Option<Fault>, seed: u64) {
        let mut state = self.state();
        state.fault = fault;
        state.struck = false;
        state.counts = Counts::default();
        state.dice = seed;
    }
    /// Nothing goes wrong any more.
    pub fn mend(&self) {
        self.state().fault = None;
    }
    /// Lets the disk write single changes before their sync, as chance has it.
    pub fn write_early(&self) {
        self.state().early = true;
    }
    /// Whether the fault has come.
    pub fn has_struck(&self) -> bool {
        self.state().struck
    }
    /// What was done to it.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }
    /// Whether the power is off.
    pub fn is_off(&self) -> bool {
        self.state().off
    }
    /// The power goes, now.
    pub fn cut(&self) {
        self.state().cut();
    }
    /// The power is back. What was opened before stays dead.
    pub fn power_on(&self) {
        self.state().off = false;
    }

    /// Everything reaches the disk: the machine waits for it, as one that is shut down well does.
    pub fn flush(&self) {
        let mut state = self.state();
        for (path, mut file) in std::mem::take(&mut state.files) {
            let Ok(mut on_disk) = OpenOptions::new().write(true).open(&path) else {
                continue;
            };
            for change in file.take() {
                put(&mut on_disk, &change);
            }
        }
        state.removed.clear();
        state.made.clear();
    }

    pub(crate) fn life(&self) -> Option<u64> {
        let state = self.state();
        (!state.off).then_some(state.life)
    }
    pub(crate) fn is_alive(&self, life: u64) -> bool {
        self.life() == Some(life)
    }
    /// A file was opened. Another one than before under this name was put there without SQLite: what was not synced of
    /// the other went with it.
    pub(crate) fn opened(&self, path: &Path, made: bool) {
        let mut state = self.state();
        let identity = identity(path);
        if let Some(identity) = identity
            && state.known.insert(path.to_owned(), identity) != Some(identity)
        {
            state.files.remove(path);
        }
        if made {
            state.made.insert(path.to_owned());
        }
    }
    /// The names in a folder are on the disk.
    pub(crate) fn folder_synced(&self, of: &Path) {
        let mut state = self.state();
        state.made.retain(|path| path.parent() != of.parent());
        state
            .removed
            .retain(|gone| gone.path.parent() != of.parent());
    }

    pub(crate) fn read(&self, life: u64) -> Outcome {
        let mut state = self.state();
        if state.off || state.life != life {
            return Outcome::Off;
        }
        state.counts.reads += 1;
        if state.fault == Some(Fault::Read(state.counts.reads)) {
            state.struck = true;
            return Outcome::Failed;
        }
        Outcome::Fine
    }
    /// What was read, as it is with what is not synced yet; whether all of it lies before the end.
    pub(crate) fn patch(&self, path: &Path, on_disk: u64, at: u64, bytes: &mut [u8]) -> bool {
        let state = self.state();
        let length = match state.files.get(path) {
            Some(file) => {
                file.patch(at, bytes);
                file.length(on_disk)
            }
            None => on_disk,
        };
        at + bytes.len() as u64 <= length
    }
    pub(crate) fn length(&self, path: &Path, on_disk: u64) -> u64 {
        let state = self.state();
        state
            .files
            .get(path)
            .map_or(on_disk, |file| file.length(on_disk))
    }
    /// Notes a change. With it comes what the disk writes already, if it does.
    pub(crate) fn change(
        &self,
        life: u64,
        path: &Path,
        change: Change,
    ) -> (Outcome, Option<Change>) {
        let mut state = self.state();
        if state.off || state.life != life {
            return (Outcome::Off, None);
        }
        state.counts.writes += 1;
        let n = state.counts.writes;
        if let Some(Fault::FullFrom(from)) = state.fault
            && n >= from
            && matches!(change, Change::Write(..))
        {
            state.struck = true;
            return (Outcome::Full, None);
        }
        state.files.entry(path.to_owned()).or_default().push(change);
        if state.fault == Some(Fault::CutAtWrite(n)) {
            state.strike();
            return (Outcome::Off, None);
        }
        (Outcome::Fine, state.write_early(path))
    }
    /// What a sync has to write.
    pub(crate) fn sync(&self, life: u64, path: &Path) -> (Outcome, Vec<Change>) {
        let mut state = self.state();
        if state.off || state.life != life {
            return (Outcome::Off, Vec::new());
        }
        state.counts.syncs += 1;
        let n = state.counts.syncs;
        if state.fault == Some(Fault::CutAtSync(n)) {
            state.strike();
            return (Outcome::Off, Vec::new());
        }
        if state.fault == Some(Fault::Sync(n)) {
            state.struck = true;
            let mut dice = state.dice;
            if let Some(file) = state.files.get_mut(path) {
                file.fail(|| roll(&mut dice).is_multiple_of(2));
            }
            state.dice = dice;
            return (Outcome::Failed, Vec::new());
        }
        let changes = state.files.get_mut(path).map(Unsynced::take);
        (Outcome::Fine, changes.unwrap_or_default())
    }
    /// The sync is done; whether anybody hears of it.
    pub(crate) fn synced(&self, path: &Path) -> bool {
        let mut state = self.state();
        if state.files.get(path).is_some_and(Unsynced::is_empty) {
            state.files.remove(path);
        }
        let heard = state.fault != Some(Fault::CutAfterSync(state.counts.syncs));
        if !heard {
            state.strike();
        }
        heard
    }
    /// A name is about to go.
    pub(crate) fn remove(&self, path: &Path) -> Outcome {
        let mut state = self.state();
        if state.off {
            return Outcome::Off;
        }
        state.counts.writes += 1;
        if state.fault == Some(Fault::CutAtWrite(state.counts.writes)) {
            state.strike();
            return Outcome::Off;
        }
        let changes = state.files.remove(path).unwrap_or_default();
        let was_new = state.made.remove(path);
        if let Ok(content) = std::fs::read(path)
            && !was_new
        {
            state.removed.push(Removed {
                path: path.to_owned(),
                content,
                changes,
                beside: database(path).and_then(|db| identity(&db)),
            });
        }
        Outcome::Fine
    }
}

impl State {
    fn roll(&mut self) -> u64 {
        roll(&mut self.dice)
    }
    fn strike(&mut self) {
        self.struck = true;
        self.cut();
    }
    /// Single changes reach the disk long before anybody asks for it.
    fn write_early(&mut self, path: &Path) -> Option<Change> {
        if !self.early || !self.roll().is_multiple_of(4) {
            return None;
        }
        let which = self.roll();
        let file = self.files.get_mut(path)?;
        file.take_early(which as usize % file.len().max(1))
    }

    fn cut(&mut self) {
        self.off = true;
        self.life += 1;
        // How much survives: little, half, nearly all.
        let share = [0, 1, 4, 7, 8][self.roll() as usize % 5];
        for (path, file) in std::mem::take(&mut self.files) {
            self.leave(&path, file, share);
        }
        for gone in std::mem::take(&mut self.removed) {
            // A log comes back only beside the database that it belonged to: another one was put here by somebody who
            // synced the folder.
            let same = database(&gone.path).and_then(|db| identity(&db)) == gone.beside;
            if same && !gone.path.exists() && self.roll().is_multiple_of(2) {
                let _ = std::fs::write(&gone.path, &gone.content);
                self.leave(&gone.path, gone.changes, share);
            }
        }
        for path in std::mem::take(&mut self.made) {
            if self.roll().is_multiple_of(2) {
                let _ = std::fs::remove_file(path);
            }
        }
    }
    /// Of what was not synced some changes survive, in any order, some of them in part.
    fn leave(&mut self, path: &Path, file: Unsynced, share: u64) {
        let mut changes = file.at_risk();
        let Ok(mut on_disk) = OpenOptions::new().write(true).open(path) else {
            return;
        };
        let torn = self.roll().is_multiple_of(3);
        for last in (1..changes.len()).rev() {
            let other = self.roll() as usize % (last + 1);
            changes.swap(last, other);
        }
        for change in changes {
            if self.roll() % 8 >= share {
                continue;
            }
            match change {
                Change::Resize(_) => put(&mut on_disk, &change),
                Change::Write(at, bytes) => {
                    let mut from = 0;
                    while from < bytes.len() {
                        let place = at as usize + from;
                        let to = (from + SECTOR - place % SECTOR).min(bytes.len());
                        if !torn || self.roll().is_multiple_of(2) {
                            let _ = on_disk
                                .seek(SeekFrom::Start(place as u64))
                                .and_then(|_| on_disk.write_all(&bytes[from..to]));
                        }
                        from = to;
                    }
                }
            }
        }
    }
}

/// Makes a change in the real file.
fn put(file: &mut std::fs::File, change: &Change) {
    let _ = match change {
        Change::Resize(to) => file.set_len(*to),
        Change::Write(at, bytes) => file
            .seek(SeekFrom::Start(*at))
            .and_then(|_| file.write_all(bytes)),
    };
}

/// The database that a log or journal belongs to.
fn database(path: &Path) -> Option<PathBuf> {
    let name = path.to_str()?;
    let db = name
        .strip_suffix("-wal")
        .or(name.strip_suffix("-journal"))?;
    Some(PathBuf::from(db))
}

/// Tells a file from another one of the same name: its number, which is used again, and when it was made.
type Identity = (u64, Option<SystemTime>);

fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.created().ok()))
}

/// SplitMix64.
fn roll(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *dice;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
