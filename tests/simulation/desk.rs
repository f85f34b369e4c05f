//! What coordinators do: assign, look, settle, decide, restrict, release, discard; two of them may look at one record.

use tributary::service::access::Role;
use tributary::service::exchange;
use tributary::service::quarantine;
use tributary::service::records::{self, Acting, Assignee, Choice, Settle, Shown, Written};
use tributary::storage::StorageError;
use tributary_sync_core::change::Changeset;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{RecordId, Seq, UserId};
use tributary_sync_core::key::Key;
use tributary_sync_core::value::{Text, Value};

use super::phone::{AT_RISK, CONSENT, Known, NAME, NOTE, Truth, number_of, rank, shown};
use super::surroundings::TEAM;
use super::world::{Looked, ORG, World};

fn acting(viewer: usize, role: Role) -> Acting {
    Acting {
        org: ORG,
        user: UserId::from_bytes([0xd0 + viewer as u8; 16]),
        role,
        teams: Vec::new(),
        colleagues: Vec::new(),
    }
}

impl World {
    pub(crate) fn assign(&mut self, phone: usize, id: RecordId, on: bool) {
        let (org, profile) = {
            let caller = &self.phones[phone].caller;
            (caller.org, caller.profile)
        };
        if self.read(org, |t| t.stopped()) {
            return;
        }
        let env = self.env.clone();
        let done = self
            .files
            .write::<_, StorageError>(org, move |t| match t.record_no(id)? {
                Some(no) => exchange::set_assigned(t, &env, profile, no, on),
                None => Ok(()),
            });
        done.unwrap();
    }
    pub(crate) fn share_with_team(&mut self, id: RecordId) {
        let Some(seen) = self.see(id) else { return };
        let to = Some(Assignee::Team(TEAM));
        let who = acting(0, Role::Coordinator);
        let _ = records::assign(&self.files, &self.env, &who, (id, &seen.shown), to);
    }
    /// The directory changes; the scopes are owed, and follow with the next exchange, as after a server that stopped in
    /// between.
    pub(crate) fn team(&mut self, phone: usize, on: bool) {
        let caller = &self.phones[phone].caller;
        if caller.org != ORG || self.stopped() {
            return;
        }
        let profile = caller.profile;
        let owed = self.files.write::<_, StorageError>(ORG, |t| {
            t.set_setting("scopes_owed", &format!("team:{TEAM}"))
        });
        owed.unwrap();
        let mut team = self.people.team.lock().unwrap();
        match on {
            true => team.insert(profile),
            false => team.remove(&profile),
        };
    }

    fn see(&self, id: RecordId) -> Option<Looked> {
        let (row, epoch) = self.read(ORG, |t| Ok((t.record(id)?, t.epoch()?.id)));
        let record = row?.record;
        Some(Looked {
            shown: Shown {
                epoch,
                clock: record.clock(),
            },
            past: shown(&record, Known::new(&self.truth, &self.desk)),
            record,
        })
    }
    pub(crate) fn look(&mut self, viewer: usize, id: RecordId) {
        if let Some(seen) = self.see(id) {
            self.looked.insert((viewer, id), seen);
        }
    }
    fn seen(&self, viewer: usize, id: RecordId) -> Option<Looked> {
        let earlier = self.looked.get(&(viewer, id)).cloned();
        earlier.or_else(|| self.see(id))
    }
    pub(crate) fn settle_conflict(&mut self, viewer: usize, id: RecordId) {
        let Some(seen) = self.seen(viewer, id) else {
            return;
        };
        let open = [NAME, NOTE]
            .into_iter()
            .find(|k| seen.record.values(k).len() > 1);
        let Some(key) = open else { return };
        let no = self.next_save();
        let value = Value::Text(Text::new(format!("g{no}")).unwrap());
        let what = Settle {
            key: key.clone(),
            choice: Choice::Value(value.clone()),
            reason: "asked again".to_owned(),
        };
        self.env.now += 1;
        let who = acting(viewer, Role::Coordinator);
        let done = records::settle(&self.files, &self.env, &who, (id, &seen.shown), what);
        self.wrote(viewer, id, seen, (key, value), false, done.ok());
    }
    pub(crate) fn decide(&mut self, viewer: usize, id: RecordId) {
        let Some(seen) = self.seen(viewer, id) else {
            return;
        };
        let high = |k: &Key| {
            let values = seen.record.values(k);
            values.iter().any(|(_, v)| rank(k, v) == Some(1))
        };
        let Some(key) = [CONSENT, AT_RISK].into_iter().find(high) else {
            return;
        };
        let low = if key == CONSENT { "given" } else { "no" };
        let value = Value::Code(Text::new(low).unwrap());
        let dots: Vec<Dot> = seen.record.values(&key).iter().map(|(d, _)| *d).collect();
        self.env.now += 1;
        let who = acting(viewer, Role::Coordinator);
        let choice = (Choice::Value(value.clone()), "asked again".to_owned());
        let named = (key.clone(), dots);
        let done = records::decide(
            &self.files,
            &self.env,
            &who,
            (id, &seen.shown),
            named,
            choice,
        );
        self.wrote(viewer, id, seen, (key, value), true, done.ok());
    }
    fn wrote(
        &mut self,
        viewer: usize,
        id: RecordId,
        seen: Looked,
        (key, value): (Key, Value),
        decides: bool,
        done: Option<Written>,
    ) {
        self.looked.remove(&(viewer, id));
        let Some(Written::Done(dot)) = done else {
            return;
        };
        let no = self.next_save();
        self.desk.insert(dot, no);
        let truth = Truth {
            org: ORG,
            record: id,
            past: seen.past,
            decides: decides.then(|| key.clone()).into_iter().collect(),
            writes: [(key, value)].into_iter().collect(),
            lies: false,
            honest_at: Some(self.env.now),
        };
        self.first_received.insert(no, self.env.now);
        self.truth.insert(no, truth);
    }

    pub(crate) fn restrict(&mut self, id: RecordId, on: bool) {
        let who = acting(0, Role::OrgAdmin);
        if self.stopped() {
            return;
        }
        let _ = match on {
            true => records::restrict(&self.files, &self.env, &who, id).map(drop),
            false => records::unrestrict(&self.files, &self.env, &who, id),
        };
    }
    fn waiting_in_quarantine(&self, which: usize) -> Option<(i64, Option<u32>)> {
        let rows = self.read(ORG, |t| t.quarantine_list(true, 0, 1_000));
        let row = rows.get(which.checked_rem(rows.len())?)?;
        let change = Changeset::from_bytes(&row.body).ok();
        Some((row.no, change.as_ref().and_then(number_of)))
    }
    pub(crate) fn release(&mut self, which: usize) {
        let who = acting(0, Role::Coordinator);
        if let Some((no, _)) = self.waiting_in_quarantine(which) {
            self.env.now += 1;
            let _ = quarantine::release(&self.files, &self.env, &who, no);
        }
    }
    pub(crate) fn discard(&mut self, which: usize) {
        let who = acting(0, Role::Coordinator);
        if let Some((no, save)) = self.waiting_in_quarantine(which)
            && quarantine::discard(&self.files, &self.env, &who, no).is_ok()
        {
            self.discarded.extend(save);
        }
    }

    /// Numbers beyond what anybody has made, of every actor that the log knows.
    pub(crate) fn claims(&self) -> Vec<Dot> {
        let known = super::checks::actors(self, ORG);
        let far = |(actor, last): (_, Seq)| {
            let beyond = last.get() + 3;
            Dot::new(actor, Seq::new(beyond).unwrap())
        };
        known.into_iter().map(far).collect()
    }
}
