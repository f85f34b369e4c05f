//! A transport that loses things, for tests and demonstrations of bad links.

use crate::transport::{Answer, Call, Transport, TransportError};

/// What goes wrong with one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The request never arrives.
    LoseRequest,
    /// The request arrives, the answer does not.
    LoseReply,
    /// The request arrives twice.
    Repeat,
    /// Nothing arrives, and it takes too long to find out.
    TimeOut,
}

/// Decides what goes wrong.
pub type Plan = Box<dyn FnMut(&Call) -> Option<Fault> + Send>;

/// A transport with faults.
pub struct Faulty {
    inner: Box<dyn Transport>,
    plan: Plan,
}

impl Faulty {
    /// Puts faults in front of `inner`.
    pub fn new(inner: Box<dyn Transport>, plan: Plan) -> Self {
        Self { inner, plan }
    }
}

impl Transport for Faulty {
    fn send(&mut self, call: &Call) -> Result<Answer, TransportError> {
        match (self.plan)(call) {
            None => self.inner.send(call),
            Some(Fault::LoseRequest) => Err(TransportError::Unreachable("lost".to_owned())),
            Some(Fault::TimeOut) => Err(TransportError::TimedOut),
            Some(Fault::LoseReply) => {
                self.inner.send(call)?;
                Err(TransportError::Cut("lost".to_owned()))
            }
            Some(Fault::Repeat) => {
                self.inner.send(call)?;
                self.inner.send(call)
            }
        }
    }
}
