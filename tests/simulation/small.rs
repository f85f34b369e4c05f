//! Small worlds: two phones, one record, every schedule of a few steps; and fourteen short schedules, each of which breaks
//! a promise where one sentence of the rules is missing.
//!
//! Not here: chance. A set of steps is a subject: what can happen to clones, restores, rolled-back disks, restored phones,
//! scope.

use super::step::{Net, Step, What};

/// One subject: its steps beside those that every set has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A phone's store is copied, and both go on.
    Clone,
    /// The server is restored from its newest copy.
    Restore,
    /// The server's disk goes back, and nobody says so.
    RollBack,
    /// A phone gets an earlier store back.
    PhoneImage,
    /// The record comes and goes, and is erased.
    Scope,
}

/// All subjects.
pub const SUBJECTS: [Subject; 5] = [
    Subject::Clone,
    Subject::Restore,
    Subject::RollBack,
    Subject::PhoneImage,
    Subject::Scope,
];

const fn save(phone: usize, what: What) -> Step {
    Step::Save {
        phone,
        record: 0,
        what,
    }
}
const fn name(phone: usize) -> Step {
    save(phone, What::Name)
}
const fn sync(phone: usize, net: Net) -> Step {
    Step::Sync { phone, net, at: 0 }
}
const fn fine(phone: usize) -> Step {
    sync(phone, Net::Fine)
}
const fn open(phone: usize) -> Step {
    Step::Open { phone, record: 0 }
}
const fn rude(phone: usize, what: What) -> Step {
    Step::Rude {
        phone,
        record: 0,
        what,
    }
}
const fn share(phone: usize, on: bool) -> Step {
    Step::Assign {
        phone,
        record: 0,
        on,
    }
}
const CREATE: Step = Step::Create {
    phone: 0,
    record: 0,
    keep_open: false,
};
const EMPTY: Step = Step::Empty {
    phone: 0,
    stored_is_enough: true,
};
const ERASE: Step = Step::Erase { record: 0 };
const BACK: Step = Step::RollBack { which: 0 };

/// What can happen in every set.
const EVERYWHERE: [Step; 8] = [
    rude(0, What::Calm),
    save(1, What::Alarm),
    open(0),
    open(1),
    Step::Close { phone: 0 },
    fine(0),
    fine(1),
    sync(0, Net::ReplyLost),
];

/// What every schedule of a set begins with: both phones hold the record.
const BEGIN: [Step; 4] = [CREATE, fine(0), share(1, true), fine(1)];

impl Subject {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clone => "clone",
            Self::Restore => "restore",
            Self::RollBack => "roll back",
            Self::PhoneImage => "phone image",
            Self::Scope => "scope",
        }
    }
    /// Its own steps.
    fn own(self) -> Vec<Step> {
        match self {
            Self::Clone => vec![Step::Clone { phone: 0 }, name(2), fine(2)],
            Self::Restore => vec![Step::Backup, Step::Restore],
            Self::RollBack => vec![Step::ImageDisk, BACK, Step::Backup],
            Self::PhoneImage => vec![
                Step::ImagePhone { phone: 0 },
                Step::RestorePhone { which: 0 },
            ],
            Self::Scope => vec![share(1, false), share(1, true), ERASE],
        }
    }
    /// Every schedule of `depth` steps in which no step is known beforehand to do nothing.
    pub fn schedules(self, depth: usize) -> Vec<Vec<Step>> {
        let all: Vec<Step> = EVERYWHERE.into_iter().chain(self.own()).collect();
        let mut begun = vec![BEGIN.to_vec()];
        for _ in 0..depth {
            let longer = |steps: &Vec<Step>| {
                let with = |step: &Step| [steps.as_slice(), &[*step]].concat();
                let next = all.iter().filter(|step| does_something(steps, step));
                next.map(with).collect::<Vec<_>>()
            };
            begun = begun.iter().flat_map(longer).collect();
        }
        begun
    }
}

/// Whether a step can do anything after these.
fn does_something(before: &[Step], step: &Step) -> bool {
    let had = |s: Step| before.contains(&s);
    let last = |a: Step, b: Step| {
        let either = before.iter().rev().find(|s| **s == a || **s == b);
        either == Some(&a)
    };
    match *step {
        Step::Close { phone } => last(open(phone), *step),
        Step::Save { phone: 2, .. } | Step::Sync { phone: 2, .. } => had(Step::Clone { phone: 0 }),
        Step::Restore => had(Step::Backup),
        Step::RollBack { .. } => had(Step::ImageDisk),
        Step::RestorePhone { .. } => had(Step::ImagePhone { phone: 0 }),
        Step::Assign { on, .. } => !had(ERASE) && last(share(1, !on), *step),
        Step::Erase { .. } => !had(ERASE),
        _ => true,
    }
}

