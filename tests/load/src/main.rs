//! Measures a real Tributary: the released program as a process, over TLS, every commit synced, on a real disk; and in
//! the same run what the machine itself can do. `tests/load/run` builds and starts it; `server/docs/performance.md` has
//! what came out.
//!
//! Client and server share the machine. The interviews are made and sealed before anything is timed; what a client does
//! inside the timed part (write the request, pack it, read the answer) is told as processor time of its own.

#![allow(clippy::print_stdout, reason = "it is a program")]

mod people;
mod phases;
mod phone;
mod raw;
mod server;
mod wire;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use people::{Admin, User};
use phases::{Office, Plan, Pushed};
use phone::{Form, Phone};
use server::Server;
use tributary_sync_core::change::Changeset;
use tributary_sync_core::form::FormPackage;
use tributary_sync_core::testing::workload::Workload;

/// Clients of the phases that send one interview a request.
const SINGLES: usize = 16;
/// Interviews of a batch.
const BATCH: usize = 100;

/// Measures a real Tributary server and the raw limits of this machine in the same run.
#[derive(Parser)]
struct Options {
    /// The program [default: the `tributary` beside this one]
    #[arg(long)]
    server: Option<PathBuf>,
    /// Where the data folder is made; its disk is what is measured [default: beside this program]
    #[arg(long)]
    folder: Option<PathBuf>,
    /// How often everything is measured, each time with a new server; the middle one of each number is told
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Batches of 100 in each batched phase
    #[arg(long, default_value_t = 60)]
    batches: usize,
    /// Requests of each of the 16 clients that send one interview a request
    #[arg(long, default_value_t = 150)]
    singles: usize,
    /// Only what shows that it works: no number of it means anything
    #[arg(long)]
    smoke: bool,
}

fn main() -> Result<()> {
    let mut options = Options::parse();
    if options.smoke {
        (options.rounds, options.batches, options.singles) = (1, 4, 2);
    }
    let own = std::env::current_exe()?;
    let beside = own.parent().context("this program lies in a folder")?;
    let program = options
        .server
        .clone()
        .unwrap_or_else(|| beside.join("tributary"));
    let folder = options.folder.clone().unwrap_or_else(|| beside.to_owned());
    let mut rounds = Vec::new();
    for n in 1..=options.rounds.max(1) {
        println!(
            "round {n} of {}, load of the machine {}",
            options.rounds,
            load()
        );
        rounds.push(round(&program, &folder, &options)?);
    }
    println!(
        "\nthe middle of {} rounds, load of the machine {}\n",
        rounds.len(),
        load()
    );
    let lines = rounds.first().map_or(0, Vec::len);
    for n in 0..lines {
        let mut same: Vec<&Line> = rounds.iter().filter_map(|r| r.get(n)).collect();
        same.sort_by(|a, b| a.number.total_cmp(&b.number));
        if let Some(line) = same.get(same.len() / 2) {
            println!("{:<58} {:>11} {}", line.what, shown(line.number), line.more);
        }
    }
    Ok(())
}

/// One number that was measured, and what else is to be said of it.
struct Line {
    what: String,
    number: f64,
    more: String,
}

struct Lines(Vec<Line>);

impl Lines {
    fn add(&mut self, what: impl Into<String>, number: f64, more: impl Into<String>) {
        let (what, more) = (what.into(), more.into());
        self.0.push(Line { what, number, more });
    }
    fn push(&mut self, what: &str, done: &Pushed, (limit, of): (f64, &str)) {
        let ms = |share| done.wait(share).as_secs_f64() * 1e3;
        let more = format!(
            "/s  {:.3} of {of}; processor {:.0} µs server, {:.0} µs client; {:.0} B each; answer after {:.1} ms, 99 % {:.1} ms",
            done.rate() / limit,
            done.cpu_each(done.server),
            done.cpu_each(done.clients),
            done.bytes_each(),
            ms(0.5),
            ms(0.99),
        );
        self.add(what, done.rate(), more);
    }
}

fn shown(number: f64) -> String {
    match number {
        n if n >= 100.0 => format!("{n:.0}"),
        n => format!("{n:.2}"),
    }
}

