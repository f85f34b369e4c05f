//! What whoever runs the server does, and what happens to phones and disks.

use tributary::service::backup::{
    self, BackupError, Offline, Opened, Overrides, Plan, Sets, Source, Which,
};
use tributary::storage::StorageError;
use tributary::storage::folder::DataFolder;
use tributary_sync_core::ids::{FormHash, RecordId};
use tributary_sync_core::session::{Confirm, Run, empty};

use super::phone::Phone;
use super::world::{DiskImage, ORG, World, form_row};

impl World {
    pub(crate) fn clone_phone(&mut self, phone: usize) {
        if self.phones.len() < 7 {
            let (kept, path) = (self.phones[phone].kept(), self.file());
            self.phones.push(Phone::from_kept(&kept, &path));
        }
    }
    pub(crate) fn restore_phone(&mut self, which: usize) {
        if self.phone_images.is_empty() {
            return;
        }
        let (phone, kept) = self.phone_images[which % self.phone_images.len()].clone();
        let path = self.file();
        let mut restored = Phone::from_kept(&kept, &path);
        restored.caller.revoked = self.revoked.contains(&restored.caller.profile);
        self.phones[phone] = restored;
        self.phone_went_back = true;
        self.last.remove(&phone);
    }
    /// What the program held in memory is gone; what it had stored is not.
    pub(crate) fn kill(&mut self, phone: usize) {
        let phone = &mut self.phones[phone];
        phone.close();
        phone.run = Run::new(None);
    }
    pub(crate) fn empty(&mut self, phone: usize, stored_is_enough: bool) {
        let confirm = if stored_is_enough {
            Confirm::StoredIsEnough
        } else {
            Confirm::CopiedOnly
        };
        let phone = &mut self.phones[phone];
        let held = phone.saves();
        let emptied = !phone.has_open() && phone.disk.step(|s| empty(s, confirm)).is_ok();
        if emptied && !stored_is_enough {
            self.emptied_copied.extend(held);
        }
    }
    pub(crate) fn revoke(&mut self, phone: usize, on: bool) {
        let profile = self.phones[phone].caller.profile;
        match on {
            true => self.revoked.insert(profile),
            false => self.revoked.remove(&profile),
        };
        let same = |p: &&mut Phone| p.caller.profile == profile;
        let twins = self.phones.iter_mut().filter(same);
        twins.for_each(|p| p.caller.revoked = on);
    }
    pub(crate) fn publish(&mut self) {
        if self.stopped() {
            return;
        }
        let next = FormHash::from_bytes([self.form.as_bytes()[0] + 1; 32]);
        let now = self.env.now;
        let added = self
            .files
            .write::<_, StorageError>(ORG, move |t| match t.form(next)? {
                Some(_) => Ok(()),
                None => t.add_form(&form_row(next), now).map(drop),
            });
        added.unwrap();
        self.form = next;
    }
    pub(crate) fn erase(&mut self, id: RecordId) {
        let there = self.read(ORG, |t| t.record_no(id)).is_some();
        if self.stopped() || !there {
            return;
        }
        let env = self.env.clone();
        let erased = self.files.write::<_, StorageError>(ORG, move |t| {
            env.ledger.append(ORG, id.tombstone(), env.now)?;
            t.erase(id.tombstone(), env.now)
        });
        erased.unwrap();
        self.erased.insert(id);
    }

    pub(crate) fn image_disk(&mut self) {
        self.files.close(ORG);
        self.flush();
        self.disk_images.push(DiskImage {
            file: std::fs::read(self.files.path(ORG)).unwrap(),
            ledger: std::fs::read(self.env.ledger.path(ORG)).unwrap_or_default(),
            erased: self.erased.clone(),
        });
    }
    pub(crate) fn roll_back(&mut self, which: usize, with_ledger: bool) {
        if self.disk_images.is_empty() {
            return;
        }
        let image = self.disk_images[which % self.disk_images.len()].clone();
        self.files.close(ORG);
        self.flush();
        std::fs::write(self.files.path(ORG), image.file).unwrap();
        if with_ledger {
            std::fs::write(self.env.ledger.path(ORG), image.ledger).unwrap();
            let forgotten = self.erased.difference(&image.erased);
            self.erased_once.extend(forgotten);
            self.erased = image.erased;
        }
        self.goes_back();
    }

    fn plan(&self) -> Plan {
        Plan {
            data: self.folder.path().to_owned(),
            target: self.copies.path().to_owned(),
            which: Which::All,
            keep: 3,
        }
    }
    /// The product's own copy; one that the file does not extend stops writing.
    pub fn backup(&mut self) {
        let made = backup::backup(&self.files, &self.env, &self.plan(), &mut |_| {}).unwrap();
        let stopped = self.stopped();
        let withheld = made.withheld.iter().any(|(org, _)| *org == ORG);
        assert_eq!(withheld, stopped, "{made:?}");
    }
    /// The newest copy, or one before it, whatever lies here now.
    pub fn restore(&mut self, older: usize) {
        let sets = Sets::read(self.copies.path()).unwrap().sets;
        let Some(set) = sets.iter().rev().nth(older) else {
            return;
        };
        for org in super::world::ORGS {
            self.files.close(org);
        }
        let source = Source {
            target: self.copies.path().to_owned(),
            set: Some(set.name.clone()),
        };
        let said = Overrides {
            replace: true,
            older_copy: older > 0,
            ..Overrides::default()
        };
        self.offline(|at| backup::restore(at, &source, Which::All, said, &mut |_| {}).map(drop));
        self.goes_back();
    }
    /// Opens an epoch. Over a file that lacks the newest copy, it starts from that copy.
    pub fn open_epoch(&mut self) {
        self.files.close(ORG);
        let target = self.copies.path().to_owned();
        let mut opened = None;
        self.offline(|at| {
            opened = Some(backup::open_epoch(at, ORG, Some(&target), true)?);
            Ok(())
        });
        if matches!(opened, Some(Opened::FromCopy(_))) {
            self.goes_back();
        }
    }
    fn offline(&self, work: impl FnOnce(Offline<'_>) -> Result<(), BackupError>) {
        let lock = DataFolder::at(self.folder.path()).lock().unwrap();
        let at = Offline {
            data: self.folder.path(),
            lock: &lock,
            entropy: &*self.env.entropy,
            now: self.env.now,
        };
        work(at).unwrap();
    }
    fn goes_back(&mut self) {
        self.went_back = true;
        self.told_stored.clear();
        // A published version is published again, should the file not have it.
        let known = self.read(ORG, |t| t.form(self.form)).is_some();
        if !known {
            self.form = super::phone::FORM;
        }
    }
}
