//! Talking to the server: proving who the device is, then request by request until there is nothing left to say.
//!
//! What is said, and what becomes of the answers, is `tributary_sync_core::session`'s business. Here are time-outs,
//! retries, tokens and counting.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tributary_sync_core::session::{
    Next, Problem, Reply, ReplyRefused, Request, Run, SessionError, Store, Verifier,
};
use tributary_sync_core::wire::enrol::FormDelivery;

use crate::device::{Device, SMALL, form_text, unreadable};
use crate::error::{Error, Result, Trouble};
use crate::key::random;
use crate::speech::{KnownForms, heard, not_understood, spoken};
use crate::transport::{Answer, Call, TransportError};

/// How often one request is tried over a bad link before the run ends.
const TRIES: u32 = 6;
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
    /// The device is revoked.
    pub revoked: bool,
    /// Form versions that were fetched.
    pub forms: usize,
}

impl From<TransportError> for Error {
    fn from(e: TransportError) -> Self {
        match &e {
            TransportError::Untrusted(_) => Self::new(
                Trouble::Untrusted,
                "The server did not prove that it is yours.",
                "Nothing was sent. Somebody may be in between, or the server got a new certificate.",
                "Do not sync on this network; ask your coordinator whether the server changed.",
            ),
            TransportError::Unreadable(_) => Self::new(
                Trouble::Untrusted,
                "The server's answer could not be read.",
                "Nothing on this device changed.",
                "Try again; if it stays, tell your coordinator.",
            ),
            _ => Self::new(
                Trouble::Offline,
                "There is no connection to the server, or it broke.",
                "All you recorded is safe on this device; what was sent already is not sent again.",
                "Sync again when you have a connection. Without one for long, hand over a file: `tributary-field bundle`.",
            ),
        }
        .because(e)
    }
}

