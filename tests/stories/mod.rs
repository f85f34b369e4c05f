//! Whole stories through the real programs: a stranger's first hour, processes killed in the middle of everything, forms
//! of other people.
//!
//! Not here: the rules one by one, which stand with the code; disasters over a clock that is moved by hand, which are
//! the simulation's.

mod htcds;
mod kills;
mod stranger;

use std::path::Path;
use std::sync::Arc;

use tributary::service::ambient::System;
use tributary::service::{By, Service, ServiceOptions};
use tributary::storage::StorageError;
use tributary_native::Device;
use tributary_native::clock::SetClock;
use tributary_sync_core::session::Whereabouts;
use tributary_tests::harness::Installation;

/// 2024-07-01, the time on the phones: waiting for a bad link costs nothing there.
const PHONE_TIME: u64 = 1_719_800_000_000;

/// The device of a folder, with a clock that never waits.
fn device(home: &Path) -> Device {
    Device::open_with(home, Arc::new(SetClock::new(PHONE_TIME))).unwrap()
}

/// Every change on the device was acknowledged, and stands in the server's file under its number and hash.
fn nothing_is_lost(here: &Installation, device: &Device) -> usize {
    let data = here.data();
    let service = Service::open(&data, ServiceOptions::default(), Arc::new(System::new())).unwrap();
    let org = service.organisation_named("first").unwrap().id;
    let mut seen = 0;
    for record in device.records().unwrap() {
        for (own, place) in device.show(record).unwrap().own {
            assert_eq!(place, Whereabouts::Stored, "{:?}", own.dot);
            let found = service.files().read::<_, StorageError>(org, |txn| {
                let no = txn.record_no(record)?.expect("the record");
                Ok((txn.item(own.dot)?, txn.change_by_dot(no, own.dot)?))
            });
            let (item, change) = found.unwrap();
            assert_eq!(item.expect("its number").hash, own.hash);
            assert!(change.is_some(), "{:?} is not in the log", own.dot);
            seen += 1;
        }
    }
    assert_eq!(
        service
            .devices(
                By::Operator,
                org,
                &tributary::service::paging::PageRequest::largest(None)
            )
            .unwrap()
            .items
            .len(),
        1
    );
    seen
}
