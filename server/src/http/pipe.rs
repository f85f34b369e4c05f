//! What goes out in a stream that is never held as a whole: from a thread that may block to whoever reads, as fast as they
//! read, and no longer than anybody honest needs.
//!
//! A stream that is cut ends without its end, so that no client takes half a file for a whole one.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Chunks that wait for a reader.
const CHUNKS: usize = 4;
/// How long a reader may take for one.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long the server waits for a reader in all: so long at once,
const WAIT_AT_FIRST: Duration = Duration::from_secs(120);
/// then as long as one needs who reads so many bytes a second,
const PACE: u64 = 4_096;
/// and this long at most: a download holds a moment of the file, and what was erased since cannot be wiped before it ends.
const WAIT_MAX: Duration = Duration::from_secs(2 * 60 * 60);

/// How much longer the server waits for a reader that has taken so many bytes and let it wait so long; none if it is
/// too slow.
fn patience(taken: u64, waited: Duration) -> Option<Duration> {
    let in_all = (WAIT_AT_FIRST + Duration::from_secs(taken / PACE)).min(WAIT_MAX);
    let left = in_all.checked_sub(waited).filter(|left| !left.is_zero())?;
    Some(left.min(PATIENCE))
}

/// The two ends of a stream: chunks go in at one, and come out at the other.
pub(super) fn pipe() -> (mpsc::Sender<Chunk>, mpsc::Receiver<Chunk>) {
    mpsc::channel(CHUNKS)
}

/// A piece of what goes out.
pub(super) enum Chunk {
    Data(Bytes),
    End,
}

/// Where the bytes go in: waits for the reader, and gives up on one that does not read.
pub(super) struct Pipe {
    chunks: mpsc::Sender<Chunk>,
    runtime: Handle,
    taken: u64,
    waited: Duration,
}

impl Pipe {
    /// On a thread where blocking is allowed.
    pub(super) fn new(chunks: mpsc::Sender<Chunk>) -> Self {
        Self {
            chunks,
            runtime: Handle::current(),
            taken: 0,
            waited: Duration::ZERO,
        }
    }
    pub(super) fn send(&self, chunk: Chunk, wait: Duration) -> io::Result<()> {
        let sent = async { tokio::time::timeout(wait, self.chunks.send(chunk)).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Chunk::Data(Bytes::copy_from_slice(bytes));
        let wait = patience(self.taken, self.waited).ok_or(io::ErrorKind::TimedOut)?;
        let began = Instant::now();
        self.send(chunk, wait)?;
        self.waited += began.elapsed();
        self.taken += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where they come out. Without [`Chunk::End`] the stream fails, and the client sees that something is missing.
pub(super) struct Stream {
    chunks: mpsc::Receiver<Chunk>,
    size: BodySize,
}

impl Stream {
    /// As long as it is.
    pub(super) fn new(chunks: mpsc::Receiver<Chunk>) -> Self {
        Self {
            chunks,
            size: BodySize::Stream,
        }
    }
    /// Of a length that is known.
    pub(super) fn sized(chunks: mpsc::Receiver<Chunk>, bytes: u64) -> Self {
        Self {
            chunks,
            size: BodySize::Sized(bytes),
        }
    }
}

impl MessageBody for Stream {
    type Error = io::Error;
    fn size(&self) -> BodySize {
        self.size
    }
    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(match ready!(self.chunks.poll_recv(context)) {
            Some(Chunk::Data(bytes)) => Some(Ok(bytes)),
            Some(Chunk::End) => None,
            None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_on_a_slow_link_is_waited_for_and_one_that_trickles_is_not() {
        // 40 kbit/s for an hour, and a chunk of 64 KiB a minute.
        let (mut slow, mut trickle) = ((0, Duration::ZERO), (0, Duration::ZERO));
        for _ in 0..60 {
            assert_eq!(patience(slow.0, slow.1), Some(PATIENCE));
            slow = (slow.0 + 60 * 5_000, slow.1 + Duration::from_secs(60));
        }
        while patience(trickle.0, trickle.1).is_some() {
            trickle = (trickle.0 + 65_536, trickle.1 + PATIENCE);
            assert!(trickle.1 < Duration::from_secs(600), "it never ends");
        }
        assert_eq!(patience(u64::MAX, WAIT_MAX), None);
    }
}
