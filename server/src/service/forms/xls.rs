//! `.xls`, the format of Excel before 2007: just enough of it to read the cells of an XLSForm.
//!
//! The readers of that format at hand trust the lengths and chains of the file, so that 2 kB make them claim gigabytes,
//! which ends the process; this one copies nothing that is not in the file. Days are left as Excel's numbers.

use rxform::xls::Workbook;
use tributary_sync_core::form::{FormError, FormErrorKind};

use super::cells::{Cells, number, sheet_named, unreadable};
use super::ole;

/// Reads the sheets of an XLSForm.
pub(super) fn read(bytes: &[u8]) -> Result<Workbook, FormError> {
    let stream = ole::stream(bytes, &["Workbook", "Book"]).ok_or_else(unreadable)?;
    let globals = Globals::read(&stream)?;
    let mut cells = Cells::default();
    for (name, offset) in &globals.sheets {
        if let Some(sheet) = sheet_named(name).filter(|s| !cells.has(s)) {
            cells.begin(sheet);
            let tail = stream.get(*offset..).ok_or_else(unreadable)?;
            read_sheet(tail, sheet, &globals.strings, &mut cells)?;
        }
    }
    cells.into_workbook()
}

struct Record<'a> {
    kind: u16,
    data: &'a [u8],
}

/// The records of a stream, up to its end or its first nonsense.
fn records(stream: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let (kind, length) = (u16_at(rest, 0)?, u16_at(rest, 2)?);
        let data = rest.get(4..4 + usize::from(length))?;
        rest = &rest[4 + data.len()..];
        Some(Record { kind, data })
    })
}

fn u16_at(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(data.get(at..at + 2)?.try_into().ok()?))
}
fn u32_at(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(data.get(at..at + 4)?.try_into().ok()?))
}
fn f64_at(data: &[u8], at: usize) -> Option<f64> {
    Some(f64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?))
}

struct Globals {
    sheets: Vec<(String, usize)>,
    strings: Vec<String>,
}

impl Globals {
    fn read(stream: &[u8]) -> Result<Self, FormError> {
        let mut out = Self {
            sheets: Vec::new(),
            strings: Vec::new(),
        };
        let mut shared: Vec<&[u8]> = Vec::new();
        let mut last = 0;
        for record in records(stream) {
            match record.kind {
                // The beginning, which says the version: only that of Excel 97 to 2003 is read.
                0x0809 if u16_at(record.data, 0) != Some(0x0600) => return Err(unreadable()),
                0x002F => {
                    let detail = "This workbook has a password. Save it without one.";
                    return Err(FormError::new(FormErrorKind::Workbook, detail));
                }
                0x0085 => out.sheets.extend(bound_sheet(record.data)),
                0x00FC => shared = vec![record.data],
                0x003C if last == 0x00FC => {
                    shared.push(record.data);
                    continue;
                }
                0x000A => break,
                _ => {}
            }
            last = record.kind;
        }
        out.strings = shared_strings(&shared);
        Ok(out)
    }
}

fn bound_sheet(data: &[u8]) -> Option<(String, usize)> {
    let offset = usize::try_from(u32_at(data, 0)?).ok()?;
    let (length, wide) = (usize::from(*data.get(6)?), data.get(7)? & 1 == 1);
    let chars = data.get(8..)?;
    Some((
        text(chars.get(..if wide { 2 * length } else { length })?, wide),
        offset,
    ))
}

