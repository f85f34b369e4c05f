//! What is measured: pushes of many clients, pulls, downloads.

use std::collections::VecDeque;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tributary_sync_core::change::Changeset;
use tributary_sync_core::clock::Clock;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::testing::workload::{FORM_ID, Workload};
use tributary_sync_core::value::{Text, Value};

use crate::people::{Admin, User};
use crate::phone::{Exchanged, Form, Phone};
use crate::raw;
use crate::server::Server;
use crate::wire::{Call, Connection};

/// Who pushes what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) clients: usize,
    /// Changesets a request.
    pub(crate) per: usize,
    /// Requests of each client.
    pub(crate) requests: usize,
    pub(crate) form: Form,
}

/// How a push went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pushed {
    pub(crate) changes: usize,
    pub(crate) seconds: f64,
    /// Bytes of request bodies as sent.
    pub(crate) bytes: usize,
    /// Processor time of the server, and of the clients with making and packing their requests.
    pub(crate) server: Duration,
    pub(crate) clients: Duration,
    /// How long each request took, in ascending order.
    pub(crate) waits: Vec<Duration>,
}

impl Pushed {
    pub(crate) fn rate(&self) -> f64 {
        self.changes as f64 / self.seconds
    }
    pub(crate) fn bytes_each(&self) -> f64 {
        self.bytes as f64 / self.changes as f64
    }
    /// Microseconds of processor time a changeset.
    pub(crate) fn cpu_each(&self, of: Duration) -> f64 {
        of.as_secs_f64() * 1e6 / self.changes as f64
    }
    pub(crate) fn wait(&self, share: f64) -> Duration {
        let at = (self.waits.len() as f64 * share) as usize;
        self.waits
            .get(at.min(self.waits.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    }
}

/// New interviews for a plan, made and sealed before anything is measured: for each client its changesets in order.
pub(crate) fn interviews(workload: &mut Workload, plan: &Plan) -> Result<Vec<Vec<Changeset>>> {
    let mut all = Vec::new();
    for client in 0..plan.clients {
        let made = (0..plan.per * plan.requests).map(|_| workload.create(client));
        all.push(made.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(all)
}

/// One correction of each of these interviews, by the phone that made it.
pub(crate) fn corrections(
    workload: &mut Workload,
    made: &[Vec<Changeset>],
) -> Result<Vec<Vec<Changeset>>> {
    let mut all = Vec::new();
    for (client, changes) in made.iter().enumerate() {
        let edits = changes.iter().map(|c| {
            let seen: Clock = [c.dot].into_iter().collect();
            workload.edit(client, c, seen)
        });
        all.push(edits.collect::<Result<Vec<_>, _>>()?);
    }
    Ok(all)
}

/// Processor time of this thread, where the system tells.
fn thread_cpu() -> Duration {
    let ran = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = ran.and_then(|s| s.split(' ').next()?.parse().ok());
    Duration::from_nanos(nanos.unwrap_or(0))
}

/// Pushes what was made before, every client on one connection that stays open. What is timed begins with the first
/// request and ends with the last answer.
pub(crate) fn push(
    server: &Server,
    workload: &Workload,
    phones: &mut [Phone],
    plan: &Plan,
    work: Vec<Vec<Changeset>>,
) -> Result<Pushed> {
    let gate = Barrier::new(plan.clients + 1);
    let before = server.usage()?.cpu;
    let mut out = Pushed::default();
    std::thread::scope(|scope| -> Result<()> {
        let mut clients = Vec::new();
        for (phone, changes) in phones.iter_mut().zip(work) {
            out.changes += changes.len();
            let mut connection = Connection::open(&server.place)?;
            let gate = &gate;
            clients.push(scope.spawn(move || {
                gate.wait();
                client(phone, &mut connection, workload, plan, changes)
            }));
        }
        gate.wait();
        let start = Instant::now();
        for thread in clients {
            let (bytes, cpu, waits) = thread.join().ok().context("a client panicked")??;
            out.bytes += bytes;
            out.clients += cpu;
            out.waits.extend(waits);
        }
        out.seconds = start.elapsed().as_secs_f64();
        Ok(())
    })?;
    out.server = server.usage()?.cpu.saturating_sub(before);
    out.waits.sort_unstable();
    Ok(out)
}

type Told = (usize, Duration, Vec<Duration>);

fn client(
    phone: &mut Phone,
    connection: &mut Connection,
    workload: &Workload,
    plan: &Plan,
    changes: Vec<Changeset>,
) -> Result<Told> {
    let (mut bytes, mut waits) = (0, Vec::new());
    let cpu = thread_cpu();
    let mut left = VecDeque::from(changes);
    while !left.is_empty() {
        let batch = left.drain(..plan.per.min(left.len())).collect();
        let start = Instant::now();
        bytes += phone.exchange(connection, plan.form, workload, batch)?.sent;
        waits.push(start.elapsed());
    }
    Ok((bytes, thread_cpu().saturating_sub(cpu), waits))
}

/// How long a pull took.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulled {
    /// The whole exchange as the phone sees it, in the middle of several.
    pub(crate) wait: Duration,
    /// The same of the trivial route.
    pub(crate) trivial: Duration,
}

fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A phone that makes interviews for others: its number in the workload, and itself.
pub(crate) struct Office(pub(crate) usize, pub(crate) Phone);

impl Office {
    /// Makes new interviews that are assigned to a user from the start.
    fn assign(
        &mut self,
        connection: &mut Connection,
        workload: &mut Workload,
        user: &User,
        records: usize,
    ) -> Result<()> {
        let made = assigned(workload, self.0, user, records)?;
        self.1.exchange(connection, Form::Frame, workload, made)?;
        Ok(())
    }
}

/// So many new records are assigned to `user`, whose phone then pulls them; several times.
pub(crate) fn pull(
    server: &Server,
    workload: &mut Workload,
    office: &mut Office,
    (user, reader): (&User, &mut Phone),
    (records, times): (usize, usize),
) -> Result<Pulled> {
    let mut connection = Connection::open(&server.place)?;
    let (mut waits, mut trivial) = (Vec::new(), Vec::new());
    for _ in 0..times {
        reader.catch_up(&mut connection, workload)?;
        office.assign(&mut connection, workload, user, records)?;
        let start = Instant::now();
        raw::health(&mut connection)?;
        trivial.push(start.elapsed());
        let start = Instant::now();
        let Exchanged { states, more, .. } =
            reader.exchange(&mut connection, Form::Frame, workload, Vec::new())?;
        waits.push(start.elapsed());
        ensure!(
            states == records && !more,
            "{states} records came, {records} were assigned"
        );
    }
    Ok(Pulled {
        wait: middle(waits),
        trivial: middle(trivial),
    })
}

/// The same once, by a phone that did not sync while others pushed much: how long until it has all that is new for it.
pub(crate) fn pull_late(
    server: &Server,
    workload: &mut Workload,
    office: &mut Office,
    (user, late): (&User, &mut Phone),
    records: usize,
) -> Result<Duration> {
    let mut connection = Connection::open(&server.place)?;
    office.assign(&mut connection, workload, user, records)?;
    let start = Instant::now();
    let states = late.catch_up(&mut connection, workload)?;
    ensure!(
        states == records,
        "{states} records came, {records} were assigned"
    );
    Ok(start.elapsed())
}

/// New interviews that are assigned to a user from the start.
fn assigned(
    workload: &mut Workload,
    device: usize,
    user: &User,
    records: usize,
) -> Result<Vec<Changeset>> {
    let mut out = Vec::new();
    for _ in 0..records {
        let mut draft = workload.create(device)?.into_draft();
        let to = Value::Code(Text::new(format!("user:{}", user.0))?);
        draft.writes.push((Key::Meta(MetaKey::Assignee), to));
        out.push(draft.seal()?);
    }
    Ok(out)
}

/// A download of everything as CSV.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Downloaded {
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) seconds: f64,
}

/// Downloads every record, over TLS, without compression, and counts the lines.
pub(crate) fn download(server: &Server, admin: &Admin) -> Result<Downloaded> {
    let headers = format!(
        "authorization: Bearer {}\r\ncontent-type: application/json\r\naccept-encoding: identity\r\n",
        admin.token
    );
    let path = format!("/api/v1/exports/{FORM_ID}");
    let call = Call {
        method: "POST",
        path: &path,
        headers: &headers,
        body: b"{\"format\":\"csv\"}",
    };
    let mut connection = Connection::open(&server.place)?;
    let (mut lines, mut bytes) = (0, 0);
    let start = Instant::now();
    let answer = connection.call(&call, |piece| {
        lines += piece.iter().filter(|b| **b == b'\n').count();
        bytes += piece.len();
    })?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(answer.status == 200, "the download said {}", answer.status);
    Ok(Downloaded {
        // The first line names the columns; texts of the workload hold no line feed.
        rows: lines - 1,
        bytes,
        seconds,
    })
}
