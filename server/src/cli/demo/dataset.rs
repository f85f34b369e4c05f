//! The merged dataset: downloaded over the API as the coordinator, and read again to tell what is in it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::desk::Desk;
use super::words::LANGUAGES;

/// Columns that hold free texts.
const TEXTS: [&str; 3] = ["exploited_province", "safe_contact", "notes"];

/// What was downloaded.
pub(super) struct Dataset {
    pub(super) csv: PathBuf,
    pub(super) conflicts: PathBuf,
    pub(super) zip: PathBuf,
    pub(super) rows: u64,
    pub(super) columns: usize,
    /// Left out because no consent lives.
    pub(super) withheld: u64,
    pub(super) drafts: u64,
    pub(super) waiting: u64,
    pub(super) does_not_know: u64,
    pub(super) does_not_say: u64,
    /// Rows with free text in each language.
    pub(super) languages: Vec<(&'static str, u64)>,
    /// Rows of journeys and companions, in the zip.
    pub(super) repeat_rows: u64,
}

/// Downloads it in three forms.
pub(super) fn download(desk: &mut Desk, form_id: &str, folder: &Path) -> Result<Dataset> {
    let path = format!("/api/v1/exports/{form_id}");
    let mut fetch = |format: &str, name: &str| {
        let options = json!({"format": format, "bom": format != "zip"});
        let answer = desk.call(&path, Some(&options))?;
        if answer.status != 200 {
            bail!("the download was answered with {}", answer.status);
        }
        let file = folder.join(name);
        fs::write(&file, &answer.body)?;
        let meta: Value = desk.ask(&format!("{path}/meta"), Some(&options))?;
        let sum = hex::encode(Sha256::digest(&answer.body));
        if format == "csv" {
            ensure!(
                meta.get("sha256").and_then(Value::as_str) == Some(&sum),
                "the download is not what the server says it is"
            );
        }
        Ok((file, answer.body, meta))
    };
    let (csv, bytes, meta) = fetch("csv", "dataset.csv")?;
    let (conflicts, ..) = fetch("conflicts", "conflicts.csv")?;
    let (zip, _, whole) = fetch("zip", "dataset.zip")?;
    let count = |name: &str| number(&meta, &["counts", name]);
    let mut dataset = Dataset {
        csv,
        conflicts,
        zip,
        rows: 0,
        columns: 0,
        withheld: count("withheld"),
        drafts: count("drafts"),
        waiting: number(&meta, &["quarantine_waiting"]),
        does_not_know: 0,
        does_not_say: 0,
        languages: LANGUAGES.iter().map(|l| (l.name, 0)).collect(),
        repeat_rows: repeat_rows(&whole),
    };
    dataset.read(&bytes)?;
    ensure!(
        dataset.rows == count("rows"),
        "the file has {} rows, the server wrote {}",
        dataset.rows,
        count("rows")
    );
    Ok(dataset)
}

fn number(json: &Value, path: &[&str]) -> u64 {
    let found = path.iter().try_fold(json, |json, name| json.get(name));
    found.and_then(Value::as_u64).unwrap_or_default()
}

/// Rows of all files but the main sheet and the conflicts.
fn repeat_rows(meta: &Value) -> u64 {
    let files = meta.get("files").and_then(Value::as_array);
    let named = |f: &&Value| {
        let name = f.get("name").and_then(Value::as_str).unwrap_or_default();
        name.contains("journey") || name.contains("companion")
    };
    let rows = files.into_iter().flatten().filter(named);
    rows.map(|f| number(f, &["rows"])).sum()
}

impl Dataset {
    fn read(&mut self, bytes: &[u8]) -> Result<()> {
        let mut reader = csv::Reader::from_reader(bytes);
        let head = reader.headers()?.clone();
        self.columns = head.len();
        let texts: Vec<usize> = head
            .iter()
            .enumerate()
            .filter(|(_, name)| {
                TEXTS.contains(&name.rsplit(['/', '.', '-']).next().unwrap_or(name))
            })
            .map(|(n, _)| n)
            .collect();
        for row in reader.records() {
            let row = row.context("a row")?;
            self.rows += 1;
            for cell in &row {
                self.does_not_know += u64::from(cell.split(' ').any(|code| code == "_dk"));
                self.does_not_say += u64::from(cell.split(' ').any(|code| code == "_ref"));
            }
            let text: String = texts.iter().filter_map(|n| row.get(*n)).collect();
            for (language, (_, rows)) in LANGUAGES.iter().zip(&mut self.languages) {
                *rows += u64::from(text.chars().any(language.script));
            }
        }
        Ok(())
    }
}
