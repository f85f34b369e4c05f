//! What must hold whatever happened to the disks. The checks know what people and phones were told, and nothing of how the
//! product keeps it.

use std::path::Path;

use tributary::service::check::check;
use tributary::storage::{LogEntry, StorageError};
use tributary_native::Quiet;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ItemHash, LogPos};

use super::day::words;
use super::world::{Saved, Trouble, World};

type Verdict = Result<(), String>;

fn holds(true_: bool, else_: impl FnOnce() -> String) -> Verdict {
    if true_ { Ok(()) } else { Err(else_()) }
}

impl World {
    /// The server is dark: the power is back, `tributary check` looks first, then the program starts.
    pub(super) fn light_server(&mut self) -> Verdict {
        self.stop();
        self.disk.mend();
        self.disk.power_on();
        // An erasure that is in the ledger and not in the file yet is done when the file opens.
        self.sound(|rule| rule == "ledger.replayed")?;
        self.start()
            .map_err(|t| format!("it does not start: {t:?}"))?;
        self.server_keeps()
    }
    /// A phone is dark: the power is back, its program starts.
    pub(super) fn light_phone(&mut self, phone: usize) -> Verdict {
        self.put_down(phone);
        self.phone_disks[phone].mend();
        self.phone_disks[phone].power_on();
        self.pick_up(phone)
            .map_err(|t| format!("phone {phone} does not open: {t:?}"))?;
        self.phone_keeps(phone)
    }

    fn sound(&self, known: impl Fn(&str) -> bool) -> Verdict {
        let report = check(&self.data(), &mut |_| {}).map_err(|e| e.to_string())?;
        let faults = report.organisations.iter().flat_map(|o| &o.faults);
        let faults: Vec<_> = faults
            .chain(&report.faults)
            .filter(|f| !known(&f.rule))
            .collect();
        holds(faults.is_empty(), || format!("check finds {faults:?}"))
    }

    pub(super) fn server_keeps(&mut self) -> Verdict {
        let acknowledged: Vec<(Dot, ItemHash)> = {
            let heard = self.heard.lock().unwrap();
            heard.acknowledged.iter().map(|(d, h)| (*d, *h)).collect()
        };
        let erased: Vec<_> = self.told.erased.keys().map(|no| self.id(*no)).collect();
        let written = self.told.written.clone();
        let found = self
            .service()
            .files()
            .read::<_, StorageError>(self.org, |txn| {
                let mut out = Vec::new();
                holds(!txn.stopped()?, || "writing has stopped".to_owned())
                    .unwrap_or_else(|e| out.push(e));
                for (dot, hash) in &acknowledged {
                    if txn.item(*dot)?.is_none_or(|item| item.hash != *hash) {
                        out.push(format!("{dot:?} was acknowledged and is not there"));
                    }
                }
                for (record, dot) in &written {
                    let no = txn.record_no(*record)?;
                    let change = no
                        .map(|no| txn.change_by_dot(no, *dot))
                        .transpose()?
                        .flatten();
                    if change.is_none() && !erased.contains(record) {
                        out.push(format!("{dot:?} of the console is gone"));
                    }
                }
                for id in &erased {
                    if txn.record_no(*id)?.is_some() || !txn.erased(*id)? {
                        out.push(format!("{id} was erased and is back"));
                    }
                }
                Ok(out)
            });
        let found = found.map_err(|e| e.to_string())?;
        holds(found.is_empty(), || format!("{found:?}"))?;
        // By now opening has done what was owed.
        self.sound(|_| false)?;
        for no in self.told.erased.iter().filter(|e| *e.1).map(|e| e.0) {
            let files = with_words(&self.place("data"), words(*no).as_bytes());
            holds(files.is_empty(), || {
                format!("words of {no} were out of all files and are in {files:?}")
            })?;
        }
        Ok(())
    }

    pub(super) fn phone_keeps(&mut self, phone: usize) -> Verdict {
        let saved: Vec<Saved> = self
            .told
            .saved
            .iter()
            .filter(|s| s.phone == phone)
            .cloned()
            .collect();
        let hidden = self.told.restricted.clone();
        let device = self.device(phone).map_err(|t| t.said)?;
        let summary = device.summary().map_err(|e| e.to_string())?;
        let mut own = Vec::new();
        for record in device.records().map_err(|e| e.to_string())? {
            let shown = device.show(record).map_err(|e| e.to_string())?;
            for (own_one, _) in shown.own {
                // Nothing half: what a save wrote is in the record, unless somebody wrote over it who saw it.
                if let Some(body) = &own_one.body {
                    let stands = |w: &(tributary_sync_core::key::Key, _)| {
                        !shown.held.state.values(&w.0).is_empty()
                    };
                    holds(body.writes.iter().all(stands), || {
                        format!("half of {:?}", own_one.dot)
                    })?;
                }
                own.push((own_one.dot, own_one.hash));
            }
        }
        for one in saved.iter().filter(|s| !hidden.contains(&s.record)) {
            holds(own.contains(&(one.dot, one.hash)), || {
                format!("phone {phone} lost interview {} of {summary:?}", one.no)
            })?;
        }
        Ok(())
    }

