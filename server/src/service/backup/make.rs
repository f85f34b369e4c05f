//! Making a copy: one set of one or all organisations, whole or not at all; then the `copied` mark moves.

use std::io::Write;
use std::path::{Path, PathBuf};

use tributary_sync_core::ids::{LogPos, OrgId};

use super::manifest::{ATTACHMENTS, AuditHead, Manifest, OrgEntry, Sets, set_name, verify_org};
use super::{BackupError, Step, keep};
use crate::service::env::Env;
use crate::service::keys::signs_in;
use crate::storage::sets::{self, SetWriter, TargetLock};
use crate::storage::{AuditEntry, Ledger, OrgFiles, OrgTxn, StorageError, copy};

/// Whose files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Everybody's, with the directory and all keys.
    All,
    /// One organisation's.
    One(OrgId),
}

/// What to copy, and where to.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The data folder.
    pub data: PathBuf,
    /// The folder of sets, on another disk.
    pub target: PathBuf,
    /// Whose.
    pub which: Which,
    /// How many copies of each organisation are kept.
    pub keep: usize,
}

/// Why an organisation was not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// Its file does not have what the last copy has: it was rolled back, or two servers write. Writing stops.
    NotExtending {
        /// The last copy.
        set: String,
    },
    /// Writing has stopped in it; a copy would be taken for the truth.
    Stopped,
    /// Its file could not be read. The copies there are stay.
    Unreadable {
        /// The reason.
        why: String,
    },
}

/// An organisation that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Which.
    pub org: OrgId,
    /// Up to which log position.
    pub pos: LogPos,
}

/// What became of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The set; none if every organisation was withheld.
    pub set: Option<PathBuf>,
    /// Who is in it.
    pub copied: Vec<Copied>,
    /// Who is not, and why.
    pub withheld: Vec<(OrgId, Withheld)>,
    /// Old sets that were removed.
    pub pruned: Vec<String>,
    /// The folder lies on the disk of the data: no copy off this machine.
    pub same_disk: bool,
    /// Sets in the folder whose manifest cannot be read.
    pub unreadable: Vec<String>,
}

/// Ends the look at a moment before anything is copied.
enum Stop {
    Withheld(Withheld),
    Below(StorageError),
}

impl From<StorageError> for Stop {
    fn from(e: StorageError) -> Self {
        Self::Below(e)
    }
}

/// Copies, verifies, names the set, moves the marks, prunes.
pub fn backup(
    files: &OrgFiles,
    env: &Env,
    plan: &Plan,
    progress: &mut dyn FnMut(Step),
) -> Result<Made, BackupError> {
    if inside(&plan.target, &plan.data) {
        return Err(BackupError::TargetInside);
    }
    let lock = match sets::lock_target(&plan.target) {
        Err(StorageError::Locked) => return Err(BackupError::TargetBusy),
        other => other?,
    };
    sets::sweep(&plan.target, &lock)?;
    let before = Sets::read(&plan.target)?;
    let mut writing = Writing::begin(files, env, plan, &before, &lock)?;
    writing.organisations(progress)?;
    let mut made = Made {
        set: None,
        copied: Vec::new(),
        withheld: std::mem::take(&mut writing.withheld),
        pruned: Vec::new(),
        same_disk: sets::same_disk(&plan.data, &plan.target),
        unreadable: before.unreadable.clone(),
    };
    if writing.manifest.organisations.is_empty() && !made.withheld.is_empty() {
        return Ok(made);
    }
    writing.rest(progress)?;
    let (path, manifest) = writing.finish(progress)?;
    for entry in &manifest.organisations {
        mark(files, env, entry, &path)?;
        mirror_ledger(&env.ledger, &plan.target, entry.id)?;
        made.copied.push(Copied {
            org: entry.id,
            pos: entry.pos,
        });
    }
    made.pruned = keep::prune(&Sets::read(&plan.target)?, plan.keep, &lock)?;
    made.set = Some(path);
    Ok(made)
}

