//! Shares of what there is little of (connections, bytes in memory, downloads, places at the costly hash): so much in
//! all, and so much for each who asks, so that one cannot take everybody's.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What there is, and who has how much of it.
#[derive(Debug)]
pub struct Shares<K> {
    total: usize,
    each: usize,
    taken: Mutex<Taken<K>>,
}

#[derive(Debug)]
struct Taken<K> {
    all: usize,
    by: HashMap<K, usize>,
}

/// A part that somebody has. Dropping it gives it back.
#[derive(Debug)]
pub struct Share<K: Hash + Eq + Copy> {
    shares: Arc<Shares<K>>,
    key: K,
    n: usize,
}

impl<K: Hash + Eq + Copy> Shares<K> {
    /// So much in all, and so much for each.
    pub fn new(total: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            each,
            taken: Mutex::new(Taken {
                all: 0,
                by: HashMap::new(),
            }),
        })
    }
    /// Takes `n`, or none if that is more than there is, or than one may have.
    pub fn take(self: &Arc<Self>, key: K, n: usize) -> Option<Share<K>> {
        let mut share = Share {
            shares: Arc::clone(self),
            key,
            n: 0,
        };
        share.grow(n).then_some(share)
    }
    fn taken(&self) -> MutexGuard<'_, Taken<K>> {
        // A panic elsewhere leaves the counts whole: nothing between their changes can fail.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Copy> Share<K> {
    /// Takes `n` more. Nothing is taken when it is refused.
    pub fn grow(&mut self, n: usize) -> bool {
        let mut taken = self.shares.taken();
        let mine = taken.by.get(&self.key).copied().unwrap_or(0);
        let (Some(all), Some(mine)) = (taken.all.checked_add(n), mine.checked_add(n)) else {
            return false;
        };
        if all > self.shares.total || mine > self.shares.each {
            return false;
        }
        taken.all = all;
        taken.by.insert(self.key, mine);
        drop(taken);
        self.n += n;
        true
    }
}

impl<K: Hash + Eq + Copy> Share<K> {
    /// Gives `n` back, or all that there is.
    pub fn shrink(&mut self, n: usize) {
        let n = n.min(self.n);
        self.n -= n;
        let mut taken = self.shares.taken();
        taken.all = taken.all.saturating_sub(n);
        if let Some(mine) = taken.by.get_mut(&self.key) {
            *mine = mine.saturating_sub(n);
            if *mine == 0 {
                taken.by.remove(&self.key);
            }
        }
    }
}

impl<K: Hash + Eq + Copy> Drop for Share<K> {
    fn drop(&mut self) {
        self.shrink(self.n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_a_share_and_all_together_not_more_than_there_is() {
        let shares = Shares::new(10, 6);
        let mut mine = shares.take("a", 5).unwrap();
        assert!(!mine.grow(2));
        assert!(mine.grow(1));
        assert!(shares.take("a", 1).is_none());
        let others = shares.take("b", 4).unwrap();
        assert!(shares.take("c", 1).is_none(), "there is no more");
        drop(mine);
        assert!(shares.take("a", 6).is_some());
        drop(others);
        let taken = shares.taken();
        assert_eq!((taken.all, taken.by.len()), (0, 0), "nothing is forgotten");
    }
}
