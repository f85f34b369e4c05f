//! What goes between phones and server: real requests through the real wire forms, lost, late, doubled and forged.

use tributary::service::error::ServiceError;
use tributary::service::exchange::{self, Caller, Refusal};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{EpochId, RecordId, Seq};
use tributary_sync_core::session::{Next, Problem, Reply, Request};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::*;

use super::checks;
use super::phone::{SaveNo, number_of, tags};
use super::power::{Over, is_silence, silence};
use super::step::{Forgery, Net};
use super::surroundings::{Fields, Keyed};
use super::world::{World, form_text};

impl World {
    /// One request after the other until the run is over, or the network interferes.
    pub(crate) fn sync(&mut self, phone: usize, net: Net, at: usize) -> Result<(), String> {
        self.phones[phone].run.again();
        for n in 0..200 {
            let random = self.env.random().unwrap();
            let world_now = self.env.now;
            let p = &mut self.phones[phone];
            let now = p.now(world_now);
            let run = &mut p.run;
            let mut request = p
                .disk
                .step(|s| run.next_request(s, random, now))
                .map_err(|e| format!("phone {phone}: {e}"))?;
            if request == Request::Nothing {
                self.fetch_forms(phone);
                return checks::in_step(self, phone);
            }
            let caller = p.caller.clone();
            if let Request::Exchange(r) = &mut request {
                r.max_bytes = p.page.unwrap_or(r.max_bytes);
                self.last.insert(phone, (**r).clone());
            }
            let net = if n == at { net } else { Net::Fine };
            if net == Net::Delayed || net == Net::Doubled {
                self.waiting.push((caller.clone(), request.clone()));
            }
            if net == Net::Delayed {
                return Ok(());
            }
            let answer = match self.garbled(phone, &request) {
                Some(problem) => Err(problem),
                None => self.serve(&caller, &request),
            };
            if answer.as_ref().is_err_and(|p| is_silence(p)) {
                return Ok(());
            }
            if self.trace {
                trace(phone, &request, &answer);
            }
            if net == Net::ReplyLost {
                self.asked_twice(&caller, &request, &answer)?;
                return Ok(());
            }
            match self.take(phone, &request, answer)? {
                Next::Again => {}
                Next::Later { .. } | Next::Stop { .. } => return Ok(()),
            }
        }
        Err(format!("phone {phone} is stuck: 200 requests and no end"))
    }

    /// The same instance gets the same actor, however often it asks.
    fn asked_twice(
        &mut self,
        caller: &Caller,
        request: &Request,
        answer: &Result<Reply, Box<Problem>>,
    ) -> Result<(), String> {
        if let (Request::NewActor(_), Ok(Reply::NewActor(first))) = (request, answer) {
            match self.serve(caller, request) {
                Ok(Reply::NewActor(second)) if second.actor == first.actor => {}
                other => {
                    return Err(format!(
                        "an actor asked for twice: first {}, then {other:?}",
                        first.actor
                    ));
                }
            }
        }
        Ok(())
    }

    /// Form versions that the phone heard of.
    fn fetch_forms(&mut self, phone: usize) {
        let wanted = self.phones[phone].profile().wanted;
        for hash in wanted {
            let org = self.phones[phone].caller.org;
            if self.read(org, |t| t.form(hash)).is_none() {
                continue;
            }
            let fetched = self.phones[phone].disk.step(|s| {
                s.put_form(&form_text(hash))?;
                let mut profile = s.profile()?;
                profile.wanted.remove(&hash);
                Ok(s.put_profile(&profile)?)
            });
            fetched.unwrap();
        }
    }

    fn garbled(&mut self, phone: usize, request: &Request) -> Option<Box<Problem>> {
        let Request::Exchange(r) = request else {
            return None;
        };
        let first = r.items.iter().find(|i| matches!(i, Item::Change { .. }))?;
        std::mem::take(&mut self.phones[phone].garbled).then(|| {
            Box::new(Problem {
                code: "item_unreadable".to_owned(),
                seq: Some(first.seq()),
                ..Problem::default()
            })
        })
    }

