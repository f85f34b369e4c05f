//! What a download is asked for. It travels in a request body, never in an address: filters say who was interviewed.

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{EpochId, LogPos};
use utoipa::ToSchema;

use super::error::{ExportError, Result};

/// How the rows are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportFormat)]
pub enum Format {
    /// The main sheet as one CSV file.
    #[default]
    Csv,
    /// A zip with the main sheet, one CSV file for each repeat, the conflicts, and what the download is.
    Zip,
    /// One JSON object a record, with every live value and its author.
    JsonLines,
    /// One CSV row for each of several answers to one question.
    Conflicts,
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv | Self::Conflicts => "text/csv; charset=utf-8",
            Self::Zip => "application/zip",
            Self::JsonLines => "application/x-ndjson",
        }
    }
    /// The end of the file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Conflicts => "conflicts.csv",
            Self::Zip => "zip",
            Self::JsonLines => "jsonl",
        }
    }
}

/// How lines of CSV end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineEnd {
    /// As RFC 4180 wants it.
    #[default]
    Crlf,
    /// A line feed only.
    Lf,
}

/// How a text survives that programs take for 'no value': `NA` is also Namibia.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MissingWords {
    /// With an apostrophe before it, as for formulas: `'NA`. pandas and R keep it.
    #[default]
    Apostrophe,
    /// In quotes: `"NA"`. Only for programs that tell quoted cells from others; pandas and R do not.
    Quotes,
}

/// Which moment a time range is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExportMoment)]
pub enum Moment {
    /// When the server first had the record.
    #[default]
    Created,
    /// When the device saved the last change, by its own clock.
    Saved,
    /// When the server received the last change.
    Received,
}

/// From when to when: instants of RFC 3339, or days in the zone of the download; the end is not in it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ExportTimeRange)]
pub struct TimeRange {
    /// Of which moment.
    pub of: Moment,
    /// At or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// What is wanted. The default is the main sheet of everything that is not a draft.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = ExportOptions)]
pub struct Options {
    /// How the rows are written.
    pub format: Format,
    /// Only records whose last change was made with one of these form versions: hashes, or the author's names.
    pub versions: Vec<String>,
    /// Only records in these states; none means all but drafts.
    pub states: Vec<String>,
    /// Only records of this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeRange>,
    /// Only records in which something is in conflict.
    pub conflicts_only: bool,
    /// Deleted records too.
    pub deleted: bool,
    /// The cursor of an earlier download: only what changed after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// The cursor of an earlier download, or a log position: as it was then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// An IANA time zone; none means the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tz: Option<String>,
    /// Labels of choices in this language of the form, in place of codes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// For each choice of a question that takes several, a column with 1 or 0.
    pub split: bool,
    /// A byte order mark at the start, for Excel.
    pub bom: bool,
    /// How lines end.
    pub line_end: LineEnd,
    /// How texts such as `NA` survive.
    pub missing_words: MissingWords,
}

/// The states a record may be in.
pub const STATES: [&str; 5] = ["draft", "complete", "returned", "approved", "rejected"];

impl Options {
    /// Refuses what can be told wrong without the organisation's file.
    pub fn check(&self) -> Result<()> {
        if self.states.iter().any(|s| !STATES.contains(&s.as_str())) {
            return Err(invalid(
                "states",
                "a state is one of draft, complete, returned, approved, rejected",
            ));
        }
        if self.since.is_some() && self.as_of.is_some() {
            return Err(invalid("since", "since and as_of exclude each other"));
        }
        Ok(())
    }
    /// The names, not the values, of the filters in use.
    pub fn filters(&self) -> Vec<&'static str> {
        let used = [
            ("versions", !self.versions.is_empty()),
            ("states", !self.states.is_empty()),
            ("time", self.time.is_some()),
            ("conflicts_only", self.conflicts_only),
            ("deleted", self.deleted),
            ("since", self.since.is_some()),
            ("as_of", self.as_of.is_some()),
        ];
        used.into_iter()
            .filter_map(|(name, used)| used.then_some(name))
            .collect()
    }
}

pub(super) fn invalid(option: &'static str, detail: impl Into<String>) -> ExportError {
    ExportError::Option {
        option,
        detail: detail.into(),
    }
}

/// A place in the log as downloads name it: `<epoch>.<position>`, or the position alone for the epoch in force.
pub(super) fn position(
    option: &'static str,
    text: &str,
    epoch: EpochId,
    head: LogPos,
) -> Result<LogPos> {
    let number = match text.split_once('.') {
        Some((of, number)) => {
            let of: EpochId = of
                .parse()
                .map_err(|_| invalid(option, "not a cursor of a download"))?;
            if of != epoch {
                return Err(ExportError::OtherEpoch);
            }
            number
        }
        None => text,
    };
    let at = number
        .parse::<u64>()
        .ok()
        .and_then(|n| LogPos::new(n).ok())
        .ok_or_else(|| invalid(option, "not a cursor of a download"))?;
    if at > head {
        return Err(ExportError::Ahead);
    }
    Ok(at)
}
