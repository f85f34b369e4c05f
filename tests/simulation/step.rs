//! The steps that a schedule is made of: everything that people, phones, networks and disks do in the simulation.
//!
//! The enum is exhaustive on purpose: a new kind of step does not compile until it is carried out, counted and, where it
//! can be, made simpler.

use serde::{Deserialize, Serialize};

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
        withdraw: bool,
    },
    /// The form is closed.
    Close { phone: usize },
    /// The phone meets the network; `net` happens to its `at`-th request.
    Sync { phone: usize, net: Net, at: usize },
    /// A request that was on its way for long arrives.
    Redeliver { which: usize },
    /// Time passes.
    Pass { ms: u64 },
    /// A record comes into the scope of a phone, or leaves it.
    Assign {
        phone: usize,
        record: usize,
        on: bool,
    },
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
    /// The server's disk is kept aside.
    ImageDisk,
    /// The server's disk is put back, and nobody says so.
    RollBack { which: usize },
    /// The operator opens an epoch, where writing has stopped.
    OpenEpoch,
    /// A phone is revoked.
    Revoke { phone: usize },
}

impl Step {
    /// What kind of thing this is, for counting.
    pub fn kind(&self) -> Kind {
        use Kind::{Fault, Work};
        match self {
            Self::Create { .. } => Work("create"),
            Self::Open { .. } => Work("open"),
            Self::Save { .. } => Work("save"),
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
            Self::OpenEpoch => Work("epoch"),
            Self::Revoke { .. } => Fault("phone revoked"),
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
                withdraw: true,
            } => out.push(Self::Save {
                phone,
                record,
                withdraw: false,
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
            Self::RestorePhone { which } if which > 0 => out.push(Self::RestorePhone { which: 0 }),
            Self::RollBack { which } if which > 0 => out.push(Self::RollBack { which: 0 }),
            Self::Create { .. }
            | Self::Open { .. }
            | Self::Save { .. }
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
            | Self::OpenEpoch
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
