//! Forms and downloads.

use tributary_tests::harness::{Installation, field};

fn record(phone: &std::path::Path, province: &str) {
    let province = format!("exploited_province={province}");
    let answers = [
        "new",
        "--set",
        "consent_store=given",
        "--set",
        &province,
        "--set",
        "_status=complete",
    ];
    field(phone, &answers);
}

#[test]
fn a_form_is_previewed_published_and_listed_and_a_faulty_one_is_told_why() {
    let here = Installation::init();
    let form = here.place("small.xml");
    let xml = |title: &str, more: &str| {
        format!(
            "<h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:head>\
             <h:title>{title}</h:title><model><instance><data id=\"small\" version=\"{title}\"><name/>{more}</data></instance>\
             <bind nodeset=\"/data/name\" type=\"string\"/></model></h:head><h:body><input ref=\"/data/name\">\
             <label>Name</label></input></h:body></h:html>"
        )
    };
    std::fs::write(&form, xml("ແບບ 1", "")).unwrap();
    let file = form.to_str().unwrap();
    let preview = here.run(&["form", "preview", file]);
    assert!(preview.contains("Would be published: small"), "{preview}");
    assert!(
        !here.run(&["form", "list"]).contains("small"),
        "a preview stores nothing"
    );
    assert!(here.run(&["form", "publish", file]).contains("small"));
    std::fs::write(&form, xml("ແບບ 2", "")).unwrap();
    here.run(&["form", "publish", file]);
    assert!(here.run(&["form", "list"]).contains("small"));
    assert_eq!(here.run(&["form", "list", "small"]).lines().count(), 2);
    std::fs::write(&form, "<h:html").unwrap();
    let refused = here.fails(&["form", "publish", file]);
    assert!(refused.contains("form"), "{refused}");
    assert_eq!(here.run(&["form", "list", "small"]).lines().count(), 2);
    assert!(
        here.fails(&["form", "publish", "no-such-file.xlsx"])
            .contains("no-such-file.xlsx")
    );
}

#[test]
fn a_download_is_written_whole_or_not_at_all_and_says_what_it_is() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let (phone, link) = (here.place("phone"), here.worker_link("Dara"));
    field(&phone, &["enrol", &link]);
    record(&phone, "Poipet");
    record(&phone, "バンコク");
    field(&phone, &["sync", "--quiet"]);
    let path = |name: &str| here.place(name).to_str().unwrap().to_owned();
    for name in ["all.csv", "all.zip", "all.jsonl"] {
        let said = here.run(&[
            "export",
            "--form",
            "outreach_interview",
            "--out",
            &path(name),
        ]);
        assert!(
            said.contains("2 records in") && said.contains("Cursor for --since"),
            "{said}"
        );
        let meta = std::fs::read(here.place(&format!("{name}.meta.json"))).unwrap();
        let meta: serde_json::Value = serde_json::from_slice(&meta).unwrap();
        assert_eq!(meta["counts"]["rows"], 2, "{meta}");
        assert!(!here.place(&format!("{name}.part")).exists());
    }
    let first = std::fs::read(here.place("all.csv")).unwrap();
    assert!(String::from_utf8_lossy(&first).contains("バンコク"));
    here.run(&[
        "export",
        "--form",
        "outreach_interview",
        "--out",
        &path("again.csv"),
    ]);
    assert_eq!(
        std::fs::read(here.place("again.csv")).unwrap(),
        first,
        "same in, same out"
    );
    let conflicts = [
        "export",
        "--form",
        "outreach_interview",
        "--conflicts",
        "--out",
    ];
    here.run(&[conflicts.as_slice(), &[&path("conflicts.csv")]].concat());
    let refused = here.fails(&[
        "export",
        "--form",
        "outreach_interview",
        "--out",
        &path("all.pdf"),
    ]);
    assert!(refused.contains(".csv, .zip or .jsonl"), "{refused}");
    here.fails(&[
        "export",
        "--form",
        "no_such_form",
        "--out",
        &path("none.csv"),
    ]);
    assert!(!here.place("none.csv").exists() && !here.place("none.csv.part").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(here.place("all.csv"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "answers are for their owner only");
    }
}
