//! Exports of a real organisation's file: two form versions, people who disagree, and every script of the region.

mod agreement;
mod consent;
mod past;
mod rows;
mod sheets;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::form::{FormPackage, prepare as prepare_form};
use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::{Codes, Int, RowPlace, Text, Value};

use super::*;
use crate::service::access::Role;
use crate::service::env::{Entropy, Env, Roster, Signer};
use crate::service::exchange::{Author, Merger};
use crate::service::forms::{NewVersion, publish};
use crate::storage::{NewActor, OrgFiles, StorageError};

pub(super) const V1: &str = include_str!("v1.xml");
pub(super) const V2: &str = include_str!("v2.xml");
pub(super) const LINEAGE: &str = "case";

struct Seeded(AtomicU64);
impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> std::result::Result<(), StorageError> {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            chunk.copy_from_slice(&Sha256::digest(n.to_be_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}

struct Plain;
impl Signer for Plain {
    fn sign(&self, _: OrgId, bytes: &[u8]) -> std::result::Result<String, StorageError> {
        Ok(hex::encode(Sha256::digest(bytes)))
    }
    fn verify(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool {
        self.sign(org, bytes).is_ok_and(|s| s == signature)
    }
}
impl Roster for Plain {
    fn profiles_of_user(
        &self,
        _: OrgId,
        _: UserId,
    ) -> std::result::Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn profiles_of_team(
        &self,
        _: OrgId,
        _: TeamId,
    ) -> std::result::Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn name(&self, _: OrgId, user: UserId) -> std::result::Result<Option<String>, StorageError> {
        Ok(Some(
            match user.as_bytes()[0] {
                1 => "Sokha",
                2 => "မောင်",
                _ => "=Mallory",
            }
            .to_owned(),
        ))
    }
}

/// An organisation with both versions of a form, and workers 1, 2, 3.
pub(super) struct Office {
    _folder: tempfile::TempDir,
    pub(super) files: OrgFiles,
    pub(super) org: OrgId,
    pub(super) env: Env,
    pub(super) ids: BTreeMap<String, FieldId>,
    pub(super) v1: FormHash,
    pub(super) v2: FormHash,
    seqs: BTreeMap<u8, u64>,
}

impl Office {
    pub(super) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        let org = OrgId::from_bytes([1; 16]);
        let env = Env {
            now: 1_795_511_553_250,
            entropy: Arc::new(Seeded(AtomicU64::new(0))),
            signer: Arc::new(Plain),
            roster: Arc::new(Plain),
            ledger: files.ledger(),
        };
        files.create(org).unwrap();
        files
            .write::<_, StorageError>(org, move |txn| {
                txn.initialise(EpochId::from_bytes([1; 16]), [3; 32], 0)?;
                for user in 1..=3u8 {
                    txn.add_actor(&NewActor {
                        id: ActorId(user.into()),
                        profile: Some(ProfileId::from_bytes([user; 16])),
                        user: Some(UserId::from_bytes([user; 16])),
                        instance: None,
                        device_key: vec![user],
                        chain: ChainHash::default(),
                        epoch: EpochId::from_bytes([1; 16]),
                    })?;
                }
                Ok(())
            })
            .unwrap();
        let mut office = Self {
            _folder: folder,
            files,
            org,
            env,
            ids: BTreeMap::new(),
            v1: FormHash::default(),
            v2: FormHash::default(),
            seqs: BTreeMap::new(),
        };
        office.v1 = office.publish(V1);
        office
    }
    /// Publishes a version; its fields can be written to by their paths from then on.
    pub(super) fn publish(&mut self, xml: &str) -> FormHash {
        let (env, xml) = (self.env.clone(), xml.to_owned());
        let (hash, package) = self
            .files
            .write::<_, StorageError>(self.org, move |txn| {
                let version = NewVersion {
                    form: prepare_form(&xml).unwrap(),
                    attachments: Vec::new(),
                    mapping: BTreeMap::new(),
                    weaken: true,
                };
                let published = publish(txn, &env, None, &version).unwrap();
                let row = txn.form(published.hash)?.unwrap();
                Ok((published.hash, row.package))
            })
            .unwrap();
        let package = FormPackage::from_bytes(package.as_bytes()).unwrap();
        for field in package.fields {
            self.ids
                .insert(field.path.trim_start_matches("/data/").to_owned(), field.id);
        }
        hash
    }
    pub(super) fn publish_second(&mut self) {
        self.v2 = self.publish(V2);
    }

    pub(super) fn field(&self, path: &str) -> Key {
        Key::Field(self.ids[path])
    }
    pub(super) fn cell(&self, repeat: &str, row: u8, path: &str) -> Key {
        Key::Row {
            group: self.ids[repeat],
            row: RowId::from_bytes([row; 8]),
            field: self.ids[path],
        }
    }
    pub(super) fn row(&self, repeat: &str, row: u8) -> Key {
        Key::RowMeta {
            group: self.ids[repeat],
            row: RowId::from_bytes([row; 8]),
        }
    }

    /// One save: by a worker, of a record, having seen `seen`, at a device time.
    pub(super) fn save(
        &mut self,
        user: u8,
        record: u8,
        seen: &[Dot],
        saved: u64,
        writes: Vec<(Key, Value)>,
    ) -> Dot {
        self.save_with(user, record, seen, saved, writes, self.v1)
    }
    pub(super) fn save_with(
        &mut self,
        user: u8,
        record: u8,
        seen: &[Dot],
        saved: u64,
        writes: Vec<(Key, Value)>,
        form: FormHash,
    ) -> Dot {
        let seq = self.seqs.entry(user).or_default();
        *seq += 1;
        let dot = Dot::new(ActorId(user.into()), Seq::new(*seq).unwrap());
        let context: Clock = seen.iter().copied().collect();
        let id = RecordId::from_bytes([record; 16]);
        let draft = Draft {
            record: id,
            dot,
            clock: Hlc::new(saved, 0).unwrap(),
            form,
            creates: false,
            epoch: EpochId::from_bytes([1; 16]),
            seen: context.clone(),
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        };
        let stored = Stored {
            change: draft.seal().unwrap(),
            stamp: Stamp {
                context,
                effective: Hlc::new(saved, 0).unwrap(),
                received: self.env.now,
                cut: false,
            },
        };
        let env = self.env.clone();
        self.files
            .write::<_, StorageError>(self.org, move |txn| {
                let mut merger = Merger::new(txn, &env);
                if merger.find(id)?.is_none() {
                    let maker = ProfileId::from_bytes([user; 16]);
                    merger.create(&stored.change, LINEAGE, Some(maker), env.now)?;
                }
                let author = Author {
                    profile: None,
                    user: Some(UserId::from_bytes([user; 16])),
                    role: Role::Coordinator,
                    decides: false,
                    confirmed: LogPos::ZERO,
                };
                merger.merge(&stored, &author).unwrap();
                merger.finish().unwrap();
                Ok(())
            })
            .unwrap();
        dot
    }
    /// A complete record whose person consents.
    pub(super) fn interview(&mut self, user: u8, record: u8, mut writes: Vec<(Key, Value)>) -> Dot {
        writes.push((self.field("consent"), code("given")));
        writes.push((Key::Meta(MetaKey::Status), code("complete")));
        let saved = self.env.now - 60_000;
        self.save(user, record, &[], saved, writes)
    }
    pub(super) fn erase(&self, record: u8) {
        let id = RecordId::from_bytes([record; 16]);
        let now = self.env.now;
        self.files
            .write::<_, StorageError>(self.org, move |txn| txn.erase(id.tombstone(), now))
            .unwrap();
    }
    pub(super) fn restrict(&self, record: u8) {
        let (id, now) = (RecordId::from_bytes([record; 16]), self.env.now + 1);
        self.files
            .write::<_, StorageError>(self.org, move |txn| {
                let no = txn.record_no(id)?.unwrap();
                txn.set_restricted(no, Some(now), None, None)
            })
            .unwrap();
    }

    pub(super) fn try_export(&self, options: Options) -> Result<(Vec<u8>, Trailer)> {
        self.files.read(self.org, |txn| {
            let export = prepare(txn, &self.env, LINEAGE, options)?;
            let mut out = Vec::new();
            let trailer = export.write(txn, &self.env, &mut out)?;
            assert_eq!(trailer.etag, export.etag());
            Ok((out, trailer))
        })
    }
    pub(super) fn export(&self, options: Options) -> (Vec<u8>, Trailer) {
        self.try_export(options).unwrap()
    }
    pub(super) fn table(&self, options: Options) -> Table {
        Table::read(&self.export(options).0)
    }
}

/// A CSV as a program reads it.
pub(super) struct Table {
    pub(super) names: Vec<String>,
    pub(super) rows: Vec<BTreeMap<String, String>>,
}

impl Table {
    pub(super) fn read(bytes: &[u8]) -> Self {
        let mut reader = ::csv::Reader::from_reader(bytes);
        let names: Vec<String> = reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len(), "no two columns have one name");
        let rows = reader
            .records()
            .map(|r| {
                names
                    .iter()
                    .cloned()
                    .zip(r.unwrap().iter().map(str::to_owned))
                    .collect()
            })
            .collect();
        Self { names, rows }
    }
    pub(super) fn column(&self, name: &str) -> Vec<&str> {
        self.rows.iter().map(|r| r[name].as_str()).collect()
    }
}

pub(super) fn text(t: &str) -> Value {
    Value::Text(Text::new(t).unwrap())
}
pub(super) fn code(t: &str) -> Value {
    Value::Code(Text::new(t).unwrap())
}
pub(super) fn codes(all: &[&str]) -> Value {
    Value::Codes(Codes::new(all.iter().map(|c| Text::new(*c).unwrap())).unwrap())
}
pub(super) fn int(n: i64) -> Value {
    Value::Int(Int::new(n).unwrap())
}
pub(super) fn place(parent: Option<u8>, order: &str) -> Value {
    Value::Row(RowPlace::new(parent.map(|p| RowId::from_bytes([p; 8])), order).unwrap())
}
