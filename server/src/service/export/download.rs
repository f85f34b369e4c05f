//! A download: asked for by somebody who may, written into the audit before its first byte and after its last.
//!
//! The first row tells that it happened even if the server dies on the way; the second what it held.

use std::io::{self, Write};

use tributary_sync_core::ids::OrgId;

use super::error::ExportError;
use super::head::{Export, prepare};
use super::options::Options;
use super::trailer::Trailer;
use crate::service::access::Action;
use crate::service::error::{Code, ErrorItem, Result, ServiceError};
use crate::service::{By, Service};

/// What became of it.
#[derive(Debug)]
pub enum Download {
    /// Whoever asks has it already.
    Known {
        /// Its validator.
        etag: String,
    },
    /// It was written.
    Written(Box<Trailer>),
}

impl Service {
    /// Writes a download of a form into what `begin` opens once it is clear that there will be one. `known` tells
    /// whether somebody has the data of a validator already.
    pub fn download<W: Write>(
        &self,
        by: By<'_>,
        org: OrgId,
        form_id: &str,
        options: &Options,
        known: impl Fn(&str) -> bool,
        begin: impl FnOnce(&Export) -> io::Result<W>,
    ) -> Result<Download> {
        by.require(org, Action::Export)?;
        let env = self.env();
        let etag = self.files().read(org, |txn| {
            prepare(txn, &env, form_id, options.clone()).map(|export| export.etag().to_owned())
        })?;
        if known(&etag) {
            return Ok(Download::Known { etag });
        }
        let subject = Some(form_id.to_owned());
        let detail = format!("begun, {}", asked(options));
        self.audit(by, org, "export.download", subject.clone(), Some(detail))?;
        let mut sent = 0;
        let written = self.files().read(org, |txn| {
            let export = prepare(txn, &env, form_id, options.clone())?;
            let mut out = Counted {
                out: begin(&export)?,
                bytes: &mut sent,
            };
            export.write(txn, &env, &mut out)
        });
        let detail = match &written {
            Ok(trailer) => done(trailer),
            Err(error) => format!("cut after {sent} bytes, {}", error.code()),
        };
        self.audit(by, org, "export.end", subject, Some(detail))?;
        Ok(Download::Written(Box::new(written?)))
    }
}

/// The format and the names of the filters; never what they say.
fn asked(options: &Options) -> String {
    let filters = options.filters();
    let filters = match filters.is_empty() {
        true => "none".to_owned(),
        false => filters.join(" "),
    };
    format!("{}, filters: {filters}", options.format.extension())
}

fn done(trailer: &Trailer) -> String {
    let c = &trailer.counts;
    format!(
        "{} rows, withheld {}, restricted {}, drafts {}, deleted {}, filtered {}, unchanged {}, position {}, sha256 {}",
        c.rows,
        c.withheld,
        c.restricted,
        c.drafts,
        c.deleted,
        c.filtered,
        c.unchanged,
        trailer.position,
        trailer.sha256
    )
}

/// Counts what was handed over, for the audit of a download that was cut.
struct Counted<'n, W> {
    out: W,
    bytes: &'n mut u64,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        *self.bytes = self.bytes.saturating_add(n as u64);
        Ok(n)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl From<ExportError> for ServiceError {
    fn from(error: ExportError) -> Self {
        let detail = error.to_string();
        match error {
            ExportError::FormUnknown => Self::from(Code::NotFound).detail("There is no such form."),
            ExportError::Option { option, detail } => Self::from(Code::FieldInvalid).item(
                ErrorItem::at(format!("/{option}"), "export_option_invalid", detail),
            ),
            ExportError::OtherEpoch | ExportError::Ahead => Code::ExportCursorInvalid.into(),
            ExportError::Output(_) => Self::from(Code::Overloaded).because(detail),
            ExportError::Storage(error) => error.into(),
        }
    }
}
