//! How fast a wide CSV leaves a real organisation's file, on one thread, in memory that stays flat.
//!
//! In the same run, the raw limits: reading the same record bodies out of SQLite and doing nothing with them, and copying
//! the same bytes in memory. Run with `cargo bench -p tributary --bench export -- [records] [csv]`; with
//! `csv` nothing else is measured.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tributary::service::access::Role;
use tributary::service::env::{Env, Roster, Signer, SystemEntropy};
use tributary::service::exchange::{Author, Merger};
use tributary::service::export::{Format, Options, prepare};
use tributary::service::forms::{NewVersion, publish};
use tributary::storage::{NewActor, OrgFiles, StorageError};
use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::form::{FieldKind, FormPackage, prepare as prepare_form};
use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::testing::Dice;
use tributary_sync_core::value::{Codes, Decimal, Int, Text, Value, parse_date};

struct Plain;
impl Signer for Plain {
    fn sign(&self, _: OrgId, _: &[u8]) -> Result<String, StorageError> {
        Ok(String::new())
    }
    fn verify(&self, _: OrgId, _: &[u8], _: &str) -> bool {
        true
    }
}
impl Roster for Plain {
    fn profiles_of_user(&self, _: OrgId, _: UserId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn profiles_of_team(&self, _: OrgId, _: TeamId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn name(&self, _: OrgId, _: UserId) -> Result<Option<String>, StorageError> {
        Ok(Some("Sokha Chan".to_owned()))
    }
}

const KINDS: [(FieldKind, &str, usize); 6] = [
    (FieldKind::Text, "string", 35),
    (FieldKind::Integer, "int", 20),
    (FieldKind::SelectOne, "string", 25),
    (FieldKind::SelectMultiple, "string", 10),
    (FieldKind::Date, "date", 5),
    (FieldKind::Decimal, "decimal", 5),
];
const CODES: [&str; 8] = [
    "yes",
    "no",
    "_dk",
    "_ref",
    "factory",
    "fishing",
    "domestic_work",
    "construction",
];
const TEXTS: [&str; 5] = [
    "Phnom Penh",
    "ភ្នំពេញ, ខណ្ឌ៧មករា",
    "ວຽງຈັນ",
    "said that the papers were kept by the employer, since March",
    "_ref",
];

/// A form of 100 questions and a consent.
fn xform() -> String {
    let (mut nodes, mut binds, mut body) = (String::new(), String::new(), String::new());
    let items: String = CODES
        .iter()
        .map(|c| format!("<item><label>{c}</label><value>{c}</value></item>"))
        .collect();
    let names = KINDS.iter().flat_map(|(kind, data, n)| {
        (0..*n).map(move |i| (*kind, *data, format!("{}_{i}", kind.as_str())))
    });
    for (kind, data, name) in names {
        nodes += &format!("<{name}/>");
        binds += &format!("<bind nodeset=\"/data/{name}\" type=\"{data}\"/>");
        body += &match kind {
            FieldKind::SelectOne => {
                format!("<select1 ref=\"/data/{name}\"><label>q</label>{items}</select1>")
            }
            FieldKind::SelectMultiple => {
                format!("<select ref=\"/data/{name}\"><label>q</label>{items}</select>")
            }
            _ => format!("<input ref=\"/data/{name}\"><label>q</label></input>"),
        };
    }
    format!(
        "<h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\" xmlns:trib=\"https://tributary.invalid/xforms\">\
         <h:head><h:title>Wide</h:title><model><instance><data id=\"wide\" version=\"1\"><consent/>{nodes}</data></instance>\
         <bind nodeset=\"/data/consent\" type=\"string\" trib:policy=\"protective(yes no)\" trib:consent=\"yes\"/>{binds}</model></h:head>\
         <h:body><select1 ref=\"/data/consent\"><label>c</label><item><label>y</label><value>yes</value></item>\
         <item><label>n</label><value>no</value></item></select1>{body}</h:body></h:html>"
    )
}

fn text(t: &str) -> Text {
    Text::new(t).unwrap()
}

fn answer(kind: &str, dice: &mut Dice) -> Option<Value> {
    let code = CODES[dice.below(CODES.len())];
    Some(match kind {
        "text" => Value::Text(text(TEXTS[dice.below(TEXTS.len())])),
        "integer" => Value::Int(Int::new(dice.below(100_000) as i64).unwrap()),
        "select_one" => Value::Code(text(code)),
        "select_multiple" => Value::Codes(Codes::new([text(code), text("yes")]).unwrap()),
        "date" => Value::Date(parse_date("2026-11-24").unwrap()),
        "decimal" => Value::Decimal(Decimal::parse("12.75").unwrap()),
        _ => return None,
    })
}

struct Office {
    _folder: tempfile::TempDir,
    files: OrgFiles,
    org: OrgId,
    env: Env,
    fields: Vec<(FieldId, String)>,
    form: FormHash,
}

fn open() -> Office {
    let folder = tempfile::tempdir().unwrap();
    let files = OrgFiles::new(folder.path()).unwrap();
    let org = OrgId::from_bytes([1; 16]);
    let env = Env {
        now: 1_795_511_553_250,
        entropy: Arc::new(SystemEntropy),
        signer: Arc::new(Plain),
        roster: Arc::new(Plain),
        ledger: files.ledger(),
    };
    files.create(org).unwrap();
    let (work, xml) = (env.clone(), xform());
    let (form, package) = files
        .write::<_, StorageError>(org, move |txn| {
            txn.initialise(EpochId::from_bytes([1; 16]), [3; 32], 0)?;
            for n in 1..=20u8 {
                txn.add_actor(&NewActor {
                    id: ActorId(n.into()),
                    profile: Some(ProfileId::from_bytes([n; 16])),
                    user: Some(UserId::from_bytes([n; 16])),
                    instance: None,
                    device_key: vec![n],
                    chain: ChainHash::default(),
                    epoch: EpochId::from_bytes([1; 16]),
                })?;
            }
            let version = NewVersion {
                form: prepare_form(&xml).unwrap(),
                attachments: Vec::new(),
                mapping: BTreeMap::new(),
                weaken: true,
            };
            let published = publish(txn, &work, None, &version).unwrap();
            Ok((published.hash, txn.form(published.hash)?.unwrap().package))
        })
        .unwrap();
    let package = FormPackage::from_bytes(package.as_bytes()).unwrap();
    Office {
        _folder: folder,
        files,
        org,
        env,
        fields: package
            .fields
            .into_iter()
            .map(|f| (f.id, f.type_name))
            .collect(),
        form,
    }
}

impl Office {
    /// Stores `count` interviews; one in fifty has a second answer that did not see the first.
    fn fill(&self, count: usize) {
        let mut dice = Dice::new(7);
        let mut seqs = [0u64; 21];
        for batch in 0..count.div_ceil(500) {
            let mut stored = Vec::new();
            for n in batch * 500..(batch * 500 + 500).min(count) {
                let record = RecordId::from_bytes(dice.bytes());
                let mut writes: Vec<(Key, Value)> = self
                    .fields
                    .iter()
                    .filter_map(|(id, kind)| Some((Key::Field(*id), answer(kind, &mut dice)?)))
                    .collect();
                writes[0].1 = Value::Code(text("yes"));
                writes.push((Key::Meta(MetaKey::Status), Value::Code(text("complete"))));
                let second = vec![writes[1].clone()];
                stored.push(self.change(record, 1 + n % 20, &mut seqs, writes));
                if n % 50 == 0 {
                    stored.push(self.change(record, 1 + (n + 1) % 20, &mut seqs, second));
                }
            }
            let env = self.env.clone();
            self.files
                .write::<_, StorageError>(self.org, move |txn| {
                    let mut merger = Merger::new(txn, &env);
                    for stored in &stored {
                        if merger.find(stored.change.record)?.is_none() {
                            merger.create(&stored.change, "wide", None, stored.stamp.received)?;
                        }
                        let author = Author {
                            profile: None,
                            user: None,
                            role: Role::Coordinator,
                            decides: false,
                            confirmed: LogPos::ZERO,
                        };
                        merger.merge(stored, &author).unwrap();
                    }
                    merger.finish().unwrap();
                    Ok(())
                })
                .unwrap();
        }
    }
    fn change(
        &self,
        record: RecordId,
        actor: usize,
        seqs: &mut [u64],
        writes: Vec<(Key, Value)>,
    ) -> Stored {
        seqs[actor] += 1;
        let clock = Hlc::new(self.env.now - 1_000 * seqs[actor], 0).unwrap();
        let draft = Draft {
            record,
            dot: Dot::new(ActorId(actor as u32), Seq::new(seqs[actor]).unwrap()),
            clock,
            form: self.form,
            creates: true,
            epoch: EpochId::from_bytes([1; 16]),
            seen: Clock::new(),
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        };
        let stamp = Stamp {
            context: Clock::new(),
            effective: clock,
            received: self.env.now,
            cut: false,
        };
        Stored {
            change: draft.seal().unwrap(),
            stamp,
        }
    }
    fn export(&self, options: Options, out: &mut dyn Write) -> (Spent, u64) {
        let began = Clocks::now();
        let rows = self
            .files
            .read::<_, tributary::service::export::ExportError>(self.org, |txn| {
                let export = prepare(txn, &self.env, "wide", options)?;
                Ok(export.write(txn, &self.env, out)?.counts.rows)
            })
            .unwrap();
        (began.spent(), rows)
    }
    fn bodies(&self) -> (Spent, u64, u64) {
        let began = Clocks::now();
        let (mut rows, mut bytes) = (0, 0u64);
        self.files
            .read::<_, StorageError>(self.org, |txn| {
                txn.raw_records::<StorageError>("wide", |raw| {
                    rows += 1;
                    bytes += raw.body.len() as u64;
                    Ok(true)
                })
            })
            .unwrap();
        (began.spent(), rows, bytes)
    }
}

/// Counts what passes.
struct Count(u64);
impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The most memory that this process ever had, in MiB, and what it has now.
fn memory() -> (u64, u64) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|l| l.starts_with(name));
        line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
            .unwrap_or(0)
            / 1024
    };
    (field("VmHWM"), field("VmRSS"))
}

