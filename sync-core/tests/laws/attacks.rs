//! The attacks of `record-and-sync.md` that the kernel alone can show: each fails where its rule is broken, and holds
//! where it is kept. Those that need a server or a session stand with the simulator.

use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{ActorId, COUNTER_MAX, EpochId, FormHash, RecordId, Seq};
use tributary_sync_core::key::Key;
use tributary_sync_core::policy::{FieldPolicy, Policies, Policy};
use tributary_sync_core::record::Record;
use tributary_sync_core::value::{Opaque, Text, Value};

const RECORD: RecordId = RecordId::from_bytes([1; 16]);

fn dot(actor: u32, seq: u64) -> Dot {
    Dot::new(ActorId(actor), Seq::new(seq).unwrap())
}

/// A stored changeset with exactly this context.
pub(crate) fn stored(
    actor: u32,
    seq: u64,
    seen: &[(u32, u64)],
    effective: u64,
    writes: Vec<(Key, Value)>,
) -> Stored {
    let context: Clock = seen.iter().map(|(a, n)| dot(*a, *n)).collect();
    let change = Draft {
        record: RECORD,
        dot: dot(actor, seq),
        clock: Hlc::new(effective, 0).unwrap(),
        form: FormHash::from_bytes([3; 32]),
        creates: seen.is_empty(),
        epoch: EpochId::from_bytes([1; 16]),
        seen: context.clone(),
        writes,
        decisions: Vec::new(),
        origin: None,
        extensions: Vec::new(),
    }
    .seal()
    .unwrap();
    Stored {
        change,
        stamp: Stamp {
            context,
            effective: Hlc::new(effective, 0).unwrap(),
            received: effective,
            cut: false,
        },
    }
}

fn says(key: &str, code: &str) -> Vec<(Key, Value)> {
    let code = Value::Code(Text::new(code).unwrap());
    vec![(key.parse().unwrap(), code)]
}

fn record<'s>(all: impl IntoIterator<Item = &'s Stored>) -> Record {
    let mut record = Record::new(RECORD);
    all.into_iter().for_each(|s| record.apply(s));
    record
}

/// The codes that live under `f1`, in the order of their dots.
fn shown(record: &Record) -> Vec<&str> {
    let values = record.values(&Key::Field(tributary_sync_core::ids::FieldId(1)));
    values
        .iter()
        .map(|(_, value)| match value {
            Value::Code(code) => code.as_str(),
            _ => "?",
        })
        .collect()
}

fn consent() -> Policies {
    let mut policies = Policies::default();
    let order = ["given", "withdrawn"].map(str::to_owned).to_vec();
    let policy = FieldPolicy {
        policy: Policy::Protective(order),
        consent: vec!["given".to_owned()],
        decide: Vec::new(),
    };
    policies.set(tributary_sync_core::ids::FieldId(1), policy);
    policies
}

/// §1.5: a worker opens the form, the background sync brings a withdrawal, the worker saves.
#[test]
fn a_context_taken_at_save_erases_what_the_worker_never_saw() {
    let given = stored(1, 1, &[], 10, says("f1", "given"));
    let withdrawn = stored(2, 1, &[(1, 1)], 20, says("f1", "withdrawn"));
    let at_open = record([&given]).clock();
    let at_save = record([&given, &withdrawn]).clock();
    let save = |seen: &Clock| {
        let seen: Vec<_> = seen.dots().map(|d| (d.actor.0, d.seq.get())).collect();
        stored(1, 2, &seen, 30, says("f1", "given"))
    };
    let wrong = record([&given, &withdrawn, &save(&at_save)]);
    assert_eq!(shown(&wrong), ["given"], "the withdrawal is gone");
    let right = record([&given, &withdrawn, &save(&at_open)]);
    assert_eq!(shown(&right), ["given", "withdrawn"]);
    assert!(consent().withheld(&right) && !consent().withheld(&wrong));
}

/// §1.5: two tabs of one profile. Why a record has a lock, and a second open takes over after the first has saved.
#[test]
fn two_sessions_of_one_actor_at_once_lose_an_answer() {
    let first_tab = stored(1, 1, &[], 10, says("f1", "yes"));
    let second_tab = stored(1, 2, &[], 20, says("f1", "no"));
    assert_eq!(shown(&record([&first_tab, &second_tab])), ["no"]);
    let other_profile = stored(2, 1, &[], 20, says("f1", "no"));
    assert_eq!(shown(&record([&first_tab, &other_profile])), ["yes", "no"]);
}

