//! What comes in: how slowly a body may come, and how much of all bodies may lie in memory at once.
//!
//! The frame puts this around every body, whoever reads it. A phone at 40 kbit/s is fast enough; a connection that
//! only holds what it sent is not. Whoever has shown a good token has a share of one room, everybody else of a smaller
//! one, by address. Not here: what a body may hold, and how large one may be.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::web::{self, Bytes};
use actix_web::{HttpMessage, HttpRequest};
use futures_core::Stream;
use tokio::time::{Instant, Sleep, sleep};
use tributary_sync_core::wire::message::REQUEST_BYTES_MAX;

use super::HttpOptions;
use super::extract::Peer;
use crate::service::error::Code;
use crate::service::shares::{Share, Shares};
use crate::service::{Block, Service, household};

/// A body may take this long whatever it is.
const GRACE: Duration = Duration::from_secs(30);
/// After that it must have come this fast, in bytes a second: a fifth of 40 kbit/s.
const PACE: u64 = 1_024;
/// The longest it may take, by its length: twice the grace, and then so many bytes a second.
const PACE_AT_LEAST: u64 = 4_096;
/// How often one that waits is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Bytes of a body that are not counted: so much each connection may have. Sign-ins, enrolments and proofs fit.
const FREE: u64 = 16 * 1024;
/// Bytes of bodies of those who have shown a token.
const PROVEN: usize = 128 * 1024 * 1024;
/// Of each of them.
const PROVEN_EACH: usize = 4 * REQUEST_BYTES_MAX;
/// Bytes of bodies of everybody else: bundles, and forms of the page.
const UNPROVEN: usize = 48 * 1024 * 1024;
/// Of each address: two bundles.
const UNPROVEN_EACH: usize = 2 * REQUEST_BYTES_MAX;

/// The memory that the bodies of a server share.
#[derive(Clone, Debug)]
pub struct Rooms {
    proven: Arc<Shares<Sender>>,
    unproven: Arc<Shares<Sender>>,
}

impl Default for Rooms {
    fn default() -> Self {
        Self {
            proven: Shares::new(PROVEN, PROVEN_EACH),
            unproven: Shares::new(UNPROVEN, UNPROVEN_EACH),
        }
    }
}

/// Whose share a body takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Sender {
    /// A user or a device whose token is ours.
    Proven([u8; 16]),
    /// An address.
    Unproven(Block),
}

/// One body that is coming in.
#[derive(Clone)]
pub(super) struct Intake(Rc<Body>);

struct Body {
    service: web::Data<Service>,
    options: web::Data<HttpOptions>,
    began: Duration,
    length: u64,
    received: Cell<u64>,
    sender: Cell<Sender>,
    share: RefCell<Option<Share<Sender>>>,
    refused: Cell<Option<Code>>,
}

/// How long a body of this length may have taken when so much of it is here.
fn allowed(received: u64, length: u64) -> Duration {
    let by_pace = GRACE + Duration::from_secs(received / PACE);
    by_pace.min(GRACE * 2 + Duration::from_secs(length / PACE_AT_LEAST))
}

