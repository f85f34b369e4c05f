//! A phone that was away for long: more than one batch to send, while the world went on.

use tributary_tests::simulation::{Net, Step, What, World, record};

fn sync(world: &mut World, phone: usize) {
    let net = Net::Fine;
    world.step(Step::Sync { phone, net, at: 0 }).unwrap();
}

fn assign(world: &mut World, on: bool) {
    let step = Step::Assign {
        phone: 1,
        record: 0,
        on,
    };
    world.step(step).unwrap();
}

#[test]
fn a_record_that_was_taken_away_during_a_long_backlog_leaves_the_phone() {
    let mut world = World::new(1);
    let create = Step::Create {
        phone: 0,
        record: 0,
        keep_open: false,
    };
    world.step(create).unwrap();
    sync(&mut world, 0);
    assign(&mut world, true);
    sync(&mut world, 1);
    sync(&mut world, 1);
    for _ in 0..90 {
        let save = Step::Save {
            phone: 1,
            record: 0,
            what: What::Long,
        };
        world.step(save).unwrap();
    }
    assign(&mut world, false);
    for _ in 0..5 {
        sync(&mut world, 1);
    }
    let held = world.phones[1].record(record(0));
    assert!(held.is_none(), "it is not in the scope of this phone");
}