    fn take(
        &mut self,
        phone: usize,
        request: &Request,
        answer: Result<Reply, Box<Problem>>,
    ) -> Result<Next, String> {
        let told = match (&answer, request) {
            (Ok(Reply::Exchange(reply)), Request::Exchange(r)) => self.told(phone, r, reply)?,
            _ => Vec::new(),
        };
        let p = &mut self.phones[phone];
        let before = p.profile();
        let mut keyed = Keyed(p.caller.org);
        let run = &mut p.run;
        let next = p.disk.step(|s| match &answer {
            Ok(reply) => run.receive(s, &mut keyed, request, reply),
            Err(problem) => run.receive_problem(s, request, problem),
        });
        let next = next.map_err(|e| format!("phone {phone} refused the answer: {e}"))?;
        checks::cursor_goes_on(phone, &before, &p.profile())?;
        self.told_stored.extend(told);
        Ok(next)
    }

    /// The saves that a reply calls stored. A resend that repeats its effective clock keeps it.
    fn told(
        &mut self,
        phone: usize,
        request: &ExchangeRequest,
        reply: &ExchangeReply,
    ) -> Result<Vec<u32>, String> {
        let mut told = Vec::new();
        for result in &reply.results {
            let dot = Dot::new(request.actor, result.seq);
            let own = self.phones[phone].disk.read(|s| s.own(dot)).unwrap();
            let repeats = own.as_ref().and_then(|o| o.fate.effective);
            let Some(no) = own.and_then(|o| o.body).and_then(|b| number_of(&b)) else {
                continue;
            };
            if matches!(result.status, Status::Applied | Status::Cut) {
                told.push(no);
                if let (Some(repeats), Some(now)) = (repeats, result.effective)
                    && repeats != now
                {
                    return Err(format!("the effective clock of g{no} has changed"));
                }
            }
        }
        Ok(told)
    }

