//! Both forms of the Human Trafficking Case Data Standard: uploaded as they are, filled on two devices without a network,
//! with answers that cross; the download shows both.

use std::io::Write;
use std::path::{Path, PathBuf};

use tributary_native::Device;
use tributary_sync_core::form::{FieldKind, PublishedForm};
use tributary_tests::harness::{Installation, field};

use super::{assign, downloaded, phone, recorded};

/// The folder, or a word that these tests did not run.
fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TRIBUTARY_HTCDS_DIR").map(PathBuf::from);
    if folder.is_none() {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "TRIBUTARY_HTCDS_DIR is not set"
        );
        // Standard error of a passing test is swallowed only when it goes through the macros.
        let _ = writeln!(
            std::io::stderr(),
            "{test} did not run: TRIBUTARY_HTCDS_DIR is not set"
        );
    }
    folder
}

/// An answer to every question outside repeats that takes one: the first choice, a number, a text.
fn filled(form: &PublishedForm) -> Vec<String> {
    let questions = form.fields().filter(|(_, f)| form.repeat_of(f).is_none());
    let answer = |field: &tributary_sync_core::form::Field| {
        let choices = form.model().choices(field).unwrap_or_default();
        match field.kind {
            FieldKind::SelectOne | FieldKind::SelectMultiple => Some(choices.first()?.code.clone()),
            FieldKind::Integer | FieldKind::Decimal => Some("7".to_owned()),
            FieldKind::Text => Some("ຂໍ້ຄວາມ".to_owned()),
            FieldKind::Date => Some("2024-03-01".to_owned()),
            _ => None,
        }
    };
    questions
        .filter_map(|(_, f)| Some(format!("{}={}", f.path, answer(f)?)))
        .collect()
}

/// What two people answered to one question without sight of each other.
const FIRST: &str = "ပထမ အဖြေ";
const OTHER: &str = "第二个回答";

/// The two phones, the form on them, and a record that crossed: answered on both without a network.
struct Crossing {
    here: Installation,
    one: PathBuf,
    two: PathBuf,
    form_id: String,
    question: String,
    record: String,
}

impl Crossing {
    fn of(file: &Path) -> Self {
        let mut here = Installation::init();
        here.serve();
        here.run(&["form", "publish", file.to_str().unwrap()]);
        let (one, two) = (phone(&here, "Thiri Aung"), phone(&here, "Li Mei"));
        let form = Device::open(&one).unwrap().form(None).unwrap();
        let questions = filled(&form);
        assert!(questions.len() > 20, "{} questions", questions.len());
        let mut new = vec!["new"];
        questions.iter().for_each(|q| new.extend(["--set", q]));
        new.extend(["--set", "_status=complete"]);
        let record = recorded(&field(&one, &new));
        field(&one, &["sync", "--quiet"]);
        // The second worker gets the case too.
        assign(&here.admin(), &record, "Li Mei");
        field(&two, &["sync", "--quiet"]);

        // Neither sees the other's answer.
        let mut texts = form.fields().map(|(_, f)| f);
        let text = texts.find(|f| f.kind == FieldKind::Text && form.repeat_of(f).is_none());
        let question = text.unwrap().path.clone();
        for (home, answer) in [(&one, FIRST), (&two, OTHER)] {
            let answer = format!("{question}={answer}");
            field(home, &["show", &record]);
            field(home, &["edit", &record, "--set", &answer]);
        }
        for home in [&one, &two, &one] {
            field(home, &["sync", "--quiet"]);
        }
        Self {
            here,
            one,
            two,
            form_id: form.model().form_id.clone(),
            question,
            record,
        }
    }
    /// The sheet of conflicts, as the program writes it.
    fn conflicts(&self) -> String {
        let file = self.here.place("conflicts.csv");
        let out = file.to_str().unwrap();
        let export = [
            "export",
            "--form",
            &self.form_id,
            "--conflicts",
            "--out",
            out,
        ];
        self.here.run(&export);
        std::fs::read_to_string(file).unwrap()
    }
}

fn crossing(file: &Path) {
    let mut all = Crossing::of(file);
    let admin = all.here.admin();
    for home in [&all.one, &all.two] {
        let show = field(home, &["show", &all.record]);
        assert!(show.contains(FIRST) && show.contains(OTHER), "{show}");
    }
    let (main, conflicts) = (downloaded(&admin, &all.form_id), all.conflicts());
    for csv in [&main, &conflicts] {
        assert!(csv.contains(FIRST) && csv.contains(OTHER), "{csv}");
        assert!(
            csv.contains("Thiri Aung") && csv.contains("Li Mei"),
            "{csv}"
        );
    }
    assert_eq!(main.lines().count(), 2, "{main}");

    // Whoever saw both settles it; then there is one.
    let settle = ["settle", &all.record, &all.question, "--value", OTHER];
    field(&all.one, &settle);
    field(&all.one, &["sync", "--quiet"]);
    field(&all.two, &["sync", "--quiet"]);
    let show = field(&all.two, &["show", &all.record]);
    assert!(show.contains(OTHER) && !show.contains(FIRST), "{show}");
    let main = downloaded(&admin, &all.form_id);
    assert!(main.contains(OTHER) && !main.contains(FIRST), "{main}");
    assert_eq!(all.conflicts().lines().count(), 1, "more than a header");
    all.here.end();
}

#[test]
fn the_xlsform_of_htcds_from_upload_to_both_answers() {
    if let Some(folder) = folder("the_xlsform_of_htcds_from_upload_to_both_answers") {
        crossing(&folder.join("htcds_xlsform.xlsx"));
    }
}

#[test]
fn the_xform_of_htcds_from_upload_to_both_answers() {
    if let Some(folder) = folder("the_xform_of_htcds_from_upload_to_both_answers") {
        crossing(&folder.join("htcds_xlsform.xml"));
    }
}
