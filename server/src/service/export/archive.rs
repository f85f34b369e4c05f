//! A zip: the main sheet, a sheet for each repeat, the conflicts, what left, and the trailer.
//!
//! Every file but the trailer, `meta.json`, is the same whenever the data are; names and times inside are fixed.

use std::io::{self, Write};

use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

use super::error::{ExportError, Result};
use super::head::Export;
use super::main_sheet;
use super::people::People;
use super::sink::Sink;
use super::trailer::{FileSum, Left, Trailer};
use super::{conflict_rows, repeat_sheet};
use crate::service::env::Env;
use crate::storage::OrgTxn;

type Zip<'w> = ZipWriter<StreamWriter<&'w mut dyn Write>>;

/// Writes the whole archive.
pub(super) fn write(
    export: &Export,
    txn: &OrgTxn<'_>,
    env: &Env,
    people: &mut People<'_, '_>,
    out: &mut dyn Write,
) -> Result<Trailer> {
    let mut zip = ZipWriter::new_stream(out);
    let stem = export.stem();
    let mut files = Vec::new();
    let mut seen = None;
    let name = format!("{stem}.csv");
    files.push(entry(&mut zip, name, |sink| {
        let main = main_sheet::write(txn, export, people, sink)?;
        let rows = main.counts.rows;
        seen = Some(main);
        Ok(rows)
    })?);
    for sheet in export.layout.sheets.iter().filter(|s| s.repeat.is_some()) {
        let name = sheet_name(&stem, &sheet.path, &files);
        files.push(entry(&mut zip, name, |sink| {
            repeat_sheet::write(txn, export, sheet, people, sink)
        })?);
    }
    let name = sheet_name(&stem, "conflicts", &files);
    files.push(entry(&mut zip, name, |sink| {
        Ok(conflict_rows::write(txn, export, people, sink)?.1)
    })?);
    let seen = seen.unwrap_or_default();
    if let Some(left) = export.left(txn, seen.left.clone())? {
        let name = sheet_name(&stem, "left", &files);
        files.push(entry(&mut zip, name, |sink| {
            left_rows(export, &left, sink)
        })?);
    }
    let trailer = export.trailer(txn, env, seen, files)?;
    let text = serde_json::to_vec_pretty(&trailer).map_err(io::Error::other)?;
    zip.start_file("meta.json", how()).map_err(cut)?;
    zip.write_all(&text)?;
    zip.finish().map_err(cut)?.into_inner().flush()?;
    Ok(trailer)
}

/// One file of the archive.
fn entry(
    zip: &mut Zip<'_>,
    name: String,
    write: impl FnOnce(&mut Sink<'_>) -> Result<u64>,
) -> Result<FileSum> {
    zip.start_file(&name, how()).map_err(cut)?;
    let mut sink = Sink::new(zip);
    let rows = write(&mut sink)?;
    Ok(sink.sum(name, rows))
}

/// Deflated fast, of any size, and dated 1980, so that equal data are equal bytes.
fn how() -> SimpleFileOptions {
    SimpleFileOptions::DEFAULT
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(3))
        .large_file(true)
}

fn cut(error: zip::result::ZipError) -> ExportError {
    ExportError::Output(io::Error::other(error))
}

/// `form.legs-stops.csv`; a name that is taken gets a number.
fn sheet_name(stem: &str, path: &str, taken: &[FileSum]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let path: String = path
        .chars()
        .map(|c| if plain(c) { c } else { '-' })
        .collect();
    let names = std::iter::once(format!("{stem}.{path}.csv"))
        .chain((2..).map(|n| format!("{stem}.{path}-{n}.csv")));
    let free = |name: &String| !taken.iter().any(|f| f.name == *name);
    names.into_iter().find(free).unwrap_or_default()
}

/// What an earlier download had and this one has not: `id`, erased ones by their hash, and why.
fn left_rows(export: &Export, left: &Left, sink: &mut Sink<'_>) -> Result<u64> {
    let mut csv = export.csv();
    ["id", "why"].iter().for_each(|name| csv.text(name));
    csv.end_row();
    let erased = left.erased.iter().map(|id| (id.to_string(), "erased"));
    let deleted = left.deleted.iter().map(|id| (id.to_string(), "deleted"));
    let gone = left.gone.iter().map(|id| (id.to_string(), "gone"));
    let mut rows = 0;
    for (id, why) in erased.chain(deleted).chain(gone) {
        csv.plain(id.as_bytes());
        csv.plain(why.as_bytes());
        csv.end_row();
        sink.rows(&mut csv)?;
        rows += 1;
    }
    sink.all(&mut csv)?;
    Ok(rows)
}
