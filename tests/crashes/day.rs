//! What happens on the day. Every step may be done again when nobody knows whether it was done.

use std::time::Duration;

use tributary::service::backup::{self, Offline, Overrides, Plan, Source, Which, Withheld};
use tributary::service::env::SystemEntropy;
use tributary::service::records::{Assignee, Choice, EraseOutcome, Reason, Settle, Written};
use tributary_native::Quiet;
use tributary_native::answers::{Answers, Given};
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::value::{Text, Value};

use super::world::{Trouble, World};

/// One thing that somebody does. Interviews are named by their number on the day.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    /// A worker records an interview.
    Record(usize, u32),
    /// A worker changes the notes of an interview, as they were last shown it.
    Edit(usize, u32, u32),
    /// A phone meets the network.
    Sync(usize),
    /// The coordinator gives an interview to another worker, too.
    Assign(u32, usize),
    /// The coordinator ends the conflict of an interview.
    Settle(u32),
    /// The admin hides an interview, to erase it later.
    Restrict(u32),
    /// So many days pass.
    Days(u64),
    /// The admin erases it.
    Erase(u32),
    /// The server looks after itself.
    Upkeep,
    /// A copy goes off the machine.
    Copy,
    /// The operator brings the newest copy back, over all that is here.
    Restore,
    /// The server's program ends well and starts again.
    Restart,
    /// A phone's program ends and starts again.
    Reopen(usize),
}

pub(super) const DAY: &[Step] = &[
    Step::Record(0, 1),
    Step::Record(0, 2),
    Step::Sync(0),
    Step::Record(1, 3),
    Step::Sync(1),
    Step::Assign(1, 1),
    Step::Sync(1),
    Step::Edit(1, 1, 101),
    Step::Edit(0, 1, 102),
    Step::Sync(0),
    Step::Sync(1),
    Step::Settle(1),
    Step::Copy,
    Step::Restrict(2),
    Step::Days(8),
    Step::Reopen(0),
    Step::Sync(0),
    Step::Erase(2),
    Step::Sync(0),
    Step::Upkeep,
    Step::Restart,
    Step::Record(1, 4),
    Step::Sync(1),
    Step::Record(0, 5),
    Step::Sync(0),
    Step::Restore,
    Step::Sync(1),
    Step::Record(1, 6),
    Step::Sync(0),
    Step::Sync(1),
    Step::Restart,
    Step::Reopen(1),
];

/// The words of an interview, found nowhere else.
pub(super) fn words(no: u32) -> String {
    format!("what was told {no:04} stays here")
}

fn answers(no: u32, new: bool) -> Answers {
    let text = |name: &str, value: &str| (name.to_owned(), Given::Text(value.to_owned()));
    let mut out = vec![text("notes", &words(no))];
    if new {
        out.extend([text("consent_store", "given"), text("_status", "complete")]);
    }
    Answers(out)
}

impl World {
    pub(super) fn step(&mut self, step: Step) -> Result<(), Trouble> {
        match step {
            Step::Record(phone, no) => self.record(phone, no),
            Step::Edit(phone, of, no) => self.edit(phone, of, no),
            Step::Sync(phone) => {
                self.device(phone)?.sync(&mut Quiet)?;
                self.forgets_what_is_erased(phone)
            }
            Step::Assign(no, phone) => {
                let (id, user) = (self.id(no), self.users[phone]);
                let to = Some(Assignee::User(user));
                self.desk(|desk| desk.assign(id, &desk.show(id, None)?.shown, to))?;
                Ok(())
            }
            Step::Settle(no) => self.settle(self.id(no)),
            Step::Restrict(no) => {
                if !self.is_erased(no) {
                    let id = self.id(no);
                    self.told.restricted.insert(id);
                    self.desk(|desk| desk.restrict(id))?;
                }
                Ok(())
            }
            Step::Days(days) => {
                self.clock.pass(Duration::from_secs(days * 24 * 60 * 60));
                Ok(())
            }
            Step::Erase(no) => self.erase(no),
            Step::Upkeep => self.service().upkeep().map(drop).map_err(Trouble::from),
            Step::Copy => self.copy(),
            Step::Restore => self.restore(),
            Step::Restart => {
                self.stop();
                self.start()
            }
            Step::Reopen(phone) => {
                self.put_down(phone);
                self.pick_up(phone)
            }
        }
    }

    fn record(&mut self, phone: usize, no: u32) -> Result<(), Trouble> {
        if self.adopt(phone, no)? {
            return Ok(());
        }
        let device = self.device(phone)?;
        let form = device.form(None)?;
        let (record, change) = device.create(&form, &answers(no, true))?;
        self.saved(phone, no, record, &change);
        Ok(())
    }
    fn edit(&mut self, phone: usize, of: u32, no: u32) -> Result<(), Trouble> {
        if self.adopt(phone, no)? {
            return Ok(());
        }
        let record = self.id(of);
        let device = self.device(phone)?;
        device.look(record)?;
        let change = device.edit(record, &answers(no, false))?;
        self.saved(phone, no, record, &change);
        Ok(())
    }
    fn settle(&mut self, id: RecordId) -> Result<(), Trouble> {
        let done = self.desk(|desk| {
            let shown = desk.show(id, None)?;
            let Some(conflict) = shown.conflicts.first() else {
                return Ok(None);
            };
            let settle = Settle {
                key: conflict.question.key.parse().unwrap(),
                choice: Choice::Value(Value::Text(Text::new("settled").unwrap())),
                reason: "asked both".to_owned(),
            };
            desk.settle(id, &shown.shown, settle).map(Some)
        })?;
        match done {
            None => {}
            Some(Written::Done(dot)) => self.written(id, dot),
            Some(other) => panic!("{other:?}"),
        }
        Ok(())
    }
    fn erase(&mut self, no: u32) -> Result<(), Trouble> {
        let id = self.id(no);
        match self.desk(|desk| desk.erase(vec![id], Reason::Request))? {
            EraseOutcome::Erased(report) => self.erased(no, report.scrubbed),
            other => panic!("{other:?}"),
        }
        Ok(())
    }
    fn copy(&mut self) -> Result<(), Trouble> {
        let plan = Plan {
            data: self.data().path().to_owned(),
            target: self.copies(),
            which: Which::All,
            keep: 3,
        };
        let service = self.service();
        let made = backup::backup(service.files(), &service.env(), &plan, &mut |_| {});
        let made = made?;
        match made.withheld.as_slice() {
            [] => Ok(()),
            // A copy says that it could not read, and nothing is called copied.
            [(_, Withheld::Unreadable { why })] => Err(Trouble {
                code: None,
                said: why.clone(),
            }),
            other => panic!("nobody rolled the file back: {other:?}"),
        }
    }
    fn restore(&mut self) -> Result<(), Trouble> {
        self.stop();
        // From here on phones send again what the copy lacks.
        self.goes_back();
        let data = self.data();
        let lock = data.lock().unwrap();
        let at = Offline {
            data: data.path(),
            lock: &lock,
            entropy: &SystemEntropy,
            now: self.now(),
        };
        let source = Source {
            target: self.copies(),
            set: None,
        };
        let said = Overrides {
            replace: true,
            ..Overrides::default()
        };
        let done = backup::restore(at, &source, Which::All, said, &mut |_| {});
        done?;
        drop(lock);
        self.start()
    }
}
