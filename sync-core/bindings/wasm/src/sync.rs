//! The steps of a sync: enrolment, requests, answers.

use serde_json::{Value as Json, json};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{FormHash, InstanceId, RecordId};
use tributary_sync_core::session::{
    self, FormText, KnownForms, Next, Pinned, Problem, Reply, Request, Run, Store, Unreadable,
    Verifier,
};
use tributary_sync_core::wire::enrol::{EnrolReply, FormDelivery, PublicKey};
use tributary_sync_core::wire::frame;
use tributary_sync_core::wire::message::{Entry, ExchangeReply};

use crate::core::Core;
use crate::error::Failed;
use crate::rows::Rows;
use crate::step::{Account, EnrolledStep, Myself};
use crate::trust::Trust;

type Done = Result<Json, Failed>;

fn random(text: &str) -> Result<[u8; 16], Failed> {
    let mut out = [0; 16];
    hex::decode_to_slice(text, &mut out).map_err(|_| Failed::code("input"))?;
    Ok(out)
}

/// An enrolment that was begun: a lost answer is asked for again in the same words.
#[derive(serde::Serialize, serde::Deserialize)]
struct Begun {
    instance: InstanceId,
    link: String,
}

/// `link` is a name of the link that tells nothing of it: a hash.
pub(crate) fn enrolling(rows: &mut Rows, link: String, fresh: &str) -> Done {
    if rows.is_enrolled() {
        return Err(Failed::code("input"));
    }
    let earlier: Option<Begun> = rows.state("enrolling")?;
    let begun = match earlier.filter(|b| b.link == link) {
        Some(begun) => begun,
        None => Begun {
            instance: InstanceId::from_bytes(random(fresh)?),
            link,
        },
    };
    rows.put_state("enrolling", &begun)?;
    Ok(json!({ "instance": begun.instance }))
}

fn root(rows: &Rows) -> Result<String, Failed> {
    let account: Option<Account> = rows.state("account")?;
    account
        .map(|a| a.root)
        .ok_or_else(|| Failed::code("not_enrolled"))
}

impl Core {
    pub(crate) fn enrolled(&mut self, step: EnrolledStep, body: &[u8]) -> Done {
        if self.rows.is_enrolled() {
            return Err(Failed::code("input"));
        }
        let reply: EnrolReply =
            serde_json::from_slice(body).map_err(|_| Failed::code("reply_unreadable"))?;
        let pinned = Pinned {
            organisation: &step.organisation,
            root: &step.root,
        };
        let verdicts = &self.verdicts;
        let mut verify = |k: &PublicKey, bytes: &[u8], sig: &str| verdicts.ask(&[*k], bytes, sig);
        session::enrolled(
            &mut self.rows,
            pinned,
            &step.device_key,
            &reply,
            &mut verify,
        )?;
        let account = Account {
            server: step.server,
            organisation: reply.organisation.slug,
            organisation_name: reply.organisation.name,
            user_name: reply.user.name,
            root: step.root.clone(),
            label: step.label,
        };
        self.rows.put_state("account", &account)?;
        crate::step::me(&self.rows)
    }

    pub(crate) fn begin_run(&mut self, client: String) {
        let pace = self.run.pace;
        self.run = Run::new(Some(client));
        self.run.pace = pace;
        self.request = None;
    }

    pub(crate) fn next_request(&mut self, fresh: &str, now: u64) -> Done {
        let fresh = random(fresh)?;
        let request = self.run.next_request(&mut self.rows, fresh, now)?;
        let spoken = match &request {
            // Whoever served this app reads its frames.
            Request::Exchange(r) => {
                let forms = KnownForms::of(&self.rows.forms()?);
                Some(("/sync/v1/exchange", Ok(r.to_frame(&forms))))
            }
            Request::Compare(r) => Some(("/sync/v1/compare", serde_json::to_vec(r))),
            Request::NewActor(r) => Some(("/sync/v1/actor", serde_json::to_vec(r))),
            Request::Lost(r) => Some(("/sync/v1/lost", serde_json::to_vec(r))),
            Request::Nothing => None,
        };
        let Some((path, body)) = spoken else {
            self.request = None;
            return Ok(Json::Null);
        };
        let body = body.map_err(|_| Failed::code("input"))?;
        let items = match &request {
            Request::Exchange(r) => r.items.len(),
            _ => 0,
        };
        let kind = session::content_type(&body);
        self.body = body;
        self.request = Some(request.into());
        Ok(json!({"path": path, "contentType": kind, "items": items}))
    }

    /// How the link carried the last request.
    pub(crate) fn paced(&mut self, raw: Option<usize>, packed: Option<usize>, first: bool) {
        match (raw, packed) {
            (Some(raw), Some(packed)) => {
                self.run.pace.measured(raw, packed);
                if first {
                    self.run.pace.double();
                }
            }
            _ => self.run.pace.halve(),
        }
    }

