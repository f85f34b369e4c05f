//! Chance from a seed: the same seed tells the same story.

/// SplitMix64: small, even, and good enough for a story. Never for a key.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(seed)
    }
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// From 0 to below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }
    /// From `from` to `to`, both possible.
    pub(super) fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.below(to.saturating_sub(from) + 1)
    }
    /// True in so many of a hundred.
    pub(super) fn percent(&mut self, of_hundred: u64) -> bool {
        self.below(100) < of_hundred
    }
    /// One of them; the default of none.
    pub(super) fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let index = self.below(of.len() as u64) as usize;
        of.get(index).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_story() {
        let (mut a, mut b) = (Chance::from_seed(7), Chance::from_seed(7));
        assert!((0..100).all(|_| a.next() == b.next()));
        assert!((0..1_000).all(|_| (3..=5).contains(&a.between(3, 5))));
    }
}
