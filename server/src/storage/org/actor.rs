//! Actors, and what became of every number they used.

use rusqlite::{Row, params};
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::ids::{
    ActorId, ChainHash, EpochId, InstanceId, ItemHash, LogPos, ProfileId, Seq, UserId,
};

use super::{OrgTxn, RecordNo, Result, pos, seq, sql, unsql};

/// An actor as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActorRow {
    /// Its number.
    pub id: ActorId,
    /// The profile that holds it; none for the server's own.
    pub profile: Option<ProfileId>,
    /// The user behind it; none for the server itself.
    pub user: Option<UserId>,
    /// The device key its chain starts from.
    pub device_key: Vec<u8>,
    /// The last number it used.
    pub acked: Seq,
    /// h at that number.
    pub chain: ChainHash,
    /// Whether it was closed by a loss: nothing more is taken.
    pub closed: bool,
    /// The epoch it was given in.
    pub epoch: EpochId,
}

/// What to write down of a new actor.
#[derive(Clone, Debug)]
pub struct NewActor {
    /// Its number, drawn at random by the caller.
    pub id: ActorId,
    /// The profile that holds it.
    pub profile: Option<ProfileId>,
    /// The user behind it.
    pub user: Option<UserId>,
    /// What the device called its request.
    pub instance: Option<InstanceId>,
    /// The device key.
    pub device_key: Vec<u8>,
    /// h₀.
    pub chain: ChainHash,
    /// The epoch it is given in.
    pub epoch: EpochId,
}

/// The status of a used number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ItemStatus {
    /// In the log.
    Applied = 1,
    /// In the log, its context cut.
    Cut = 2,
    /// Its origin was stored before.
    Duplicate = 3,
    /// In quarantine.
    Quarantined = 4,
    /// No body.
    Void = 5,
}

impl ItemStatus {
    fn from_number(n: u8) -> Self {
        match n {
            1 => Self::Applied,
            2 => Self::Cut,
            3 => Self::Duplicate,
            4 => Self::Quarantined,
            _ => Self::Void,
        }
    }
}

/// One used number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    /// Its dot.
    pub dot: Dot,
    /// Its hash.
    pub hash: ItemHash,
    /// h at it.
    pub chain: ChainHash,
    /// What became of it.
    pub status: ItemStatus,
    /// Why it stands in quarantine.
    pub code: Option<String>,
    /// The record it was for.
    pub record: Option<RecordNo>,
    /// Its log position, for what went into quarantine too; of what has no body or was here before, the head of the log
    /// when it was taken. Covered by a copy up to there.
    pub pos: LogPos,
    /// The clock that orders ties.
    pub effective: Option<Hlc>,
}

const ACTOR: &str = "SELECT id, profile, user, device_key, acked, chain, closed, epoch FROM actor";
const ITEM: &str = "SELECT actor, seq, hash, chain, status, code, record, pos, effective_ms, effective_n FROM item";

