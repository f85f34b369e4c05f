//! Every schedule of a small world to a small depth, and fourteen known ones. `sim --exhaust N` goes deeper.

use tributary_tests::simulation::small::{SUBJECTS, Subject, all_known};
use tributary_tests::simulation::{Tally, play_among};

/// Steps beyond the beginning. `TRIBUTARY_SMALL_DEPTH` goes deeper.
const DEPTH: u64 = 2;

fn all_of(subject: Subject) {
    let depth = super::number("TRIBUTARY_SMALL_DEPTH", DEPTH);
    for steps in subject.schedules(depth as usize) {
        let played = play_among(2, 1, &steps, &mut Tally::default());
        assert_eq!(played, Ok(()), "{} {steps:?}", subject.name());
    }
}

#[test]
fn every_small_schedule_of_clones() {
    all_of(Subject::Clone);
}

#[test]
fn every_small_schedule_of_restores() {
    all_of(Subject::Restore);
}

#[test]
fn every_small_schedule_of_rolled_back_disks() {
    all_of(Subject::RollBack);
}

#[test]
fn every_small_schedule_of_restored_phones() {
    all_of(Subject::PhoneImage);
}

#[test]
fn every_small_schedule_of_scope() {
    all_of(Subject::Scope);
}

#[test]
fn the_known_schedules_break_nothing() {
    let all = all_known();
    assert_eq!(all.len(), 14);
    for known in all {
        let played = play_among(known.phones, 1, &known.steps, &mut Tally::default());
        assert_eq!(played, Ok(()), "{}", known.rule);
    }
}

#[test]
fn a_deeper_world_has_more_schedules() {
    for subject in SUBJECTS {
        assert!(subject.schedules(2).len() > subject.schedules(1).len());
    }
}
