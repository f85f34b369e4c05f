//! What the server sees to by itself while it runs: words that are still owed to be wiped, and what waited in quarantine
//! for longer than it may.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tributary_sync_core::ids::{OrgId, ProfileId};

use super::Service;
use super::error::{Result, ServiceError};
use super::quarantine::expire;
use crate::storage::StorageError;

/// Between two looks at what is owed.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Between two rounds over all organisations.
const ROUND_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long bodies of a revoked device wait (§7).
const REVOKED_FOR_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

impl Service {
    /// One round over all organisations. Returns those that could not be looked after, and why.
    pub fn daily_round(&self) -> Result<Vec<(OrgId, ServiceError)>> {
        let mut failed = Vec::new();
        for org in self.files.ids()? {
            // Also opens its file, which wipes what was owed when the server last ended.
            if let Err(why) = self.expire_quarantine(org) {
                failed.push((org, why));
            }
        }
        Ok(failed)
    }

    /// Throws away what a device sent into quarantine, 30 days after it was revoked and 30 days after it came.
    fn expire_quarantine(&self, org: OrgId) -> Result<u64> {
        let env = self.env();
        let before = env.now.saturating_sub(REVOKED_FOR_MS);
        let mut revoked: Vec<ProfileId> = Vec::new();
        let waiting = self
            .files
            .read::<_, StorageError>(org, |txn| txn.quarantine_profiles(before))?;
        self.directory.read::<_, StorageError>(|view| {
            for profile in waiting {
                let row = view.profile_of(org, profile)?;
                let since = row.and_then(|row| row.revoked_at);
                if since.is_some_and(|since| since < before) {
                    revoked.push(profile);
                }
            }
            Ok(())
        })?;
        let mut expired = 0;
        for profile in revoked {
            expired += expire(&self.files, &env, org, profile, before)?;
        }
        Ok(expired)
    }
}

/// A thread that keeps the rounds. Dropping it waits for what it is doing.
pub struct Rounds {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Rounds {
    /// Starts them.
    pub fn start(service: Arc<Service>) -> std::result::Result<Self, StorageError> {
        let (stop, stopped) = sync_channel::<()>(0);
        let run = move || {
            let mut due = service.uptime();
            loop {
                if service.uptime() >= due {
                    due = service.uptime() + ROUND_EVERY;
                    report(service.daily_round());
                }
                for (org, error) in service.files().scrub_owed() {
                    tracing::warn!(organisation = %org, %error, "erased words could not be wiped yet");
                }
                match stopped.recv_timeout(LOOK_EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("rounds".to_owned())
            .spawn(run)
            .map_err(StorageError::io("starting the rounds"))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Organisations are named by their ids only.
fn report(outcome: Result<Vec<(OrgId, ServiceError)>>) {
    match outcome {
        Ok(failed) => {
            for (org, error) in failed {
                tracing::error!(organisation = %org, %error, cause = error.cause.as_deref(), "not looked after");
            }
        }
        Err(error) => tracing::error!(%error, "the daily round failed"),
    }
}

impl Drop for Rounds {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use tributary_sync_core::clock::Dot;
    use tributary_sync_core::ids::{ActorId, Seq};

    use super::*;
    use crate::service::access::Role;
    use crate::service::ambient::Manual;
    use crate::service::organisations::CreateOrganisation;
    use crate::service::users::CreateUser;
    use crate::service::{By, ServiceOptions};
    use crate::storage::NewQuarantine;
    use crate::storage::directory::ProfileRow;
    use crate::storage::folder::DataFolder;

    #[test]
    fn what_a_revoked_device_sent_goes_after_thirty_days_and_what_others_sent_stays() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual::at(1_700_000_000_000));
        let data = DataFolder::at(folder.path());
        let options = ServiceOptions::default();
        let service = Service::create(&data, options, Arc::<Manual>::clone(&clock)).unwrap();
        let new = CreateOrganisation {
            slug: "mekong".into(),
            name: "Mekong".into(),
        };
        let org = service.create_organisation(By::Operator, &new).unwrap().id;
        let new = CreateUser {
            name: "Dara".into(),
            role: Role::Worker,
        };
        let user = service
            .create_user(By::Operator, org, &new)
            .unwrap()
            .user
            .id;
        let [lost, kept] = [1, 2].map(|n| ProfileId::from_bytes([n; 16]));
        for id in [lost, kept] {
            let row = ProfileRow {
                id,
                org,
                user,
                public_key: [id.as_bytes()[0]; 65],
                label: "phone".into(),
                enrolled_at: 1,
                revoked_at: None,
                last_seen_at: None,
            };
            service
                .directory
                .write::<_, StorageError>(|txn| txn.insert_profile(&row))
                .unwrap();
        }
        service.revoke_device(By::Operator, org, lost).unwrap();
        let now = service.now();
        service
            .files
            .write::<_, StorageError>(org, move |txn| {
                for (n, profile) in [lost, kept].into_iter().enumerate() {
                    let new = NewQuarantine {
                        profile,
                        dot: Dot::new(ActorId(n as u32 + 1), Seq::new(1).unwrap()),
                        record: None,
                        body: b"as it was sent",
                        readable: false,
                        code: "device_revoked",
                        repeat: None,
                    };
                    txn.quarantine(&new, now)?;
                }
                Ok(())
            })
            .unwrap();
        let waiting = || {
            let read = service
                .files
                .read::<_, StorageError>(org, |txn| txn.quarantine_waiting());
            read.unwrap()
        };
        clock.pass(Duration::from_millis(REVOKED_FOR_MS));
        assert!(service.daily_round().unwrap().is_empty());
        assert_eq!(waiting(), 2, "not before the thirty days are over");
        clock.pass(Duration::from_secs(1));
        assert!(service.daily_round().unwrap().is_empty());
        assert_eq!(waiting(), 1);
    }
}
