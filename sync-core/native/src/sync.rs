//! Talking to the server: proving who the device is, then request by request until there is nothing left to say.
//!
//! What is said, and what becomes of the answers, is `tributary_sync_core::session`'s business. Here are time-outs,
//! retries, tokens and counting.

use std::time::Duration;

use tributary_sync_core::session::{
    self, KnownForms, Next, Problem, Reply, ReplyRefused, Request, Run, SessionError, Store,
};
use tributary_sync_core::wire::enrol::FormDelivery;

use crate::device::{Device, SMALL, form_text, unreadable};
use crate::error::{Error, Result, Trouble};
use crate::key::random;
use crate::refusal::{later, stopped};
use crate::transport::{Answer, TransportError};

/// How often one request is tried over a bad link before the run ends.
const TRIES: u32 = 6;
/// How often a server is tried that cannot be reached at all.
const TRIES_UNREACHABLE: u32 = 3;
/// What a request may take, before its size is counted.
const PATIENCE: Duration = Duration::from_secs(40);
/// The slowest link that is waited for, in bytes a second.
const SLOWEST: u64 = 1_000;

/// How far a run is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Changesets that had to be sent when the run began.
    pub to_send: usize,
    /// Changesets that the server has answered for.
    pub sent: usize,
    /// Entries that came.
    pub received: usize,
    /// Bytes sent, as they travelled.
    pub bytes_up: u64,
    /// Bytes received, as they travelled.
    pub bytes_down: u64,
}

/// Is told how far a run is.
pub trait Watcher {
    /// Something moved.
    fn moved(&mut self, progress: &Progress);
    /// The link broke; the run goes on.
    fn interrupted(&mut self, _why: &TransportError) {}
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;
impl Watcher for Quiet {
    fn moved(&mut self, _: &Progress) {}
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// How far it came.
    pub progress: Progress,
    /// Requests that were answered.
    pub requests: usize,
    /// How often the link broke.
    pub interruptions: usize,
    /// The device found itself copied or restored, or could not bring everything back, and goes on under a new number.
    pub new_actor: bool,
    /// The server was restored or moved, and the device brought back what it lacked.
    pub new_epoch: bool,
    /// Numbers that neither the server nor the device has any more, and that the device reported as lost.
    pub lost: u64,
    /// The device is revoked.
    pub revoked: bool,
    /// Form versions that were fetched.
    pub forms: usize,
}

impl Device {
    /// Sends what the server lacks and takes what it has for this device. May be cut anywhere and repeated any time.
    pub fn sync(&mut self, watcher: &mut dyn Watcher) -> Result<SyncReport> {
        let client = concat!("tributary-field/", env!("CARGO_PKG_VERSION"));
        let mut run = Run::new(Some(client.to_owned()));
        run.pace = self.pace;
        let out = self.run(&mut run, watcher);
        self.pace = run.pace;
        out
    }

    fn run(&mut self, run: &mut Run, watcher: &mut dyn Watcher) -> Result<SyncReport> {
        let before = self.profile()?;
        let mut report = SyncReport::default();
        report.progress.to_send = self.summary()?.unsent;
        let mut relearned = false;
        loop {
            let (random, now) = (random()?, self.clock.now_ms());
            let request = self.step(|tx| Ok(run.next_request(tx, random, now)?))?;
            let Some((path, body)) = self.say(&request)? else {
                break;
            };
            let answer = self.persist(run, path, body, &mut report, watcher)?;
            report.requests += 1;
            match self.take(run, &request, &answer, &mut report) {
                Err(e) if is_signature(&e) && !relearned => {
                    // Its receipt key may have changed: the root key has to vouch for the new one.
                    relearned = true;
                    self.learn_myself()?;
                }
                Err(e) => return Err(e),
                Ok(Next::Again) => {}
                Ok(Next::Later { code }) => return Err(later(code)),
                Ok(Next::Stop { code }) => return Err(stopped(code)),
            }
            watcher.moved(&report.progress);
        }
        report.forms = self.fetch_forms()?;
        let after = self.profile()?;
        report.new_actor = after.actors.len() > before.actors.len();
        report.new_epoch = after.epoch != before.epoch;
        report.revoked = after.revoked;
        if !after.revoked && !relearned {
            self.learn_myself()?;
        }
        self.forget_erased()?;
        Ok(report)
    }

    /// A request as bytes: an exchange as a frame, unless the server has said that it does not read this device's.
    fn say(&self, request: &Request) -> Result<Option<(&'static str, Vec<u8>)>> {
        let exchanges = matches!(request, Request::Exchange(_)) && self.frames;
        let forms = match exchanges {
            true => Some(KnownForms::of(&self.db.read(|tx| tx.forms())?)),
            false => None,
        };
        session::spoken(request, forms.as_ref()).map_err(Error::store)
    }

