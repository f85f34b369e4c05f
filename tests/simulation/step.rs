//! The steps that a schedule is made of: everything that people, phones, networks and disks do in the simulation.
//!
//! The enum is exhaustive on purpose: a new kind of step does not compile until it is carried out, counted and, where it
//! can be, made simpler.

use serde::{Deserialize, Serialize};

use super::power::DiskFault;

/// What the network does to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Net {
    /// It arrives, and so does the reply.
    Fine,
    /// The request waits somewhere and may arrive later.
    Delayed,
    /// The server committed; the reply never came.
    ReplyLost,
    /// It arrives, and a copy of it arrives again later.
    Doubled,
}

/// What a save writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// Name and consent: the first save of a record.
    First,
    /// One answer.
    Name,
    /// Another one.
    Note,
    /// A row of a repeat, with an answer in it.
    Person {
        /// Which row.
        row: u8,
    },
    /// The row is taken out.
    NoPerson {
        /// Which row.
        row: u8,
    },
    /// Consent is withdrawn.
    Withdraw,
    /// Consent is given.
    Consent,
    /// A flag is set.
    AtRisk,
    /// A flag is cleared.
    NotAtRisk,
    /// An answer, and the flag set.
    Alarm,
    /// An answer, and the flag cleared.
    Calm,
    /// Several answers.
    Much,
    /// A long answer.
    Long,
}

/// What a malicious device makes of a request before it sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// In the name of another phone's actor.
    OtherActor,
    /// Another phone shows what this one was given; the other may be of another organisation.
    OtherCaller,
    /// Far beyond the next number.
    Gap,
    /// A number that was used, with other content.
    Replay,
    /// A cursor of its own making.
    Cursor,
    /// A head of its own making.
    Head,
    /// An epoch that nobody opened.
    Epoch,
}

/// One step. Phones and records go by number; a step that cannot be taken as things stand does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
#[allow(missing_docs, reason = "a phone, a record: what each says of itself")]
pub enum Step {
    /// Somebody starts a record and saves it for the first time.
    Create {
        phone: usize,
        record: usize,
        keep_open: bool,
    },
    /// Somebody opens a record; what they see now is what later saves stand on.
    Open { phone: usize, record: usize },
    /// Somebody saves what is open, or opens and saves.
    Save {
        phone: usize,
        record: usize,
        what: What,
    },
    /// The same with a context that claims what nobody has shown.
    Lie { phone: usize, record: usize },
    /// The same with a context that leaves out most of what was shown.
    Omit { phone: usize, record: usize },
    /// Another program, which knows no protections, lowers one.
    Rude {
        phone: usize,
        record: usize,
        what: What,
    },
    /// Somebody looks again at what is open.
    Refresh { phone: usize },
    /// The form is closed.
    Close { phone: usize },
    /// The phone meets the network; `net` happens to its `at`-th request.
    Sync { phone: usize, net: Net, at: usize },
    /// A request that was on its way for long arrives.
    Redeliver { which: usize },
    /// The last request of a phone, changed by somebody with bad intentions.
    Forge { phone: usize, how: Forgery },
    /// The server cannot read the next push of this phone.
    Garble { phone: usize },
    /// The link of the phone carries only so much a page.
    Link { phone: usize, bytes: u32 },
    /// Somebody sets the clock of a phone.
    SetClock { phone: usize, skew: i64 },
    /// The program on the phone is killed and started again.
    Kill { phone: usize },
    /// Time passes.
    Pass { ms: u64 },
    /// A record comes into the scope of a phone, or leaves it.
    Assign {
        phone: usize,
        record: usize,
        on: bool,
    },
    /// A record is assigned to the team.
    ToTeam { record: usize },
    /// Somebody joins the team or leaves it.
    Team { phone: usize, on: bool },
    /// A coordinator looks at a record.
    Look { viewer: usize, record: usize },
    /// A coordinator settles what was in conflict when they looked.
    Settle { viewer: usize, record: usize },
    /// A coordinator lowers what was protected when they looked.
    Decide { viewer: usize, record: usize },
    /// A record is restricted, or shown again.
    Restrict { record: usize, on: bool },
    /// Something is released from quarantine.
    Release { which: usize },
    /// Something is thrown away from quarantine.
    Discard { which: usize },
    /// A new version of the form is published.
    Publish,
    /// A record is erased.
    Erase { record: usize },
    /// The phone's store is copied to another phone, and both go on.
    Clone { phone: usize },
    /// The phone's store is kept aside.
    ImagePhone { phone: usize },
    /// A phone gets such a store back.
    RestorePhone { which: usize },
    /// Somebody empties a phone.
    Empty {
        phone: usize,
        stored_is_enough: bool,
    },
    /// The server makes a copy.
    Backup,
    /// The server is restored from its newest copy.
    Restore,
    /// The server is restored from the copy before it.
    RestoreOlder,
    /// The server's disk is kept aside.
    ImageDisk,
    /// The server's disk is put back, and nobody says so.
    RollBack { which: usize },
    /// The same with the ledger of erasures.
    RollBackAll { which: usize },
    /// The operator opens an epoch, where writing has stopped.
    OpenEpoch,
    /// The server's disk fails during the next request, at the `at`-th operation of its kind.
    ServerDisk { what: DiskFault, at: u32 },
    /// A phone is revoked.
    Revoke { phone: usize },
    /// A revoked phone is let in again.
    Readmit { phone: usize },
}

