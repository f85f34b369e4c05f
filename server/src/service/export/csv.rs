//! Rows of CSV after RFC 4180, made safe for spreadsheets and for programs that take words for missing values.
//!
//! One rule undoes all that is done here: from a text cell that starts with an apostrophe, take that apostrophe away, and
//! one after each semicolon, tab and line end in it. It is put before a text that starts with `= + - @`, their full-width
//! forms, a tab, a line end or an apostrophe, with spaces before them or not; before one in which a semicolon, a tab or a line end is followed by one of
//! those, because where a spreadsheet takes these for the ends of cells, the rest would be a formula; and before words that
//! programs read as 'no value'. Numbers stay numbers, negative ones too.

use super::options::{LineEnd, MissingWords};

/// What pandas and R take for a missing value when they are asked nothing.
const MISSING: [&str; 17] = [
    "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "Null", "None", "none", "<NA>", "#N/A",
    "#NA", "#N/A N/A", "1.#IND", "1.#QNAN", "nil",
];

/// Where a text may need care: 1 anywhere (quotes), 2 at the start, 4 at the start of a missing word, 8 anywhere (the end
/// of a cell for programs of other countries).
const CARE: [u8; 256] = {
    let mut table = [0u8; 256];
    table[b',' as usize] = 1;
    table[b'"' as usize] = 1;
    table[b'\n' as usize] = 1 | 2 | 8;
    table[b'\r' as usize] = 1 | 2 | 8;
    table[b'\t' as usize] = 2 | 8;
    table[b';' as usize] = 8;
    table[b' ' as usize] = 2;
    table[b'=' as usize] = 2;
    table[b'+' as usize] = 2;
    table[b'-' as usize] = 2;
    table[b'@' as usize] = 2;
    table[b'\'' as usize] = 2;
    // The lead byte of the full-width forms, and of the space without width.
    table[0xEF] = 2;
    table[b'N' as usize] = 4;
    table[b'n' as usize] = 4;
    table[b'<' as usize] = 4;
    table[b'#' as usize] = 4;
    table[b'1' as usize] = 4;
    table
};

/// Rows as they grow.
pub(super) struct Csv {
    buf: Vec<u8>,
    row_begun: bool,
    line_end: &'static [u8],
    missing: MissingWords,
}

impl Csv {
    pub(super) fn new(line_end: LineEnd, missing: MissingWords) -> Self {
        Self {
            buf: Vec::with_capacity(256 * 1024),
            row_begun: false,
            line_end: match line_end {
                LineEnd::Crlf => b"\r\n",
                LineEnd::Lf => b"\n",
            },
            missing,
        }
    }
    /// What was written since the last [`Csv::clear`].
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buf
    }
    pub(super) fn clear(&mut self) {
        self.buf.clear();
    }
    /// Bytes outside any row: the byte order mark.
    pub(super) fn mark(&mut self, bytes: &[u8]) {
        self.buf.extend_from_slice(bytes);
    }
    fn begin(&mut self) {
        if self.row_begun {
            self.buf.push(b',');
        }
        self.row_begun = true;
    }
    /// A cell that holds nothing.
    pub(super) fn empty(&mut self) {
        self.begin();
    }
    /// A cell that can need no care: numbers, times, ids.
    pub(super) fn plain(&mut self, bytes: &[u8]) {
        self.begin();
        self.buf.extend_from_slice(bytes);
    }
    /// A cell that can need no care, written by `write`.
    pub(super) fn with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.begin();
        write(&mut self.buf);
    }
    /// A cell with whatever somebody typed.
    pub(super) fn text(&mut self, text: &str) {
        self.begin();
        let bytes = text.as_bytes();
        let care = |b: &u8| CARE[usize::from(*b)];
        let first = bytes.first().map_or(0, care);
        let seen = bytes.iter().fold(0, |seen, b| seen | care(b));
        let (quote, inside) = (seen & 1 != 0, seen & 8 != 0);
        if !quote && !inside && first == 0 {
            self.buf.extend_from_slice(bytes);
            return;
        }
        let missing = first & 4 != 0 && MISSING.contains(&text);
        let guard = first & 2 != 0 && starts_formula(bytes)
            || inside && hides_formula(bytes)
            || missing && self.missing == MissingWords::Apostrophe;
        let quote = quote || missing && !guard;
        if quote {
            self.buf.push(b'"');
        }
        if guard {
            self.buf.push(b'\'');
        }
        for byte in bytes {
            self.buf.push(*byte);
            if *byte == b'"' && quote {
                self.buf.push(b'"');
            } else if guard && care(byte) & 8 != 0 {
                self.buf.push(b'\'');
            }
        }
        if quote {
            self.buf.push(b'"');
        }
    }
    /// The end of a row.
    pub(super) fn end_row(&mut self) {
        self.buf.extend_from_slice(self.line_end);
        self.row_begun = false;
    }
}

/// Whether a text that starts with a byte of care would start a formula. A plain negative number does not.
fn starts_formula(bytes: &[u8]) -> bool {
    match bare(bytes) {
        [b'-', rest @ ..] => !is_number(rest),
        // ＋ － ＝ ＠ of U+FF0B, U+FF0D, U+FF1D and U+FF20.
        [0xEF, 0xBC, last, ..] => matches!(last, 0x8B | 0x8D | 0x9D | 0xA0),
        [first, ..] => CARE[usize::from(*first)] & 2 != 0 && *first != 0xEF,
        [] => false,
    }
}