/// How busy the machine is with everybody's work.
fn load() -> String {
    std::fs::read_to_string("/proc/loadavg").map_or_else(
        |_| "unknown".to_owned(),
        |l| l.split(' ').take(3).collect::<Vec<_>>().join(" "),
    )
}

/// A server with its organisation: 16 workers with a phone each, a coordinator, and two workers who only read.
struct Stage {
    server: Server,
    workload: Workload,
    phones: Vec<Phone>,
    office: Office,
    readers: Vec<(User, Phone)>,
}

impl Stage {
    fn set(program: &Path, folder: &Path, lines: &mut Lines) -> Result<Self> {
        let server = Server::start(program, folder)?;
        let mut probe = wire::Connection::open(&server.place)?;
        raw::health(&mut probe)?;
        let idle = server.usage()?;
        lines.add(
            "memory, started and idle",
            mb(idle.resident),
            format!("MB  peak {:.1}", mb(idle.peak)),
        );
        let admin = Admin::sign_in(&server.place)?;
        let mut phones = Vec::new();
        let mut users = Vec::new();
        let names = (0..SINGLES).map(|n| (format!("worker {n}"), "worker"));
        let more = [
            ("office", "coordinator"),
            ("reader", "worker"),
            ("late", "worker"),
        ];
        for (name, role) in names.chain(more.map(|(n, r)| (n.to_owned(), r))) {
            let user = admin.user(&name, role)?;
            phones.push(Phone::new(admin.device(&user)?));
            users.push(user);
        }
        let actors: Vec<_> = phones.iter().map(|p| p.enrolled.reply.actor).collect();
        let reply = &phones.first().context("a phone")?.enrolled.reply;
        let text = reply.forms.first().context("a form")?.package.to_string();
        let package = FormPackage::from_bytes(text.as_bytes())?;
        let workload = Workload::published(7, (package.hash()?, &package), reply.epoch, &actors);
        let workload = workload.context("the published form is another")?;
        for phone in &mut phones {
            let mut connection = wire::Connection::open(&server.place)?;
            phone.catch_up(&mut connection, &workload)?;
        }
        let mut rest = users
            .split_off(SINGLES)
            .into_iter()
            .zip(phones.split_off(SINGLES));
        let (_, office) = rest.next().context("an office")?;
        Ok(Self {
            server,
            workload,
            phones,
            office: Office(SINGLES, office),
            readers: rest.collect(),
        })
    }

    fn push(&mut self, plan: &Plan, work: Vec<Vec<Changeset>>) -> Result<Pushed> {
        phases::push(&self.server, &self.workload, &mut self.phones, plan, work)
    }
}

fn mb(kb: u64) -> f64 {
    kb as f64 / 1e3
}

fn round(program: &Path, folder: &Path, options: &Options) -> Result<Vec<Line>> {
    let mut lines = Lines(Vec::new());
    let mut stage = Stage::set(program, folder, &mut lines)?;
    let here = stage.server.folder.path().to_owned();
    lines.add(
        "durable appends of 4 kB",
        raw::syncs(&here, 50 * options.rounds.max(2))?,
        "/s",
    );

    let mut made = Vec::new();
    for (clients, form) in [
        (1, Form::Frame),
        (4, Form::Frame),
        (1, Form::Json),
        (4, Form::Json),
    ] {
        let requests = options.batches / clients;
        let plan = Plan {
            clients,
            per: BATCH,
            requests,
            form,
        };
        let work = phases::interviews(&mut stage.workload, &plan)?;
        let limit = raw::rows(&here, &bodies(&work), BATCH)?;
        let what = format!("interviews, 100 a request, {clients} client(s), {form:?}");
        if made.is_empty() {
            lines.add(
                "bare SQLite rows of the same bytes, 100 a commit",
                limit,
                "/s",
            );
            made = work.clone();
        }
        let done = stage.push(&plan, work)?;
        lines.push(&what, &done, (limit, "bare rows"));
    }
    edits(&mut stage, &made, options, &mut lines)?;
    singles(&mut stage, &here, options, &mut lines)?;
    pulls(&mut stage, options, &mut lines)?;
    downloads(&mut stage, &here, &mut lines)?;
    let end = stage.server.usage()?;
    lines.add(
        "memory, after all this",
        mb(end.resident),
        format!("MB  peak {:.1}", mb(end.peak)),
    );
    lines.add(
        "stored, with the write-ahead log",
        stage.server.stored_bytes()? as f64 / 1e6,
        "MB",
    );
    Ok(lines.0)
}

