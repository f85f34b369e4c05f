//! `.ods`: the one XML file in it that holds the cells, read with the same bounds as an XForm.

use std::io::{Cursor, Read as _};

use roxmltree::Node;
use rxform::xls::Workbook;
use tributary_sync_core::form::{self, FormError, FormErrorKind};
use zip::ZipArchive;

use super::cells::{Cells, number, sheet_named, unreadable};

const CONTENT_BYTES_MAX: usize = 24 * 1024 * 1024;
const TABLE: &str = "urn:oasis:names:tc:opendocument:xmlns:table:1.0";
const OFFICE: &str = "urn:oasis:names:tc:opendocument:xmlns:office:1.0";
const TEXT: &str = "urn:oasis:names:tc:opendocument:xmlns:text:1.0";

/// The text of `content.xml` if this archive is an OpenDocument file, else nothing.
pub(super) fn content(bytes: &[u8]) -> Result<Option<String>, FormError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    let Ok(entry) = archive.by_name("content.xml") else {
        return Ok(None);
    };
    let mut text = Vec::new();
    entry
        .take(CONTENT_BYTES_MAX as u64 + 1)
        .read_to_end(&mut text)
        .map_err(|_| unreadable())?;
    String::from_utf8(text).map(Some).map_err(|_| unreadable())
}

/// Reads the sheets of an XLSForm.
pub(super) fn read(content: &str) -> Result<Workbook, FormError> {
    let document = form::open_xml(content, CONTENT_BYTES_MAX).map_err(|e| match e.kind {
        FormErrorKind::Limit => e,
        _ => unreadable(),
    })?;
    let mut cells = Cells::default();
    for table in document
        .descendants()
        .filter(|n| n.has_tag_name((TABLE, "table")))
    {
        let name = table.attribute((TABLE, "name")).unwrap_or_default();
        if let Some(sheet) = sheet_named(name).filter(|s| !cells.has(s)) {
            cells.begin(sheet);
            read_table(table, sheet, &mut cells)?;
        }
    }
    cells.into_workbook()
}

fn read_table(
    table: Node<'_, '_>,
    sheet: &'static str,
    cells: &mut Cells,
) -> Result<(), FormError> {
    let mut row = 0u32;
    for line in table
        .descendants()
        .filter(|n| n.has_tag_name((TABLE, "table-row")))
    {
        let mut values: Vec<(u32, String)> = Vec::new();
        let mut column = 0u32;
        for node in line
            .children()
            .filter(|n| matches!(n.tag_name().name(), "table-cell" | "covered-table-cell"))
        {
            let repeat = repeated(node, "number-columns-repeated");
            let text = cell_text(node);
            if !text.trim().is_empty() {
                // Bounded by put below, which refuses columns too far to the right.
                let end = column.saturating_add(repeat.min(1_001));
                values.extend((column..end).map(|c| (c, text.clone())));
            }
            column = column.saturating_add(repeat);
        }
        let repeat = repeated(line, "number-rows-repeated");
        if !values.is_empty() {
            for r in row..row.saturating_add(repeat) {
                for (column, text) in &values {
                    cells.put(sheet, r, *column, text.clone())?;
                }
            }
        }
        row = row.saturating_add(repeat);
    }
    Ok(())
}

fn repeated(node: Node<'_, '_>, name: &str) -> u32 {
    node.attribute((TABLE, name))
        .and_then(|n| n.parse().ok())
        .unwrap_or(1)
        .max(1)
}

fn cell_text(cell: Node<'_, '_>) -> String {
    let value = |name: &str| cell.attribute((OFFICE, name)).unwrap_or_default();
    match value("value-type") {
        "float" | "percentage" | "currency" => value("value")
            .parse()
            .map_or_else(|_| value("value").to_owned(), number),
        "boolean" => value("boolean-value").to_ascii_uppercase(),
        "date" => value("date-value").replacen('T', " ", 1),
        "time" => value("time-value").to_owned(),
        _ => {
            let lines = cell
                .children()
                .filter(|n| n.has_tag_name((TEXT, "p")))
                .map(paragraph);
            lines.collect::<Vec<_>>().join("\n")
        }
    }
}

fn paragraph(node: Node<'_, '_>) -> String {
    let mut out = String::new();
    for inner in node.descendants() {
        if inner.is_text() {
            out.push_str(inner.text().unwrap_or_default());
        } else if inner.has_tag_name((TEXT, "s")) {
            let spaces = inner
                .attribute((TEXT, "c"))
                .and_then(|c| c.parse().ok())
                .unwrap_or(1usize);
            out.push_str(&" ".repeat(spaces.min(100)));
        } else if inner.has_tag_name((TEXT, "tab")) {
            out.push('\t');
        } else if inner.has_tag_name((TEXT, "line-break")) {
            out.push('\n');
        }
    }
    out
}