/// Everything up to the copy's head is off this machine now.
fn mark(files: &OrgFiles, env: &Env, entry: &OrgEntry, set: &Path) -> Result<(), StorageError> {
    let (pos, now) = (entry.pos, env.now);
    let name = set.file_name().and_then(|n| n.to_str()).map(str::to_owned);
    files.write(entry.id, move |txn| {
        txn.set_copied(pos, now)?;
        let row = AuditEntry {
            action: "backup.made",
            subject: name,
            detail: Some(format!("position {pos}")),
            ..AuditEntry::default()
        };
        txn.audit(&row, now).map(drop)
    })
}

/// The ledger of erasures also stands beside the sets, newer than any of them.
pub(super) fn mirror_ledger(
    ledger: &Ledger,
    target: &Path,
    org: OrgId,
) -> Result<usize, StorageError> {
    let length = |p: &Path| std::fs::metadata(p).map(|m| m.len()).unwrap_or(0);
    let beside = Ledger::new(target)?;
    if beside.exists(org) && length(&beside.path(org)) == length(&ledger.path(org)) {
        return Ok(0);
    }
    beside.merge(org, &ledger.read(org)?)
}

fn inside(target: &Path, data: &Path) -> bool {
    let absolute = |p: &Path| std::path::absolute(p).unwrap_or_else(|_| p.to_owned());
    let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| absolute(p));
    real(target).starts_with(real(data))
}

struct Writing<'a> {
    files: &'a OrgFiles,
    env: &'a Env,
    plan: &'a Plan,
    before: &'a Sets,
    set: SetWriter,
    name: String,
    manifest: Manifest,
    withheld: Vec<(OrgId, Withheld)>,
}

impl<'a> Writing<'a> {
    fn begin(
        files: &'a OrgFiles,
        env: &'a Env,
        plan: &'a Plan,
        before: &'a Sets,
        lock: &TargetLock,
    ) -> Result<Self, StorageError> {
        // A clock that was set back must not make the newest set look old.
        let made_ms = env.now.max(before.newest_ms() + 1);
        let name = set_name(made_ms);
        Ok(Self {
            files,
            env,
            plan,
            before,
            set: SetWriter::begin(&plan.target, &name, lock)?,
            name,
            manifest: Manifest::new(made_ms),
            withheld: Vec::new(),
        })
    }

    fn organisations(&mut self, progress: &mut dyn FnMut(Step)) -> Result<(), BackupError> {
        let wanted = self.wanted()?;
        for (n, org) in wanted.iter().enumerate() {
            progress(Step::Organisation(*org, n + 1, wanted.len()));
            self.organisation(*org, progress)?;
        }
        Ok(())
    }

    fn wanted(&self) -> Result<Vec<OrgId>, StorageError> {
        Ok(match self.plan.which {
            Which::All => self.files.ids()?,
            Which::One(org) => vec![org],
        })
    }

    fn organisation(
        &mut self,
        org: OrgId,
        progress: &mut dyn FnMut(Step),
    ) -> Result<(), BackupError> {
        let path = OrgEntry::file(org);
        let place = self.set.place(&path)?;
        let before = self.before;
        let looked = self
            .files
            .copy(org, &place, |txn| look(txn, before), &mut |pages| {
                progress(Step::Pages(pages))
            });
        let (mut entry, audit) = match looked {
            Ok(entry) => entry,
            // One damaged file must not keep all others from being copied.
            Err(Stop::Below(e))
                if self.plan.which == Which::All && !matches!(e, StorageError::Full) =>
            {
                let why = e.to_string();
                self.withheld.push((org, Withheld::Unreadable { why }));
                let _ = std::fs::remove_file(&place);
                return Ok(());
            }
            Err(Stop::Below(e)) => return Err(e.into()),
            Err(Stop::Withheld(why)) => {
                if matches!(why, Withheld::NotExtending { .. }) {
                    self.files
                        .write::<_, StorageError>(org, |txn| txn.set_stopped(true))?;
                }
                self.withheld.push((org, why));
                return Ok(());
            }
        };
        let covered = AuditHead::signed_bytes(org, entry.audit.n, &audit);
        entry.audit.sig = self.env.signer.sign(org, &covered)?;
        self.set.add(&path)?;
        // After the file: the ledger then has at least what the file knows of.
        self.env.ledger.ensure(org)?;
        self.set
            .copy_file(&self.env.ledger.path(org), &OrgEntry::ledger(org))?;
        self.manifest.organisations.push(entry);
        Ok(())
    }

