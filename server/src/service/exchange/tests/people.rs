//! Scopes follow people: teams, their members, and phones that come later.

use super::*;

fn north() -> TeamId {
    TeamId::from_bytes([50; 16])
}

/// Record 1 is Dara's and assigned to the team, in which nobody is yet; Linh's phone has synced.
fn assigned() -> (Office, Phone, Phone) {
    let office = Office::open();
    let mut chan = office.phone(9, Role::Coordinator);
    let mut linh = office.worker(3);
    linh.sync(&office);
    let to = code(&format!("team:{}", north()));
    chan.create(record(1), vec![(NAME, text("Sokha"))], 10);
    chan.write(record(1), vec![(Key::Meta(MetaKey::Assignee), to)], 11);
    chan.sync(&office);
    linh.sync(&office);
    assert!(linh.records.is_empty());
    (office, chan, linh)
}

fn follow(office: &Office) {
    let whom = vec![format!("team:{}", north())];
    follow_people(&office.files, &office.env, office.org, whom).unwrap();
}

#[test]
fn who_joins_a_team_gets_what_it_has_and_who_leaves_gets_nothing_more() {
    let (office, mut chan, mut linh) = assigned();
    office.people.join(north(), &linh);
    follow(&office);
    linh.sync(&office);
    assert_eq!(linh.live(record(1), &NAME), ["Sokha"], "assigned before");
    linh.write(record(1), vec![(NAME, text("not sent yet"))], 20);
    office.people.leave(north(), &linh);
    follow(&office);
    chan.write(record(1), vec![(NAME, text("later"))], 21);
    chan.sync(&office);
    let reply = linh.sync(&office);
    assert_eq!(statuses(&reply), [Status::Applied], "what it still brings");
    assert!(linh.records.is_empty());
    let all = format!("{:?}", linh.sync(&office).entries);
    assert!(!all.contains("later"));
    linh.refetch = vec![record(1)];
    linh.cursor = None;
    let reply = linh.sync(&office);
    assert!(
        !reply
            .entries
            .iter()
            .any(|e| matches!(e, Entry::State { .. })),
        "nor by asking for it"
    );
    // Back again: it comes whole.
    office.people.join(north(), &linh);
    follow(&office);
    linh.sync(&office);
    assert_eq!(linh.live(record(1), &NAME), ["later", "not sent yet"]);
    office.check();
}

#[test]
fn a_server_that_stopped_before_scopes_followed_catches_up_at_the_next_exchange() {
    let (office, _, mut linh) = assigned();
    let owed = vec![format!("team:{}", north())];
    office
        .files
        .write::<_, StorageError>(office.org, move |txn| owe_people(txn, &owed))
        .unwrap();
    office.people.join(north(), &linh);
    linh.sync(&office);
    assert_eq!(linh.live(record(1), &NAME), ["Sokha"]);
    let owed = office
        .files
        .read::<_, StorageError>(office.org, super::super::people::is_owed);
    assert!(!owed.unwrap(), "done once");
    office.check();
}
