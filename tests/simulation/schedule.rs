//! What happens, step by step, drawn from a seed.

use super::power::DiskFault;
use super::step::{Forgery, Net, Step, What};

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
    Desk,
    Malice,
    Links,
    Power,
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
        T::Desk,
        T::Malice,
        T::Links,
        T::Power,
        T::All,
    ][rng.below(10)];
    let phones = 2 + rng.below(2);
    let records = if rng.chance(60) { 1 } else { 3 };
    let mut steps = vec![Step::Create {
        phone: 0,
        record: 0,
        keep_open: rng.chance(20),
    }];
    steps.push(fine(0));
    for phone in 1..phones {
        if rng.chance(70) {
            let on = true;
            let record = 0;
            steps.push(Step::Assign { phone, record, on });
            steps.push(fine(phone));
        }
    }
    for _ in 0..10 + rng.below(30) {
        // Mostly the phones that share the record; at times a clone, or one of the other organisation.
        let others = if rng.chance(25) { 2 } else { 0 };
        let (phone, record) = (rng.below(phones + others), rng.below(records));
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

fn what(rng: &mut Rng) -> What {
    match rng.below(20) {
        0..9 => What::Name,
        9..11 => What::Note,
        11 => What::Person {
            row: rng.below(2) as u8,
        },
        12 => What::NoPerson {
            row: rng.below(2) as u8,
        },
        13..15 => What::Withdraw,
        15 => What::Consent,
        16 => What::AtRisk,
        17 => What::NotAtRisk,
        18 => What::Much,
        _ => What::Long,
    }
}

fn ordinary(rng: &mut Rng, phone: usize, record: usize) -> Option<Step> {
    Some(match rng.below(100) {
        0..7 => Step::Open { phone, record },
        7 => Step::Refresh { phone },
        8..30 => Step::Save {
            phone,
            record,
            what: what(rng),
        },
        30..33 => Step::Close { phone },
        33 => Step::Kill { phone },
        34..38 => Step::Create {
            phone,
            record,
            keep_open: rng.chance(30),
        },
        38..66 => {
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
        66..69 => Step::Redeliver {
            which: rng.below(8),
        },
        69..72 => Step::Pass {
            ms: [500, 7_000, 600_000, 86_400_000, 3_456_000_000][rng.below(5)],
        },
        72..80 => Step::Assign {
            phone,
            record,
            on: rng.chance(75),
        },
        80 => Step::Publish,
        81 => Step::Release {
            which: rng.below(4),
        },
        _ => return None,
    })
}

fn special(rng: &mut Rng, trouble: Trouble, phone: usize, record: usize) -> Step {
    let has = |t: Trouble| trouble == t || trouble == Trouble::All;
    let of = match rng.below(4) {
        0 if has(Trouble::Desk) => Some(desk(rng, phone, record)),
        1 if has(Trouble::Malice) => Some(malice(rng, phone, record)),
        2 if has(Trouble::Links) => Some(link(rng, phone)),
        3 if has(Trouble::Power) => Some(power(rng)),
        _ => None,
    };
    of.unwrap_or_else(|| disaster(rng, trouble, phone, record))
}

fn desk(rng: &mut Rng, phone: usize, record: usize) -> Step {
    let viewer = rng.below(2);
    match rng.below(12) {
        0 | 1 => Step::Look { viewer, record },
        2..5 => Step::Settle { viewer, record },
        5 | 6 => Step::Decide { viewer, record },
        7 => Step::ToTeam { record },
        8 => Step::Team {
            phone,
            on: rng.chance(70),
        },
        9 => Step::Restrict {
            record,
            on: rng.chance(40),
        },
        10 => Step::Release {
            which: rng.below(4),
        },
        _ => Step::Discard {
            which: rng.below(4),
        },
    }
}

fn malice(rng: &mut Rng, phone: usize, record: usize) -> Step {
    match rng.below(10) {
        0..2 => return Step::Lie { phone, record },
        2 => return Step::Omit { phone, record },
        3..5 => {
            let what = [What::Consent, What::NotAtRisk, What::Calm][rng.below(3)];
            return Step::Rude {
                phone,
                record,
                what,
            };
        }
        _ => {}
    }
    let how = [
        Forgery::OtherActor,
        Forgery::OtherCaller,
        Forgery::Gap,
        Forgery::Replay,
        Forgery::Cursor,
        Forgery::Head,
        Forgery::Epoch,
    ][rng.below(7)];
    Step::Forge { phone, how }
}

fn link(rng: &mut Rng, phone: usize) -> Step {
    match rng.below(3) {
        0 => Step::Garble { phone },
        1 => Step::Link {
            phone,
            bytes: [0, 1_024, 3_000][rng.below(3)],
        },
        _ => Step::SetClock {
            phone,
            skew: [0, 4_000, 50_000_000, -900_000, -900_000_000][rng.below(5)],
        },
    }
}

fn power(rng: &mut Rng) -> Step {
    let (what, reach) = [
        (DiskFault::CutAtWrite, 24),
        (DiskFault::CutAtSync, 3),
        (DiskFault::CutAfterSync, 3),
        (DiskFault::Full, 24),
        (DiskFault::Read, 60),
        (DiskFault::Sync, 3),
    ][rng.below(6)];
    let at = rng.below(reach) as u32;
    Step::ServerDisk { what, at }
}

fn disaster(rng: &mut Rng, trouble: Trouble, phone: usize, record: usize) -> Step {
    let has = |t: Trouble| trouble == t || trouble == Trouble::All;
    match rng.below(11) {
        0 | 1 if has(Trouble::Clones) => Step::Clone { phone },
        2 if has(Trouble::PhoneBackups) => Step::ImagePhone { phone },
        3 if has(Trouble::PhoneBackups) => Step::RestorePhone {
            which: rng.below(4),
        },
        0 | 1 if has(Trouble::Restores) => Step::Restore,
        2 if has(Trouble::Restores) => Step::RestoreOlder,
        2 | 4 if has(Trouble::RollBacks) => Step::ImageDisk,
        3 | 5 if has(Trouble::RollBacks) => Step::RollBack {
            which: rng.below(4),
        },
        6 => Step::Backup,
        9 if has(Trouble::RollBacks) && rng.chance(20) => Step::RollBackAll {
            which: rng.below(4),
        },
        7 if rng.chance(60) => Step::Erase { record },
        8 => Step::Empty {
            phone,
            stored_is_enough: rng.chance(30),
        },
        9 if rng.chance(20) => Step::Revoke { phone },
        10 if rng.chance(30) => Step::Readmit { phone },
        _ => Step::OpenEpoch,
    }
}
