//! The weeks: phones are handed out, interviews are recorded without a network, now and then a phone finds a bad one.

use std::path::Path;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;
use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::ids::RecordId;

use super::calendar::{Clockwork, DAYS, HOUR};
use super::cast::{ADMIN, COORDINATOR, COPIED, COPY_DAY, LOSS_DAY, LOST, PHONES, WORKERS};
use super::chance::Chance;
use super::crossing::{self, Edit};
use super::desk::Desk;
use super::interview::interview;
use super::phone::{Ended, Phone, Tally};
use super::stage::Stage;

/// Of a hundred days, a phone is used on so many.
const USED_PERCENT: u64 = 45;
/// Interviews on such a day, at most.
const A_DAY: u64 = 2;
/// The day on which the copy of a phone finds a network.
const COPY_SYNCS: u64 = 37;
/// The day on which whoever found the lost phone turns it on.
const FOUND_DAY: u64 = 40;

/// All that happens on phones.
pub(super) struct Weeks<'s> {
    stage: &'s Stage,
    chance: Chance,
    form: PublishedForm,
    edits: Vec<Edit>,
    /// The admin's desk: codes and revocations.
    office: Desk,
    /// The coordinator's.
    pub(super) desk: Desk,
    pub(super) laptop: Phone,
    pub(super) phones: Vec<Phone>,
    /// The cases that two phones hold each.
    pub(super) cases: Vec<RecordId>,
    pub(super) tally: Tally,
    /// How the sync of the lost phone ended, after it was revoked.
    pub(super) found: Option<Ended>,
}

impl<'s> Weeks<'s> {
    /// Hands out the phones: each enrols with a link of its own.
    pub(super) fn hand_out(stage: &'s Stage, folder: &Path, chance: Chance) -> Result<Self> {
        let mut office = Desk::sign_in(stage, ADMIN)?;
        let link = office.enrol_link(stage.coordinator)?;
        let mut laptop = Phone::enrol(
            folder.join("laptop"),
            (COORDINATOR.name, None),
            "laptop",
            Clockwork::Near(0),
            &link,
        )?;
        let form = laptop.device()?.form(Some(&stage.form_id))?;
        let mut phones = Vec::new();
        for (n, handed) in PHONES.iter().enumerate() {
            let worker = WORKERS.get(handed.worker).context("a worker")?;
            let user = stage.workers.get(handed.worker).context("a user")?;
            let link = office.enrol_link(*user)?;
            let folder = folder.join("phones").join(format!("{:02}", n + 1));
            let owner = (worker.name, Some(handed.worker));
            let mut phone = Phone::enrol(folder, owner, handed.label, handed.clockwork, &link)?;
            phone.syncs = handed.syncs.to_vec();
            phones.push(phone);
        }
        Ok(Self {
            stage,
            chance,
            form,
            edits: Vec::new(),
            office,
            desk: Desk::sign_in(stage, COORDINATOR)?,
            laptop,
            phones,
            cases: Vec::new(),
            tally: Tally::default(),
            found: None,
        })
    }

    /// The coordinator opens cases for the teams, and every phone fetches them while there is still a network.
    pub(super) fn prepare(&mut self) -> Result<()> {
        let now = self.reach(0, 9 * HOUR);
        self.laptop.reach(&self.stage.calendar, now);
        let laptop = self.laptop.device()?;
        let cases = crossing::open_cases(laptop, &self.form, &self.stage.teams)?;
        self.edits = crossing::edits(&cases)?;
        self.cases = cases.iter().map(|c| c.record).collect();
        self.laptop.sync(&mut self.tally)?;
        let now = self.reach(1, 7 * HOUR);
        for phone in &mut self.phones {
            phone.reach(&self.stage.calendar, now);
            phone.sync(&mut self.tally)?;
        }
        Ok(())
    }

    /// Day by day.
    pub(super) fn pass(&mut self, bar: &ProgressBar) -> Result<()> {
        bar.set_length(DAYS);
        for day in 1..DAYS {
            if self.stage.is_stopped() {
                bail!("stopped");
            }
            self.work(day)?;
            self.troubles(day)?;
            self.sync(day)?;
            bar.set_position(day + 1);
            bar.set_message(format!("{} interviews", self.tally.interviews));
        }
        Ok(())
    }

