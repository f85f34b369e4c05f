//! What a worker was shown is what their change replaces, whatever a sync brought in between; and one change that the
//! server cannot read keeps no other from it.

use std::path::Path;

use serde_json::{Value, json};
use tributary_native::Quiet;
use tributary_native::transport::{Answer, Call, Transport, TransportError};
use tributary_tests::harness::{Installation, field, field_fails};

use super::{assign, device, downloaded, interview, phone};

fn sync(home: &Path) {
    field(home, &["sync", "--quiet"]);
}

fn notes(home: &Path, record: &str, notes: &str) {
    field(home, &["edit", record, "--set", &format!("notes={notes}")]);
}

#[test]
fn what_came_after_the_look_is_not_replaced_before_it_was_shown_too() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let [dara, linh] = ["Dara", "Linh"].map(|name| phone(&here, name));
    let record = interview(&dara, "as she told it");
    sync(&dara);
    assign(&here.admin(), &record, "Linh");
    sync(&linh);

    // Nobody answers over what they never saw, nor chooses among it; what nobody answered may be answered.
    let unseen = ["edit", &record, "--set", "notes=unseen"];
    let refused = field_fails(&linh, &unseen);
    assert!(refused.contains("have not looked at it yet"), "{refused}");
    assert!(
        refused.contains(&format!("tributary-field show {record}")),
        "{refused}"
    );
    let refused = field_fails(&linh, &["settle", &record, "notes", "--value", "unseen"]);
    assert!(refused.contains("have not looked at this"), "{refused}");
    field(
        &linh,
        &["edit", &record, "--set", "safe_contact=after dark"],
    );

    for home in [&dara, &linh] {
        field(home, &["show", &record]);
    }
    notes(&linh, &record, "LINH-CORRECTION");
    sync(&linh);
    sync(&dara);
    let refused = field_fails(&dara, &["edit", &record, "--set", "notes=DARA"]);
    assert!(
        refused.contains("changed `notes` after you last looked"),
        "{refused}"
    );
    let shown = field(&dara, &["show", &record]);
    assert!(shown.contains("LINH-CORRECTION"), "{shown}");
    notes(&dara, &record, "DARA-A");

    // Two answers, shown with their numbers; one of them changes before the choice.
    notes(&linh, &record, "LINH-B");
    sync(&linh);
    sync(&dara);
    let shown = field(&dara, &["show", &record]);
    assert!(shown.contains("2 answers, to be settled"), "{shown}");
    notes(&linh, &record, "LINH-C");
    sync(&linh);
    sync(&dara);
    for n in ["1", "2"] {
        let refused = field_fails(&dara, &["settle", &record, "notes", "--take", n]);
        assert!(refused.contains("after you last looked"), "{refused}");
    }
    let csv = downloaded(&here.admin(), "outreach_interview");
    assert!(csv.contains("DARA-A") && csv.contains("LINH-C"), "{csv}");
    let shown = field(&dara, &["show", &record]);
    assert!(
        shown.contains("LINH-C") && !shown.contains("LINH-B"),
        "{shown}"
    );
    field(&dara, &["settle", &record, "notes", "--take", "1"]);
    sync(&dara);
    let settled = field(&dara, &["show", &record]);
    assert!(!settled.contains("to be settled"), "{settled}");
    here.end();
}

/// A program of another version in between: it writes the second change so that this server cannot read it.
struct Garbles(Box<dyn Transport>);

impl Transport for Garbles {
    fn send(&mut self, call: &Call) -> Result<Answer, TransportError> {
        let mut call = call.clone();
        if let (true, Some(body)) = (call.path == "/sync/v1/exchange", &mut call.body) {
            let Ok(mut request) = serde_json::from_slice::<Value>(body) else {
                // Frames are not for it.
                return Ok(Answer {
                    status: 415,
                    body: br#"{"code":"content_type_unsupported"}"#.to_vec(),
                    sent: 0,
                    received: 0,
                });
            };
            for item in request["items"].as_array_mut().unwrap() {
                if item["change"]["seq"] == 2 {
                    item["change"]["clock"] = json!("never");
                }
            }
            *body = serde_json::to_vec(&request).unwrap();
        }
        self.0.send(&call)
    }
}

#[test]
fn one_change_that_the_server_cannot_read_is_kept_apart_and_the_others_get_through() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let home = phone(&here, "Sokha Chan");
    for words in ["the first", "the garbled", "the last"] {
        interview(&home, words);
    }
    let mut phone = device(&home);
    phone
        .set_transport(|inner| Box::new(Garbles(inner)))
        .unwrap();
    let report = phone.sync(&mut Quiet).unwrap();
    drop(phone);
    assert!(report.requests >= 3, "{report:?}");
    let status = field(&home, &["status"]);
    assert!(status.contains("Changes only here: 0"), "{status}");
    let csv = downloaded(&here.admin(), "outreach_interview");
    assert!(
        csv.contains("the first") && csv.contains("the last"),
        "{csv}"
    );
    here.end();
}
