//! The disk is full, a read fails, a sync fails: the request fails in the right words, the program lives, later ones work,
//! and nothing was told that is not so.

use tributary::storage::{OrgTxn, StorageError};
use tributary_disk::Fault;
use tributary_sync_core::ids::EpochId;

use super::day::{DAY, Step};
use super::power::{At, counted, places, told};
use super::world::{Stopped, World};

/// One day with one fault that passes; what did not hold. Afterwards the power goes: what was told has to be on the disk.
fn day(fault: Fault, seed: u64, on: Option<usize>, right: &[&str]) -> Result<bool, String> {
    let mut world = World::new();
    let disk = world.disk_of(on);
    disk.plan(Some(fault), seed);
    let mut from = 0;
    let mut met = 0;
    loop {
        match world.go(DAY, from) {
            Stopped::Evening => break,
            Stopped::Trouble(n, trouble) => {
                met += 1;
                if met > 1 || !disk.has_struck() {
                    return Err(format!(
                        "{:?} fails in a world that is mended: {trouble:?}, after {:?}",
                        DAY[n],
                        world.heard.lock().unwrap().codes
                    ));
                }
                if trouble.code.is_some_and(|code| !right.contains(&code)) {
                    return Err(format!(
                        "{:?} is refused in wrong words: {trouble:?}",
                        DAY[n]
                    ));
                }
                disk.mend();
                from = n;
            }
            dark => return Err(format!("{dark:?}")),
        }
    }
    disk.mend();
    let codes = world.heard.lock().unwrap().codes.clone();
    // Days pass, and tokens with them; the operator restores.
    let fine =
        |code: &&str| ["token_expired", "epoch_changed"].contains(code) || right.contains(code);
    if let Some(wrong) = codes.iter().find(|code| !fine(code)) {
        return Err(format!("a phone was refused in wrong words: {wrong}"));
    }
    disk.cut();
    match on {
        None => world.light_server()?,
        Some(phone) => world.light_phone(phone)?,
    }
    world.evening()?;
    Ok(disk.has_struck())
}

fn everywhere(whose: &str, on: Option<usize>) {
    let counts = counted(|world| world.disk_of(on).counts());
    // What somebody else's failed commit took down is told to come again.
    let full: &[&str] = &["disk_full", "overloaded"];
    let broken_disk: &[&str] = &["internal", "overloaded", "nonce_invalid"];
    let kinds: [(&str, u64, At, &[&str]); 3] = [
        (
            "disk full from a write on",
            counts.writes,
            Fault::FullFrom,
            full,
        ),
        ("failed read", counts.reads, Fault::Read, broken_disk),
        ("failed sync", counts.syncs, Fault::Sync, broken_disk),
    ];
    let mut broken = Vec::new();
    for (shift, (kind, n, fault, right)) in (1..).zip(kinds) {
        let (mut tried, before) = (0, broken.len());
        for place in places(n, shift) {
            match day(fault(place), place * 37 + shift, on, right) {
                Ok(struck) => tried += u64::from(struck),
                Err(why) => {
                    tried += 1;
                    broken.push(format!("{:?} of {n}: {why}", fault(place)));
                }
            }
        }
        told(&format!("{whose}, {kind}"), tried, n, &broken[before..]);
        assert!(tried > 0, "{kind} never came");
    }
    assert!(
        broken.is_empty(),
        "{}:\n{}",
        broken.len(),
        broken.join("\n")
    );
}

#[test]
fn the_server_outlives_a_full_or_failing_disk_and_tells_nothing_that_is_not_so() {
    everywhere("server", None);
}

#[test]
fn a_phone_outlives_a_full_or_failing_disk_and_tells_nothing_that_is_not_so() {
    everywhere("phone", Some(0));
}

/// Closing the restored file failed silently, and the file was moved without its log: without the new epoch.
#[test]
fn a_restore_on_a_failing_disk_is_done_or_says_that_it_is_not() {
    let morning = [
        Step::Record(0, 1),
        Step::Sync(0),
        Step::Copy,
        Step::Record(0, 2),
        Step::Sync(0),
    ];
    let mut tried = 0;
    for n in 1.. {
        let mut world = World::new();
        assert!(matches!(world.go(&morning, 0), Stopped::Evening));
        let before = epoch(&world);
        world.disk.plan(Some(Fault::Sync(n)), n);
        let ended = world.step(Step::Restore);
        if !world.disk.has_struck() {
            break;
        }
        tried += 1;
        world.disk.mend();
        if ended.is_err() {
            world.step(Step::Restore).unwrap();
        }
        assert_ne!(epoch(&world), before, "sync {n}: {ended:?}");
        world.step(Step::Sync(0)).unwrap();
    }
    assert!(tried > 3, "{tried}");
}

fn epoch(world: &World) -> EpochId {
    let service = world.service();
    let read = |txn: &OrgTxn<'_>| txn.epoch();
    let read = service.files().read::<_, StorageError>(world.org, read);
    read.unwrap().id
}