impl Step {
    /// What kind of thing this is, for counting.
    pub fn kind(&self) -> Kind {
        use Kind::{Fault, Work};
        match self {
            Self::Create { .. } => Work("create"),
            Self::Open { .. } => Work("open"),
            Self::Save { .. } => Work("save"),
            Self::Lie { .. } => Fault("forged context"),
            Self::Omit { .. } => Fault("context left out"),
            Self::Rude { .. } => Fault("protection lowered by force"),
            Self::Refresh { .. } => Work("refresh"),
            Self::Forge { .. } => Fault("forged request"),
            Self::Garble { .. } => Fault("item unreadable"),
            Self::Link { .. } => Fault("small link"),
            Self::SetClock { .. } => Fault("clock set wrong"),
            Self::Kill { .. } => Fault("program killed"),
            Self::ToTeam { .. } => Work("to team"),
            Self::Team { .. } => Fault("team changed"),
            Self::Look { .. } => Work("look"),
            Self::Settle { .. } => Work("settle"),
            Self::Decide { .. } => Work("decide"),
            Self::Restrict { .. } => Fault("restricted"),
            Self::Release { .. } => Fault("released"),
            Self::Discard { .. } => Fault("discarded"),
            Self::Publish => Fault("form version between"),
            Self::RestoreOlder => Fault("server restored, older copy"),
            Self::Readmit { .. } => Fault("phone let in again"),
            Self::Close { .. } => Work("close"),
            Self::Sync { net, .. } => match net {
                Net::Fine => Work("sync"),
                Net::Delayed => Fault("request delayed"),
                Net::ReplyLost => Fault("reply lost"),
                Net::Doubled => Fault("request doubled"),
            },
            Self::Redeliver { .. } => Fault("late request arrives"),
            Self::Pass { .. } => Work("time passes"),
            Self::Assign { on: true, .. } => Work("into scope"),
            Self::Assign { on: false, .. } => Fault("out of scope"),
            Self::Erase { .. } => Fault("erasure"),
            Self::Clone { .. } => Fault("phone cloned"),
            Self::ImagePhone { .. } => Work("phone imaged"),
            Self::RestorePhone { .. } => Fault("phone restored"),
            Self::Empty { .. } => Fault("phone emptied"),
            Self::Backup => Work("copy"),
            Self::Restore => Fault("server restored"),
            Self::ImageDisk => Work("disk imaged"),
            Self::RollBack { .. } => Fault("disk rolled back"),
            Self::RollBackAll { .. } => Fault("disk and ledger rolled back"),
            Self::OpenEpoch => Work("epoch"),
            Self::ServerDisk { .. } => Fault("server's disk about to fail"),
            Self::Revoke { .. } => Fault("phone revoked"),
        }
    }

