//! An organisation's keys are renewed while phones are away for months.

use tributary_native::Device;
use tributary_tests::harness::{Installation, field};

use super::{device, downloaded, interview, nothing_is_lost, phone};

#[test]
fn phones_that_were_away_while_the_keys_were_renewed_twice_lose_nothing_and_learn_the_new_ones() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let (away, silent) = (phone(&here, "Sokha Chan"), phone(&here, "Bounmy Keo"));
    interview(&away, "sealed to the first key");
    let carried = here.place("carried.bin");
    field(&away, &["bundle", carried.to_str().unwrap()]);
    interview(&silent, "receipt of the first key");
    field(&silent, &["sync", "--quiet"]);
    let keys = |home| serde_json::to_value(device(home).trust().unwrap().keys()).unwrap();
    let first = keys(&away);

    // The server goes on running; what it has in memory is the first set.
    for _ in 0..2 {
        let said = here.run(&["org", "renew-keys", "first"]);
        assert!(said.contains("has new keys"), "{said}");
    }
    let new = phone(&here, "Lin Lin");
    assert_ne!(keys(&new)["receipt"], first["receipt"]);
    assert_eq!(keys(&new)["earlier"].as_array().unwrap().len(), 2);
    interview(&new, "receipt of the third key");
    field(&new, &["sync", "--quiet"]);

    // A file from before, and syncs of phones that know the first set only.
    let sealed = std::fs::read(&carried).unwrap();
    let kind = [("content-type", "application/octet-stream")];
    let client = here.client();
    let taken = client.send("POST", "/sync/v1/bundle", &kind, &sealed);
    assert_eq!(taken.expect(200)["stored"], 1);
    for home in [&away, &silent] {
        interview(home, "after the renewal");
        field(home, &["sync", "--quiet"]);
        assert_eq!(keys(home), keys(&new));
    }
    interview(&silent, "sealed to the third key");
    let second = here.place("second.bin");
    field(&silent, &["bundle", second.to_str().unwrap()]);
    let sealed = std::fs::read(&second).unwrap();
    let taken = client.send("POST", "/sync/v1/bundle", &kind, &sealed);
    assert_eq!(taken.expect(200)["stored"], 1);
    field(&silent, &["sync", "--quiet"]);

    assert_eq!(
        downloaded(&here.admin(), "outreach_interview")
            .lines()
            .count(),
        7
    );
    // What is written down of the keys outlives a restart.
    here.serve();
    field(&away, &["sync", "--quiet"]);
    here.end();
    for home in [&away, &silent, &new] {
        nothing_is_lost(&here, &Device::open(home).unwrap());
    }
}
