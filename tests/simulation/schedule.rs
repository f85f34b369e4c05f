//! What happens, step by step, drawn from a seed.

use super::step::{Net, Step};

/// SplitMix64: small, seeded, the same everywhere.
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D))
    }
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    fn chance(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}

/// Which kinds of trouble a schedule has; all at once drown each other.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Clones,
    PhoneBackups,
    Restores,
    RollBacks,
    All,
}

/// A schedule.
pub fn schedule(rng: &mut Rng) -> Vec<Step> {
    use Trouble as T;
    let trouble = [
        T::None,
        T::Clones,
        T::PhoneBackups,
        T::Restores,
        T::RollBacks,
        T::All,
    ][rng.below(6)];
    let phones = 2 + rng.below(2);
    let records = if rng.chance(60) { 1 } else { 3 };
    let mut steps = vec![Step::Create {
        phone: 0,
        record: 0,
        keep_open: rng.chance(20),
    }];
    if rng.chance(70) {
        steps.push(fine(0));
        steps.push(Step::Assign {
            phone: 1,
            record: 0,
            on: true,
        });
        steps.push(fine(1));
    }
    for _ in 0..10 + rng.below(30) {
        let (phone, record) = (rng.below(phones + 2), rng.below(records));
        steps.push(
            ordinary(rng, phone, record).unwrap_or_else(|| special(rng, trouble, phone, record)),
        );
    }
    steps
}

fn fine(phone: usize) -> Step {
    Step::Sync {
        phone,
        net: Net::Fine,
        at: 0,
    }
}

fn ordinary(rng: &mut Rng, phone: usize, record: usize) -> Option<Step> {
    Some(match rng.below(100) {
        0..8 => Step::Open { phone, record },
        8..30 => Step::Save {
            phone,
            record,
            withdraw: rng.chance(15),
        },
        30..34 => Step::Close { phone },
        34..38 => Step::Create {
            phone,
            record,
            keep_open: rng.chance(30),
        },
        38..68 => {
            let net = [
                Net::Fine,
                Net::Fine,
                Net::Fine,
                Net::Delayed,
                Net::ReplyLost,
                Net::Doubled,
            ][rng.below(6)];
            Step::Sync {
                phone,
                net,
                at: rng.below(3),
            }
        }
        68..71 => Step::Redeliver {
            which: rng.below(8),
        },
        71..74 => Step::Pass {
            ms: [500, 7_000, 600_000, 86_400_000, 3_456_000_000][rng.below(5)],
        },
        74..83 => Step::Assign {
            phone,
            record,
            on: rng.chance(75),
        },
        _ => return None,
    })
}

fn special(rng: &mut Rng, trouble: Trouble, phone: usize, record: usize) -> Step {
    let has = |t: Trouble| trouble == t || trouble == Trouble::All;
    match rng.below(10) {
        0 | 1 if has(Trouble::Clones) => Step::Clone { phone },
        2 if has(Trouble::PhoneBackups) => Step::ImagePhone { phone },
        3 if has(Trouble::PhoneBackups) => Step::RestorePhone {
            which: rng.below(4),
        },
        0..3 if has(Trouble::Restores) => Step::Restore,
        2 | 4 if has(Trouble::RollBacks) => Step::ImageDisk,
        3 | 5 if has(Trouble::RollBacks) => Step::RollBack {
            which: rng.below(4),
        },
        6 => Step::Backup,
        7 if rng.chance(40) => Step::Erase { record },
        8 => Step::Empty {
            phone,
            stored_is_enough: rng.chance(30),
        },
        9 if rng.chance(10) => Step::Revoke { phone },
        _ => Step::OpenEpoch,
    }
}
