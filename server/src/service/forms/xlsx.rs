//! `.xlsx`: unpacked within bounds, packed again without compression, and then read cell by cell.
//!
//! The reader below sees exactly the bytes that were counted here, so no archive can mean one thing to one of them and
//! another to the other.

use std::io::{Cursor, Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{Data, Reader as _, Xlsx};
use rxform::xls::Workbook;
use tributary_sync_core::form::{FormError, FormErrorKind};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::cells::{Cells, ENTRIES_MAX, UNPACKED_BYTES_MAX, number, sheet_named, unreadable};

/// Reads the sheets of an XLSForm.
pub(super) fn read(bytes: &[u8]) -> Result<Workbook, FormError> {
    let plain = repack(bytes)?;
    // The parsers below are not ours, and the file is a stranger's.
    catch_unwind(AssertUnwindSafe(|| read_cells(plain)))
        .unwrap_or_else(|_| Err(unreadable()))?
        .into_workbook()
}

fn repack(bytes: &[u8]) -> Result<Vec<u8>, FormError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    if archive.len() > ENTRIES_MAX {
        return Err(too_large());
    }
    let mut out = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let mut left = UNPACKED_BYTES_MAX;
    for i in 0..archive.len() {
        let mut entry = archive.by_index(i).map_err(|_| unreadable())?;
        let name = entry.name().map_err(|_| unreadable())?.to_string();
        let is_text = [".xml", ".rels"]
            .iter()
            .any(|end| name.to_ascii_lowercase().ends_with(end));
        if !is_text {
            continue;
        }
        let mut content = Vec::new();
        let read = entry
            .by_ref()
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(|_| unreadable())? as u64;
        left = left.checked_sub(read).ok_or_else(too_large)?;
        out.start_file(name, stored).map_err(|_| unreadable())?;
        out.write_all(&content).map_err(|_| unreadable())?;
    }
    Ok(out.finish().map_err(|_| unreadable())?.into_inner())
}

fn read_cells(bytes: Vec<u8>) -> Result<Cells, FormError> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(|_| unreadable())?;
    let mut cells = Cells::default();
    for name in book.sheet_names() {
        let Some(sheet) = sheet_named(&name).filter(|s| !cells.has(s)) else {
            continue;
        };
        cells.begin(sheet);
        let mut reader = book
            .worksheet_cells_reader(&name)
            .map_err(|_| unreadable())?;
        while let Some(cell) = reader.next_cell().map_err(|_| unreadable())? {
            let (row, column) = cell.get_position();
            cells.put(
                sheet,
                row,
                column,
                text(&Data::from(cell.get_value().clone())),
            )?;
        }
    }
    Ok(cells)
}

/// A cell as pyxform sees it: whole numbers without a point, days with their time.
fn text(value: &Data) -> String {
    match value {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(s) | Data::DateTimeIso(s) | Data::DurationIso(s) => s.clone(),
        Data::Float(n) => number(*n),
        Data::Int(n) => n.to_string(),
        Data::Bool(b) => if *b { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(moment) => match moment.as_datetime() {
            Some(at) => at.format("%Y-%m-%d %H:%M:%S").to_string(),
            None => number(moment.as_f64()),
        },
    }
}

fn too_large() -> FormError {
    FormError::new(
        FormErrorKind::Limit,
        "This workbook unpacks to more than a form may need.",
    )
}
