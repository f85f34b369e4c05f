//! HTTP/1.1 over TLS on one connection that stays open, with as little work of the client as there can be.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

const PATIENCE: Duration = Duration::from_secs(60);

/// Where the server is and how it proves itself.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) address: SocketAddr,
    pub(crate) tls: Arc<ClientConfig>,
}

/// A request. Its body goes out as it is.
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Whole lines, each with its end.
    pub(crate) headers: &'a str,
    pub(crate) body: &'a [u8],
}

/// An answer without its body.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) zstd: bool,
    /// Bytes of head and body as they came out of TLS.
    pub(crate) received: usize,
}

/// A connection.
pub(crate) struct Connection {
    stream: StreamOwned<ClientConnection, TcpStream>,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

impl Connection {
    /// Connects and shakes hands.
    pub(crate) fn open(place: &Place) -> Result<Self> {
        let socket = TcpStream::connect(place.address).context("connecting")?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::from(place.address.ip());
        let connection = ClientConnection::new(Arc::clone(&place.tls), name)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Self {
            stream,
            inbox: Vec::new(),
            outbox: Vec::new(),
        })
    }

    /// Sends a request and hands the body of the answer, piece by piece, to `sink`.
    pub(crate) fn call(&mut self, call: &Call<'_>, mut sink: impl FnMut(&[u8])) -> Result<Answer> {
        self.outbox.clear();
        write!(
            self.outbox,
            "{} {} HTTP/1.1\r\nhost: localhost\r\n{}content-length: {}\r\n\r\n",
            call.method,
            call.path,
            call.headers,
            call.body.len()
        )?;
        self.outbox.extend_from_slice(call.body);
        self.stream.write_all(&self.outbox)?;
        self.stream.flush()?;
        let head = self.line_end(b"\r\n\r\n")?;
        let text = String::from_utf8_lossy(&self.inbox[..head]).to_ascii_lowercase();
        let mut answer = Answer {
            status: text.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0),
            zstd: text.contains("content-encoding: zstd"),
            received: head,
        };
        let chunked = text.contains("transfer-encoding: chunked");
        let length = text
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok());
        self.inbox.drain(..head);
        match length {
            _ if chunked => self.chunks(&mut answer, &mut sink)?,
            Some(length) => {
                self.body(length, &mut sink)?;
                answer.received += length;
            }
            None => ensure!(answer.status == 204, "an answer without a length: {text}"),
        }
        Ok(answer)
    }

    fn chunks(&mut self, answer: &mut Answer, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        loop {
            let end = self.line_end(b"\r\n")?;
            let size = std::str::from_utf8(&self.inbox[..end - 2])?;
            let size = usize::from_str_radix(size.trim(), 16).context("the size of a chunk")?;
            self.inbox.drain(..end);
            self.body(size, sink)?;
            self.line_end(b"\r\n")?;
            self.inbox.drain(..2);
            answer.received += end + size + 2;
            if size == 0 {
                return Ok(());
            }
        }
    }

    /// Exactly so many bytes to the sink.
    fn body(&mut self, mut length: usize, sink: &mut impl FnMut(&[u8])) -> Result<()> {
        while length > 0 {
            if self.inbox.is_empty() {
                self.more()?;
            }
            let now = length.min(self.inbox.len());
            sink(&self.inbox[..now]);
            self.inbox.drain(..now);
            length -= now;
        }
        Ok(())
    }

    /// Reads until `end` stands in the inbox; where it ends.
    fn line_end(&mut self, end: &[u8]) -> Result<usize> {
        loop {
            if let Some(at) = self.inbox.windows(end.len()).position(|w| w == end) {
                return Ok(at + end.len());
            }
            ensure!(self.inbox.len() < 64 * 1024, "no HTTP/1.1 came back");
            self.more()?;
        }
    }

    fn more(&mut self) -> Result<()> {
        let mut piece = [0; 16 * 1024];
        let n = self.stream.read(&mut piece).context("reading the answer")?;
        if n == 0 {
            bail!("the server closed the connection");
        }
        self.inbox.extend_from_slice(&piece[..n]);
        Ok(())
    }
}
