//! For tests of this crate and of those above it: strategies, histories of several replicas, the oracle, the workload.
//!
//! Only behind the feature `testing`; nothing of it is in a released program. Not here: the laws themselves, which
//! stand in `sync-core/tests/laws`.

pub mod history;
pub mod message;
pub mod oracle;
pub mod strategy;
pub mod workload;

use proptest::test_runner::Config;

/// How often a law is tried: `usual` times, or as often as the environment variable `TRIBUTARY_CASES` says.
pub fn cases(usual: u32) -> Config {
    let wanted = std::env::var("TRIBUTARY_CASES").ok();
    Config {
        cases: wanted.and_then(|n| n.parse().ok()).unwrap_or(usual),
        max_shrink_iters: 20_000,
        ..Config::default()
    }
}

/// A small generator of numbers for what needs no shrinking: the same seed gives the same numbers on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// The next 64 bits (SplitMix64).
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// A number below `n`; zero for zero.
    pub fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.bits() % (n.max(1) as u64)).unwrap_or_default()
    }
    /// True in `percent` of the cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
    /// Random bytes for an id.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            let bits = self.bits().to_le_bytes();
            chunk.copy_from_slice(&bits[..chunk.len()]);
        }
        out
    }
    /// Puts a slice in another order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