/// §1.6: two coordinators settle a conflict through one server actor.
#[test]
fn two_viewers_behind_one_actor_lose_an_answer() {
    let (a, b) = (
        stored(1, 1, &[], 10, says("f1", "a")),
        stored(2, 1, &[], 10, says("f1", "b")),
    );
    let seen = [(1, 1), (2, 1)];
    let settle = |actor, seq, code| stored(actor, seq, &seen, 30, says("f1", code));
    let one_actor = [settle(9, 1, "a"), settle(9, 2, "b")];
    assert_eq!(
        shown(&record([&a, &b].into_iter().chain(&one_actor))),
        ["b"]
    );
    let two_actors = [settle(8, 1, "a"), settle(9, 1, "b")];
    assert_eq!(
        shown(&record([&a, &b].into_iter().chain(&two_actors))),
        ["a", "b"]
    );
}

/// §1.7, *Z hides X*: X answers; Y sees X and changes another question; Z claims Y without X (its context was cut, or
/// it lies) and answers the first question; W sees Z only. Unless a context is joined with the stored contexts of the
/// changesets that it names, what W saw depends on who is asked: X stands beside an answer that was given in its sight.
#[test]
fn a_context_that_is_not_closed_shows_what_was_settled() {
    let x = stored(1, 1, &[], 10, says("f1", "x"));
    let y = stored(2, 1, &[(1, 1)], 20, says("f1", "y"));
    let open = stored(3, 1, &[(2, 1)], 30, says("f1", "z"));
    let arrived = [&x, &y, &open];
    // The record's clock covers X, and yet Z does not: whole clocks are compared, so Y, which Z saw, stays beside Z.
    assert_eq!(shown(&record(arrived)), ["y", "z"]);
    let mut closed = open.clone();
    closed.stamp.context.join(&y.stamp.context);
    assert_eq!(shown(&record([&x, &y, &closed])), ["z"]);
    // Whoever lacks Y is not to lose or keep X by that: with the closed context Z alone settles X.
    assert_eq!(shown(&record([&x, &closed])), ["z"]);
    assert_eq!(shown(&record([&x, &open])), ["x", "z"]);
}

/// §1.7: a context entry far in the future makes every later honest write of that actor vanish. Why the server cuts.
#[test]
fn a_poisoned_context_swallows_honest_answers_unless_cut() {
    let mut poison = stored(6, 1, &[], 10, says("f1", "thief"));
    let honest = stored(1, 7, &[], 20, says("f1", "honest"));
    assert_eq!(shown(&record([&poison, &honest])), ["honest", "thief"]);
    poison.stamp.context.add(dot(1, COUNTER_MAX));
    assert_eq!(shown(&record([&poison, &honest])), ["thief"]);
    assert_eq!(shown(&record([&honest, &poison])), ["thief"]);
    // Cut, as the server stores it, it stands beside.
    poison.stamp.context = Clock::new();
    poison.stamp.cut = true;
    assert_eq!(shown(&record([&poison, &honest])), ["honest", "thief"]);
}

/// §1.7: an own entry above what stands in the log on that record cannot be settled by anybody who saw all there is.
#[test]
fn an_own_entry_above_the_log_makes_a_conflict_that_nobody_could_settle() {
    let a = stored(1, 5, &[(1, 9)], 10, says("f1", "a"));
    let b = stored(2, 1, &[], 10, says("f1", "b"));
    let both = record([&a, &b]);
    // The settler names what is in the log, and the server cuts the rest: (1, 9) is not there.
    let settled = stored(3, 1, &[(1, 5), (2, 1)], 20, says("f1", "b"));
    let after = record([&a, &b, &settled]);
    assert_eq!(shown(&both), ["a", "b"]);
    assert_eq!(shown(&after), ["a", "b"], "the conflict does not end");
    let mut lowered = a.clone();
    lowered.stamp.context = Clock::new();
    assert_eq!(shown(&record([&lowered, &b, &settled])), ["b"]);
}

