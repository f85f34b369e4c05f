//! The device: a folder, its file, its key, and the way to its server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tributary_sync_core::session::{self, EnrolRefused, FormText, Pinned, Profile, Store};
use tributary_sync_core::wire::enrol::{EnrolReply, EnrolRequest, FormDelivery, KeySet, PublicKey};

use crate::account::{Account, Begun};
use crate::clock::{SystemClock, WallClock};
use crate::error::{Error, Result, Trouble};
use crate::home::Home;
use crate::https::Https;
use crate::key::{DeviceKey, random};
use crate::link::EnrolLink;
use crate::sqlite::{Database, Tx};
use crate::tls::{self, ServerProof};
use crate::transport::{Call, Transport};
use crate::trust::{self, Trust};

/// How long small calls may take.
pub(crate) const SMALL: Duration = Duration::from_secs(60);

/// A device.
pub struct Device {
    home: Home,
    pub(crate) db: Database,
    pub(crate) key: DeviceKey,
    pub(crate) clock: Arc<dyn WallClock>,
    pub(crate) transport: Option<Box<dyn Transport>>,
    pub(crate) token: Option<String>,
    pub(crate) pace: tributary_sync_core::session::Pace,
    /// Whether exchanges go as frames; JSON once the server has refused one.
    pub(crate) frames: bool,
}

impl Device {
    /// Opens the folder of a device, or makes it.
    pub fn open(folder: &Path) -> Result<Self> {
        Self::open_with(folder, Arc::new(SystemClock))
    }

    /// The same with another clock.
    pub fn open_with(folder: &Path, clock: Arc<dyn WallClock>) -> Result<Self> {
        let home = Home::open(folder)?;
        let db = Database::open(&home.database())?;
        let key = DeviceKey::load_or_make(&home)?;
        Ok(Self {
            home,
            db,
            key,
            clock,
            transport: None,
            token: None,
            pace: tributary_sync_core::session::Pace::default(),
            frames: true,
        })
    }

    /// Puts something between the device and its server: faults, or another transport altogether.
    pub fn set_transport(
        &mut self,
        wrap: impl FnOnce(Box<dyn Transport>) -> Box<dyn Transport>,
    ) -> Result<()> {
        let inner = match self.transport.take() {
            Some(transport) => transport,
            None => connect(&self.account()?.server, &self.account()?.proof())?,
        };
        self.transport = Some(wrap(inner));
        Ok(())
    }

    /// The folder.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Whether a device has been enrolled here.
    pub fn is_enrolled(&self) -> Result<bool> {
        Ok(self.db.read(|tx| tx.value::<Account>("account"))?.is_some())
    }

    /// Where it belongs.
    pub fn account(&self) -> Result<Account> {
        let account = self.db.read(|tx| tx.value("account"))?;
        account.ok_or_else(|| {
            Error::new(
                Trouble::NotEnrolled,
                format!(
                    "No device is enrolled in the folder `{}`.",
                    self.home.folder().display()
                ),
                "Nothing that you recorded in another folder is lost.",
                "If you enrolled before, name that folder with `--home`. Else ask your coordinator for an enrolment link and run `tributary-field enrol \"<link>\"`.",
            )
        })
    }

    /// Its profile: actors, epoch, cursor, head.
    pub fn profile(&self) -> Result<Profile> {
        self.account()?;
        self.db.read(|tx| Ok(tx.profile()?))
    }

    /// The organisation's keys, if the pinned root vouches for them.
    pub fn trust(&self) -> Result<Trust> {
        let account = self.account()?;
        let (profile, keys) = self.db.read(|tx| Ok((tx.profile()?, tx.keys()?)))?;
        let keys: Option<KeySet> = keys.and_then(|k| serde_json::from_value(k).ok());
        let trust = keys.and_then(|k| Trust::new(profile.org, &account.root, k));
        trust.ok_or_else(|| Error::store("the organisation's keys do not read"))
    }

    /// Runs a step of the session in one transaction.
    pub(crate) fn step<T>(&mut self, step: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        self.account()?;
        self.db.step(step)
    }

    pub(crate) fn transport(&mut self) -> Result<&mut dyn Transport> {
        if self.transport.is_none() {
            let account = self.account()?;
            self.transport = Some(connect(&account.server, &account.proof())?);
        }
        match &mut self.transport {
            Some(transport) => Ok(&mut **transport),
            None => Err(Error::store("no transport")),
        }
    }

