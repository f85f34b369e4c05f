//! argon2id, at most two at once, with a short queue; beyond that the server says that it is busy. Whoever wants a place
//! in the queue asks before a try is counted, and one address has few of them, so that strangers do not keep people out.
//!
//! A user who does not exist, has no password or is disabled costs exactly the same work as one who does.

use std::net::IpAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use super::ambient::{Ambient, random};
use super::error::{Code, Result, ServiceError};
use super::names::NewPassword;
use super::shares::{Share, Shares};
use super::{Block, household};

/// How many hashes are computed at once: each takes 19 MiB.
const RUNNING_MAX: usize = 2;
/// How many strangers may be in the queue. They hold a thread each.
const STRANGERS: usize = 16;
/// How many of them from one address: a team may sign in at once.
const STRANGERS_EACH: usize = 6;
/// Places for those who signed in from the same address before.
const FAMILIAR: usize = 10;
const FAMILIAR_EACH: usize = 6;
/// Longer ones cannot have been set; hashing them would be a gift to an attacker.
const PASSWORD_BYTES_MAX: usize = 800;

/// Whether a password is longer than any that can be set.
pub(crate) fn too_long(password: &str) -> bool {
    password.len() > PASSWORD_BYTES_MAX
}

/// A place in the queue.
pub(crate) type Place = Share<Block>;

/// The one place where passwords are hashed.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    running: Mutex<usize>,
    strangers: Arc<Shares<Block>>,
    familiar: Arc<Shares<Block>>,
    freed: Condvar,
    /// A hash that no password matches, for users who have none.
    decoy: String,
}

impl Passwords {
    /// Makes the decoy.
    pub(crate) fn new(ambient: &dyn Ambient) -> Result<Self> {
        // The defaults of OWASP's recommendation: 19 MiB, two passes, one lane.
        let mut passwords = Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT),
            running: Mutex::new(0),
            strangers: Shares::new(STRANGERS, STRANGERS_EACH),
            familiar: Shares::new(FAMILIAR, FAMILIAR_EACH),
            freed: Condvar::new(),
            decoy: String::new(),
        };
        let unknown: [u8; 32] = random(ambient)?;
        passwords.decoy = passwords.phc(ambient, &unknown)?;
        Ok(passwords)
    }

    /// A place in the queue; nobody waits for one.
    pub(crate) fn queue(&self, from: IpAddr, familiar: bool) -> Result<Place> {
        let places = if familiar {
            &self.familiar
        } else {
            &self.strangers
        };
        let place = places.take(household(from), 1);
        place.ok_or_else(|| Code::Overloaded.into())
    }

    /// Hashes a new password, for whoever has shown that they may set one.
    pub(crate) fn hash(&self, ambient: &dyn Ambient, password: &NewPassword) -> Result<String> {
        let _seat = self.sit();
        self.phc(ambient, password.as_bytes())
    }

    /// Whether the password is the one that was hashed. Without a hash the answer is no, after the same work.
    pub(crate) fn verify(&self, _place: &Place, password: &str, phc: Option<&str>) -> Result<bool> {
        if too_long(password) {
            return Ok(false);
        }
        let _seat = self.sit();
        let hash = PasswordHash::new(phc.unwrap_or(&self.decoy)).map_err(broken)?;
        let matches = self
            .argon2
            .verify_password(password.as_bytes(), &hash)
            .is_ok();
        Ok(matches && phc.is_some())
    }

    fn phc(&self, ambient: &dyn Ambient, password: &[u8]) -> Result<String> {
        let salt: [u8; 16] = random(ambient)?;
        let salt = Salt::new(&salt).map_err(broken)?;
        let hash: PasswordHash = self
            .argon2
            .hash_password_with_salt(password, salt.as_ref())
            .map_err(broken)?;
        Ok(hash.to_string())
    }

    fn running(&self) -> MutexGuard<'_, usize> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sit(&self) -> Seat<'_> {
        let mut running = self.running();
        while *running >= RUNNING_MAX {
            running = self
                .freed
                .wait(running)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *running += 1;
        Seat(self)
    }
}

struct Seat<'a>(&'a Passwords);
impl Drop for Seat<'_> {
    fn drop(&mut self) {
        *self.0.running() -= 1;
        self.0.freed.notify_one();
    }
}

fn broken(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::from(Code::Internal).because(format!("hashing a password: {error}"))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::ambient::System;
    use super::super::names::Secret;
    use super::*;

    #[test]
    fn a_password_matches_itself_and_nobody_matches_the_decoy() {
        let ambient = System::new();
        let passwords = Passwords::new(&ambient).unwrap();
        let place = passwords.queue(Ipv4Addr::LOCALHOST.into(), false).unwrap();
        let new = NewPassword::new(Secret::new("four unrelated words".to_owned())).unwrap();
        let phc = passwords.hash(&ambient, &new).unwrap();
        assert!(phc.starts_with("$argon2id$"));
        assert!(
            passwords
                .verify(&place, "four unrelated words", Some(&phc))
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&place, "four unrelated wordz", Some(&phc))
                .unwrap()
        );
        assert!(
            !passwords
                .verify(&place, "four unrelated words", None)
                .unwrap()
        );
    }

    #[test]
    fn one_address_does_not_fill_the_queue_and_strangers_do_not_keep_people_out() {
        let passwords = Passwords::new(&System::new()).unwrap();
        let from = |n| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
        let mut queue: Vec<Place> = Vec::new();
        while let Ok(place) = passwords.queue(from(1), false) {
            queue.push(place);
        }
        assert_eq!(queue.len(), STRANGERS_EACH);
        for n in 2..60 {
            queue.extend(passwords.queue(from(n), false));
        }
        assert_eq!(queue.len(), STRANGERS);
        let refused = passwords.queue(from(99), false).unwrap_err();
        assert_eq!(refused.code, Code::Overloaded);
        assert!(passwords.queue(from(99), true).is_ok());
    }
}