    pub(crate) fn redeliver(&mut self, which: usize) -> Result<(), String> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let (mut caller, request) = self.waiting[which % self.waiting.len()].clone();
        caller.revoked = self.revoked.contains(&caller.profile);
        let _ = self.serve(&caller, &request);
        Ok(())
    }

    /// A forged request has no effect.
    pub(crate) fn forge(&mut self, phone: usize, how: Forgery) -> Result<(), String> {
        let Some(mut request) = self.last.get(&phone).cloned() else {
            return Ok(());
        };
        let mut caller = self.phones[phone].caller.clone();
        let other = (0..self.phones.len())
            .map(|n| &self.phones[(phone + 1 + n) % self.phones.len()])
            .find(|p| p.caller.profile != caller.profile);
        let Some(other) = other else { return Ok(()) };
        match how {
            Forgery::OtherActor => request.actor = other.profile().actors[0].actor,
            Forgery::OtherCaller => caller = other.caller.clone(),
            Forgery::Gap => {
                let far = request.first.get() + 1_000;
                request.first = Seq::new(far).unwrap();
                request.items.clear();
                request.chain.seq = request.first;
            }
            Forgery::Replay => {
                let Some(Item::Change { change, .. }) = request.items.last_mut() else {
                    return Ok(());
                };
                if request.chain.seq != change.dot.seq {
                    return Ok(());
                }
                let mut draft = change.as_ref().clone().into_draft();
                draft.writes.truncate(1);
                if draft.writes == change.writes {
                    return Ok(());
                }
                **change = draft.seal().unwrap();
            }
            Forgery::Cursor => match &mut request.cursor {
                Some(cursor) => {
                    let swapped = if cursor.ends_with('A') { "B" } else { "A" };
                    cursor.replace_range(10..11, swapped);
                    cursor.replace_range(40..41, swapped);
                }
                None => request.cursor = Some("AAAA".to_owned()),
            },
            Forgery::Head => match &mut request.head {
                Some(head) => head.pos = tributary_sync_core::ids::LogPos::new(7_000).unwrap(),
                None => return Ok(()),
            },
            Forgery::Epoch => request.epoch = EpochId::from_bytes([0x66; 16]),
        }
        let heads = |w: &Self| super::world::ORGS.map(|org| w.read(org, |t| t.head()));
        let before = heads(self);
        let answer = self.serve(&caller, &Request::Exchange(Box::new(request)));
        match answer {
            Ok(_) => Err(format!("a forged request was taken: {how:?}")),
            Err(_) if heads(self) != before => Err(format!("a forged request wrote: {how:?}")),
            Err(_) => Ok(()),
        }
    }

    /// The server, as HTTP would call it: as JSON or as a frame, both ways.
    pub(crate) fn serve(
        &mut self,
        caller: &Caller,
        request: &Request,
    ) -> Result<Reply, Box<Problem>> {
        self.env.now += 1;
        self.requests += 1;
        let framed = self.roll(2) == 0;
        self.note_request(caller, request);
        self.frames += u64::from(framed && matches!(request, Request::Exchange(_)));
        let done = match self.over_the_disk(|world| world.answered(caller, request, framed)) {
            Over::Told(done) => done,
            Over::Dark => return Err(silence()),
        };
        self.note_answer(caller, request, &done);
        done.map_err(|refusal| {
            let code = refusal.code().to_owned();
            *self.refusals.entry(code.clone()).or_default() += 1;
            problem(code, refusal)
        })
    }

    fn answered(&self, caller: &Caller, request: &Request, framed: bool) -> Result<Reply, Refusal> {
        let (files, env) = (&self.files, &self.env);
        match request {
            Request::Exchange(r) => {
                let read = travelled(r, framed);
                exchange::exchange(files, env, caller, read)
                    .map(|r| Reply::Exchange(Box::new(returned(&r, framed))))
            }
            Request::Compare(r) => {
                let json = serde_json::to_string(r).unwrap();
                exchange::compare(files, env, caller, serde_json::from_str(&json).unwrap())
                    .map(Reply::Compare)
            }
            Request::NewActor(r) => exchange::actor(files, env, caller, r).map(Reply::NewActor),
            Request::Lost(r) => exchange::lost(files, caller, r.clone()).map(|()| Reply::Lost),
            Request::Nothing => unreachable!("nothing is never sent"),
        }
    }

    /// Whoever lies is believed up to what the server had sent to them; and up to the moment that a record left their scope,
    /// whether or not they asked before it left (§1.7).
    fn note_request(&mut self, caller: &Caller, request: &Request) {
        let Request::Exchange(r) = request else {
            return;
        };
        for item in &r.items {
            let Item::Change { change, .. } = item else {
                continue;
            };
            let Some(no) = number_of(change).filter(|no| self.truth[no].lies) else {
                continue;
            };
            let sent = self.sent.get(&caller.profile).into_iter().flatten();
            let here =
                sent.filter(|other| **other != no && self.truth[other].record == change.record);
            let mut past: std::collections::BTreeSet<u32> = here.copied().collect();
            past.extend(self.of_record_left(caller, change.record));
            for other in past.clone() {
                past.extend(&self.truth[&other].past);
            }
            past.remove(&no);
            if self.trace {
                println!("      g{no} claims to have seen {past:?}");
            }
            self.truth.get_mut(&no).unwrap().past.extend(past);
        }
    }

    /// What stands on a record that is no longer in a caller's scope.
    fn of_record_left(&self, caller: &Caller, id: RecordId) -> Vec<SaveNo> {
        self.read(caller.org, |t| {
            let Some(row) = t.record(id)? else {
                return Ok(Vec::new());
            };
            let left = t.scope(caller.profile, row.no)?.is_some_and(|s| !s.live());
            let all = tags(&row.record).map(|(_, no)| no);
            Ok(if left { all.collect() } else { Vec::new() })
        })
    }

    fn note_answer(&mut self, caller: &Caller, request: &Request, done: &Result<Reply, Refusal>) {
        let (Request::Exchange(request), Ok(Reply::Exchange(reply))) = (request, done) else {
            return;
        };
        for item in &request.items {
            if let Item::Change { change, .. } = item
                && let Some(no) = number_of(change)
            {
                self.first_received.entry(no).or_insert(self.env.now);
            }
        }
        let sent = self.sent.entry(caller.profile).or_default();
        for entry in &reply.entries {
            match entry {
                Entry::State { state, .. } => sent.extend(tags(state).map(|(_, no)| no)),
                Entry::Change { stored, .. } => sent.extend(number_of(&stored.change)),
                _ => {}
            }
        }
    }
}

