//! The console under attack, and on an ordinary day: real SQLite files, hand-made phones.

mod ageing;
mod erasing;
mod holding;
mod looking;
mod writing;

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::key::Key;
use tributary_sync_core::value::Value;

use super::*;
use crate::service::access::Role;
use crate::service::env::Env;
use crate::service::exchange::tests::{
    CONSENT, NAME, Office, Phone, STATUS, code, record, shown as said, statuses, text,
};
use tributary_sync_core::wire::message::Status;

pub(in crate::service) fn user(n: u8) -> UserId {
    UserId::from_bytes([n; 16])
}

/// Somebody at a desk, of no team.
pub(in crate::service) fn desk(office: &Office, n: u8, role: Role) -> Acting {
    Acting {
        org: office.org,
        user: user(n),
        role,
        teams: Vec::new(),
        colleagues: Vec::new(),
    }
}
fn coordinator(office: &Office) -> Acting {
    desk(office, 100, Role::Coordinator)
}
fn admin(office: &Office) -> Acting {
    desk(office, 110, Role::OrgAdmin)
}

pub(in crate::service) fn look(office: &Office, who: &Acting, id: RecordId) -> ShownRecord {
    show(&office.files, &office.env, who, id, None).unwrap()
}

fn refusal<T: std::fmt::Debug>(result: Result<T>) -> Code {
    result.unwrap_err().code
}

fn done(written: Result<Written>) -> Dot {
    match written.unwrap() {
        Written::Done(dot) => dot,
        other => panic!("not written: {other:?}"),
    }
}

fn settle_for(
    office: &Office,
    who: &Acting,
    seen: &ShownRecord,
    key: Key,
    value: Value,
) -> Result<Written> {
    let settle_ = Settle {
        key,
        choice: Choice::Value(value),
        reason: "asked both".into(),
    };
    settle(
        &office.files,
        &office.env,
        who,
        (seen.id, &seen.shown),
        settle_,
    )
}

/// A record that two workers edited without sight of each other.
fn crossing(office: &Office) -> (Phone, Phone) {
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(
        record(1),
        vec![(NAME, text("Sokha")), (CONSENT, code("given"))],
        10,
    );
    dara.sync(office);
    office.assign(record(1), &linh, true);
    linh.sync(office);
    dara.write(record(1), vec![(NAME, text("Sokha K."))], 20);
    linh.write(record(1), vec![(NAME, text("Sokha Keo"))], 15);
    dara.sync(office);
    linh.sync(office);
    (dara, linh)
}

fn later(office: &Office, ms: u64) -> Env {
    Env {
        now: office.env.now + ms,
        ..office.env.clone()
    }
}
