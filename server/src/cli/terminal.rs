//! The one place that writes to the terminal: what a command found to standard output, what went wrong to standard error.

use std::io::{self, Write};

use anyhow::Result;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

/// One line of output. A closed pipe ends the command without noise.
pub(super) fn say(text: impl AsRef<str>) -> Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => Ok(done?),
    }
}

/// Columns, as wide as their widest cell.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> Result<()> {
    let width = |column: usize| {
        let cells = rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count());
        cells
            .chain(head.get(column).map(|h| h.chars().count()))
            .max()
            .unwrap_or(0)
    };
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<_> = cells
            .enumerate()
            .map(|(i, cell)| format!("{cell:<width$}", width = width(i)))
            .collect();
        padded.join("  ").trim_end().to_owned()
    };
    say(line(&mut head.iter().copied()))?;
    rows.iter()
        .try_for_each(|row| say(line(&mut row.iter().map(String::as_str))))
}

/// What should be known, though the command goes on.
pub(super) fn warn(text: impl AsRef<str>) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr().lock(), "tributary: {}", text.as_ref());
}

/// What went wrong, with its causes.
pub(super) fn fail(error: &anyhow::Error) {
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(io::stderr().lock(), "tributary: {error:#}");
}

/// A link as a QR code of block characters, light on dark and dark on light alike.
pub(super) fn qr(link: &str) -> Result<String> {
    let code = QrCode::with_error_correction_level(link, qrcode::EcLevel::L)?;
    let image = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .quiet_zone(true)
        .build();
    Ok(image)
}

/// One line from standard input, for a password that must not stand in a process list.
pub(super) fn read_line() -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

use std::io::BufRead;

#[cfg(test)]
mod tests {
    #[test]
    fn a_link_fits_a_terminal() {
        let link = format!(
            "https://survey.example.org:8443/enrol#o=mekong&c={}&r={}&t={}",
            "0".repeat(26),
            "a".repeat(64),
            "b".repeat(64)
        );
        let code = super::qr(&link).unwrap();
        assert!(
            code.lines().all(|line| line.chars().count() <= 78),
            "{}",
            code.lines().next().unwrap().chars().count()
        );
        assert!(code.lines().count() <= 40);
    }
}