/// The wall's clock, and how long this thread had a processor: on a machine with other work the second tells more.
struct Clocks(Instant, Duration);
/// Wall and processor time.
type Spent = (Duration, Duration);

impl Clocks {
    fn now() -> Self {
        Self(Instant::now(), on_processor())
    }
    fn spent(&self) -> Spent {
        (self.0.elapsed(), on_processor().saturating_sub(self.1))
    }
}

/// From Linux; elsewhere nothing is known.
fn on_processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// The best rates of each measurement, in rows a second: by the wall's clock, and of processor time.
#[derive(Default)]
struct Best(BTreeMap<&'static str, (f64, f64)>);

impl Best {
    fn note(&mut self, name: &'static str, rows: u64, (wall, processor): Spent) {
        let best = self.0.entry(name).or_default();
        best.0 = best.0.max(rows as f64 / wall.as_secs_f64());
        best.1 = best.1.max(rows as f64 / processor.as_secs_f64());
    }
}

fn round(office: &Office, best: &mut Best) -> (u64, u64, u64) {
    let (time, rows, bytes) = office.bodies();
    best.note("raw: record bodies out of SQLite", rows, time);
    let mut count = Count(0);
    let (time, shown) = office.export(Options::default(), &mut count);
    assert_eq!(rows, shown);
    best.note("CSV", rows, time);
    if std::env::args().any(|a| a == "csv") {
        return (rows, bytes, count.0);
    }
    let split = Options {
        split: true,
        ..Options::default()
    };
    best.note(
        "CSV with a column for each choice",
        rows,
        office.export(split, &mut Count(0)).0,
    );
    for (name, format) in [
        ("JSON Lines", Format::JsonLines),
        ("zip", Format::Zip),
        ("conflicts", Format::Conflicts),
    ] {
        let options = Options {
            format,
            ..Options::default()
        };
        best.note(name, rows, office.export(options, &mut Count(0)).0);
    }
    (rows, bytes, count.0)
}

fn main() {
    let count = std::env::args()
        .skip(1)
        .find_map(|a| a.parse().ok())
        .unwrap_or(20_000);
    let office = open();
    let began = Instant::now();
    office.fill(count);
    println!(
        "{count} records of {} answers stored in {:.1} s, {} MiB",
        office.fields.len(),
        began.elapsed().as_secs_f64(),
        std::fs::metadata(office.files.path(office.org))
            .unwrap()
            .len()
            >> 20
    );
    let mut best = Best::default();
    let before = memory();
    for nth in 1..=5 {
        let (rows, bytes, csv) = round(&office, &mut best);
        if nth == 1 {
            println!(
                "a row: {} bytes of body, {} bytes of CSV",
                bytes / rows,
                csv / rows
            );
        }
    }
    println!(
        "memory in MiB (most, now): {before:?} before, {:?} after every download",
        memory()
    );
    let mut csv = Vec::new();
    let (_, rows) = office.export(Options::default(), &mut csv);
    let began = Clocks::now();
    let mut copy = Vec::with_capacity(csv.len());
    csv.chunks(128 * 1024)
        .for_each(|c| copy.extend_from_slice(c));
    assert_eq!(std::hint::black_box(&copy).len(), csv.len());
    best.note("raw: copying the same bytes", rows, began.spent());
    let csv = best.0["CSV"].1;
    println!("rows/s     rows/s of processor time, against CSV");
    for (name, (wall, processor)) in &best.0 {
        println!(
            "{wall:>9.0}  {processor:>9.0}  {:>6.2} x  {name}",
            processor / csv
        );
    }
}