    /// A phone that has synced since an erasure holds no word of it any more.
    pub(super) fn forgets_what_is_erased(&self, phone: usize) -> Result<(), Trouble> {
        for no in self.told.erased.keys() {
            let files = with_words(
                &self.place(&format!("phone-{phone}")),
                words(*no).as_bytes(),
            );
            if !files.is_empty() && !self.phone_disks[phone].is_off() {
                return Err(Trouble {
                    code: Some("words"),
                    said: format!("words of {no} are in {files:?} after a sync"),
                });
            }
        }
        Ok(())
    }

    /// No number stands for two things.
    pub(super) fn numbers_are_used_once(&self) -> Verdict {
        let heard = self.heard.lock().unwrap();
        let twice: Vec<_> = heard
            .numbers
            .iter()
            .filter(|n| n.1.len() > 1)
            .map(|n| n.0)
            .collect();
        holds(twice.is_empty(), || format!("used twice: {twice:?}"))
    }

    /// The evening: everybody syncs, then server and phones have the same, and all that was ever said is there.
    pub(super) fn evening(&mut self) -> Verdict {
        for phone in [0, 1, 0, 1] {
            let device = self.device(phone).map_err(|t| t.said)?;
            device
                .sync(&mut Quiet)
                .map_err(|e| format!("phone {phone}: {e} ({:?})", std::error::Error::source(&e)))?;
        }
        self.numbers_are_used_once()?;
        self.server_keeps()?;
        for phone in [0, 1] {
            self.phone_keeps(phone)?;
            let device = self.device(phone).map_err(|t| t.said)?;
            let unsent = device.summary().map_err(|e| e.to_string())?.unsent;
            holds(unsent == 0, || {
                format!("phone {phone} still has {unsent} to send")
            })?;
        }
        self.all_is_in_the_log()?;
        self.states_are_equal()?;
        for no in self.told.erased.keys() {
            let files: Vec<_> = ["data", "phone-0", "phone-1"]
                .iter()
                .flat_map(|place| with_words(&self.place(place), words(*no).as_bytes()))
                .collect();
            holds(files.is_empty(), || {
                format!("words of {no} are in {files:?}")
            })?;
        }
        Ok(())
    }

    fn all_is_in_the_log(&mut self) -> Verdict {
        let mut logged = Vec::new();
        let read = self
            .service()
            .files()
            .read::<_, StorageError>(self.org, |txn| {
                txn.log_after::<StorageError>(LogPos::ZERO, |line| {
                    if let LogEntry::Change(Some(stored)) = line.entry()? {
                        logged.push((stored.change.dot, stored.change.hash()));
                    }
                    Ok(true)
                })
            });
        read.map_err(|e| e.to_string())?;
        for one in &self.told.saved {
            let erased = self.told.erased.keys().any(|no| self.id(*no) == one.record);
            let times = logged.iter().filter(|l| **l == (one.dot, one.hash)).count();
            holds(erased || times == 1, || {
                format!("interview {} stands {times} times in the log", one.no)
            })?;
        }
        Ok(())
    }

    /// Equal scope: byte-equal state.
    fn states_are_equal(&mut self) -> Verdict {
        for phone in [0, 1] {
            let device = self.device(phone).map_err(|t| t.said)?;
            let mut held = Vec::new();
            for record in device.records().map_err(|e| e.to_string())? {
                let shown = device.show(record).map_err(|e| e.to_string())?;
                held.push((record, shown.held.state.to_bytes()));
            }
            holds(held.len() >= 2, || {
                format!("phone {phone} holds only {}", held.len())
            })?;
            let service = self.service();
            for (record, bytes) in held {
                let row = service
                    .files()
                    .read::<_, StorageError>(self.org, |txn| txn.record(record));
                let row = row.map_err(|e| e.to_string())?;
                let same = row.is_some_and(|row| row.record.to_bytes() == bytes);
                holds(same, || {
                    format!("{record} of phone {phone} is another one on the server")
                })?;
            }
        }
        Ok(())
    }
}

/// The files below a folder that hold these bytes.
fn with_words(folder: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(with_words(&path, bytes));
        } else if std::fs::read(&path)
            .unwrap()
            .windows(bytes.len())
            .any(|part| part == bytes)
        {
            found.push(path.display().to_string());
        }
    }
    found
}
