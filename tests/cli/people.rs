//! Organisations, users, teams and devices.

use std::io::Write;
use std::process::Stdio;

use serde_json::json;
use tributary_tests::harness::{Installation, field, tributary_command};

/// The line of a table that begins with a name.
fn line<'t>(table: &'t str, name: &str) -> &'t str {
    let found = table.lines().find(|l| l.starts_with(name));
    found.unwrap_or_else(|| panic!("{name} is not in\n{table}"))
}

/// Runs `tributary` with something typed into it.
fn typed(here: &Installation, arguments: &[&str], input: &str) {
    let mut command = tributary_command(&here.place("data"));
    command.args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    writeln!(child.stdin.take().unwrap(), "{input}").unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn organisations_are_made_listed_suspended_and_given_a_time_zone() {
    let here = Installation::init();
    let made = here.run(&["org", "create", "river", "--name", "ແມ່ນ້ຳ"]);
    assert!(
        made.contains("--org river"),
        "it says what comes next: {made}"
    );
    let list = here.run(&["org", "list"]);
    assert!(line(&list, "river").contains("ແມ່ນ້ຳ") && line(&list, "first").contains("open"));
    assert!(
        here.fails(&["org", "create", "river"])
            .contains("name is taken")
    );
    assert!(
        here.fails(&["org", "create", "Has Space"])
            .contains("lower-case letters")
    );
    here.run(&["org", "suspend", "river"]);
    assert!(line(&here.run(&["org", "list"]), "river").contains("suspended"));
    here.run(&["org", "suspend", "river", "--undo"]);
    assert!(line(&here.run(&["org", "list"]), "river").contains("open"));
    let zone = here.run(&["org", "time-zone", "river", "Asia/Vientiane"]);
    assert!(zone.contains("Asia/Vientiane"), "{zone}");
    assert!(
        here.fails(&["org", "time-zone", "river", "Laos"])
            .contains("IANA")
    );
    let days = here.run(&["org", "restriction-days", "river", "30"]);
    assert!(days.contains("after 30 days"), "{days}");
    for days in ["0", "367"] {
        let complaint = here.fails(&["org", "restriction-days", "river", days]);
        assert!(complaint.contains("at most 366"), "{complaint}");
    }
    let kept = here.run(&["org", "retention", "river", "--days", "365"]);
    assert!(kept.contains("365 days ago"), "{kept}");
    let complaint = here.fails(&["org", "retention", "river", "--days", "29"]);
    assert!(complaint.contains("at least 30 days"), "{complaint}");
    let kept = here.run(&["org", "retention", "river", "--for-ever"]);
    assert!(kept.contains("until somebody erases them"), "{kept}");
    // With two organisations a command asks which one is meant, and does nothing.
    assert!(
        here.fails(&["user", "list"])
            .contains("say which with --org")
    );
    assert!(
        here.fails(&["user", "list", "--org", "lake"])
            .contains("no organisation `lake`")
    );
}

#[test]
fn users_are_made_by_a_link_that_works_given_roles_and_kept_out() {
    let mut here = Installation::init();
    here.serve();
    let made = here.run(&["user", "create", "Mona", "--role", "coordinator"]);
    let (_, token) = made.trim().rsplit_once("/reset#t=").unwrap();
    assert!(line(&here.run(&["user", "list"]), "Mona").contains("invited"));
    let password = json!({"token": token, "password": "four new plain words"});
    here.client()
        .post("/api/v1/auth/reset", &password)
        .expect(204);
    assert!(line(&here.run(&["user", "list"]), "Mona").contains("active"));
    let sign_in = |password: &str| {
        let body = json!({"organisation": "first", "name": "Mona", "password": password});
        here.client().post("/api/v1/auth/sign-in", &body)
    };
    sign_in("four new plain words").expect(200);
    here.client()
        .post("/api/v1/auth/reset", &password)
        .expect_problem("reset_invalid");

    assert!(
        here.run(&["user", "role", "Mona", "reviewer"])
            .contains("reviewer from now on")
    );
    assert!(
        here.fails(&["user", "role", "admin", "worker"])
            .contains("at least one admin")
    );
    here.run(&["user", "disable", "Mona"]);
    assert_eq!(sign_in("four new plain words").status, 401);
    here.run(&["user", "disable", "Mona", "--undo"]);
    typed(
        &here,
        &["user", "reset", "Mona", "--password-stdin"],
        "words of another day",
    );
    sign_in("words of another day").expect(200);
    assert_eq!(sign_in("four new plain words").status, 401);
    let link = here.run(&["user", "reset", "Mona"]);
    assert!(
        link.contains("/reset#t=") && link.contains("once, until"),
        "{link}"
    );
    assert!(
        here.fails(&["user", "create", "Mona"])
            .contains("name is taken")
    );
    assert!(
        here.fails(&["user", "reset", "Nobody"])
            .contains("nothing of that id")
    );
}

#[test]
fn teams_are_made_and_joined_and_records_handed_over() {
    let here = Installation::init();
    here.run(&["team", "create", "ทีมเหนือ"]);
    for name in ["Dara", "Linh"] {
        here.run(&["user", "create", name]);
        here.run(&["team", "join", "ทีมเหนือ", name]);
    }
    assert!(line(&here.run(&["team", "list"]), "ทีมเหนือ").contains(" 2 "));
    here.run(&["team", "leave", "ทีมเหนือ", "Dara"]);
    assert!(line(&here.run(&["team", "list"]), "ทีมเหนือ").contains(" 1 "));
    let done = here.run(&["user", "handover", "Dara", "Linh"]);
    assert!(
        done.contains("0 records of Dara are assigned to Linh"),
        "{done}"
    );
}

#[test]
fn a_device_enrols_with_a_code_is_listed_and_revoked() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let link = here.worker_link("Sokha Chan");
    let shown = here.run(&["device", "enrol-code", "Sokha Chan"]);
    assert!(
        shown.contains("once, until") && shown.contains('█'),
        "a code to scan: {shown}"
    );
    let phone = here.place("phone");
    field(&phone, &["enrol", &link, "--label", "phone"]);
    let list = here.run(&["device", "list"]);
    let id = line(&list, "Sokha Chan")
        .rsplit(' ')
        .next()
        .unwrap()
        .to_owned();
    assert!(line(&list, "Sokha Chan").contains("live"), "{list}");
    here.run(&["device", "revoke", &id]);
    assert!(line(&here.run(&["device", "list"]), "Sokha Chan").contains("revoked"));
    here.run(&["device", "revoke", &id]);
    let unknown = "0".repeat(32);
    assert!(
        here.fails(&["device", "revoke", &unknown])
            .contains("nothing of that id")
    );
    assert!(
        here.fails(&["device", "revoke", "phone"])
            .contains("not the id of a device")
    );
}
