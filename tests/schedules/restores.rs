//! Disasters in a fixed order, over the product's own copies and the device's real session: a lost disk with an older copy,
//! a rolled-back disk, a data folder that runs twice.

use tributary_tests::simulation::{Net, Step, What, World, checks};

fn all(world: &mut World, steps: impl IntoIterator<Item = Step>) {
    for step in steps {
        world.step(step).unwrap();
        checks::anytime(world).unwrap();
    }
}

fn create(phone: usize, record: usize) -> Step {
    Step::Create {
        phone,
        record,
        keep_open: false,
    }
}
fn save(phone: usize, record: usize, withdraw: bool) -> Step {
    Step::Save {
        phone,
        record,
        what: if withdraw { What::Withdraw } else { What::Name },
    }
}
fn sync(phone: usize) -> Step {
    Step::Sync {
        phone,
        net: Net::Fine,
        at: 0,
    }
}
fn share(phone: usize, record: usize) -> Step {
    Step::Assign {
        phone,
        record,
        on: true,
    }
}

/// Two phones that share a record, both in step, and a copy of it.
fn begun() -> World {
    let mut world = World::new(1);
    all(
        &mut world,
        [
            create(0, 0),
            create(0, 1),
            create(1, 2),
            sync(0),
            sync(1),
            share(1, 0),
            sync(1),
        ],
    );
    world.backup();
    world
}

/// Everybody goes on, nothing is missing anywhere, and the next copy extends the last.
fn ends_well(mut world: World) {
    world.settle().unwrap();
    checks::finally(&mut world).unwrap();
    assert!(!world.stopped());
    world.backup();
}

#[test]
fn phones_that_know_more_than_the_copy_bring_everything_back_and_nothing_erased_returns() {
    let mut world = begun();
    all(
        &mut world,
        [
            save(0, 0, false),
            save(1, 0, true),
            create(2, 3),
            Step::Erase { record: 1 },
            sync(0),
            sync(1),
            sync(2),
            save(0, 0, false),
        ],
    );
    world.restore(0);
    ends_well(world);
}

#[test]
fn an_older_copy_than_the_newest_loses_nothing_that_phones_still_hold() {
    let mut world = begun();
    all(
        &mut world,
        [save(0, 0, false), create(2, 3), sync(0), sync(2)],
    );
    world.backup();
    all(&mut world, [save(1, 2, true), sync(1), save(0, 0, false)]);
    world.restore(1);
    ends_well(world);
}

#[test]
fn two_restores_in_a_row_from_one_copy_leave_nobody_stuck() {
    let mut world = begun();
    all(&mut world, [save(0, 0, false), sync(0), sync(1)]);
    world.restore(0);
    all(&mut world, [sync(0), create(2, 3), sync(2)]);
    world.restore(0);
    all(&mut world, [sync(1), save(1, 0, false)]);
    ends_well(world);
}

#[test]
fn a_rolled_back_disk_stops_until_an_epoch_opens_and_old_heads_recover() {
    let mut world = begun();
    all(
        &mut world,
        [
            Step::ImageDisk,
            save(0, 0, false),
            create(2, 3),
            sync(0),
            sync(2),
        ],
    );
    all(
        &mut world,
        [Step::RollBack { which: 0 }, save(1, 0, false), sync(1)],
    );
    assert!(!world.stopped(), "this phone was never given a later head");
    all(&mut world, [sync(0)]);
    assert!(world.stopped(), "this one was");
    all(&mut world, [sync(1), sync(2)]);
    assert!(world.stopped(), "for everybody");
    world.open_epoch();
    ends_well(world);
}

#[test]
fn a_disk_rolled_back_behind_the_newest_copy_starts_again_from_that_copy() {
    let mut world = begun();
    all(&mut world, [Step::ImageDisk, save(0, 0, false), sync(0)]);
    world.backup();
    all(
        &mut world,
        [create(2, 3), sync(2), Step::RollBack { which: 0 }],
    );
    world.backup();
    assert!(world.stopped(), "the file does not extend the last copy");
    world.open_epoch();
    ends_well(world);
}

#[test]
fn a_folder_that_ran_twice_ends_in_one_log_with_what_both_were_told() {
    let mut world = begun();
    // The copied folder: the first server goes on with one phone, the second with another.
    all(
        &mut world,
        [Step::ImageDisk, save(0, 0, false), create(0, 3), sync(0)],
    );
    all(
        &mut world,
        [
            Step::RollBack { which: 0 },
            save(1, 0, true),
            create(1, 4),
            sync(1),
        ],
    );
    // The first phone comes to the second server.
    all(&mut world, [sync(0)]);
    assert!(world.stopped());
    world.open_epoch();
    ends_well(world);
}
