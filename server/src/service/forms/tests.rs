//! Forms in every kind of file, whole, broken and hostile.

use std::io::{Cursor, Write as _};

use rust_xlsxwriter::Workbook;
use tributary_sync_core::form::{
    FieldKind, FormError, FormErrorKind, Place, PolicySpec, Sensitivity,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::sheets::rows;
use super::*;

type Sheets<'a> = &'a [(&'a str, Vec<Vec<String>>)];

fn table(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(|l| l.split('|').map(|c| c.trim().to_owned()).collect())
        .collect()
}

fn xlsx(sheets: Sheets<'_>) -> Vec<u8> {
    let mut book = Workbook::new();
    for (name, rows) in sheets {
        let sheet = book.add_worksheet().set_name(*name).unwrap();
        for (r, row) in rows.iter().enumerate() {
            for (c, text) in row.iter().enumerate().filter(|(_, t)| !t.is_empty()) {
                sheet.write_string(r as u32, c as u16, text).unwrap();
            }
        }
    }
    book.save_to_buffer().unwrap()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        out.start_file(*name, SimpleFileOptions::default()).unwrap();
        out.write_all(content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn ods(sheets: Sheets<'_>) -> Vec<u8> {
    let escape = |t: &str| t.replace('&', "&amp;").replace('<', "&lt;");
    let tables: String = sheets
        .iter()
        .map(|(name, rows)| {
            let rows: String = rows
                .iter()
                .map(|row| {
                    let cells: String = row
                        .iter()
                        .map(|t| match t.is_empty() {
                            true => "<table:table-cell/>".to_owned(),
                            false => format!("<table:table-cell office:value-type=\"string\"><text:p>{}</text:p></table:table-cell>", escape(t)),
                        })
                        .collect();
                    format!("<table:table-row>{cells}<table:table-cell table:number-columns-repeated=\"16000\"/></table:table-row>")
                })
                .collect();
            format!("<table:table table:name=\"{name}\">{rows}<table:table-row table:number-rows-repeated=\"1040000\"><table:table-cell/></table:table-row></table:table>")
        })
        .collect();
    let content = format!(
        "<office:document-content xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" \
         xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\">\
         <office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    );
    zip(&[
        (
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        ("content.xml", content.as_bytes()),
    ])
}

fn interview_sheets() -> Vec<(&'static str, Vec<Vec<String>>)> {
    [
        ("survey", INTERVIEW.survey),
        ("choices", INTERVIEW.choices),
        ("settings", INTERVIEW.settings),
    ]
    .map(|(name, text)| (name, rows(name, text).unwrap()))
    .into()
}

fn refused(survey: &str, choices: &str) -> FormError {
    import(
        &xlsx(&[("survey", table(survey)), ("choices", table(choices))]),
        "broken.xlsx",
    )
    .unwrap_err()
}

#[test]
fn the_interview_converts_and_protects() {
    let form = builtin_interview().unwrap().form;
    let model = &form.model;
    assert_eq!(
        (model.form_id.as_str(), model.title.as_str()),
        ("outreach_interview", "Outreach interview")
    );
    assert_eq!(model.languages.len(), 7);
    assert_eq!(model.default_language, "English (en)");
    let questions: Vec<_> = model
        .fields
        .iter()
        .filter(|f| f.kind.is_question())
        .collect();
    assert!((45..=70).contains(&questions.len()), "{}", questions.len());
    for field in &questions {
        assert!(
            field.label.get("Khmer (km)").is_some(),
            "{} has no label",
            field.path
        );
        assert_ne!(
            field.sensitivity,
            Sensitivity::Unmarked,
            "{} is not marked",
            field.path
        );
        for choice in model.choices(field).unwrap_or_default() {
            assert!(
                choice.label.get("Chinese (zh)").is_some(),
                "{} {}",
                field.path,
                choice.code
            );
        }
    }
    let consent = model.field("/data/consent/consent_store").unwrap();
    assert_eq!(consent.consent, ["given"]);
    assert_eq!(
        consent.policy.to_string(),
        "protective(not_asked given refused withdrawn)"
    );
    assert!(consent.label.get("Thai (th)").unwrap().contains("เล่า"));
    assert_eq!(
        model
            .field("/data/consent/age_class")
            .unwrap()
            .policy
            .to_string(),
        "protective(adult unknown child)"
    );
    assert_eq!(
        model.field("/data/exploitation/indicators").unwrap().policy,
        PolicySpec::Union
    );
    assert_eq!(
        model
            .field("/data/safety/do_not_contact")
            .unwrap()
            .policy
            .to_string(),
        "protective(no yes)"
    );
    let repeats: Vec<_> = model
        .fields
        .iter()
        .filter(|f| f.kind == FieldKind::Repeat)
        .map(|f| f.name.as_str())
        .collect();
    assert_eq!(repeats, ["journey_legs", "companions"]);
    assert_eq!(
        model
            .fields
            .iter()
            .filter(|f| f.kind == FieldKind::RowId)
            .count(),
        2
    );
    // Everything about the person hangs on agreement.
    for group in [
        "safety",
        "person",
        "recruitment",
        "journey",
        "exploitation",
        "others",
        "help",
    ] {
        let group = model.field(&format!("/data/{group}")).unwrap();
        assert!(
            group
                .bind
                .relevant
                .as_deref()
                .unwrap()
                .contains("consent_store")
        );
    }
}

#[test]
fn one_form_is_one_xform_whatever_file_it_comes_in() {
    let sheets = interview_sheets();
    let form = builtin_interview().unwrap();
    assert_eq!(import(&xlsx(&sheets), "x.xlsx").unwrap(), form);
    assert_eq!(import(&ods(&sheets), "x.ods").unwrap(), form);
    assert_eq!(import(form.form.xform.as_bytes(), "x.xml").unwrap(), form);
}

#[test]
fn htcds_is_imported_as_it_is() {
    let Some(folder) = std::env::var_os("TRIBUTARY_HTCDS_DIR") else {
        assert_ne!(
            std::env::var("CI").as_deref(),
            Ok("true"),
            "TRIBUTARY_HTCDS_DIR is not set"
        );
        let _ = std::io::stderr()
            .write_all(b"htcds_is_imported_as_it_is did not run: TRIBUTARY_HTCDS_DIR is not set\n");
        return;
    };
    let bytes = std::fs::read(std::path::Path::new(&folder).join("htcds_xlsform.xlsx")).unwrap();
    let form = import(&bytes, "htcds_xlsform.xlsx").unwrap().form;
    assert_eq!(form.model.form_id, "htcds_xlsform");
    assert_eq!(
        form.model
            .fields
            .iter()
            .filter(|f| f.kind.is_question())
            .count(),
        31
    );
    let citizenship = form.model.field("/data/prs_Citizenship").unwrap();
    assert_eq!(form.model.choices(citizenship).unwrap().len(), 249);
    for cut in (0..bytes.len()).step_by(100) {
        assert!(import(&bytes[..cut], "cut.xlsx").is_err());
    }
    for at in (0..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x55;
        let _ = import(&damaged, "damaged.xlsx");
    }
}

#[test]
fn faults_name_their_cell() {
    use FormErrorKind::{Attribute, Limit, Name, Policy, Seal, XlsForm};
    let choices = "list_name|name|label\nyn|no|No\nyn|yes|Yes";
    let deep = format!(
        "type|name|label\n{}",
        (0..40)
            .map(|i| format!("begin group|g{i}|G\nend|e{i}|\n"))
            .collect::<String>()
    );
    let long = "n".repeat(200);
    for (survey, kind, row, column) in [
        (
            "type|name|label\nselect_one nothing|a|A",
            XlsForm,
            Some(2),
            Some("type"),
        ),
        (
            "type|name|label\ntext|a|A\ntxet|b|B",
            XlsForm,
            Some(3),
            Some("type"),
        ),
        (
            "type|name|label\ntext|x|X\nbegin group|g|G\ntext|b|B",
            XlsForm,
            Some(3),
            None,
        ),
        (
            "type|name|label\nend group||",
            XlsForm,
            Some(2),
            Some("type"),
        ),
        (
            "type|name|label\ntext|a|A\ninteger|a|A",
            XlsForm,
            Some(3),
            Some("name"),
        ),
        ("type|name|label\ntext||A", XlsForm, Some(2), Some("name")),
        (
            "type|name|label|relevant\ntext|a|A|${b} = 1",
            XlsForm,
            Some(2),
            Some("relevant"),
        ),
        (
            "type|name|label|relevant\ntext|a|A|${b = 1",
            XlsForm,
            Some(2),
            Some("relevant"),
        ),
        (
            "type|name|label|bind::trib:policy\nselect_one yn|a|A|\nselect_one yn|b|B|protective(no maybe)",
            Policy,
            Some(3),
            Some("bind::trib:policy"),
        ),
        (
            "type|name|label|bind::trib:policy\ntext|a|A|union",
            Policy,
            Some(2),
            Some("bind::trib:policy"),
        ),
        (
            "type|name|label|bind::trib:polcy\nselect_one yn|a|A|union",
            Attribute,
            Some(2),
            None,
        ),
        (
            "type|name|label|bind::trib:policy|bind::trib:seal\nselect_one yn|a|A|protective(no yes)|yes",
            Seal,
            Some(2),
            Some("bind::trib:seal"),
        ),
        (
            "type|name|label|bind::trib:sensitivity\nbegin group|g|G|direct\ntext|a|A|\nend group|||",
            Attribute,
            Some(2),
            Some("bind::trib:sensitivity"),
        ),
        (
            "type|name|label|bind::a b\ntext|a|A|x",
            XlsForm,
            None,
            Some("bind::a b"),
        ),
        (
            "type|name|label|label\ntext|a|A|x",
            XlsForm,
            Some(1),
            Some("label"),
        ),
        (
            "type|name|label|command\ntext|a|A|text",
            XlsForm,
            None,
            None,
        ),
        (
            "type|name|label\nbegin loop over yn|a|A\ntext|b|B\nend loop||",
            XlsForm,
            Some(2),
            Some("type"),
        ),
        (&deep, Limit, Some(66), Some("type")),
        (
            &format!("type|name|label\ntext|{long}|A"),
            Name,
            Some(2),
            Some("name"),
        ),
    ] {
        let error = refused(survey, choices);
        assert_eq!(error.kind, kind, "{survey}: {error}");
        let place = Place::Cell {
            sheet: "survey".to_owned(),
            row,
            column: column.map(str::to_owned),
        };
        assert_eq!(*error.place, place, "{survey}: {error}");
    }
    let no_code = refused(
        "type|name|label\nselect_one yn|a|A",
        "list_name|name|label\nyn||No",
    );
    assert_eq!(
        no_code.to_string(),
        "sheet choices, row 2, column name: choice in list 'yn' has no name (the 'name' column holds the value saved when this choice is selected)"
    );
    let other = [
        (
            "survey",
            table("type|name|label|bind::trib:policy\nselect_one yn|a|A|protective(no yes)"),
        ),
        ("choices", table(choices)),
        (
            "settings",
            table("form_id|namespaces\nf|trib=\"https://example.invalid\""),
        ),
    ];
    let error = import(&xlsx(&other), "x.xlsx").unwrap_err();
    assert_eq!(
        (
            error.kind,
            error
                .to_string()
                .starts_with("sheet settings, row 2, column namespaces")
        ),
        (Attribute, true)
    );
}

#[test]
fn what_rxform_leaves_out_is_added() {
    let sheets = [
        (
            "survey",
            table(
                "type|name|label|required|bind::trib:policy\nselect_one yn|a|A|yes|protective(no yes)\ntext|b|B|${a} = 'yes'|",
            ),
        ),
        (
            "choices",
            table("list_name|name|label|my notes to myself\nyn|no|No|x\nyn|yes|Yes|y"),
        ),
    ];
    let form = import(&xlsx(&sheets), "My form (2).xlsx").unwrap().form;
    assert_eq!(form.model.form_id, "My_form__2_");
    assert_eq!(
        form.model
            .field("/data/b")
            .unwrap()
            .bind
            .required
            .as_deref(),
        Some("/data/a  = 'yes'")
    );
    let a = form.model.field("/data/a").unwrap();
    assert!(
        matches!(a.policy, PolicySpec::Protective(_)),
        "the namespace was not declared"
    );
    assert!(form.model.choices(a).unwrap()[0].extra.is_empty());
}

#[test]
fn hostile_files_are_refused_in_bounded_memory() {
    let survey = table("type|name|label\ntext|a|A");
    let mut far = Workbook::new();
    let sheet = far.add_worksheet().set_name("survey").unwrap();
    sheet.write_string(0, 0, "type").unwrap();
    sheet.write_string(1_048_575, 16_383, "x").unwrap();
    let error = import(&far.save_to_buffer().unwrap(), "far.xlsx").unwrap_err();
    assert_eq!(error.kind, FormErrorKind::Limit, "{error}");

    let zeros = vec![b' '; 60 * 1024 * 1024];
    let bomb = zip(&[("xl/workbook.xml", &zeros)]);
    assert!(bomb.len() < 100_000);
    assert_eq!(
        import(&bomb, "bomb.xlsx").unwrap_err().kind,
        FormErrorKind::Limit
    );
    assert_eq!(
        import(&zip(&[("content.xml", &zeros)]), "bomb.ods")
            .unwrap_err()
            .kind,
        FormErrorKind::Limit
    );

    let repeated = String::from_utf8(vec![b'r'; 10_000]).unwrap();
    let cells = format!(
        "<table:table-row table:number-rows-repeated=\"1000000\"><table:table-cell table:number-columns-repeated=\"900\" office:value-type=\"string\"><text:p>{repeated}</text:p></table:table-cell></table:table-row>"
    );
    let content = format!(
        "<office:d xmlns:office=\"urn:oasis:names:tc:opendocument:xmlns:office:1.0\" xmlns:table=\"urn:oasis:names:tc:opendocument:xmlns:table:1.0\" xmlns:text=\"urn:oasis:names:tc:opendocument:xmlns:text:1.0\"><table:table table:name=\"survey\">{cells}</table:table></office:d>"
    );
    assert_eq!(
        import(&zip(&[("content.xml", content.as_bytes())]), "x.ods")
            .unwrap_err()
            .kind,
        FormErrorKind::Limit
    );

    let old = [&ole::SIGNATURE[..], &[0xFF; 4096]].concat();
    for (bytes, name) in [
        (old, "old.xls"),
        (b"PK\x03\x04".to_vec(), "x.xlsx"),
        (b"hello".to_vec(), "x.txt"),
        (vec![0xFF; 64], "x.bin"),
        (Vec::new(), ""),
    ] {
        assert_eq!(
            import(&bytes, name).unwrap_err().kind,
            FormErrorKind::Workbook,
            "{name}"
        );
    }
    assert_eq!(
        import(&vec![b'<'; WORKBOOK_BYTES_MAX + 1], "x.xml")
            .unwrap_err()
            .kind,
        FormErrorKind::Limit
    );
    assert_eq!(
        import(&xlsx(&[("Sheet1", survey)]), "x.xlsx")
            .unwrap_err()
            .kind,
        FormErrorKind::XlsForm
    );

    // Long names in many references would grow a thousandfold.
    let name = "n".repeat(120);
    let references = format!("${{{name}}}").repeat(200);
    let mut rows = table(&format!("type|name|label\ntext|{name}|A"));
    rows.extend((0..4_000).map(|i| vec!["note".to_owned(), format!("q{i}"), references.clone()]));
    assert_eq!(
        import(&xlsx(&[("survey", rows)]), "x.xlsx")
            .unwrap_err()
            .kind,
        FormErrorKind::Limit
    );
}

#[test]
fn broken_files_never_panic() {
    let whole = xlsx(&[(
        "survey",
        table("type|name|label\nbegin repeat|r|R\ntext|a|A\nend repeat||"),
    )]);
    assert!(import(&whole, "x.xlsx").is_ok());
    for cut in (0..whole.len()).step_by(100) {
        assert!(import(&whole[..cut], "x.xlsx").is_err());
    }
    for at in (0..whole.len()).step_by(13) {
        let mut damaged = whole.clone();
        damaged[at] = damaged[at].wrapping_add(1);
        let _ = import(&damaged, "x.xlsx");
    }
}

/// Written by a program for spreadsheets: text beyond one record, numbers in every spelling, truth, a formula.
const OLD: &[u8] = include_bytes!("fixtures/small.xls");

#[test]
fn the_old_format_is_read_cell_by_cell() {
    let workbook = xls::read(OLD).unwrap();
    let rows = &workbook.survey.rows;
    let cell = |row: usize, heading: &str| {
        rows[row]
            .1
            .get(heading)
            .map(String::as_str)
            .unwrap_or_default()
    };
    assert_eq!(workbook.survey.headers.len(), 6);
    assert_eq!(
        (rows[0].0, cell(0, "default"), cell(0, "required")),
        (2, "3", "TRUE")
    );
    assert_eq!((cell(1, "default"), cell(1, "required")), ("2.5", "FALSE"));
    assert_eq!(
        cell(2, "label::English (en)"),
        format!("{} é", "x".repeat(300))
    );
    assert_eq!(cell(2, "label::Khmer (km)"), "ខ្មែរ ".repeat(500));
    assert_eq!(
        (cell(3, "default"), cell(4, "default")),
        ("1234567890123", "-7")
    );
    assert!(import(OLD, "small.xls").is_ok());
}

#[test]
fn a_damaged_old_file_never_panics_or_grows() {
    for cut in (0..OLD.len()).step_by(100) {
        let _ = import(&OLD[..cut], "x.xls");
    }
    for at in (0..OLD.len()).filter(|at| *at < 600 || at % 23 == 0) {
        for value in [0x00, 0xFF, OLD[at].wrapping_add(1)] {
            let mut damaged = OLD.to_vec();
            damaged[at] = value;
            let _ = xls::read(&damaged);
        }
    }
}

#[test]
fn references_in_a_row_mean_this_row() {
    let survey = "type|name|label|relevant|calculation|choice_filter|repeat_count|required
        integer|top|Top||||
        begin repeat|r|R||||
        text|a|A||||
        begin group|g|G|${a} != ''|||
        text|b|B of ${a} and ${top}|${a} = 'x' and ${top} > 1||||${a} = 'y'
        select_one yn|c|C|||kind = ${b}|
        begin repeat|s|S||||${top}
        calculate|d|||concat(${a}, ${b}, ${e}, instance('yn')/root/item[name = ${e}]/label)||
        text|e|E||||
        end repeat|||||
        end group|||||
        end repeat|||||
        calculate|n|||count(${a})||
        calculate|i|||indexed-repeat(${a}, ${r}, 1)||";
    let sheets = [
        ("survey", table(survey)),
        ("choices", table("list_name|name|label|kind\nyn|no|No|x")),
    ];
    let form = import(&xlsx(&sheets), "x.xlsx").unwrap().form;
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let bind = |path: &str| form.model.field(path).unwrap().bind.clone();
    assert_eq!(words(&bind("/data/r/g").relevant.unwrap()), "../a != ''");
    assert_eq!(
        words(&bind("/data/r/g/b").relevant.unwrap()),
        "../../a = 'x' and /data/top > 1"
    );
    assert_eq!(
        words(&bind("/data/r/g/b").required.unwrap()),
        "../../a = 'y'"
    );
    assert_eq!(
        words(&bind("/data/r/g/s/d").calculate.unwrap()),
        "concat( ../../../a , ../../../g/b , ../e , instance('yn')/root/item[name = current()/../e ]/label)"
    );
    assert_eq!(
        words(&bind("/data/n").calculate.unwrap()),
        "count( /data/r/a )"
    );
    assert_eq!(
        words(&bind("/data/i").calculate.unwrap()),
        "indexed-repeat( /data/r/a , /data/r , 1)"
    );
    let choices = form
        .model
        .field("/data/r/g/c")
        .unwrap()
        .choices
        .clone()
        .unwrap();
    assert_eq!(
        words(&choices.filter.unwrap()),
        "kind = current()/../../g/b"
    );
    assert!(
        form.xform
            .contains("B of <output value=\" ../../a \"/> and <output value=\" /data/top \"/>"),
        "{}",
        form.xform
    );
}
