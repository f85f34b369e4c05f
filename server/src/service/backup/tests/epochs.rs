//! Epochs over stopped files, and moving elsewhere.

use super::*;

#[test]
fn a_rolled_back_disk_writes_again_after_an_epoch_over_the_newest_copy() {
    let cellar = Cellar::open();
    let (mut dara, mut linh) = (cellar.office.worker(2), cellar.office.worker(3));
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    let image = cellar.image();
    dara.write(
        record(1),
        vec![(NAME, text("copied, then rolled back"))],
        11,
    );
    dara.sync(&cellar.office);
    cellar.copy();
    linh.create(record(2), vec![(NAME, text("not copied, rolled back"))], 12);
    linh.sync(&cellar.office);
    cellar.roll_back(&image);
    assert!(matches!(
        linh.send(&cellar.office, linh.request()),
        Err(Refusal::Stopped)
    ));
    assert!(
        matches!(
            dara.send(&cellar.office, dara.request()),
            Err(Refusal::Stopped)
        ),
        "all writing stops"
    );
    // Without seeing the copies the server cannot say what it lacks; the file itself does not know of the copy.
    let opened = cellar.open_epoch(Some(&cellar.target()), false).unwrap();
    assert!(matches!(opened, Opened::FromCopy(_)));
    assert!(!cellar.stopped());
    rejoin(&mut dara, &cellar);
    rejoin(&mut linh, &cellar);
    assert_eq!(
        cellar.office.live(record(1), &NAME),
        ["copied, then rolled back"]
    );
    assert_eq!(
        cellar.office.live(record(2), &NAME),
        ["not copied, rolled back"]
    );
    cellar.office.check();
    cellar.copy();
}

#[test]
fn an_epoch_opens_in_place_where_the_file_has_all_of_the_newest_copy() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    let image = cellar.image();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.sync(&cellar.office);
    cellar.roll_back(&image);
    assert!(matches!(
        dara.send(&cellar.office, dara.request()),
        Err(Refusal::Stopped)
    ));
    // The image is from after the copy, so it knows that there is one.
    assert!(matches!(
        cellar.open_epoch(None, false),
        Err(BackupError::CopiesUnseen(_))
    ));
    let opened = cellar.open_epoch(Some(&cellar.target()), false).unwrap();
    assert_eq!(opened, Opened::InPlace(cellar.office.epoch()));
    rejoin(&mut dara, &cellar);
    assert_eq!(cellar.office.live(record(1), &NAME), ["two"]);
}

#[test]
fn an_epoch_without_any_copy_is_opened_when_there_never_was_one_or_all_are_lost() {
    let cellar = Cellar::open();
    assert!(matches!(
        cellar.open_epoch(None, false),
        Ok(Opened::InPlace(_))
    ));
    cellar.copy();
    assert!(matches!(
        cellar.open_epoch(None, false),
        Err(BackupError::CopiesUnseen(_))
    ));
    assert!(matches!(
        cellar.open_epoch(None, true),
        Ok(Opened::InPlace(_))
    ));
}

#[test]
fn a_sealed_organisation_takes_nothing_more_and_lives_on_where_it_moved() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    seal(&cellar.office.files, cellar.org(), 20).unwrap();
    dara.write(record(1), vec![(NAME, text("two"))], 21);
    assert!(matches!(
        dara.send(&cellar.office, dara.request()),
        Err(Refusal::Stopped)
    ));
    cellar.copy();
    let elsewhere = Cellar::open();
    elsewhere.lose_the_disk();
    let lock = DataFolder::at(elsewhere.data()).lock().unwrap();
    let source = Source {
        target: cellar.target(),
        set: None,
    };
    let all = Which::All;
    let data = elsewhere.data();
    let offline = elsewhere.offline(&lock, &data);
    restore(offline, &source, all, Overrides::default(), &mut |_| {}).unwrap();
    let state = copy_state(&elsewhere.office.files, elsewhere.org(), true).unwrap();
    assert!(!state.stopped && !state.sealed);
    rejoin(&mut dara, &elsewhere);
    assert_eq!(elsewhere.office.live(record(1), &NAME), ["two"]);
    assert!(cellar.stopped(), "the source stays as it is");
}

#[test]
fn a_new_epoch_is_later_than_any_that_was_shown_though_the_clock_was_set_back() {
    let mut cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    let image = cellar.image();
    cellar.office.env.now += 1_000_000;
    assert!(matches!(
        cellar.open_epoch(Some(&cellar.target()), false),
        Ok(Opened::InPlace(_))
    ));
    rejoin(&mut dara, &cellar);
    // Back to before that epoch, with a clock from before it.
    cellar.roll_back(&image);
    cellar.office.env.now -= 1_000_000;
    assert!(matches!(
        dara.send(&cellar.office, dara.request()),
        Err(Refusal::Stopped)
    ));
    let said = Overrides {
        replace: true,
        ..Overrides::default()
    };
    cellar.restore(None, said).unwrap();
    rejoin(&mut dara, &cellar);
    cellar.office.check();
}
