//! The file keeps what the store in memory keeps.

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::key::Key;
use tributary_sync_core::session::{
    FormText, MemoryStore, Person, Profile, Role, Save, Store, close_form, create_record,
    open_form, save,
};
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::message::{Grant, PolicyEntry, PolicyKind, SignedTombstone, Status};

use super::Database;

fn profile() -> Profile {
    let ids = (
        OrgId::from_bytes([1; 16]),
        ProfileId::from_bytes([2; 16]),
        UserId::from_bytes([3; 16]),
    );
    let epoch = EpochId::from_bytes([4; 16]);
    let grant = Grant {
        actor: ActorId(u32::MAX),
        epoch,
        sig: "00".into(),
    };
    Profile::new(ids, Role::Worker, &[4, 1], epoch, grant)
}

/// The same steps on any store.
fn story(store: &mut dyn Store) {
    let form = FormHash::from_bytes([7; 32]);
    let text = FormText {
        hash: form,
        form_id: "f".into(),
        package: "{}".into(),
        xform: "<x/>".into(),
    };
    store.put_form(&text).unwrap();
    let policy = PolicyEntry {
        form_id: "f".into(),
        field: FieldId(9),
        policy: PolicyKind::Protective,
        order: vec!["a".into(), "b".into()],
        consent: vec![],
        decide: vec![],
    };
    store.put_policy(&policy).unwrap();
    let write = |t: &str| Save {
        writes: vec![(Key::Field(FieldId(1)), Value::Text(Text::new(t).unwrap()))],
        ..Save::default()
    };
    for n in [3_u8, 1, 2] {
        let open = create_record(store, RecordId::from_bytes([n; 16]), form).unwrap();
        save(store, open.session, write("ភាសាខ្មែរ"), 1_000).unwrap();
        close_form(store, open.session).unwrap();
    }
    let open = open_form(store, RecordId::from_bytes([1; 16]), form).unwrap();
    save(store, open.session, write("again"), 1_000).unwrap();
    let mut own = store
        .own(Dot::new(ActorId(u32::MAX), Seq::new(2).unwrap()))
        .unwrap()
        .unwrap();
    own.fate.status = Some(Status::Quarantined);
    own.fate.pos = Some(LogPos::new(COUNTER_MAX).unwrap());
    store.put_own(&own).unwrap();
    own.dot.seq = Seq::new(9).unwrap();
    own.body = None;
    own.record = None;
    store.put_own(&own).unwrap();
    store
        .drop_own(Dot::new(ActorId(u32::MAX), Seq::new(1).unwrap()))
        .unwrap();
    store.drop_held(RecordId::from_bytes([3; 16])).unwrap();
    let person = Person {
        name: "Sok".into(),
        user: Some(UserId::from_bytes([5; 16])),
    };
    store.put_person(ActorId(4), &person).unwrap();
    let stone = SignedTombstone {
        hash: Tombstone::from_bytes([6; 32]),
        sig: "ab".into(),
    };
    store.put_tombstone(&stone).unwrap();
    store.put_keys(&serde_json::json!({"root": 1})).unwrap();
}

/// All that can be asked.
fn told(store: &dyn Store) -> String {
    let actor = ActorId(u32::MAX);
    let mut out = format!("{:?}\n", store.profile().unwrap());
    for id in store.held_ids().unwrap() {
        out += &format!(
            "{:?} {:?}\n",
            store.held(id).unwrap(),
            store.own_of(id).unwrap()
        );
    }
    for after in [0, 2, 9] {
        let after = Seq::new(after).unwrap();
        out += &format!("{:?}\n", store.own_after(actor, after, 2).unwrap());
        out += &format!("{:?}\n", store.chain_after(actor, after).unwrap());
    }
    out += &format!(
        "{:?} {:?}\n",
        store.own_after(actor, Seq::ZERO, usize::MAX).unwrap(),
        store.own_records().unwrap()
    );
    out += &format!(
        "{:?} {:?}\n",
        store.open_forms().unwrap(),
        store.person(ActorId(4)).unwrap()
    );
    out += &format!(
        "{:?} {:?}\n",
        store.policies("f").unwrap(),
        store.form(FormHash::from_bytes([7; 32])).unwrap()
    );
    out += &format!(
        "{:?} {:?}\n",
        store.tombstones().unwrap(),
        store.keys().unwrap()
    );
    let erased = |b: u8| store.is_erased(Tombstone::from_bytes([b; 32])).unwrap();
    out + &format!("{} {}", erased(6), erased(7))
}

#[test]
fn the_file_keeps_what_the_store_in_memory_keeps_through_closing_and_opening() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("device.db");
    let mut memory = MemoryStore::new(profile());
    story(&mut memory);
    {
        let mut db = Database::open(&path).unwrap();
        db.step(|tx| {
            tx.put_profile(&profile())?;
            story(tx);
            Ok(())
        })
        .unwrap();
    }
    let db = Database::open(&path).unwrap();
    assert_eq!(db.read(|tx| Ok(told(tx))).unwrap(), told(&memory));
}

#[test]
fn what_was_erased_or_emptied_is_nowhere_in_the_folder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("device.db");
    let mut db = Database::open(&path).unwrap();
    db.step(|tx| {
        tx.put_profile(&profile())?;
        story(tx);
        Ok(())
    })
    .unwrap();
    db.step(|tx| {
        let profile = tx.profile()?;
        for id in tx.held_ids()? {
            tx.drop_held(id)?;
        }
        for open in tx.open_forms()? {
            tx.drop_open_form(open.session)?;
        }
        for own in tx.own_after(profile.actors[0].actor, Seq::ZERO, 100)? {
            tx.drop_own(own.dot)?;
        }
        Ok(())
    })
    .unwrap();
    db.forget().unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let word = "ភាសាខ្មែរ".as_bytes();
        assert!(!bytes.windows(word.len()).any(|w| w == word));
    }
}