/// §2.2: two lowerings in a row. The server writes the stronger value again under a fresh actor with the refused
/// write's context; one server actor for all rewrites would erase its own earlier rewrite.
#[test]
fn two_lowerings_in_a_row_keep_the_withdrawal() {
    let policies = consent();
    let withdrawn = stored(1, 1, &[], 10, says("f1", "withdrawn"));
    let mut right = record([&withdrawn]);
    let mut wrong = right.clone();
    for (n, context) in [(1u64, vec![(1, 1)]), (2, vec![(1, 1), (5, 1)])] {
        // Collect sends `given` over all that it saw, and no decision with it.
        let lowering = stored(5, n, &context, 20 + n, says("f1", "given"));
        let stronger = policies.lowered(&right, &lowering.change, &lowering.clock(), |_, _| {
            Some(Vec::new())
        });
        right.apply(&lowering);
        wrong.apply(&lowering);
        for (key, value) in stronger {
            let fresh = u32::try_from(100 + n).unwrap();
            let again = |actor, seq| {
                stored(
                    actor,
                    seq,
                    &context,
                    20 + n,
                    vec![(key.clone(), value.clone())],
                )
            };
            right.apply(&again(fresh, 1));
            wrong.apply(&again(100, n));
        }
        let read = policies.read(&right, &"f1".parse().unwrap());
        assert_eq!(read, Some(Value::Code(Text::new("withdrawn").unwrap())));
        assert!(policies.withheld(&right));
    }
    // The second lowering did not see the first rewrite, and so did not lower it: with fresh actors it stands.
    assert_eq!(shown(&right), ["given", "withdrawn"]);
    // Written again over the refused write instead of beside it, nobody would see that there was one.
    let over = stored(
        200,
        1,
        &[(1, 1), (5, 1), (5, 2)],
        30,
        says("f1", "withdrawn"),
    );
    assert_eq!(
        shown(&record([
            &withdrawn,
            &stored(5, 2, &[(1, 1)], 22, says("f1", "given")),
            &over
        ])),
        ["withdrawn"]
    );
    assert!(policies.withheld(&wrong));
}

/// Promise 2: a clock decides what an export shows among several, and never what is kept.
#[test]
fn a_phone_that_lives_in_1970_loses_no_answer() {
    let late = stored(1, 1, &[], 2_000_000_000_000, says("f1", "early bird"));
    let slow = stored(2, 1, &[], 0, says("f1", "1970"));
    let record = record([&late, &slow]);
    assert_eq!(shown(&record), ["early bird", "1970"]);
    assert_eq!(record.conflicts().count(), 1);
    // And a correction by a slow clock that saw both settles it.
    let mut after = record.clone();
    after.apply(&stored(2, 2, &[(1, 1), (2, 1)], 0, says("f1", "1970")));
    assert_eq!(shown(&after), ["1970"]);
}

/// §2.4: meta writes do not bring back what was deleted; an answer that the deleter had not seen does.
#[test]
fn a_comment_does_not_undelete_but_an_unseen_answer_does() {
    let delete = |seen: &[(u32, u64)]| {
        let deleted = vec![("m.deleted".parse().unwrap(), Value::Deleted(true))];
        stored(2, 1, seen, 20, deleted)
    };
    let answer = stored(1, 1, &[], 10, says("f1", "a"));
    let comment = stored(
        3,
        1,
        &[(1, 1)],
        30,
        says("m.comment.0000000000000001", "why?"),
    );
    let unseen = stored(1, 2, &[(1, 1)], 30, says("f2", "b"));
    assert_eq!(
        record([&answer, &delete(&[(1, 1)]), &comment]).presence(),
        Presence::Deleted
    );
    assert_eq!(
        record([&answer, &delete(&[(1, 1)]), &unseen]).presence(),
        Presence::Contested
    );
    assert_eq!(
        record([&answer, &delete(&[])]).presence(),
        Presence::Contested
    );
}

/// §1.3: a value of a kind that this build does not know ranks most protective, is kept and conflicts like any other.
#[test]
fn an_unknown_kind_of_value_is_not_lost_and_not_weakened() {
    let given = stored(1, 1, &[], 10, says("f1", "given"));
    let sealed = Value::Opaque(Opaque::new(77, vec![9; 4]).unwrap());
    let unknown = stored(2, 1, &[], 5, vec![("f1".parse().unwrap(), sealed.clone())]);
    let record = record([&given, &unknown]);
    assert_eq!(shown(&record), ["given", "?"]);
    assert_eq!(
        consent().read(&record, &"f1".parse().unwrap()),
        Some(sealed)
    );
    assert!(consent().withheld(&record));
}
