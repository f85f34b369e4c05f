//! Forms as strangers bring them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};

use tributary::service::forms::{ImportedForm, SheetTexts, import, import_sheets};
use tributary_sync_core::form::{
    FormError, FormErrorKind, PreparedForm, PublishedForm, assign_ids, prepare,
};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{bounded, foreign};

/// What reading an XForm may cost.
const XFORM: (u64, u64) = (4 * 1024 * 1024, 2_000);
/// What reading a workbook may cost: it unpacks to 64 MB at most, and cells are kept beside their text.
const WORKBOOK: (u64, u64) = (320 * 1024 * 1024, 2_000);

/// What XForms and workbooks are made of.
pub(super) const XML_WORDS: &[&str] = &[
    "<h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\">",
    "<model>",
    "</model>",
    "<instance>",
    "<bind nodeset=\"/data/a\" type=\"string\"/>",
    "<input ref=\"/data/a\">",
    "<repeat nodeset=\"/data/r\">",
    "<group ref=\"/data/g\">",
    "<select1 ref=\"/data/a\">",
    "<itemset nodeset=\"instance('l')/root/item\">",
    "<item><label>A</label><value>a</value></item>",
    "<itext>",
    "<translation lang=\"en\">",
    "<text id=\"a\">",
    "<value form=\"image\">",
    "jr:itext('a')",
    "jr:template=\"\"",
    "trib:policy=\"protective(a b)\"",
    "trib:decide=\"worker\"",
    "trib:consent=\"a\"",
    "trib:sensitivity=\"person\"",
    "trib:seal=\"coordinator\"",
    "xmlns:trib=\"https://tributary.invalid/xforms\"",
    "<!DOCTYPE a [<!ENTITY b \"c\">]>",
    "&b;",
    "&#0;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml version=\"1.0\"?>",
    "preload=\"uid\"",
    "<row r=\"1\">",
    "<c r=\"A1\" t=\"s\"><v>0</v></c>",
    "<c r=\"XFD1048576\" t=\"inlineStr\"><is><t>a</t></is></c>",
    "<sheetData>",
    "<dimension ref=\"A1:XFD1048576\"/>",
    "<sst count=\"4294967295\" uniqueCount=\"4294967295\">",
    "<si><t>a</t></si>",
    "table:number-columns-repeated=\"16384\"",
    "table:number-rows-repeated=\"1048576\"",
    "office:value-type=\"float\"",
    "<table:table table:name=\"survey\">",
    "<table:table-row>",
    "<table:table-cell>",
    "<text:p>",
    "PK\u{3}\u{4}",
    "PK\u{1}\u{2}",
    "xl/worksheets/sheet1.xml",
    "content.xml",
];

/// What sheets are made of.
pub(super) const SHEET_WORDS: &[&str] = &[
    "type,name,label\n",
    "text,",
    "integer,",
    "select_one l,",
    "select_multiple l,",
    "rank l,",
    "begin_group,",
    "end_group,",
    "begin_repeat,",
    "end_repeat,",
    "calculate,",
    "${a}",
    "select_one_external l,",
    "select_one_from_file a.csv,",
    "or_other",
    "note,",
    "image,",
    "range,",
    "start=1 end=10 step=1",
    "list_name,name,label\n",
    "form_id,version,default_language\n",
    "label::English (en)",
    "bind::trib:policy",
    "bind::trib:sensitivity",
    "protective(a b)",
    "namespaces",
    "trib=\"https://tributary.invalid/xforms\"",
    "relevant",
    "constraint",
    "choice_filter",
    "repeat_count",
    "media::image",
    "parameters",
    "trigger",
    "instance::a",
    "begin loop over l,",
    "search('a')",
    "osm,",
    "audit,",
    "xml-external,",
    "\"",
    "\u{0}",
];

/// A refusal names a fault of the catalogue and says something.
fn refused(error: &FormError) {
    assert!(FormErrorKind::ALL.contains(&error.kind));
    assert!(!error.to_string().is_empty());
}

