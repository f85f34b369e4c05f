//! Syncs that end in the middle: by SIGKILL of the server's process, by SIGKILL of the device's, by a link that breaks.
//! Where exactly follows from the round: after so many bytes to the server, or so many back.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tributary_native::answers::{Answers, Given};
use tributary_native::{Device, Quiet, Trouble};
use tributary_tests::harness::{Installation, Way, field_command, field_on_a_losing_disk};
use tributary_tests::reliability::Run;

use super::{device, downloaded, nothing_is_lost};

/// How often the server is killed; `TRIBUTARY_KILLS` asks for more.
const KILLS: usize = 30;
/// Handshake, nonce, token, exchange, receipt: all of it lies within these bytes.
const UP_MAX: u64 = 6_000;
const DOWN_MAX: u64 = 9_000;

fn kills() -> usize {
    let asked = std::env::var("TRIBUTARY_KILLS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(KILLS)
}

/// Where the process dies: an even spread over both directions, the same in every run.
fn place(round: u64) -> (Way, u64) {
    let mixed = round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    match round.is_multiple_of(2) {
        true => (Way::Up, 1 + mixed % UP_MAX),
        false => (Way::Down, 1 + mixed % DOWN_MAX),
    }
}

fn record(device: &mut Device, n: u64) {
    let form = device.form(None).unwrap();
    let text = |t: String| Given::Text(t);
    let answers = Answers(vec![
        ("consent_store".into(), text("given".into())),
        ("notes".into(), text(format!("interview {n}"))),
        ("_status".into(), text("complete".into())),
    ]);
    device.create(&form, &answers).unwrap();
}

fn sigkill(process: u32) {
    let status = Command::new("kill")
        .args(["-KILL", &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

fn begun(mut here: Installation) -> (Installation, PathBuf) {
    here.serve();
    here.run(&["form", "publish"]);
    let link = here.worker_link("Sokha Chan");
    let home = here.place("phone");
    device(&home).enrol(&link.parse().unwrap(), None).unwrap();
    (here, home)
}

#[test]
fn the_server_killed_in_the_middle_of_syncs_loses_nothing_acknowledged() {
    the_server_is_killed(Installation::init(), "server");
}
#[test]
fn over_a_losing_disk_the_killed_server_loses_nothing_acknowledged() {
    let here = Installation::init_on_a_losing_disk();
    the_server_is_killed(here, "server over a disk that loses");
}

fn the_server_is_killed(here: Installation, what: &str) {
    let (mut here, home) = begun(here);
    let mut phone = device(&home);
    let (mut killed, mut round, mut made) = (0, 0, 0);
    while killed < kills() {
        round += 1;
        assert!(
            round < 20 * kills() as u64,
            "the tripwire is hardly ever reached"
        );
        for _ in 0..3 {
            made += 1;
            record(&mut phone, made);
        }
        let (way, bytes) = place(round);
        let server = here.server();
        here.wire().arm(way, bytes, move || sigkill(server));
        let ended = phone.sync(&mut Quiet);
        if here.wire().disarm() {
            ended.unwrap();
            continue;
        }
        killed += 1;
        if let Err(e) = ended {
            assert_eq!(*e.trouble(), Trouble::Offline, "{e}");
        }
        // Whatever it left is whole, before the next one has mended anything.
        here.end();
        here.serve();
    }
    println!("the server was killed {killed} times");
    phone.sync(&mut Quiet).unwrap();
    here.end();
    assert_eq!(nothing_is_lost(&here, &phone), made as usize);
    told(what, killed);
}

fn told(what: &str, killed: usize) {
    let run = Run::new(what, 0).count("kills", killed as u64);
    run.keep_if_asked("kills");
}

#[test]
fn the_device_killed_in_the_middle_of_syncs_loses_nothing_and_sends_nothing_twice() {
    let sync = |home: &Path, _| field_command(home, &["sync", "--quiet"]);
    the_device_is_killed(sync, "device");
}
#[test]
fn over_a_losing_disk_the_killed_device_loses_nothing_and_sends_nothing_twice() {
    let sync = |home: &Path, round| field_on_a_losing_disk(home, &["sync", "--quiet"], round);
    the_device_is_killed(sync, "device over a disk that loses");
}

fn the_device_is_killed(sync: impl Fn(&Path, u64) -> Command, what: &str) {
    let (mut here, home) = begun(Installation::init());
    let (mut killed, mut made) = (0, 0);
    for round in 0..kills() as u64 / 2 {
        let mut phone = device(&home);
        for _ in 0..3 {
            made += 1;
            record(&mut phone, made);
        }
        drop(phone);
        let mut command = sync(&home, round);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let process: Arc<Mutex<Option<u32>>> = Arc::default();
        let tripped = Arc::new(AtomicBool::new(false));
        let (way, bytes) = place(round);
        let (of, note) = (Arc::clone(&process), Arc::clone(&tripped));
        // Held until the number of the process is known.
        let mut known = process.lock().unwrap();
        here.wire().arm(way, bytes, move || {
            if let Some(process) = *of.lock().unwrap() {
                note.store(true, Ordering::SeqCst);
                sigkill(process);
            }
        });
        let mut child = command.spawn().unwrap();
        *known = Some(child.id());
        drop(known);
        let status = child.wait().unwrap();
        here.wire().disarm();
        let tripped = tripped.load(Ordering::SeqCst);
        assert!(status.success() || tripped, "{status}");
        killed += usize::from(!status.success());
    }
    println!("{killed} of {} devices died", kills() / 2);
    assert!(killed > 0, "no sync was ever cut");
    let mut phone = device(&home);
    phone.sync(&mut Quiet).unwrap();
    here.end();
    assert_eq!(nothing_is_lost(&here, &phone), made as usize);
    told(what, killed);
}

/// Syncs once over a link that is cut again and again; whether it came to its end.
fn sync_over_a_bad_link(here: &Installation, phone: &mut Device, round: u64) -> bool {
    let (way, bytes) = place(round);
    here.wire().cut(way, bytes);
    let ended = phone.sync(&mut Quiet);
    here.wire().disarm();
    match ended {
        Ok(_) => true,
        Err(e) => {
            assert_eq!(*e.trouble(), Trouble::Offline, "{e}");
            false
        }
    }
}

/// All that stands in a phone's folder, as a backup of the phone would take it.
fn copied(home: &Path, to: PathBuf) -> PathBuf {
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(home).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    to
}

#[test]
fn a_copied_phone_on_a_link_that_breaks_anywhere_brings_everything_in() {
    let (mut here, home) = begun(Installation::init());
    let (mut made, mut broken) = (0, 0);
    let rounds = (kills() as u64).div_ceil(6);
    for round in 0..rounds {
        made += 1;
        let mut phone = device(&home);
        record(&mut phone, made);
        if round % 3 != 0 {
            phone.sync(&mut Quiet).unwrap();
        }
        drop(phone);
        let twin = copied(&home, here.place(&format!("twin-{round}")));
        let mut twins = [device(&home), device(&twin)];
        for turn in 0..6 {
            let phone = &mut twins[usize::from(turn % 2 == 1)];
            made += 1;
            record(phone, made);
            broken += u64::from(!sync_over_a_bad_link(&here, phone, round * 7 + turn));
        }
        for phone in &mut twins {
            phone.sync(&mut Quiet).unwrap();
            assert_eq!(phone.summary().unwrap().unsent, 0, "round {round}");
        }
    }
    println!("{broken} of {} syncs broke", rounds * 6);
    let csv = downloaded(&here.admin(), "outreach_interview");
    assert_eq!(csv.lines().count() as u64, made + 1, "every one, and once");
    here.end();
}
