//! What was written to one file since its last sync: seen by whoever reads through this disk, and by nobody else.

/// One change of a file that no sync has covered.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Bytes at an offset.
    Write(u64, Vec<u8>),
    /// Cut to a length, or drawn out to it.
    Resize(u64),
}

/// Changes in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unsynced {
    changes: Vec<Change>,
    /// Seen by readers still, but a failed sync has dropped them: no later sync brings them to the disk.
    dropped: Vec<Change>,
}

impl Unsynced {
    pub(crate) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.dropped.is_empty()
    }
    pub(crate) fn push(&mut self, change: Change) {
        // What is written anew is dirty again, whatever became of it before.
        match &change {
            Change::Write(at, bytes) => {
                for old in &mut self.dropped {
                    if let Change::Write(start, kept) = old {
                        overlay(kept, *start, *at, bytes);
                    }
                }
            }
            Change::Resize(to) => self.dropped.retain_mut(|old| match old {
                Change::Write(start, kept) => {
                    kept.truncate(usize::try_from(to.saturating_sub(*start)).unwrap_or(usize::MAX));
                    !kept.is_empty()
                }
                Change::Resize(_) => false,
            }),
        }
        self.changes.push(change);
    }
    /// What the next sync brings to the disk, in order.
    pub(crate) fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }
    /// What a power cut may or may not leave, in order.
    pub(crate) fn at_risk(self) -> Vec<Change> {
        self.changes
    }
    /// Takes out one change that nothing before it touches: a disk may write it before the others.
    pub(crate) fn take_early(&mut self, which: usize) -> Option<Change> {
        let Change::Write(at, bytes) = self.changes.get(which)? else {
            return None;
        };
        let (from, to) = (*at, at + bytes.len() as u64);
        let apart = |other: &Change| match other {
            Change::Write(start, kept) => *start >= to || start + kept.len() as u64 <= from,
            Change::Resize(_) => false,
        };
        let free = self.changes[..which].iter().all(apart) && self.dropped.iter().all(apart);
        free.then(|| self.changes.remove(which))
    }
    pub(crate) fn len(&self) -> usize {
        self.changes.len()
    }
    /// A sync failed: each change is forgotten at once, or still seen and never written, as `forgotten` says. Lengths
    /// stay to be written: they are in the file system's own journal.
    pub(crate) fn fail(&mut self, mut forgotten: impl FnMut() -> bool) {
        for change in std::mem::take(&mut self.changes) {
            match change {
                Change::Resize(_) => self.changes.push(change),
                Change::Write(..) if forgotten() => {}
                Change::Write(..) => self.dropped.push(change),
            }
        }
    }
    /// The length of the file for whoever reads it through this disk.
    pub(crate) fn length(&self, on_disk: u64) -> u64 {
        self.seen().fold(on_disk, |length, change| match change {
            Change::Write(at, bytes) => length.max(at + bytes.len() as u64),
            Change::Resize(to) => *to,
        })
    }
    /// Lays the changes over bytes that were read from `at` on; what lies behind the end is zero.
    pub(crate) fn patch(&self, at: u64, bytes: &mut [u8]) {
        for change in self.seen() {
            match change {
                Change::Write(start, new) => overlay(bytes, at, *start, new),
                Change::Resize(to) => {
                    let from = usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX);
                    if let Some(gone) = bytes.get_mut(from..) {
                        gone.fill(0);
                    }
                }
            }
        }
    }
    fn seen(&self) -> impl Iterator<Item = &Change> {
        self.dropped.iter().chain(&self.changes)
    }
}

/// Copies what `new`, which stands at `start`, has of the stretch `bytes`, which stands at `at`.
fn overlay(bytes: &mut [u8], at: u64, start: u64, new: &[u8]) {
    let from = start.max(at);
    let to = (start + new.len() as u64).min(at + bytes.len() as u64);
    if from < to {
        let (into, out) = ((from - at) as usize, (from - start) as usize);
        let length = (to - from) as usize;
        bytes[into..into + length].copy_from_slice(&new[out..out + length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_see_changes_in_their_order() {
        let mut file = Unsynced::default();
        file.push(Change::Write(2, vec![1; 4]));
        file.push(Change::Resize(3));
        file.push(Change::Write(5, vec![2; 2]));
        assert_eq!(file.length(100), 7);
        let mut bytes = [9; 8];
        file.patch(0, &mut bytes);
        assert_eq!(bytes, [9, 9, 1, 0, 0, 2, 2, 0]);
    }

    #[test]
    fn what_a_failed_sync_dropped_is_seen_until_it_is_written_anew() {
        let mut file = Unsynced::default();
        file.push(Change::Write(0, vec![1; 4]));
        file.fail(|| false);
        assert!(file.take().is_empty(), "no later sync brings it");
        file.push(Change::Write(2, vec![2; 4]));
        let mut bytes = [0; 6];
        file.patch(0, &mut bytes);
        assert_eq!(bytes, [1, 1, 2, 2, 2, 2]);
        file.take();
        let mut bytes = [7; 6];
        file.patch(0, &mut bytes);
        assert_eq!(bytes, [1, 1, 2, 2, 7, 7], "as the page in memory is");
    }
}