    pub(crate) fn receive(&mut self, status: u16, body: &[u8]) -> Done {
        let request = self.request.clone().ok_or_else(|| Failed::code("input"))?;
        if !(200..300).contains(&status) {
            let next = self.problem(&request, status, body)?;
            self.request = None;
            return Ok(told(&next, 0, 0));
        }
        let reply = heard(&request, body).map_err(|_| Failed::code("reply_unreadable"))?;
        let (sent, received) = match (&*request, &reply) {
            (Request::Exchange(sent), Reply::Exchange(got)) => {
                let named = touched(&self.rows, request_actor(&request), got);
                self.rows.need(named.into_iter())?;
                (sent.items.len(), got.entries.len())
            }
            _ => (0, 0),
        };
        let root = root(&self.rows)?;
        let mut trust = Trust::of(&self.rows, &root, &self.verdicts)?;
        let next = self
            .run
            .receive(&mut self.rows, &mut trust, &request, &reply)?;
        session::forget_gone(&mut self.rows)?;
        self.request = None;
        Ok(told(&next, sent, received))
    }

    fn problem(&mut self, request: &Request, status: u16, body: &[u8]) -> Result<Next, Failed> {
        let problem = Problem::from_json(body);
        let code = problem.code.clone();
        let next = self
            .run
            .receive_problem(&mut self.rows, request, &problem)?;
        // A proxy's own page has no code: whatever it means, it passes.
        Ok(match next {
            Next::Stop { .. } if code.is_empty() && status >= 500 => Next::Later {
                code: status.to_string(),
            },
            next => next,
        })
    }

    pub(crate) fn learn(&mut self, body: &[u8]) -> Done {
        let myself: Myself =
            serde_json::from_slice(body).map_err(|_| Failed::code("reply_unreadable"))?;
        let root = root(&self.rows)?;
        let mut trust = Trust::of(&self.rows, &root, &self.verdicts)?;
        if !trust.learn(&myself.keys) {
            return Err(Failed::code("reply_not_signed"));
        }
        let mut profile = self.rows.profile()?;
        profile.role = myself.role;
        self.rows.put_profile(&profile)?;
        self.rows.put_keys(&myself.keys)?;
        Ok(Json::Null)
    }

    pub(crate) fn delivered(&mut self, hash: FormHash, body: &[u8]) -> Done {
        let delivery: FormDelivery =
            serde_json::from_slice(body).map_err(|_| Failed::code("reply_unreadable"))?;
        let form = FormText::delivered(&delivery)?;
        if form.hash != hash {
            return Err(Failed::code("reply_mismatch"));
        }
        self.rows.put_form(&form)?;
        let mut profile = self.rows.profile()?;
        profile.wanted.remove(&hash);
        self.rows.put_profile(&profile)?;
        Ok(Json::Null)
    }
}

/// The reply in a body that answered `request`.
fn heard(request: &Request, body: &[u8]) -> Result<Reply, Unreadable> {
    Ok(match request {
        Request::Exchange(_) => {
            Reply::Exchange(Box::new(ExchangeReply::from_frame(body, &frame::NoForms)?))
        }
        Request::Compare(_) => Reply::Compare(serde_json::from_slice(body)?),
        Request::NewActor(_) => Reply::NewActor(serde_json::from_slice(body)?),
        Request::Lost(_) | Request::Nothing => Reply::Lost,
    })
}

fn request_actor(request: &Request) -> Option<tributary_sync_core::ids::ActorId> {
    match request {
        Request::Exchange(r) => Some(r.actor),
        _ => None,
    }
}

/// The records that taking over a reply reads: loaded together, rather than one by one as the session meets them.
fn touched(
    rows: &Rows,
    actor: Option<tributary_sync_core::ids::ActorId>,
    reply: &ExchangeReply,
) -> Vec<RecordId> {
    let of_own = |dot: Dot| rows.own_index().get(&dot).and_then(|own| own.record);
    let of_entry = |entry: &Entry| match entry {
        Entry::Change { stored, .. } => Some(stored.change.record),
        Entry::Own { actor, seq, .. } => of_own(Dot::new(*actor, *seq)),
        Entry::Leave { record, .. } | Entry::Gone { record } => Some(*record),
        _ => None,
    };
    let judged = reply.results.iter().filter_map(|r| {
        let dot = Dot::new(actor?, r.seq);
        of_own(dot)
    });
    judged
        .chain(reply.entries.iter().filter_map(of_entry))
        .collect()
}

fn told(next: &Next, sent: usize, received: usize) -> Json {
    match next {
        Next::Again => json!({"next": "again", "sent": sent, "received": received}),
        Next::Later { code } => json!({"next": "later", "code": code}),
        Next::Stop { code } => json!({"next": "stop", "code": code}),
    }
}