    /// The phone that it happens to.
    pub fn phone(&self) -> Option<usize> {
        match *self {
            Self::Create { phone, .. }
            | Self::Open { phone, .. }
            | Self::Save { phone, .. }
            | Self::Lie { phone, .. }
            | Self::Omit { phone, .. }
            | Self::Rude { phone, .. }
            | Self::Refresh { phone }
            | Self::Close { phone }
            | Self::Sync { phone, .. }
            | Self::Forge { phone, .. }
            | Self::Garble { phone }
            | Self::Link { phone, .. }
            | Self::SetClock { phone, .. }
            | Self::Kill { phone }
            | Self::Assign { phone, .. }
            | Self::Team { phone, .. }
            | Self::Clone { phone }
            | Self::ImagePhone { phone }
            | Self::Empty { phone, .. }
            | Self::Revoke { phone }
            | Self::Readmit { phone } => Some(phone),
            Self::Redeliver { .. }
            | Self::Pass { .. }
            | Self::ToTeam { .. }
            | Self::Look { .. }
            | Self::Settle { .. }
            | Self::Decide { .. }
            | Self::Restrict { .. }
            | Self::Release { .. }
            | Self::Discard { .. }
            | Self::Publish
            | Self::Erase { .. }
            | Self::RestorePhone { .. }
            | Self::Backup
            | Self::Restore
            | Self::RestoreOlder
            | Self::ImageDisk
            | Self::RollBack { .. }
            | Self::RollBackAll { .. }
            | Self::OpenEpoch
            | Self::ServerDisk { .. } => None,
        }
    }

    /// Steps that ask less than this one, for making a failing schedule simpler; the simplest first.
    pub fn simpler(&self) -> Vec<Self> {
        let mut out = Vec::new();
        match *self {
            Self::Sync { phone, net, at } if net != Net::Fine || at > 0 => {
                let fine = Net::Fine;
                out.push(Self::Sync {
                    phone,
                    net: fine,
                    at: 0,
                });
                if at > 0 {
                    out.push(Self::Sync { phone, net, at: 0 });
                }
            }
            Self::Save {
                phone,
                record,
                what,
            } if what != What::Name => out.push(Self::Save {
                phone,
                record,
                what: What::Name,
            }),
            Self::Create {
                phone,
                record,
                keep_open: true,
            } => out.push(Self::Create {
                phone,
                record,
                keep_open: false,
            }),
            Self::Pass { ms } if ms > 1 => out.push(Self::Pass { ms: ms / 10 }),
            Self::Redeliver { which } if which > 0 => out.push(Self::Redeliver { which: 0 }),
            Self::ServerDisk { what, at } if at > 0 => {
                out.push(Self::ServerDisk { what, at: 0 });
                out.push(Self::ServerDisk { what, at: at / 2 });
            }
            Self::RestorePhone { which } if which > 0 => out.push(Self::RestorePhone { which: 0 }),
            Self::RollBack { which } if which > 0 => out.push(Self::RollBack { which: 0 }),
            Self::Create { .. }
            | Self::Open { .. }
            | Self::Save { .. }
            | Self::Lie { .. }
            | Self::Omit { .. }
            | Self::Rude { .. }
            | Self::Refresh { .. }
            | Self::Forge { .. }
            | Self::Garble { .. }
            | Self::Link { .. }
            | Self::SetClock { .. }
            | Self::Kill { .. }
            | Self::ToTeam { .. }
            | Self::Team { .. }
            | Self::Look { .. }
            | Self::Settle { .. }
            | Self::Decide { .. }
            | Self::Restrict { .. }
            | Self::Release { .. }
            | Self::Discard { .. }
            | Self::Publish
            | Self::RestoreOlder
            | Self::Readmit { .. }
            | Self::Close { .. }
            | Self::Sync { .. }
            | Self::Redeliver { .. }
            | Self::Pass { .. }
            | Self::Assign { .. }
            | Self::Erase { .. }
            | Self::Clone { .. }
            | Self::ImagePhone { .. }
            | Self::RestorePhone { .. }
            | Self::Empty { .. }
            | Self::Backup
            | Self::Restore
            | Self::ImageDisk
            | Self::RollBack { .. }
            | Self::RollBackAll { .. }
            | Self::OpenEpoch
            | Self::ServerDisk { .. }
            | Self::Revoke { .. } => {}
        }
        out
    }
}

/// What a step counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What people, phones and operators do on an ordinary day.
    Work(&'static str),
    /// What goes wrong.
    Fault(&'static str),
}