/// A short schedule that once showed that a sentence was missing.
#[derive(Clone, Debug)]
pub struct Known {
    /// The sentence.
    pub rule: &'static str,
    /// How many phones there are.
    pub phones: usize,
    /// The schedule.
    pub steps: Vec<Step>,
}

fn shared(steps: &[Step]) -> Vec<Step> {
    [&BEGIN, steps].concat()
}
fn made(steps: &[Step]) -> Vec<Step> {
    [&[CREATE], steps].concat()
}
const fn known(rule: &'static str, steps: Vec<Step>) -> Known {
    Known {
        rule,
        phones: 3,
        steps,
    }
}
const IMAGE: Step = Step::ImagePhone { phone: 0 };
const COPIED: Step = Step::Clone { phone: 0 };
const SHOWN_AGAIN: Step = Step::RestorePhone { which: 0 };

/// The fourteen schedules.
pub fn all_known() -> Vec<Known> {
    [of_phones(), of_disks(), vec![of_both()]].concat()
}

fn of_both() -> Known {
    Known {
        rule: "after a fork of one actor, what the server lacks of later ones is made again too",
        phones: 2,
        steps: shared(&[
            Step::Backup,
            Step::Restore,
            Step::Clone { phone: 1 },
            name(2),
            name(1),
            fine(1),
            fine(1),
            name(1),
            fine(2),
            Step::Restore,
            fine(2),
            fine(2),
            fine(1),
            fine(1),
        ]),
    }
}

fn of_phones() -> Vec<Known> {
    vec![
        known(
            "a fork maps open forms too",
            shared(&[
                COPIED,
                open(0),
                name(0),
                name(3),
                fine(3),
                fine(0),
                name(0),
                fine(0),
            ]),
        ),
        known(
            "a protection is written again by a fresh actor each time",
            made(&[
                save(0, What::Withdraw),
                fine(0),
                rude(0, What::Consent),
                rude(0, What::Consent),
            ]),
        ),
        known(
            "the answer to a fork carries the verdicts up to it",
            made(&[COPIED, name(0)]),
        ),
        known(
            "a tombstone is read by every cursor before it",
            made(&[fine(0), fine(0), COPIED, ERASE, fine(0), fine(0)]),
        ),
        known(
            "what is made again names its origin",
            made(&[COPIED, name(3), name(0), COPIED, fine(3)]),
        ),
        known(
            "a backfill ends with the list of the scope",
            made(&[COPIED, fine(0), EMPTY]),
        ),
        known(
            "what is void and still held is made again",
            made(&[COPIED, Step::Backup, fine(0), Step::Restore, EMPTY]),
        ),
    ]
}

fn of_disks() -> Vec<Known> {
    vec![
        known(
            "a context of an earlier epoch counts up to what was confirmed when the next one opened",
            shared(&[
                Step::Backup,
                IMAGE,
                name(0),
                fine(0),
                fine(1),
                open(1),
                Step::Restore,
                SHOWN_AGAIN,
                name(0),
                fine(0),
                fine(0),
                fine(1),
                fine(1),
                name(1),
                fine(1),
            ]),
        ),
        known(
            "a phone shows the highest head that it was given",
            shared(&[
                share(2, true),
                fine(2),
                Step::ImageDisk,
                name(2),
                fine(2),
                fine(1),
                BACK,
                name(0),
                fine(0),
                fine(1),
            ]),
        ),
        known(
            "an epoch over a file that lacks the newest copy starts from that copy",
            made(&[Step::ImageDisk, fine(0), Step::Backup, fine(0), EMPTY, BACK]),
        ),
        known(
            "the ledger is replayed whenever the file is opened",
            made(&[fine(0), Step::ImageDisk, ERASE, BACK]),
        ),
        known(
            "phones return the tombstones that the server signed",
            made(&[
                fine(0),
                Step::ImageDisk,
                ERASE,
                fine(0),
                Step::RollBackAll { which: 0 },
            ]),
        ),
        known(
            "actors are drawn, never counted",
            made(&[
                Step::ImageDisk,
                rude(0, What::Alarm),
                sync(0, Net::Doubled),
                BACK,
                rude(0, What::Much),
                Step::Redeliver { which: 0 },
            ]),
        ),
    ]
}
