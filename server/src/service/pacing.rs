//! How fast anybody may try: failures per account with growing delays, and no lock-outs.
//!
//! An account is slowed for the address that fails, so that a stranger who guesses does not shut out the team, and a
//! team behind one address does not shut out itself. A wider and looser limit on the account alone stands against
//! guesses from many addresses. Devices that prove themselves are not limited here at all.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::ambient::SharedAmbient;
use super::error::{Code, Result, ServiceError};

/// So many at once, and then one every so many seconds. The delays grow: after 5 quick failures one try every 2
/// seconds, after 10 one every 10, after 20 one a minute, and never slower.
const ACCOUNT_FROM_ADDRESS: &[(u32, u64)] = &[(5, 2), (10, 10), (20, 60)];
/// The same account from anywhere.
const ACCOUNT: &[(u32, u64)] = &[(60, 3)];
/// Codes and one-time links that were not good, from one address.
const ADDRESS: &[(u32, u64)] = &[(60, 1)];
/// How many keys are remembered; when there are more, those that have been quiet longest are forgotten.
const KEYS_MAX: usize = 20_000;

#[derive(Clone)]
struct Uptime(SharedAmbient);
impl Clock for Uptime {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.uptime()
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, Uptime, NoOpMiddleware<Duration>>;

struct Tiers {
    limiters: Vec<Limiter>,
    last: Duration,
}

struct Paced<K> {
    tiers: &'static [(u32, u64)],
    clock: Uptime,
    keys: Mutex<HashMap<K, Tiers>>,
}

impl<K: Hash + Eq + Clone> Paced<K> {
    fn new(tiers: &'static [(u32, u64)], ambient: &SharedAmbient) -> Self {
        let clock = Uptime(SharedAmbient::clone(ambient));
        Self {
            tiers,
            clock,
            keys: Mutex::new(HashMap::new()),
        }
    }

    fn tiers(&self) -> Tiers {
        let limiters = self.tiers.iter().filter_map(|(burst, seconds)| {
            let quota = Quota::with_period(Duration::from_secs(*seconds))?;
            let quota = quota.allow_burst(NonZeroU32::new(*burst)?);
            Some(RateLimiter::direct_with_clock(quota, self.clock.clone()))
        });
        Tiers {
            limiters: limiters.collect(),
            last: self.clock.now(),
        }
    }

    /// Counts a try, or says how long to wait.
    fn attempt(&self, key: &K) -> Result<()> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEYS_MAX && !keys.contains_key(key) {
            forget_quietest(&mut keys);
        }
        let now = self.clock.now();
        let tiers = keys.entry(key.clone()).or_insert_with(|| self.tiers());
        tiers.last = now;
        for limiter in &tiers.limiters {
            if let Err(not_until) = limiter.check() {
                let wait = not_until.wait_time_from(now).max(Duration::from_secs(1));
                return Err(ServiceError::from(Code::TooManyAttempts).retry_after(wait));
            }
        }
        Ok(())
    }

    fn forget(&self, key: &K) {
        self.keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }
}

fn forget_quietest<K: Hash + Eq + Clone>(keys: &mut HashMap<K, Tiers>) {
    let mut times: Vec<Duration> = keys.values().map(|t| t.last).collect();
    let middle = times.len() / 2;
    let (_, cut, _) = times.select_nth_unstable(middle);
    let cut = *cut;
    keys.retain(|_, tiers| tiers.last > cut);
}

/// Who tries to sign in: organisation and name as they were typed, by hash, so that nothing typed stays in memory.
pub(crate) type AccountKey = [u8; 32];

/// All the limits.
pub(crate) struct Pacing {
    here: Paced<(AccountKey, Block)>,
    anywhere: Paced<AccountKey>,
    address: Paced<Block>,
}

/// An IPv4 address, or the /64 of an IPv6 address: what one household or attacker has.
type Block = [u8; 8];

fn block(address: IpAddr) -> Block {
    let mut out = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(v4) => out[..4].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => out.copy_from_slice(&v6.octets()[..8]),
    }
    out
}

impl Pacing {
    /// With nothing counted yet.
    pub(crate) fn new(ambient: &SharedAmbient) -> Self {
        Self {
            here: Paced::new(ACCOUNT_FROM_ADDRESS, ambient),
            anywhere: Paced::new(ACCOUNT, ambient),
            address: Paced::new(ADDRESS, ambient),
        }
    }
    /// Somebody tries a password.
    pub(crate) fn sign_in(&self, account: &AccountKey, from: IpAddr) -> Result<()> {
        self.here.attempt(&(*account, block(from)))?;
        self.anywhere.attempt(account)
    }
    /// It was the right one: what was counted is forgotten.
    pub(crate) fn signed_in(&self, account: &AccountKey, from: IpAddr) {
        self.here.forget(&(*account, block(from)));
        self.anywhere.forget(account);
    }
    /// Somebody tries a code or a one-time link.
    pub(crate) fn one_time(&self, from: IpAddr) -> Result<()> {
        self.address.attempt(&block(from))
    }
    /// It was a good one: what was counted for the address is forgotten, so that a team may enrol at once.
    pub(crate) fn one_time_good(&self, from: IpAddr) {
        self.address.forget(&block(from));
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use super::super::ambient::Manual;
    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const THERE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn failures_are_slowed_more_and_more_and_nobody_is_locked_out() {
        let manual = Arc::new(Manual::at(0));
        let ambient: SharedAmbient = manual.clone();
        let pacing = Pacing::new(&ambient);
        let mut tries = 0;
        let mut longest = Duration::ZERO;
        while tries < 40 {
            match pacing.sign_in(&[1; 32], HERE) {
                Ok(()) => tries += 1,
                Err(e) => {
                    let wait = e.retry_after.unwrap();
                    assert!(wait <= Duration::from_secs(60), "{wait:?}");
                    longest = longest.max(wait);
                    manual.pass(wait);
                }
            }
        }
        assert!(longest > Duration::from_secs(30));
    }

    #[test]
    fn a_guesser_elsewhere_does_not_slow_the_user_and_a_neighbour_does_not_either() {
        let ambient: SharedAmbient = Arc::new(Manual::at(0));
        let pacing = Pacing::new(&ambient);
        while pacing.sign_in(&[1; 32], THERE).is_ok() {}
        assert!(pacing.sign_in(&[1; 32], HERE).is_ok());
        assert!(pacing.sign_in(&[2; 32], THERE).is_ok());
    }

    #[test]
    fn a_success_clears_what_was_counted() {
        let ambient: SharedAmbient = Arc::new(Manual::at(0));
        let pacing = Pacing::new(&ambient);
        for _ in 0..50 {
            pacing.sign_in(&[1; 32], HERE).unwrap();
            pacing.signed_in(&[1; 32], HERE);
        }
    }

    #[test]
    fn a_whole_team_enrols_behind_one_address_and_a_guesser_does_not() {
        let ambient: SharedAmbient = Arc::new(Manual::at(0));
        let pacing = Pacing::new(&ambient);
        for _ in 0..500 {
            pacing.one_time(HERE).unwrap();
            pacing.one_time_good(HERE);
        }
        let tries = (0..500).filter(|_| pacing.one_time(THERE).is_ok()).count();
        assert_eq!(tries, 60);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let ambient: SharedAmbient = Arc::new(Manual::at(0));
        let paced: Paced<u32> = Paced::new(&[(5, 2)], &ambient);
        for key in 0..(KEYS_MAX as u32 + 10) {
            paced.attempt(&key).unwrap();
        }
        assert!(paced.keys.lock().unwrap().len() <= KEYS_MAX);
    }
}
