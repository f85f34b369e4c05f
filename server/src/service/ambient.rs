//! What the rules take from the world around them: the time, and randomness. Tests and the simulator bring their own.
//!
//! Not here: private keys and signatures, whose randomness always comes from the system.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::{Code, Result, ServiceError};

/// The world around the rules.
pub trait Ambient: Send + Sync {
    /// Milliseconds since 1970, as this machine believes.
    fn now(&self) -> u64;
    /// Time that only ever goes forward, since some moment in the past.
    fn uptime(&self) -> Duration;
    /// Unguessable bytes. False if there are none to be had.
    fn fill(&self, out: &mut [u8]) -> bool;
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
        Self { started: Instant::now() }
    }
}
impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl Ambient for System {
    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
    fn fill(&self, out: &mut [u8]) -> bool {
        getrandom::fill(out).is_ok()
    }
}

/// Unguessable bytes.
pub fn random<const N: usize>(ambient: &dyn Ambient) -> Result<[u8; N]> {
    let mut out = [0; N];
    if ambient.fill(&mut out) {
        Ok(out)
    } else {
        Err(ServiceError::from(Code::Internal).because("the system gave no randomness"))
    }
}

/// The bytes of a UUIDv7: time-ordered, for everything that is not a record.
pub fn uuid_v7(ambient: &dyn Ambient) -> Result<[u8; 16]> {
    let random: [u8; 10] = random(ambient)?;
    Ok(uuid::Builder::from_unix_timestamp_millis(ambient.now(), &random).into_uuid().into_bytes())
}