fn travelled(request: &ExchangeRequest, framed: bool) -> ExchangeRequest {
    if framed {
        let frame = request.to_frame(&Fields);
        return ExchangeRequest::from_frame(&frame, &Fields).unwrap();
    }
    let json = serde_json::to_string(request).unwrap();
    ExchangeRequest::from_json(&json).unwrap()
}

fn returned(reply: &ExchangeReply, framed: bool) -> ExchangeReply {
    if framed {
        return ExchangeReply::from_frame(&reply.to_frame(&Fields), &Fields).unwrap();
    }
    let json = serde_json::to_string(reply).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn problem(code: String, refusal: Refusal) -> Box<Problem> {
    let plain = Problem {
        code,
        ..Problem::default()
    };
    Box::new(match refusal {
        Refusal::EpochChanged { epoch } => Problem {
            epoch: Some(epoch),
            ..plain
        },
        Refusal::Forked {
            actor,
            agreed,
            results,
        } => Problem {
            actor: Some(actor),
            agreed,
            results,
            ..plain
        },
        Refusal::Gap { expected } => Problem {
            expected: Some(expected),
            ..plain
        },
        refusal @ Refusal::Storage(_) => {
            let entry = ServiceError::from(refusal).code.entry();
            Problem {
                code: entry.code.to_owned(),
                retryable: entry.retryable,
                ..plain
            }
        }
        _ => plain,
    })
}

pub(crate) fn trace(phone: usize, request: &Request, answer: &Result<Reply, Box<Problem>>) {
    let asked = match request {
        Request::Exchange(r) => format!(
            "exchange {} epoch {} first {} items {} chain {} cursor {}",
            r.actor,
            r.epoch,
            r.first,
            r.items.len(),
            r.chain.seq,
            r.cursor.is_some()
        ),
        Request::Compare(r) => format!(
            "compare epoch {} points {:?}",
            r.epoch,
            r.actors
                .iter()
                .map(|a| (a.actor, a.points.len()))
                .collect::<Vec<_>>()
        ),
        Request::NewActor(r) => format!("actor {}", r.instance),
        Request::Lost(r) => format!("lost {} from {}", r.actor, r.first),
        Request::Nothing => String::new(),
    };
    let told = match answer {
        Ok(Reply::Exchange(r)) => {
            let results = r.results.iter().map(|x| (x.status, &x.code));
            format!(
                "acked {} {:?} entries {:?}",
                r.acked.seq,
                results.collect::<Vec<_>>(),
                r.entries.iter().map(said).collect::<Vec<_>>()
            )
        }
        Ok(Reply::Compare(r)) => format!(
            "{:?}",
            r.actors
                .iter()
                .map(|a| (a.actor, a.agreed, a.acked))
                .collect::<Vec<_>>()
        ),
        Ok(Reply::NewActor(r)) => format!("{}", r.actor),
        Ok(Reply::Lost) => "closed".to_owned(),
        Err(p) => format!("{} agreed {:?}", p.code, p.agreed),
    };
    println!("      phone {phone}: {asked} -> {told}");
}

fn said(entry: &Entry) -> String {
    match entry {
        Entry::Change { stored, .. } => format!("change {:?}", number_of(&stored.change)),
        Entry::State { state, .. } => {
            format!(
                "state {:?}",
                tags(state).map(|(_, no)| no).collect::<Vec<_>>()
            )
        }
        Entry::Own { actor, seq, .. } => format!("own {actor} {seq}"),
        Entry::Enter { .. } => "enter".to_owned(),
        Entry::Leave { .. } => "leave".to_owned(),
        Entry::Gone { .. } => "gone".to_owned(),
        Entry::Erased { .. } => "erased".to_owned(),
        _ => "other".to_owned(),
    }
}
