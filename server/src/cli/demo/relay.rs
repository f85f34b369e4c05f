//! A bad link: a TCP relay on loopback that counts bytes and, when told, cuts connections after so many bytes from the server.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::chance::Chance;

/// Of a hundred connections on a bad link, so many are cut.
const CUT_PERCENT: u64 = 60;
/// A cut comes after a random number of bytes from the server up to this: in the handshake or in an answer, on a record's
/// border or within one.
pub(super) const CUT_BYTES: u64 = 9_000;

/// What passed through, and what was cut.
#[derive(Debug, Default)]
pub(super) struct Passed {
    up: AtomicU64,
    down: AtomicU64,
    connections: AtomicU64,
    cuts: AtomicU64,
    bad: AtomicBool,
}

/// The relay. It runs as long as the program.
#[derive(Debug)]
pub(super) struct Relay {
    address: SocketAddr,
    passed: Arc<Passed>,
}

/// How much passed until now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    /// Bytes to the server, as they travelled, TLS included.
    pub(super) up: u64,
    /// Bytes from it.
    pub(super) down: u64,
    /// Connections.
    pub(super) connections: u64,
    /// Connections that were cut before their end.
    pub(super) cuts: u64,
}

impl Relay {
    /// Listens on a free port and carries everything to `server`.
    pub(super) fn start(server: SocketAddr, chance: Chance) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let passed = Arc::new(Passed::default());
        let shared = Arc::clone(&passed);
        let chance = Mutex::new(chance);
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let budget = budget(&shared, &chance);
                // A server that is gone refuses: the phone then hears the end of its own connection.
                if let Ok(to) = TcpStream::connect(server) {
                    carry(from, to, budget, &shared);
                }
            }
        });
        Ok(Self { address, passed })
    }
    /// Where phones reach it.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
    /// Whether connections are cut from now on.
    pub(super) fn set_bad(&self, bad: bool) {
        self.passed.bad.store(bad, Ordering::SeqCst);
    }
    pub(super) fn traffic(&self) -> Traffic {
        let read = |n: &AtomicU64| n.load(Ordering::SeqCst);
        Traffic {
            up: read(&self.passed.up),
            down: read(&self.passed.down),
            connections: read(&self.passed.connections),
            cuts: read(&self.passed.cuts),
        }
    }
}

/// After how many bytes of answer this connection is cut; none if it is not.
fn budget(passed: &Passed, chance: &Mutex<Chance>) -> Option<u64> {
    passed.connections.fetch_add(1, Ordering::SeqCst);
    if !passed.bad.load(Ordering::SeqCst) {
        return None;
    }
    let mut chance = chance.lock().unwrap_or_else(PoisonError::into_inner);
    chance
        .percent(CUT_PERCENT)
        .then(|| chance.between(1, CUT_BYTES))
}

fn carry(from: TcpStream, to: TcpStream, budget: Option<u64>, passed: &Arc<Passed>) {
    // Small packets must not wait for each other; without this it is only slower.
    let _ = (from.set_nodelay(true), to.set_nodelay(true));
    let (Ok(phone), Ok(server)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    let up = Arc::clone(passed);
    thread::spawn(move || pump(from, to, None, &up.up, &up.cuts));
    let down = Arc::clone(passed);
    thread::spawn(move || pump(server, phone, budget, &down.down, &down.cuts));
}

/// Carries one direction to its end, or to where it is cut. Then both directions are over.
fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    mut budget: Option<u64>,
    bytes: &AtomicU64,
    cuts: &AtomicU64,
) {
    let mut buffer = [0; 4_096];
    while let Ok(n) = from.read(&mut buffer) {
        let left = budget.unwrap_or(u64::MAX).min(n as u64);
        let part = buffer.get(..left as usize).unwrap_or_default();
        if n == 0 || to.write_all(part).is_err() {
            break;
        }
        bytes.fetch_add(left, Ordering::SeqCst);
        if let Some(budget) = &mut budget {
            *budget -= left;
            if *budget == 0 {
                cuts.fetch_add(1, Ordering::SeqCst);
                break;
            }
        }
    }
    // Either side may be gone already, which is all that is wanted.
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
