//! How many connections one address may have open: whoever opens more is hung up on.

use std::any::Any;
use std::net::IpAddr;
use std::sync::Arc;

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;

use crate::service::shares::Shares;
use crate::service::{Block, household};

/// Connections in all.
pub const ALL_MAX: usize = 2_048;
/// Connections of one address: several teams behind one router.
const ADDRESS_MAX: usize = 256;

/// The connections that are open.
#[derive(Clone)]
pub struct Connections(Arc<Shares<Block>>);

impl Connections {
    /// None yet.
    pub fn new() -> Self {
        Self(Shares::new(usize::MAX, ADDRESS_MAX))
    }
    /// Lets a new connection in, or hangs up.
    pub fn admit(&self, io: &dyn Any, data: &mut Extensions) {
        let plain = io.downcast_ref::<TcpStream>();
        let tls = io.downcast_ref::<TlsStream<TcpStream>>();
        let Some(stream) = plain.or_else(|| tls.map(|tls| tls.get_ref().0)) else {
            return;
        };
        let Ok(peer) = stream.peer_addr() else {
            return;
        };
        match self.seat(peer.ip()) {
            // Lies with the connection until it ends.
            Some(seat) => drop(data.insert(seat)),
            None => hang_up(stream),
        }
    }
    fn seat(&self, from: IpAddr) -> Option<impl Sized + 'static + use<>> {
        self.0.take(household(from), 1)
    }
}

impl Default for Connections {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(unix)]
fn hang_up(stream: &TcpStream) {
    use std::os::fd::AsFd;
    if let Ok(handle) = stream.as_fd().try_clone_to_owned() {
        // What fails here was closed already.
        let _ = std::net::TcpStream::from(handle).shutdown(std::net::Shutdown::Both);
    }
}
#[cfg(not(unix))]
fn hang_up(_stream: &TcpStream) {}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn one_address_does_not_take_all_connections() {
        let connections = Connections::new();
        let here = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let there = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
        let mut open: Vec<_> = (0..ADDRESS_MAX)
            .map(|_| connections.seat(here).unwrap())
            .collect();
        assert!(connections.seat(here).is_none());
        assert!(connections.seat(there).is_some());
        open.pop();
        assert!(connections.seat(here).is_some());
    }
}