fn text(bytes: &[u8], wide: bool) -> String {
    if wide {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|c| u16::from_le_bytes([c[0], c[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    } else {
        bytes.iter().map(|b| char::from(*b)).collect()
    }
}

/// The table of strings, which goes on in further records at any point.
fn shared_strings(parts: &[&[u8]]) -> Vec<String> {
    let mut reader = Parts {
        parts,
        part: 0,
        at: 0,
    };
    let mut out = Vec::new();
    if reader.take(8).is_none() {
        return out;
    }
    while let Some(string) = reader.string() {
        out.push(string);
    }
    out
}

struct Parts<'a> {
    parts: &'a [&'a [u8]],
    part: usize,
    at: usize,
}

impl<'a> Parts<'a> {
    /// Up to `n` bytes that lie together; moves on to the next record where one ends.
    fn some(&mut self, n: usize) -> Option<&'a [u8]> {
        while self.at >= self.parts.get(self.part)?.len() {
            self.part += 1;
            self.at = 0;
        }
        let rest = self.parts.get(self.part)?.get(self.at..)?;
        let got = &rest[..n.min(rest.len())];
        self.at += got.len();
        Some(got)
    }

    fn take(&mut self, n: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < n {
            out.extend_from_slice(self.some(n - out.len())?);
        }
        Some(out)
    }

    fn skip(&mut self, mut n: usize) -> Option<()> {
        while n > 0 {
            n -= self.some(n)?.len();
        }
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let head = self.take(3)?;
        let (mut left, flags) = (usize::from(u16_at(&head, 0)?), head[2]);
        let runs = if flags & 8 != 0 {
            usize::from(u16_at(&self.take(2)?, 0)?)
        } else {
            0
        };
        let more = if flags & 4 != 0 {
            usize::try_from(u32_at(&self.take(4)?, 0)?).ok()?
        } else {
            0
        };
        let (mut wide, mut out) = (flags & 1 == 1, String::new());
        while left > 0 {
            let width = if wide { 2 } else { 1 };
            let part = self.part;
            let piece = self.some(left * width)?;
            // Characters that go on in a new record are led by a byte that says their width.
            if part != self.part && self.at == piece.len() {
                wide = piece.first()? & 1 == 1;
                self.at = 1;
                continue;
            }
            out.push_str(&text(piece, wide));
            left = left.saturating_sub((piece.len() / width).max(1));
        }
        self.skip(4 * runs)?;
        self.skip(more)?;
        Some(out)
    }
}

fn read_sheet(
    stream: &[u8],
    sheet: &'static str,
    strings: &[String],
    cells: &mut Cells,
) -> Result<(), FormError> {
    let mut formula = None;
    for record in records(stream) {
        let data = record.data;
        let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else {
            if record.kind == 0x000A {
                break;
            }
            continue;
        };
        let mut put = |column: u16, text: Option<String>| match text {
            Some(text) => cells.put(sheet, u32::from(row), u32::from(column), text),
            None => Ok(()),
        };
        match record.kind {
            0x000A => break,
            0x00FD => {
                let string = u32_at(data, 6).and_then(|i| strings.get(usize::try_from(i).ok()?));
                put(column, string.cloned())?;
            }
            0x0203 => put(column, f64_at(data, 6).map(number))?,
            0x027E => put(column, u32_at(data, 6).map(rk))?,
            0x00BD => {
                for (i, pair) in data
                    .get(4..data.len().saturating_sub(2))
                    .unwrap_or_default()
                    .chunks_exact(6)
                    .enumerate()
                {
                    let column = u16::try_from(i).ok().and_then(|i| column.checked_add(i));
                    put(column.ok_or_else(unreadable)?, u32_at(pair, 2).map(rk))?;
                }
            }
            0x0204 | 0x00D6 => put(column, counted(data.get(6..).unwrap_or_default()))?,
            0x0205 if data.get(7) == Some(&0) => put(column, data.get(6).map(|b| truth(*b)))?,
            0x0006 => match (data.get(6), u16_at(data, 12)) {
                (Some(0), Some(0xFFFF)) => formula = Some((row, column)),
                (Some(1), Some(0xFFFF)) => put(column, data.get(8).map(|b| truth(*b)))?,
                (_, Some(0xFFFF)) => {}
                _ => put(column, f64_at(data, 6).map(number))?,
            },
            // The text that the formula before came to.
            0x0207 => {
                if let (Some((row, column)), Some(text)) = (formula.take(), counted(data)) {
                    cells.put(sheet, u32::from(row), u32::from(column), text)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// A string in one record: length, width, characters.
fn counted(data: &[u8]) -> Option<String> {
    let (length, wide) = (usize::from(u16_at(data, 0)?), data.get(2)? & 1 == 1);
    Some(text(
        data.get(3..3 + if wide { 2 * length } else { length })?,
        wide,
    ))
}

fn truth(byte: u8) -> String {
    if byte == 0 { "FALSE" } else { "TRUE" }.to_owned()
}

/// A number in 30 bits and two flags.
fn rk(bits: u32) -> String {
    let n = if bits & 2 != 0 {
        f64::from(bits.cast_signed() >> 2)
    } else {
        f64::from_bits(u64::from(bits & !3) << 32)
    };
    number(if bits & 1 != 0 { n / 100.0 } else { n })
}
