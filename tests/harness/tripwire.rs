//! A TCP relay with a tripwire: when a chosen number of bytes has passed in one direction, something happens, once.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the server.
    Up,
    /// To the device.
    Down,
}

enum Act {
    Once(Box<dyn FnOnce() + Send>),
    /// And again after so many more.
    Cut(u64),
}

struct Wire {
    way: Way,
    left: u64,
    act: Act,
}

/// The relay. Its threads end with the test's process.
pub struct Tripwire {
    address: SocketAddr,
    server: Arc<Mutex<Option<SocketAddr>>>,
    wire: Arc<Mutex<Option<Wire>>>,
}

impl Tripwire {
    /// Listens on a free port, and leads nowhere yet.
    pub fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let (server, wire) = (Arc::default(), Arc::new(Mutex::new(None)));
        let (leads_to, armed) = (Arc::clone(&server), Arc::clone(&wire));
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                let server: Option<SocketAddr> = *lock(&leads_to);
                // Where nobody answers, the caller hears the end of its own connection.
                if let Some(Ok(to)) = server.map(TcpStream::connect) {
                    carry(from, to, &armed);
                }
            }
        });
        Self {
            address,
            server,
            wire,
        }
    }
    /// Where new connections lead from now on.
    pub fn lead_to(&self, server: Option<SocketAddr>) {
        *lock(&self.server) = server;
    }
    /// Where devices reach it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
    /// After so many bytes, this happens.
    pub fn arm(&self, way: Way, bytes: u64, act: impl FnOnce() + Send + 'static) {
        self.hang(way, bytes, Act::Once(Box::new(act)));
    }
    /// After so many bytes the connection is cut; after so many more the next, and so on until the wire is taken away.
    pub fn cut(&self, way: Way, bytes: u64) {
        self.hang(way, bytes, Act::Cut(bytes));
    }
    fn hang(&self, way: Way, left: u64, act: Act) {
        *lock(&self.wire) = Some(Wire { way, left, act });
    }
    /// Takes the wire away; false if it was tripped.
    pub fn disarm(&self) -> bool {
        lock(&self.wire).take().is_some()
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn carry(from: TcpStream, to: TcpStream, wire: &Arc<Mutex<Option<Wire>>>) {
    let (Ok(device), Ok(server)) = (from.try_clone(), to.try_clone()) else {
        return;
    };
    for (way, mut from, mut to) in [(Way::Up, from, to), (Way::Down, server, device)] {
        let wire = Arc::clone(wire);
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok(n) = from.read(&mut buffer) {
                let sent = n > 0 && to.write_all(&buffer[..n]).is_ok();
                if trip(&wire, way, n as u64) || !sent {
                    break;
                }
            }
            // The other side may be gone already.
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
        });
    }
}

/// Whether the connection ends here.
fn trip(wire: &Mutex<Option<Wire>>, way: Way, passed: u64) -> bool {
    let mut armed = lock(wire);
    let tripped = armed.as_mut().filter(|w| w.way == way).is_some_and(|w| {
        w.left = w.left.saturating_sub(passed);
        w.left == 0
    });
    match armed.take_if(|_| tripped) {
        Some(Wire {
            act: Act::Once(act),
            ..
        }) => {
            act();
            false
        }
        Some(Wire {
            act: Act::Cut(every),
            ..
        }) => {
            *armed = Some(Wire {
                way,
                left: every,
                act: Act::Cut(every),
            });
            true
        }
        None => false,
    }
}