impl Intake {
    /// Puts itself around the body of a request; none if there is no body.
    pub(super) fn around(
        request: &mut ServiceRequest,
        service: web::Data<Service>,
        options: web::Data<HttpOptions>,
    ) -> Option<Self> {
        let payload = request.take_payload();
        if matches!(payload, Payload::None) {
            return None;
        }
        let length = request.headers().get(header::CONTENT_LENGTH);
        let length = length.and_then(|v| v.to_str().ok()?.parse().ok());
        let largest = REQUEST_BYTES_MAX as u64;
        let intake = Self(Rc::new(Body {
            began: service.uptime(),
            service,
            options,
            length: length.unwrap_or(largest).min(largest),
            received: Cell::new(0),
            sender: Cell::new(Sender::Unproven(household(Peer::of(request.request()).0))),
            share: RefCell::new(None),
            refused: Cell::new(None),
        }));
        let measured = Measured {
            payload,
            intake: intake.clone(),
            look: Box::pin(sleep(LOOK_EVERY)),
        };
        request.set_payload(Payload::Stream {
            payload: Box::pin(measured),
        });
        request.extensions_mut().insert(intake.clone());
        Some(intake)
    }
    /// The one around the body of this request.
    pub(super) fn of(request: &HttpRequest) -> Option<Self> {
        request.extensions().get::<Self>().cloned()
    }
    /// Whose it is has been proven.
    pub(super) fn proven(&self, id: [u8; 16]) {
        self.0.sender.set(Sender::Proven(id));
    }
    /// Why it was not let in.
    pub(super) fn refused(&self) -> Option<Code> {
        self.0.refused.get()
    }
    /// So many bytes lie in memory no more: they were handed on while the body still comes.
    pub(super) fn handed_on(&self, bytes: usize) {
        if let Some(share) = self.0.share.borrow_mut().as_mut() {
            share.shrink(bytes);
        }
    }
    /// The request is answered: what it took is free.
    pub(super) fn release(&self) {
        self.0.share.borrow_mut().take();
    }

    fn refuse(&self, code: Code) -> PayloadError {
        self.0.refused.set(Some(code));
        PayloadError::Io(io::ErrorKind::TimedOut.into())
    }
    fn in_time(&self) -> Result<(), PayloadError> {
        let took = self.0.service.uptime().saturating_sub(self.0.began);
        if took > allowed(self.0.received.get(), self.0.length) {
            return Err(self.refuse(Code::BodyTooSlow));
        }
        Ok(())
    }
    fn take_in(&self, bytes: usize) -> Result<(), PayloadError> {
        self.in_time()?;
        let received = self.0.received.get().saturating_add(bytes as u64);
        self.0.received.set(received);
        if received <= FREE {
            return Ok(());
        }
        let mut share = self.0.share.borrow_mut();
        let fits = match share.as_mut() {
            Some(share) => share.grow(bytes),
            None => {
                let sender = self.0.sender.get();
                let rooms = &self.0.options.rooms;
                let room = match sender {
                    Sender::Proven(_) => &rooms.proven,
                    Sender::Unproven(_) => &rooms.unproven,
                };
                *share = room.take(sender, usize::try_from(received).unwrap_or(usize::MAX));
                share.is_some()
            }
        };
        if fits {
            Ok(())
        } else {
            Err(self.refuse(Code::Overloaded))
        }
    }
}

/// A body that is looked at while it comes in.
struct Measured {
    payload: Payload,
    intake: Intake,
    look: Pin<Box<Sleep>>,
}

impl Stream for Measured {
    type Item = Result<Bytes, PayloadError>;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                let taken = this.intake.take_in(chunk.len());
                Poll::Ready(Some(taken.map(|()| chunk)))
            }
            Poll::Ready(end) => Poll::Ready(end),
            Poll::Pending => {
                while this.look.as_mut().poll(context).is_ready() {
                    if let Err(late) = this.intake.in_time() {
                        return Poll::Ready(Some(Err(late)));
                    }
                    this.look.as_mut().reset(Instant::now() + LOOK_EVERY);
                }
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_on_a_slow_link_is_fast_enough_and_one_that_only_waits_is_not() {
        let largest = REQUEST_BYTES_MAX as u64;
        // 40 kbit/s, less what TLS and TCP take.
        for second in 0..=largest / 4_700 {
            let here = (second * 4_700).min(largest);
            assert!(Duration::from_secs(second) <= allowed(here, largest));
        }
        assert_eq!(allowed(0, largest), GRACE);
        assert!(allowed(largest - 1, largest) < Duration::from_secs(40 * 60));
        assert!(allowed(FREE, FREE) < Duration::from_secs(90));
    }
}