/// A form that was read holds together: it prepares to itself, and what is published of it opens again.
fn sound(form: &PreparedForm) {
    let again = prepare(&form.xform).expect("a prepared form is a form");
    assert!(again == *form, "preparing twice is not preparing once");
    let mut next = 0;
    let assigned = assign_ids(&[], form, Vec::new(), &BTreeMap::new(), || {
        next += 1;
        next
    });
    // A name may be fine for a form and not for a package; then that is said.
    let package = match assigned {
        Ok(assigned) => assigned.package,
        Err(error) => return refused(&error),
    };
    let bytes = package.to_bytes().expect("a package has bytes");
    let open = PublishedForm::open(&form.xform, &bytes).expect("what was published opens");
    assert!(*open.model() == form.model, "opened it is another form");
    assert_eq!(open.fields().count(), form.model.fields.len());
}

fn judged(outcome: Result<ImportedForm, FormError>) {
    match outcome {
        Ok(imported) => sound(&imported.form),
        Err(error) => refused(&error),
    }
}

pub(super) fn xform(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    match bounded(bytes.len(), XFORM.0, XFORM.1, || prepare(text)) {
        Ok(form) => sound(&form),
        Err(error) => refused(&error),
    }
}

pub(super) fn file(bytes: &[u8]) {
    judged(bounded(bytes.len(), WORKBOOK.0, WORKBOOK.1, || {
        foreign(|| import(bytes, "form.xlsx"))
    }));
}

/// The first byte says which kind of workbook and which part of it; the rest is the XML of that part.
pub(super) fn workbook_parts(bytes: &[u8]) {
    let Some((which, xml)) = bytes.split_first() else {
        return;
    };
    let packed = match which % 8 {
        0 => ods(xml),
        n => xlsx(usize::from(n - 1), xml),
    };
    file(&packed);
}

pub(super) fn sheets(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let mut parts = text.split('\u{0}');
    let mut part = || parts.next().unwrap_or_default();
    let texts = SheetTexts {
        survey: part(),
        choices: part(),
        settings: part(),
    };
    judged(bounded(bytes.len(), WORKBOOK.0, WORKBOOK.1, || {
        foreign(|| import_sheets(texts, "form.xlsx"))
    }));
}

/// The parts of a small workbook, as spreadsheet programs write them.
const PARTS: [(&str, &str); 6] = [
    (
        "xl/worksheets/sheet1.xml",
        include_str!("workbook/sheet1.xml"),
    ),
    (
        "xl/sharedStrings.xml",
        include_str!("workbook/sharedStrings.xml"),
    ),
    ("xl/workbook.xml", include_str!("workbook/workbook.xml")),
    (
        "xl/_rels/workbook.xml.rels",
        include_str!("workbook/workbook.xml.rels"),
    ),
    ("xl/styles.xml", include_str!("workbook/styles.xml")),
    (
        "[Content_Types].xml",
        include_str!("workbook/content_types.xml"),
    ),
];

/// The content of a small `.ods`.
pub(super) const ODS: &str = include_str!("workbook/content.xml");

/// The XML of a part of [`xlsx`].
pub(super) fn part(n: usize) -> Option<&'static str> {
    PARTS.get(n).map(|(_, xml)| *xml)
}

/// A small `.xlsx` of which one part is this.
pub(super) fn xlsx(n: usize, xml: &[u8]) -> Vec<u8> {
    let entries: Vec<(&str, &[u8])> = PARTS
        .iter()
        .enumerate()
        .map(|(m, (name, text))| (*name, if m == n { xml } else { text.as_bytes() }))
        .collect();
    packed(&entries)
}

/// A small `.ods` with this content.
pub(super) fn ods(xml: &[u8]) -> Vec<u8> {
    packed(&[
        (
            "mimetype",
            b"application/vnd.oasis.opendocument.spreadsheet",
        ),
        ("content.xml", xml),
    ])
}

fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        out.start_file(*name, SimpleFileOptions::default())
            .expect("in memory");
        out.write_all(content).expect("in memory");
    }
    out.finish().expect("in memory").into_inner()
}
