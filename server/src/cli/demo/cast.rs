//! Who is in the story: an organisation, its people and teams, a dozen phones.

use super::calendar::Clockwork;
use crate::service::access::Role;

/// The organisation's slug.
pub(super) const ORGANISATION: &str = "mekong-demo";
pub(super) const ORGANISATION_NAME: &str = "Mekong Outreach (demonstration)";
/// The teams; each has two workers, so that two phones of different people share its cases.
pub(super) const TEAMS: [&str; 3] = ["Poipet", "Mae Sot", "Bokeo"];

/// A user.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) role: Role,
}

pub(super) const ADMIN: Person = Person {
    name: "Dara Sok",
    role: Role::OrgAdmin,
};
pub(super) const COORDINATOR: Person = Person {
    name: "Malee Srisuk",
    role: Role::Coordinator,
};
pub(super) const REVIEWER: Person = Person {
    name: "Khin Khin Win",
    role: Role::Reviewer,
};

/// A worker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Worker {
    pub(super) name: &'static str,
    /// The language that the worker mostly interviews in.
    pub(super) language: &'static str,
    /// Which of [`TEAMS`].
    pub(super) team: usize,
}

pub(super) const WORKERS: [Worker; 6] = [
    worker("Sokha Chan", "km", 0),
    worker("Nguyễn Thị Linh", "vi", 0),
    worker("Thiri Aung", "my", 1),
    worker("Somchai Boonmee", "th", 1),
    worker("Bounmy Keola", "lo", 2),
    worker("李梅", "zh", 2),
];

const fn worker(name: &'static str, language: &'static str, team: usize) -> Worker {
    Worker {
        name,
        language,
        team,
    }
}

/// A phone to hand out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handed {
    /// Which of [`WORKERS`].
    pub(super) worker: usize,
    pub(super) label: &'static str,
    pub(super) clockwork: Clockwork,
    /// The days on which it finds a network.
    pub(super) syncs: &'static [u64],
}

/// Which of [`PHONES`] is copied, and which is lost.
pub(super) const COPIED: usize = 3;
pub(super) const LOST: usize = 7;
/// The day on which the one is copied, the other lost and, a day later, revoked.
pub(super) const COPY_DAY: u64 = 19;
pub(super) const LOSS_DAY: u64 = 29;

pub(super) const PHONES: [Handed; 12] = [
    handed(0, "phone", Clockwork::Near(1_300), &[6, 21]),
    handed(0, "tablet", Clockwork::Since1970, &[13, 34]),
    handed(1, "phone", Clockwork::In2100, &[9, 27]),
    handed(1, "tablet", Clockwork::Near(40_000), &[18, 33]),
    handed(2, "phone", Clockwork::Near(0), &[14]),
    handed(2, "tablet", Clockwork::Near(250_000), &[]),
    handed(3, "phone", Clockwork::Buddhist, &[11, 30]),
    handed(3, "tablet", Clockwork::Near(900), &[16]),
    handed(4, "phone", Clockwork::Near(5_000), &[25]),
    handed(4, "tablet", Clockwork::Near(70_000), &[8, 23, 36]),
    handed(5, "phone", Clockwork::Near(12_000), &[12, 31]),
    handed(5, "tablet", Clockwork::Near(0), &[]),
];

const fn handed(
    worker: usize,
    label: &'static str,
    clockwork: Clockwork,
    syncs: &'static [u64],
) -> Handed {
    Handed {
        worker,
        label,
        clockwork,
        syncs,
    }
}