    /// One request, tried until it is answered; smaller each time a link is too slow for it.
    fn persist(
        &mut self,
        run: &mut Run,
        path: &str,
        body: Vec<u8>,
        report: &mut SyncReport,
        watcher: &mut dyn Watcher,
    ) -> Result<Answer> {
        let timeout = PATIENCE + Duration::from_secs(body.len() as u64 / SLOWEST / 4);
        let raw = body.len();
        let mut last = None;
        for attempt in 0..TRIES {
            if attempt > 0 {
                self.clock.pause(Duration::from_millis(250 << attempt));
            }
            match self.proven(path, Some(body.clone()), timeout) {
                Ok(answer) => {
                    run.pace.measured(raw, answer.sent);
                    if attempt == 0 {
                        run.pace.double();
                    }
                    report.progress.bytes_up += answer.sent as u64;
                    report.progress.bytes_down += answer.received as u64;
                    return Ok(answer);
                }
                Err(e) if *e.trouble() == Trouble::Offline => {
                    run.pace.halve();
                    report.interruptions += 1;
                    watcher.interrupted(&TransportError::Cut(e.what().to_owned()));
                    let tries = if is_unreachable(&e) {
                        TRIES_UNREACHABLE
                    } else {
                        TRIES
                    };
                    last = Some(e);
                    if attempt + 1 >= tries {
                        break;
                    }
                }
                Err(e) => return Err(e),
            }
        }
        Err(last.unwrap_or_else(|| TransportError::TimedOut.into()))
    }

    fn take(
        &mut self,
        run: &mut Run,
        request: &Request,
        answer: &Answer,
        report: &mut SyncReport,
    ) -> Result<Next> {
        if !(200..300).contains(&answer.status) {
            let problem = Problem::from_json(&answer.body);
            let code = problem.code.clone();
            if self.frames
                && matches!(request, Request::Exchange(_))
                && session::frame_not_understood(&code)
            {
                self.frames = false;
                return Ok(Next::Again);
            }
            let next = self.step(|tx| Ok(run.receive_problem(tx, request, &problem)?))?;
            // A proxy's own page has no code: whatever it means, it passes.
            return Ok(match next {
                Next::Stop { .. } if code.is_empty() && answer.status >= 500 => Next::Later {
                    code: answer.status.to_string(),
                },
                next => next,
            });
        }
        let reply = session::heard(request, &answer.body)?;
        if let (Request::Exchange(sent), Reply::Exchange(got)) = (request, &reply) {
            report.progress.sent += sent.items.len();
            report.progress.received += got.entries.len();
        }
        let mut trust = self.trust()?;
        let next = self.step(|tx| {
            let next = run.receive(tx, &mut trust, request, &reply)?;
            session::forget_gone(tx)?;
            Ok(next)
        })?;
        if let Request::Lost(lost) = request {
            report.lost += lost.last.seq.get() + 1 - lost.first.get().min(lost.last.seq.get());
        }
        Ok(next)
    }

    /// Fetches form versions that were published since.
    fn fetch_forms(&mut self) -> Result<usize> {
        let mut fetched = 0;
        for hash in self.profile()?.wanted {
            let answer = self.proven(&format!("/sync/v1/forms/{hash}"), None, SMALL)?;
            if answer.status != 200 {
                continue;
            }
            let delivery: FormDelivery =
                serde_json::from_slice(&answer.body).map_err(unreadable)?;
            let form = form_text(&delivery)?;
            if form.hash != hash {
                return Err(SessionError::Reply(ReplyRefused::Mismatch).into());
            }
            self.step(|tx| {
                tx.put_form(&form)?;
                let mut profile = tx.profile()?;
                profile.wanted.remove(&hash);
                Ok(tx.put_profile(&profile)?)
            })?;
            fetched += 1;
        }
        Ok(fetched)
    }

    /// After erasures nothing of the answers stays in the file. Done by a later sync, if this one is cut before.
    fn forget_erased(&mut self) -> Result<()> {
        let count = self.db.read(|tx| Ok(tx.tombstones()?.len()))?;
        let known: usize = self
            .db
            .read(|tx| tx.value("tombstones_forgotten"))?
            .unwrap_or_default();
        if count > known {
            self.db.forget()?;
            self.step(|tx| tx.put_value("tombstones_forgotten", &count))?;
        }
        Ok(())
    }
}

fn is_unreachable(e: &Error) -> bool {
    let cause = std::error::Error::source(e).and_then(|s| s.downcast_ref::<TransportError>());
    matches!(cause, Some(TransportError::Unreachable(_)))
}

fn is_signature(e: &Error) -> bool {
    let refused = std::error::Error::source(e).and_then(|s| s.downcast_ref::<ReplyRefused>());
    refused == Some(&ReplyRefused::Signature)
}