#[derive(Deserialize)]
struct Nonce {
    nonce: String,
    expires_in: u64,
    issued_at: u64,
    audience: String,
}
#[derive(Deserialize)]
struct Token {
    access_token: String,
}
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
    nonce: &'a str,
}
#[derive(Deserialize)]
struct Myself {
    role: tributary_sync_core::session::Role,
    keys: serde_json::Value,
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
        self.forget_erased(before.head.as_ref() != after.head.as_ref())?;
        Ok(report)
    }

    /// A request as bytes: an exchange as a frame, unless the server has said that it does not read this device's.
    fn say(&self, request: &Request) -> Result<Option<(&'static str, Vec<u8>)>> {
        let exchanges = matches!(request, Request::Exchange(_)) && self.frames;
        let forms = match exchanges {
            true => Some(KnownForms::of(&self.db.read(|tx| tx.forms())?)),
            false => None,
        };
        spoken(request, forms.as_ref())
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
                    last = Some(e);
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
            let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
            let code = problem.code.clone();
            if self.frames && matches!(request, Request::Exchange(_)) && not_understood(&code) {
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
        let reply = heard(request, &answer.body)?;
        if let (Request::Exchange(sent), Reply::Exchange(got)) = (request, &reply) {
            report.progress.sent += sent.items.len();
            report.progress.received += got.entries.len();
        }
        let mut trust = self.trust()?;
        self.step(|tx| Ok(run.receive(tx, &mut trust, request, &reply)?))
    }

    /// A call with a token; a fresh one if the old has run out.
    fn proven(&mut self, path: &str, body: Option<Vec<u8>>, timeout: Duration) -> Result<Answer> {
        for fresh in [false, true] {
            if fresh || self.token.is_none() {
                self.token = Some(self.prove()?);
            }
            let call = Call {
                path: path.to_owned(),
                body: body.clone(),
                token: self.token.clone(),
                timeout,
            };
            let answer = self.transport()?.send(&call)?;
            if answer.status != 401 {
                return Ok(answer);
            }
            self.token = None;
        }
        Err(not_known())
    }

    /// Proves the device by its key over a nonce of the server. Times are the server's: the phone's clock may be wrong.
    fn prove(&mut self) -> Result<String> {
        let profile = self.profile()?.profile.to_string();
        for _ in 0..2 {
            let nonce: Nonce = self
                .small("/api/v1/auth/nonce", b"{}".to_vec())?
                .map_err(prove_failed)?;
            let header = Header {
                typ: Some("client-authentication+jwt".to_owned()),
                ..Header::new(Algorithm::ES256)
            };
            let claims = Claims {
                iss: &profile,
                sub: &profile,
                aud: &nonce.audience,
                jti: hex::encode(random::<16>()?),
                iat: nonce.issued_at,
                exp: nonce.issued_at.saturating_add(nonce.expires_in),
                nonce: &nonce.nonce,
            };
            let assertion = jsonwebtoken::encode(&header, &claims, &self.key.encoding());
            let assertion = assertion.map_err(Error::store)?;
            let body = serde_json::json!({ "assertion": assertion }).to_string();
            match self.small::<Token>("/api/v1/auth/device", body.into_bytes())? {
                Ok(token) => return Ok(token.access_token),
                Err(problem) if problem.code == "nonce_invalid" => {}
                Err(problem) => return Err(prove_failed(problem)),
            }
        }
        Err(not_known())
    }

    fn small<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<std::result::Result<T, Problem>> {
        let call = Call {
            path: path.to_owned(),
            body: Some(body),
            token: None,
            timeout: SMALL,
        };
        let answer = self.transport()?.send(&call)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map(Ok)
                .map_err(unreadable);
        }
        Ok(Err(serde_json::from_slice(&answer.body).unwrap_or_default()))
    }

    /// Asks for its role and for the organisation's keys, which the pinned root key has to vouch for.
    fn learn_myself(&mut self) -> Result<()> {
        let answer = self.proven("/api/v1/device", None, SMALL)?;
        if answer.status != 200 {
            return Ok(());
        }
        let myself: Myself = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        let mut trust = self.trust()?;
        if !trust.learn(&myself.keys) {
            return Err(SessionError::Reply(ReplyRefused::Signature).into());
        }
        self.step(|tx| {
            let mut profile = tx.profile()?;
            if profile.role != myself.role {
                profile.role = myself.role;
                tx.put_profile(&profile)?;
            }
            if tx.keys()?.as_ref() != Some(&myself.keys) {
                tx.put_keys(&myself.keys)?;
            }
            Ok(())
        })
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

    /// After erasures nothing of the answers stays in the file.
    fn forget_erased(&mut self, moved: bool) -> Result<()> {
        let count = self.db.read(|tx| Ok(tx.tombstones()?.len()))?;
        let known: usize = self
            .db
            .read(|tx| tx.value("tombstones_forgotten"))?
            .unwrap_or_default();
        if moved && count > known {
            self.db.forget()?;
            self.step(|tx| tx.put_value("tombstones_forgotten", &count))?;
        }
        Ok(())
    }
}

fn is_signature(e: &Error) -> bool {
    let refused = std::error::Error::source(e).and_then(|s| s.downcast_ref::<ReplyRefused>());
    refused == Some(&ReplyRefused::Signature)
}

fn later(code: String) -> Error {
    let (what, next) = match code.as_str() {
        "organisation_stopped" => (
            "The server has stopped writing for your organisation.",
            "Keep recording. Whoever runs the server has to look at it first; tell your coordinator.",
        ),
        "quarantine_full" => (
            "The server has no more room for what waits for your coordinator.",
            "Tell your coordinator to look at it, and sync again later.",
        ),
        _ => (
            "The server is busy or has trouble of its own.",
            "Sync again later.",
        ),
    };
    let means = "All you recorded is safe on this device.";
    Error::new(Trouble::Later(code), what, means, next)
}

fn stopped(code: String) -> Error {
    let (what, next) = match code.as_str() {
        "device_revoked" => (
            "This device was revoked.",
            "Ask your coordinator for a new enrolment link.",
        ),
        _ => (
            "The server did not take what this device sent.",
            "Update this program. If that does not help, hand your coordinator a file: `tributary-field bundle`.",
        ),
    };
    let means = format!("All you recorded is still on this device. (Code: {code})");
    Error::new(Trouble::Refused(code), what, means, next)
}

fn prove_failed(problem: Problem) -> Error {
    if problem.retryable {
        later(problem.code)
    } else {
        not_known()
    }
}

fn not_known() -> Error {
    Error::new(
        Trouble::Refused("device_unknown".to_owned()),
        "The server does not know this device.",
        "All you recorded is still on this device.",
        "Ask your coordinator whether it was removed; hand over what is on it with `tributary-field bundle`.",
    )
}