/// A text without the spaces before it, which some programs drop, and without marks of byte order.
fn bare(mut bytes: &[u8]) -> &[u8] {
    while let [b' ', rest @ ..] | [0xEF, 0xBB, 0xBF, rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether what follows a semicolon, a tab or a line end would start a formula, if that ended a cell.
fn hides_formula(bytes: &[u8]) -> bool {
    let mut ends = bytes
        .iter()
        .enumerate()
        .filter(|(_, b)| CARE[usize::from(**b)] & 8 != 0);
    ends.any(|(at, _)| {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let skipped = rest.iter().take_while(|b| matches!(b, b' ' | b'"')).count();
        match rest.get(skipped..).unwrap_or_default() {
            [b'=' | b'+' | b'-' | b'@', ..] => true,
            [0xEF, ..] => starts_formula(rest.get(skipped..).unwrap_or_default()),
            _ => false,
        }
    })
}

/// Digits, with at most one point between them.
fn is_number(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|b| *b == b'.');
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    parts.next().is_some_and(digits) && parts.next().is_none_or(digits) && parts.next().is_none()
}

/// Writes a whole number.
pub(super) fn number(out: &mut Vec<u8>, n: i64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    let mut left = n.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    if n < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str], missing: MissingWords) -> String {
        let mut csv = Csv::new(LineEnd::Crlf, missing);
        cells.iter().for_each(|c| csv.text(c));
        csv.end_row();
        String::from_utf8(csv.bytes().to_vec()).unwrap()
    }

    /// What the rule in the module's head says.
    fn undone(cell: &str) -> String {
        let Some(guarded) = cell.strip_prefix('\'') else {
            return cell.to_owned();
        };
        [";'", "\t'", "\n'", "\r'"]
            .iter()
            .fold(guarded.to_owned(), |text, end| text.replace(end, &end[..1]))
    }

    #[test]
    fn every_text_comes_back_by_one_rule() {
        let texts = [
            "",
            "Sokha",
            "សុខា",
            "ສຸກ",
            "မောင်",
            "สมชาย",
            "Nguyễn Văn A",
            "陈伟",
            "a,b",
            "say \"no\"",
            "two\nlines",
            "two\r\nlines",
            "=1+1",
            "+85512345678",
            "-5",
            "-5.25",
            "-5-3",
            "-",
            "--1",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "\nx",
            "'tis",
            "''",
            "NA",
            "N/A",
            "nan",
            "None",
            "-nan",
            "＝1+1",
            "＠x",
            "＋1",
            "－1",
            "\u{feff}x",
            "NAM",
            "1.5",
            "_dk",
            "_ref",
            "=cmd|' /C calc'!A0",
            "call;=HYPERLINK(A1)",
            "call; \"=HYPERLINK(A1)\"",
            "a;b",
            "'a;'b",
            ";;=1;'=2",
            "x\t+1",
            "x\n=1\n",
            "x\r\n@y",
            "x;＝1",
            "x;-3",
            "=1;2",
            "1.#IND",
        ];
        for missing in [MissingWords::Apostrophe, MissingWords::Quotes] {
            let written = row(&texts, missing);
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .from_reader(written.as_bytes());
            let read = reader.records().next().unwrap().unwrap();
            assert_eq!(read.len(), texts.len());
            for (cell, text) in read.iter().zip(texts) {
                assert_eq!(undone(cell), text, "written as {cell}");
                if missing == MissingWords::Apostrophe {
                    assert!(!MISSING.contains(&cell), "{cell} would be lost");
                }
                let first = cell.chars().next().unwrap_or(' ');
                let number = cell.parse::<f64>().is_ok();
                assert!(
                    number || !"=+-@\t\r\n＝＋－＠".contains(first),
                    "{cell} is a formula"
                );
                for part in cell.split([';', '\t', '\n', '\r']).skip(1) {
                    let start = part.trim_start_matches([' ', '"']).chars().next();
                    assert!(
                        start.is_none_or(|c| !"=+-@＝＋－＠".contains(c)),
                        "{cell} is a formula where its list separator is another"
                    );
                }
            }
        }
    }

    #[test]
    fn negative_numbers_stay_numbers_and_quoted_words_stay_bare() {
        assert_eq!(
            row(&["-5", "-5.25"], MissingWords::Apostrophe),
            "-5,-5.25\r\n"
        );
        assert_eq!(row(&["NA", "NAM"], MissingWords::Apostrophe), "'NA,NAM\r\n");
        assert_eq!(row(&["NA"], MissingWords::Quotes), "\"NA\"\r\n");
        assert_eq!(
            row(&["-1-1,\""], MissingWords::Quotes),
            "\"'-1-1,\"\"\"\r\n"
        );
    }

    #[test]
    fn whole_numbers_are_written_as_they_are() {
        for n in [0, 7, -7, i64::MAX, i64::MIN, 1_000_000] {
            let mut out = Vec::new();
            number(&mut out, n);
            assert_eq!(String::from_utf8(out).unwrap(), n.to_string());
        }
    }
}
