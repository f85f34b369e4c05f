//! How fast the exchange stores interviews, without HTTP and TLS: the rules and the real SQLite, commits synced.
//!
//! In the same run, the raw limit: the same bytes as bare rows of one SQLite table, a commit for as many. Run with
//! `cargo bench -p tributary --bench exchange`.

#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use tributary::service::access::Role;
use tributary::service::env::{Env, Roster, Signer, SystemEntropy};
use tributary::service::exchange::{self, Caller};
use tributary::storage::{FormRow, OrgFiles, StorageError};
use tributary_sync_core::change::{Draft, chain_next, chain_start};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::*;
use tributary_sync_core::key::Key;
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::*;

struct Key256(EcdsaKeyPair);
impl Signer for Key256 {
    fn sign(&self, _: OrgId, bytes: &[u8]) -> Result<String, StorageError> {
        Ok(hex::encode(
            self.0.sign(&SystemRandom::new(), bytes).unwrap(),
        ))
    }
    fn verify(&self, _: OrgId, _: &[u8], _: &str) -> bool {
        true
    }
}

struct Nobody;
impl Roster for Nobody {
    fn profiles_of_user(&self, _: OrgId, _: UserId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn profiles_of_team(&self, _: OrgId, _: TeamId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn name(&self, _: OrgId, _: UserId) -> Result<Option<String>, StorageError> {
        Ok(None)
    }
}

const FORM: FormHash = FormHash::from_bytes([7; 32]);

fn env(files: &OrgFiles) -> Env {
    let document = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    Env {
        now: 1_000_000,
        entropy: Arc::new(SystemEntropy),
        signer: Arc::new(Key256(document)),
        roster: Arc::new(Nobody),
        ledger: files.ledger(),
    }
}

/// A batch of interviews of 52 answers, about 1.4 kB each.
fn batch(
    org: OrgId,
    actor: ActorId,
    device_key: &[u8],
    first: u64,
    count: u64,
    before: ChainHash,
) -> ExchangeRequest {
    let mut chain = before;
    let mut items = Vec::new();
    for n in first..first + count {
        let mut id = [0u8; 16];
        getrandom::fill(&mut id).unwrap();
        let writes = (0..52u32)
            .map(|f| {
                let text = format!(
                    "answer {f} of {}",
                    u64::from_be_bytes(id[..8].try_into().unwrap()) % 9_973
                );
                (
                    Key::Field(FieldId(1_000_003 * (f + 1))),
                    Value::Text(Text::new(text).unwrap()),
                )
            })
            .collect();
        let change = Draft {
            record: RecordId::from_bytes(id),
            dot: Dot::new(actor, Seq::new(n).unwrap()),
            clock: Hlc::new(900_000 + n, 0).unwrap(),
            form: FORM,
            creates: true,
            epoch: EpochId::from_bytes([1; 16]),
            seen: Clock::new(),
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        }
        .seal()
        .unwrap();
        chain = chain_next(chain, change.dot.seq, change.hash());
        items.push(Item::Change {
            change: Box::new(change),
            effective: None,
        });
    }
    let _ = (org, device_key);
    ExchangeRequest {
        actor,
        epoch: EpochId::from_bytes([1; 16]),
        head: None,
        cursor: None,
        chain: ChainPoint {
            seq: Seq::new(first + count - 1).unwrap(),
            hash: chain,
        },
        first: Seq::new(first).unwrap(),
        before,
        items,
        leaves: Vec::new(),
        refetch: Vec::new(),
        max_bytes: 1_024,
        device_time: None,
        client: None,
    }
}

fn open(folder: &std::path::Path) -> (Arc<OrgFiles>, OrgId, Env) {
    let files = Arc::new(OrgFiles::new(folder).unwrap());
    let org = OrgId::from_bytes([1; 16]);
    files.create(org).unwrap();
    files
        .write::<_, StorageError>(org, |txn| {
            txn.initialise(EpochId::from_bytes([1; 16]), [3; 32], 0)?;
            txn.add_form(
                &FormRow {
                    hash: FORM,
                    form_id: "bench".into(),
                    version: "1".into(),
                    title: "Bench".into(),
                    package: "{}".into(),
                    xform: String::new(),
                    pos: LogPos::ZERO,
                    published_at: 0,
                    published_by: None,
                },
                0,
            )
        })
        .unwrap();
    let env = env(&files);
    (files, org, env)
}

/// Interviews a second with `clients` threads, `per` interviews a request, `requests` each.
fn run(clients: u8, per: u64, requests: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let (files, org, env) = open(folder.path());
    let mut work = Vec::new();
    for client in 0..clients {
        let id = [client + 2; 16];
        let caller = Caller {
            org,
            profile: ProfileId::from_bytes(id),
            user: UserId::from_bytes(id),
            role: Role::Worker,
            revoked: false,
            device_key: vec![client; 65],
        };
        let ask = ActorRequest {
            instance: InstanceId::from_bytes(id),
        };
        let actor = exchange::actor(&files, &env, &caller, &ask).unwrap().actor;
        let mut chain = chain_start(org, actor, &caller.device_key);
        let mut list = Vec::new();
        for r in 0..requests {
            let request = batch(org, actor, &caller.device_key, r * per + 1, per, chain);
            chain = request.chain.hash;
            list.push(request);
        }
        work.push((caller, list));
    }
    let started = Instant::now();
    std::thread::scope(|scope| {
        for (caller, list) in work {
            let (files, env) = (Arc::clone(&files), env.clone());
            scope.spawn(move || {
                for request in list {
                    exchange::exchange(&files, &env, &caller, request).unwrap();
                }
            });
        }
    });
    (u64::from(clients) * requests * per) as f64 / started.elapsed().as_secs_f64()
}

/// The raw limit: the same bytes as bare rows, committed `per` at a time.
fn raw(per: u64, requests: u64) -> f64 {
    let folder = tempfile::tempdir().unwrap();
    let conn = rusqlite::Connection::open(folder.path().join("raw.db")).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.pragma_update(None, "synchronous", "FULL").unwrap();
    conn.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
        .unwrap();
    let body = vec![0x5a; 1_400];
    let started = Instant::now();
    for _ in 0..requests {
        conn.execute_batch("BEGIN").unwrap();
        for _ in 0..per {
            conn.prepare_cached("INSERT INTO t (body) VALUES (?1)")
                .unwrap()
                .execute([&body])
                .unwrap();
        }
        conn.execute_batch("COMMIT").unwrap();
    }
    (requests * per) as f64 / started.elapsed().as_secs_f64()
}

fn main() {
    // `cargo test --benches` only wants to know that it runs.
    let quick = std::env::args().any(|a| a == "--test");
    let scale = if quick { 1 } else { 20 };
    let limit = raw(100, 10 * scale);
    println!("raw SQLite rows, 100 a commit:                 {limit:>9.0}/s");
    let one = run(1, 100, 5 * scale);
    println!(
        "exchange, 1 client, 100 interviews a request:  {one:>9.0}/s   {:.3} of raw",
        one / limit
    );
    let many = run(4, 100, 2 * scale);
    println!(
        "exchange, 4 clients, 100 interviews a request: {many:>9.0}/s   {:.3} of raw",
        many / limit
    );
    let limit = raw(1, 50 * scale);
    println!("raw SQLite rows, 1 a commit:                   {limit:>9.0}/s");
    let single = run(16, 1, 10 * scale);
    println!(
        "exchange, 16 clients, 1 interview a request:   {single:>9.0}/s   {:.3} of raw",
        single / limit
    );
}
