//! argon2id, at most two at once, with a short queue; beyond that the server says that it is busy.
//!
//! A user who does not exist, has no password or is disabled costs exactly the same work as one who does.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use argon2::password_hash::phc::{PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};

use super::ambient::{Ambient, random};
use super::error::{Code, Result, ServiceError};
use super::names::NewPassword;

/// How many hashes are computed at once: each takes 19 MiB.
const RUNNING_MAX: usize = 2;
/// How many may wait for a place. They hold a thread each.
const WAITING_MAX: usize = 24;

#[derive(Debug, Default)]
struct Seats {
    running: usize,
    waiting: usize,
}

/// The one place where passwords are hashed.
pub(crate) struct Passwords {
    argon2: Argon2<'static>,
    seats: Mutex<Seats>,
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
            seats: Mutex::new(Seats::default()),
            freed: Condvar::new(),
            decoy: String::new(),
        };
        let unknown: [u8; 32] = random(ambient)?;
        passwords.decoy = passwords.phc(ambient, &unknown)?;
        Ok(passwords)
    }

    /// Hashes a new password.
    pub(crate) fn hash(&self, ambient: &dyn Ambient, password: &NewPassword) -> Result<String> {
        let _seat = self.sit()?;
        self.phc(ambient, password.as_bytes())
    }

    /// Whether the password is the one that was hashed. Without a hash the answer is no, after the same work.
    pub(crate) fn verify(&self, password: &str, phc: Option<&str>) -> Result<bool> {
        // Longer ones cannot have been set; hashing them would be a gift to an attacker.
        if password.len() > 800 {
            return Ok(false);
        }
        let _seat = self.sit()?;
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

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sit(&self) -> Result<Seat<'_>> {
        let mut seats = self.seats();
        if seats.running >= RUNNING_MAX {
            if seats.waiting >= WAITING_MAX {
                return Err(Code::Overloaded.into());
            }
            seats.waiting += 1;
            while seats.running >= RUNNING_MAX {
                seats = self
                    .freed
                    .wait(seats)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            seats.waiting -= 1;
        }
        seats.running += 1;
        Ok(Seat(self))
    }
}

struct Seat<'a>(&'a Passwords);
impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.seats().running -= 1;
        self.0.freed.notify_one();
    }
}

fn broken(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::from(Code::Internal).because(format!("hashing a password: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::ambient::System;
    use super::super::names::Secret;
    use super::*;

    #[test]
    fn a_password_matches_itself_and_nobody_matches_the_decoy() {
        let ambient = System::new();
        let passwords = Passwords::new(&ambient).unwrap();
        let new = NewPassword::new(Secret::new("four unrelated words".to_owned())).unwrap();
        let phc = passwords.hash(&ambient, &new).unwrap();
        assert!(phc.starts_with("$argon2id$"));
        assert!(
            passwords
                .verify("four unrelated words", Some(&phc))
                .unwrap()
        );
        assert!(
            !passwords
                .verify("four unrelated wordz", Some(&phc))
                .unwrap()
        );
        assert!(!passwords.verify("four unrelated words", None).unwrap());
    }

    #[test]
    fn a_long_queue_is_told_that_the_server_is_busy() {
        let passwords = Passwords::new(&System::new()).unwrap();
        passwords.seats().running = RUNNING_MAX;
        passwords.seats().waiting = WAITING_MAX;
        let refused = passwords.verify("x", None).unwrap_err();
        assert_eq!(refused.code, Code::Overloaded);
    }
}