impl OrgTxn<'_> {
    /// One actor.
    pub fn actor(&self, id: ActorId) -> Result<Option<ActorRow>> {
        self.one(&format!("{ACTOR} WHERE id = ?1"), [id.0], read_actor)
    }
    /// The actors of a profile, the oldest first.
    pub fn actors_of(&self, profile: ProfileId) -> Result<Vec<ActorRow>> {
        self.all(
            &format!("{ACTOR} WHERE profile = ?1 ORDER BY nth"),
            [profile.as_bytes()],
            read_actor,
        )
    }
    /// The actor that was given for this instance before.
    pub fn actor_of_instance(
        &self,
        profile: ProfileId,
        instance: InstanceId,
    ) -> Result<Option<ActorRow>> {
        let sql = format!("{ACTOR} WHERE profile = ?1 AND instance = ?2");
        self.one(
            &sql,
            params![profile.as_bytes(), instance.as_bytes()],
            read_actor,
        )
    }
    /// Writes down a new actor; false if the number is taken.
    pub fn add_actor(&self, new: &NewActor) -> Result<bool> {
        let added = self.execute(
            "INSERT INTO actor (id, profile, user, instance, device_key, chain, epoch, nth)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, (SELECT count(*) FROM actor WHERE profile IS ?2))
             ON CONFLICT (id) DO NOTHING",
            params![
                new.id.0,
                new.profile.as_ref().map(|p| p.as_bytes().as_slice()),
                new.user.as_ref().map(|u| u.as_bytes().as_slice()),
                new.instance.as_ref().map(|i| i.as_bytes().as_slice()),
                new.device_key,
                new.chain.as_bytes(),
                new.epoch.as_bytes()
            ],
        )?;
        Ok(added == 1)
    }
    /// The actor has used its numbers up to `acked`.
    pub fn advance_actor(&self, id: ActorId, acked: Seq, chain: ChainHash) -> Result<()> {
        self.execute(
            "UPDATE actor SET acked = ?2, chain = ?3 WHERE id = ?1",
            params![id.0, sql(acked.get()), chain.as_bytes()],
        )?;
        Ok(())
    }
    /// Nothing more is taken from this actor.
    pub fn close_actor(&self, id: ActorId) -> Result<()> {
        self.execute("UPDATE actor SET closed = 1 WHERE id = ?1", [id.0])?;
        Ok(())
    }

    /// Writes down what became of a number.
    pub fn add_item(&self, item: &ItemRow) -> Result<()> {
        self.execute(
            "INSERT INTO item (actor, seq, hash, chain, status, code, record, pos, effective_ms, effective_n)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                item.dot.actor.0,
                sql(item.dot.seq.get()),
                item.hash.as_bytes(),
                item.chain.as_bytes(),
                item.status as u8,
                item.code,
                item.record.map(|r| r.0),
                sql(item.pos.get()),
                item.effective.map(|e| sql(e.ms())),
                item.effective.map(|e| e.n())
            ],
        )?;
        Ok(())
    }
    /// One used number.
    pub fn item(&self, dot: Dot) -> Result<Option<ItemRow>> {
        self.one(
            &format!("{ITEM} WHERE actor = ?1 AND seq = ?2"),
            params![dot.actor.0, sql(dot.seq.get())],
            read_item,
        )
    }
    /// The used numbers of an actor from `first` to `last`.
    pub fn items(&self, actor: ActorId, first: Seq, last: Seq) -> Result<Vec<ItemRow>> {
        self.all(
            &format!("{ITEM} WHERE actor = ?1 AND seq BETWEEN ?2 AND ?3 ORDER BY seq"),
            params![actor.0, sql(first.get()), sql(last.get())],
            read_item,
        )
    }
    /// At most `limit` used numbers of an actor from `first` on.
    pub(super) fn items_from(
        &self,
        actor: ActorId,
        first: Seq,
        limit: u32,
    ) -> Result<Vec<ItemRow>> {
        self.all(
            &format!("{ITEM} WHERE actor = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3"),
            params![actor.0, sql(first.get()), limit],
            read_item,
        )
    }
    /// Changes what became of a number: a quarantined body was released, or a void number filled.
    pub fn set_item_status(&self, dot: Dot, status: ItemStatus) -> Result<()> {
        self.execute(
            "UPDATE item SET status = ?3 WHERE actor = ?1 AND seq = ?2",
            params![dot.actor.0, sql(dot.seq.get()), status as u8],
        )?;
        Ok(())
    }
    /// The last number of an actor that was taken at or before a log position.
    pub fn last_item_at(&self, actor: ActorId, at: LogPos) -> Result<Seq> {
        if at == LogPos::ZERO {
            return Ok(Seq::ZERO);
        }
        let text = "SELECT seq FROM item WHERE actor = ?1 AND pos <= ?2 ORDER BY seq DESC LIMIT 1";
        Ok(self
            .one(text, params![actor.0, sql(at.get())], |r| {
                Ok(seq(r.get(0)?))
            })?
            .unwrap_or_default())
    }

    /// Whether a changeset of this origin was taken before, under whatever number.
    pub fn origin_known(&self, dot: Dot, hash: ItemHash) -> Result<bool> {
        let key = params![dot.actor.0, sql(dot.seq.get()), hash.as_bytes()];
        let as_origin = self.one(
            "SELECT 1 FROM origin WHERE actor = ?1 AND seq = ?2 AND hash = ?3",
            key,
            |_| Ok(()),
        )?;
        if as_origin.is_some() {
            return Ok(true);
        }
        // In the log or in quarantine under its own number; a void number has no body, and one that waits unread could
        // never be let in.
        let item = self.item(dot)?;
        if item.is_none_or(|i| i.hash != hash || i.status == ItemStatus::Void) {
            return Ok(false);
        }
        let unread = "SELECT 1 FROM quarantine WHERE actor = ?1 AND seq = ?2 AND NOT readable";
        let unread = self.one(unread, params![dot.actor.0, sql(dot.seq.get())], |_| Ok(()))?;
        Ok(unread.is_none())
    }
    /// Whether a re-stamped form of (dot, hash) was taken before.
    pub fn restamped(&self, dot: Dot, hash: ItemHash) -> Result<bool> {
        let key = params![dot.actor.0, sql(dot.seq.get()), hash.as_bytes()];
        Ok(self
            .one(
                "SELECT 1 FROM origin WHERE actor = ?1 AND seq = ?2 AND hash = ?3",
                key,
                |_| Ok(()),
            )?
            .is_some())
    }
    /// Remembers an origin.
    pub fn add_origin(&self, dot: Dot, hash: ItemHash) -> Result<()> {
        self.execute(
            "INSERT INTO origin (actor, seq, hash) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            params![dot.actor.0, sql(dot.seq.get()), hash.as_bytes()],
        )?;
        Ok(())
    }
}

fn read_actor(r: &Row<'_>) -> rusqlite::Result<ActorRow> {
    Ok(ActorRow {
        id: ActorId(r.get(0)?),
        profile: r.get::<_, Option<[u8; 16]>>(1)?.map(ProfileId::from_bytes),
        user: r.get::<_, Option<[u8; 16]>>(2)?.map(UserId::from_bytes),
        device_key: r.get::<_, Option<Vec<u8>>>(3)?.unwrap_or_default(),
        acked: seq(r.get(4)?),
        chain: ChainHash::from_bytes(r.get(5)?),
        closed: r.get(6)?,
        epoch: EpochId::from_bytes(r.get(7)?),
    })
}

fn read_item(r: &Row<'_>) -> rusqlite::Result<ItemRow> {
    let ms: Option<i64> = r.get(8)?;
    let n: Option<u16> = r.get(9)?;
    Ok(ItemRow {
        dot: Dot::new(ActorId(r.get(0)?), seq(r.get(1)?)),
        hash: ItemHash::from_bytes(r.get(2)?),
        chain: ChainHash::from_bytes(r.get(3)?),
        status: ItemStatus::from_number(r.get(4)?),
        code: r.get(5)?,
        record: r.get::<_, Option<i64>>(6)?.map(RecordNo),
        pos: pos(r.get(7)?),
        effective: ms.zip(n).and_then(|(ms, n)| Hlc::new(unsql(ms), n).ok()),
    })
}