    /// Attachments, keys and the directory: after the files of organisations, so that nothing those name is missing.
    fn rest(&mut self, progress: &mut dyn FnMut(Step)) -> Result<(), BackupError> {
        progress(Step::Files);
        let mut list = self.set.list(ATTACHMENTS)?;
        for entry in &self.manifest.organisations {
            let org = entry.id;
            let from = self.plan.data.join("attachment").join(org.to_string());
            let before = self.before.newest(org, 0).map(|(s, _)| s.path.as_path());
            let inside = format!("attachment/{org}");
            let sum = self.set.copy_tree(&from, &inside, before, &mut list)?;
            self.manifest.attachments += sum.files;
        }
        list.flush()
            .map_err(StorageError::io("writing the list of files"))?;
        drop(list);
        self.set.add(ATTACHMENTS)?;
        let keys = self.plan.data.join("keys");
        match self.plan.which {
            // Not the keys of tokens: whoever finds a copy must not be able to sign in with it.
            Which::All => {
                for file in sets::files_below(&keys)? {
                    if !signs_in(&file) {
                        self.set
                            .copy_file(&keys.join(&file), &format!("keys/{file}"))?;
                    }
                }
            }
            Which::One(org) => self
                .set
                .copy_folder(&keys.join(org.to_string()), &format!("keys/{org}"))?,
        }
        self.directory(progress)
    }

    fn directory(&mut self, progress: &mut dyn FnMut(Step)) -> Result<(), BackupError> {
        let directory = self.plan.data.join("directory.db");
        if self.plan.which != Which::All || !directory.is_file() {
            return Ok(());
        }
        let place = self.set.place("directory.db")?;
        let schema = copy::database(&directory, &place, &mut |p| progress(Step::Pages(p)))?;
        copy::without_sign_ins(&place)?;
        self.set.add("directory.db")?;
        self.manifest.directory_schema = Some(schema);
        // An organisation that was made meanwhile is in the directory: let it be in the set, too.
        let known: Vec<OrgId> = self.manifest.organisations.iter().map(|e| e.id).collect();
        let seen = |org: &OrgId| known.contains(org) || self.withheld.iter().any(|w| w.0 == *org);
        let new: Vec<OrgId> = self.wanted()?.into_iter().filter(|o| !seen(o)).collect();
        for org in new {
            self.organisation(org, progress)?;
        }
        Ok(())
    }

    fn finish(
        mut self,
        progress: &mut dyn FnMut(Step),
    ) -> Result<(PathBuf, Manifest), BackupError> {
        self.manifest.files = self.set.files().iter().map(Into::into).collect();
        progress(Step::Verify);
        let folder = self.set.place("")?;
        for entry in &self.manifest.organisations {
            verify_org(&self.name, &folder, entry)?;
        }
        let mut json = serde_json::to_vec_pretty(&self.manifest).unwrap_or_default();
        json.push(b'\n');
        Ok((self.set.finish(&json)?, self.manifest))
    }
}

/// What the file is at the moment that will be copied; refused if it lacks what the last copy has.
fn look(txn: &OrgTxn<'_>, before: &Sets) -> Result<(OrgEntry, [u8; 32]), Stop> {
    if txn.stopped()? && !txn.sealed()? {
        return Err(Stop::Withheld(Withheld::Stopped));
    }
    if let Some((set, last)) = before.newest(txn.org(), txn.copies_waived()?)
        && !last.contained_in(txn)?
    {
        return Err(Stop::Withheld(Withheld::NotExtending {
            set: set.name.clone(),
        }));
    }
    let (pos, log_hash) = txn.head()?;
    let (n, hash) = txn.audit_head()?;
    let entry = OrgEntry {
        id: txn.org(),
        epoch: txn.epoch()?.id,
        pos,
        log_hash,
        schema: txn.schema()?,
        erasures: txn.erasures()?,
        audit: AuditHead {
            n,
            hash: hex::encode(hash),
            sig: String::new(),
        },
    };
    Ok((entry, hash))
}