    /// Everybody comes home; the coordinator's laptop fetches what was made of the cases.
    pub(super) fn come_home(&mut self, bar: &ProgressBar) -> Result<()> {
        self.stage.relay.set_bad(true);
        let now = self.reach(DAYS - 1, 20 * HOUR);
        bar.set_length(self.phones.len() as u64);
        for phone in &mut self.phones {
            phone.reach(&self.stage.calendar, now);
            let ended = phone.sync(&mut self.tally)?;
            if ended == Ended::NoNetwork {
                // The town has a good network after all.
                self.stage.relay.set_bad(false);
                phone.sync(&mut self.tally)?;
                self.stage.relay.set_bad(true);
            }
            bar.inc(1);
        }
        self.stage.relay.set_bad(false);
        self.laptop.reach(&self.stage.calendar, now);
        self.laptop.sync(&mut self.tally)?;
        Ok(())
    }

    /// The server's clock reaches a moment of the story.
    fn reach(&self, day: u64, ms: u64) -> u64 {
        let moment = self.stage.calendar.moment(day, ms);
        self.stage.calendar.reach(moment);
        moment
    }

    /// What is recorded on a day, on all phones, without any network.
    fn work(&mut self, day: u64) -> Result<()> {
        let calendar = &self.stage.calendar;
        for (n, phone) in self.phones.iter_mut().enumerate().filter(|(_, p)| p.in_use) {
            let worker = phone.worker.and_then(|w| WORKERS.get(w));
            let Some(worker) = worker else { continue };
            for edit in self.edits.iter().filter(|e| e.day == day && e.phone == n) {
                phone.reach(calendar, calendar.moment(day, 10 * HOUR));
                let device = phone.device()?;
                device.look(edit.record)?;
                device.edit(edit.record, &edit.answers)?;
                self.tally.edits += 1;
            }
            if !self.chance.percent(USED_PERCENT) {
                continue;
            }
            for _ in 0..self.chance.between(1, A_DAY) {
                let at = self.chance.between(11 * HOUR, 17 * HOUR);
                phone.reach(calendar, calendar.moment(day, at));
                let buddhist = phone.clockwork == Clockwork::Buddhist;
                let answers = interview(&mut self.chance, worker.language, buddhist);
                phone.record(&self.form, &answers)?;
                self.tally.interviews += 1;
            }
        }
        Ok(())
    }

    /// One phone is copied, another lost and revoked.
    fn troubles(&mut self, day: u64) -> Result<()> {
        if day == COPY_DAY {
            let phone = self.phones.get_mut(COPIED).context("a phone to copy")?;
            let folder = phone.folder().with_file_name("copy");
            let mut copy = phone.copy(folder)?;
            copy.syncs = vec![COPY_SYNCS];
            self.phones.push(copy);
        }
        self.loss(day)
    }

    fn loss(&mut self, day: u64) -> Result<()> {
        let morning = self.stage.calendar.moment(day, 9 * HOUR);
        let lost = self.phones.get_mut(LOST).context("a phone to lose")?;
        if day == LOSS_DAY {
            lost.in_use = false;
        }
        if day == LOSS_DAY + 1 {
            let profile = lost.device()?.profile()?.profile.to_string();
            self.stage.calendar.reach(morning);
            self.office.revoke(&profile)?;
        }
        if day == FOUND_DAY {
            self.stage.calendar.reach(morning);
            lost.reach(&self.stage.calendar, morning);
            self.found = Some(lost.sync(&mut self.tally)?);
        }
        Ok(())
    }

    /// Phones that find a network today, a bad one.
    fn sync(&mut self, day: u64) -> Result<()> {
        let now = self.reach(day, 18 * HOUR);
        self.stage.relay.set_bad(true);
        for phone in self
            .phones
            .iter_mut()
            .filter(|p| p.in_use && p.syncs.contains(&day))
        {
            phone.reach(&self.stage.calendar, now);
            phone.sync(&mut self.tally)?;
        }
        self.stage.relay.set_bad(false);
        Ok(())
    }
}