fn bodies(work: &[Vec<Changeset>]) -> Vec<&[u8]> {
    work.iter().flatten().map(Changeset::bytes).collect()
}

fn edits(
    stage: &mut Stage,
    made: &[Vec<Changeset>],
    options: &Options,
    lines: &mut Lines,
) -> Result<()> {
    let plan = Plan {
        clients: 1,
        per: BATCH,
        requests: options.batches,
        form: Form::Frame,
    };
    let work = phases::corrections(&mut stage.workload, made)?;
    let limit = raw::rows(stage.server.folder.path(), &bodies(&work), BATCH)?;
    let done = stage.push(&plan, work)?;
    lines.push(
        "one-field edits, 100 a request, 1 client, Frame",
        &done,
        (limit, "bare rows"),
    );
    Ok(())
}

fn singles(stage: &mut Stage, here: &Path, options: &Options, lines: &mut Lines) -> Result<()> {
    let trivial = raw::trivial(&stage.server.place, SINGLES, 4 * options.singles)?;
    lines.add("trivial requests over TLS, 16 clients", trivial, "/s");
    for form in [Form::Frame, Form::Json] {
        let plan = Plan {
            clients: SINGLES,
            per: 1,
            requests: options.singles,
            form,
        };
        let work = phases::interviews(&mut stage.workload, &plan)?;
        if form == Form::Frame {
            let some: Vec<&[u8]> = bodies(&work).into_iter().take(500).collect();
            let limit = raw::rows(here, &some, 1)?;
            lines.add(
                "bare SQLite rows of the same bytes, 1 a commit",
                limit,
                "/s",
            );
        }
        let done = stage.push(&plan, work)?;
        let what = format!("interviews, 1 a request, {SINGLES} clients, {form:?}");
        lines.push(&what, &done, (trivial, "trivial requests"));
    }
    Ok(())
}

fn pulls(stage: &mut Stage, options: &Options, lines: &mut Lines) -> Result<()> {
    let Stage {
        server,
        workload,
        office,
        readers,
        ..
    } = stage;
    let [(reader_user, reader), (late_user, late)] = readers.as_mut_slice() else {
        anyhow::bail!("two readers");
    };
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    let times = if options.smoke { 2 } else { 20 };
    let pulled = phases::pull(server, workload, office, (reader_user, reader), (50, times))?;
    let ratio = pulled.wait.as_secs_f64() / pulled.trivial.as_secs_f64();
    let more = format!(
        "ms  {ratio:.1} times a trivial request ({:.2} ms)",
        ms(pulled.trivial)
    );
    lines.add("pull of 50 new records", ms(pulled.wait), more);
    let wait = phases::pull_late(server, workload, office, (late_user, late), 50)?;
    lines.add(
        "the same behind everything that others pushed meanwhile",
        ms(wait),
        "ms",
    );
    Ok(())
}

fn downloads(stage: &mut Stage, here: &Path, lines: &mut Lines) -> Result<()> {
    let scan = raw::scan(here)?;
    lines.add("reading bare SQLite rows", scan, "/s");
    // A token lives ten minutes; the rounds before may have taken longer.
    let admin = Admin::sign_in(&stage.server.place)?;
    // The first one opens what later ones find open.
    phases::download(&stage.server, &admin)?;
    let cpu = stage.server.usage()?.cpu;
    let done = phases::download(&stage.server, &admin)?;
    let cpu = stage.server.usage()?.cpu.saturating_sub(cpu);
    let rate = done.rows as f64 / done.seconds;
    let more = format!(
        "rows/s  {:.3} of reading bare rows; processor {:.1} µs server; {} rows, {:.1} MB",
        rate / scan,
        cpu.as_secs_f64() * 1e6 / done.rows as f64,
        done.rows,
        done.bytes as f64 / 1e6
    );
    lines.add("CSV download over TLS", rate, more);
    Ok(())
}