    /// Enrols with a link from a coordinator. The same link may be used again when the answer was lost.
    pub fn enrol(&mut self, link: &EnrolLink, label: Option<&str>) -> Result<Account> {
        if self.is_enrolled()? {
            return Err(Error::new(
                Trouble::AlreadyEnrolled,
                "This folder already holds an enrolled device.",
                "One folder is one person on one device; nothing was changed.",
                "Use another folder with `--home`, or go on with this one.",
            ));
        }
        let proof = match &link.certificate {
            Some(sha256) => {
                ServerProof::Certificate(tls::fetch_certificate(&link.server, sha256, SMALL)?)
            }
            None if link.server.starts_with("http://") => ServerProof::SameMachine,
            None => ServerProof::PublicAuthority,
        };
        let begun = self.begin(link)?;
        let request = EnrolRequest {
            code: link.code.clone(),
            public_key: hex::encode(self.key.public()),
            instance: begun.instance,
            label: label.map(str::to_owned),
        };
        let mut transport = match self.transport.take() {
            Some(transport) => transport,
            None => connect(&link.server, &proof)?,
        };
        let answer = transport.send(&Call {
            path: "/api/v1/enrol".to_owned(),
            body: Some(serde_json::to_vec(&request).map_err(Error::store)?),
            token: None,
            timeout: SMALL,
        })?;
        if answer.status != 200 {
            return Err(refused_enrolment(&answer.body));
        }
        let reply: EnrolReply = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        let certificate = match &proof {
            ServerProof::Certificate(der) => Some(hex::encode(der)),
            _ => None,
        };
        let account = Account {
            server: link.server.clone(),
            certificate,
            root: link.root.clone(),
            organisation: reply.organisation.slug.clone(),
            organisation_name: reply.organisation.name.clone(),
            user_name: reply.user.name.clone(),
            label: label.map(str::to_owned),
        };
        self.finish(link, &account, &reply)?;
        self.transport = Some(transport);
        Ok(account)
    }

    /// Writes down the name of the request before anything is sent.
    fn begin(&mut self, link: &EnrolLink) -> Result<Begun> {
        let name = format!("{}#{}#{}", link.server, link.organisation, link.code);
        let begun = Begun {
            instance: tributary_sync_core::ids::InstanceId::from_bytes(random()?),
            link: hex::encode(Sha256::digest(name)),
        };
        self.db.step(|tx| {
            if let Some(earlier) = tx.value::<Begun>("enrolling")?
                && earlier.link == begun.link
            {
                return Ok(earlier);
            }
            tx.put_value("enrolling", &begun)?;
            Ok(begun)
        })
    }

    /// Enrolment ends when forms and policies are stored: from then on records are made without ever having synced.
    fn finish(&mut self, link: &EnrolLink, account: &Account, reply: &EnrolReply) -> Result<()> {
        let pinned = Pinned {
            organisation: &link.organisation,
            root: &link.root,
        };
        let key = PublicKey::from_slice(self.key.public()).map_err(Error::store)?;
        self.db.step(|tx| {
            tx.put_value("account", account)?;
            session::enrolled(tx, pinned, &key, reply, &mut trust::verify).map_err(|e| match e {
                EnrolRefused::Form(_) => damaged(),
                EnrolRefused::Store(e) => e.into(),
                other => untrusted(&other.to_string()),
            })
        })
    }
}

fn damaged() -> Error {
    Error::new(
        Trouble::Untrusted,
        "A form came damaged.",
        "It was not stored; the device would show wrong questions.",
        "Try again; if it happens twice, tell your coordinator.",
    )
}

/// Checks that a delivered form is whole, and names it.
pub(crate) fn form_text(delivery: &FormDelivery) -> Result<FormText> {
    FormText::delivered(delivery).map_err(|_| damaged())
}

fn connect(server: &str, proof: &ServerProof) -> Result<Box<dyn Transport>> {
    Ok(Box::new(Https::new(server, proof)?))
}

pub(crate) fn unreadable(e: serde_json::Error) -> Error {
    Error::new(
        Trouble::Untrusted,
        "The server's answer could not be read.",
        "Nothing on this device changed.",
        "Try again; if it stays, this program may be too old for the server: ask your coordinator.",
    )
    .because(e)
}

fn untrusted(why: &str) -> Error {
    Error::new(
        Trouble::Untrusted,
        format!("This is not the server of your organisation: {why}."),
        "The device was not enrolled, and nothing was sent but the code.",
        "Do not try again on this network. Tell your coordinator, who can withdraw the code.",
    )
}

fn refused_enrolment(body: &[u8]) -> Error {
    let problem = tributary_sync_core::session::Problem::from_json(body);
    let (what, next) = match problem.code.as_str() {
        "enrol_code_expired" => (
            "This enrolment link has expired.",
            "Ask your coordinator for a new one; it is good for an hour.",
        ),
        "enrol_code_used" => (
            "This enrolment link was used already.",
            "If that was not you, tell your coordinator at once. Otherwise ask for a new link.",
        ),
        _ => (
            "The server did not take this enrolment link.",
            "Check that you copied all of it; else ask your coordinator for a new one.",
        ),
    };
    Error::new(
        Trouble::Refused(problem.code),
        what,
        "The device was not enrolled.",
        next,
    )
}
