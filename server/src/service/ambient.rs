//! What identity takes from the world around it: the time, and randomness. Tests and the simulator bring their own.
//!
//! Not here: private keys and signatures, whose randomness always comes from the system.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::env::{Entropy, SystemEntropy};
use super::error::Result;
use crate::storage::StorageError;

/// The world around the rules.
pub trait Ambient: Entropy {
    /// Milliseconds since 1970, as this machine believes.
    fn now(&self) -> u64;
    /// Time that only ever goes forward, since some moment in the past.
    fn uptime(&self) -> Duration;
}

/// How the rules hold it.
pub type SharedAmbient = Arc<dyn Ambient>;

/// The machine's own clocks and randomness.
#[derive(Debug)]
pub struct System {
    started: Instant,
}

impl System {
    /// Of this machine.
    pub fn new() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}
impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}
impl Entropy for System {
    fn fill(&self, out: &mut [u8]) -> std::result::Result<(), StorageError> {
        SystemEntropy.fill(out)
    }
}
impl Ambient for System {
    fn now(&self) -> u64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock that is moved by hand, with the system's randomness: for tests that wait for hours.
#[derive(Debug)]
pub struct Manual {
    started_ms: u64,
    passed_ms: AtomicU64,
}

impl Manual {
    /// Starting at a time, in milliseconds since 1970.
    pub fn at(started_ms: u64) -> Self {
        Self {
            started_ms,
            passed_ms: AtomicU64::new(0),
        }
    }
    /// Lets time pass.
    pub fn pass(&self, time: Duration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.passed_ms.fetch_add(ms, Ordering::SeqCst);
    }
}
impl Entropy for Manual {
    fn fill(&self, out: &mut [u8]) -> std::result::Result<(), StorageError> {
        SystemEntropy.fill(out)
    }
}
impl Ambient for Manual {
    fn now(&self) -> u64 {
        self.started_ms + self.passed_ms.load(Ordering::SeqCst)
    }
    fn uptime(&self) -> Duration {
        Duration::from_millis(self.passed_ms.load(Ordering::SeqCst))
    }
}

/// Unguessable bytes.
pub fn random<const N: usize>(ambient: &dyn Ambient) -> Result<[u8; N]> {
    let mut out = [0; N];
    ambient.fill(&mut out)?;
    Ok(out)
}

/// The bytes of a UUIDv7: time-ordered, for everything that is not a record.
pub fn uuid_v7(ambient: &dyn Ambient) -> Result<[u8; 16]> {
    let random: [u8; 10] = random(ambient)?;
    let uuid = uuid::Builder::from_unix_timestamp_millis(ambient.now(), &random).into_uuid();
    Ok(uuid.into_bytes())
}

/// An instant as the API writes it: RFC 3339 in UTC with milliseconds.
pub fn rfc3339(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    let at = jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX);
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_milliseconds_and_a_z() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(1_700_000_000_123), "2023-11-14T22:13:20.123Z");
    }
}
