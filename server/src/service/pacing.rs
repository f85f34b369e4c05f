//! How fast anybody may try: failures per account with growing delays, and no lock-outs.
//!
//! An account is slowed for the address that fails, so that a stranger who guesses does not shut out the team, and a
//! team behind one address does not shut out itself. A wider and looser limit on the account alone stands against
//! guesses from many addresses; an address from which the account has signed in before is exempt from that one. Codes
//! and one-time links are unguessable: only those that were not good are counted. Devices that prove themselves are not
//! limited here at all.

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
/// The same from all addresses of one site, where addresses cost nothing.
const SITE: &[(u32, u64)] = &[(600, 1)];
/// All that come while there is no room to tell them apart.
const SPILL: &[(u32, u64)] = &[(60, 1)];
/// How many keys are remembered; when there are more, those that would be as good as new are forgotten.
const KEYS_MAX: usize = 20_000;
/// Between two attempts to make room.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// Addresses from which accounts have signed in, of all accounts.
const FAMILIAR_MAX: usize = 20_000;

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

impl Tiers {
    fn of(tiers: &[(u32, u64)], clock: &Uptime) -> Self {
        let limiters = tiers.iter().filter_map(|(burst, seconds)| {
            let quota = Quota::with_period(Duration::from_secs(*seconds))?;
            let quota = quota.allow_burst(NonZeroU32::new(*burst)?);
            Some(RateLimiter::direct_with_clock(quota, clock.clone()))
        });
        Self {
            limiters: limiters.collect(),
            last: clock.now(),
        }
    }
    fn attempt(&mut self, now: Duration) -> Result<()> {
        self.last = now;
        for limiter in &self.limiters {
            if let Err(not_until) = limiter.check() {
                let wait = not_until.wait_time_from(now).max(Duration::from_secs(1));
                return Err(ServiceError::from(Code::TooManyAttempts).retry_after(wait));
            }
        }
        Ok(())
    }
}

struct Paced<K> {
    tiers: &'static [(u32, u64)],
    clock: Uptime,
    state: Mutex<State<K>>,
}

struct State<K> {
    keys: HashMap<K, Tiers>,
    swept: Option<Duration>,
    /// Shared by all for whom there is no room.
    spill: Tiers,
}

impl<K: Hash + Eq + Clone> Paced<K> {
    fn new(tiers: &'static [(u32, u64)], ambient: &SharedAmbient) -> Self {
        let clock = Uptime(SharedAmbient::clone(ambient));
        let state = State {
            keys: HashMap::new(),
            swept: None,
            spill: Tiers::of(SPILL, &clock),
        };
        Self {
            tiers,
            clock,
            state: Mutex::new(state),
        }
    }

    /// Counts a try, or says how long to wait.
    fn attempt(&self, key: &K) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        let state = &mut *state;
        if state.keys.len() >= KEYS_MAX && !state.keys.contains_key(key) {
            self.make_room(state, now);
            if state.keys.len() >= KEYS_MAX {
                return state.spill.attempt(now);
            }
        }
        let tiers = state.keys.entry(key.clone());
        tiers
            .or_insert_with(|| Tiers::of(self.tiers, &self.clock))
            .attempt(now)
    }

    /// Forgets those whose delays have passed, and nobody else: whoever makes up names must not make it forget theirs.
    fn make_room(&self, state: &mut State<K>, now: Duration) {
        if state.swept.is_some_and(|at| now < at + SWEEP_EVERY) {
            return;
        }
        state.swept = Some(now);
        let refilled = refilled_after(self.tiers);
        state.keys.retain(|_, tiers| now < tiers.last + refilled);
    }

    fn forget(&self, key: &K) {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys
            .remove(key);
    }
}

/// After this time without a try nothing is left of what was counted.
fn refilled_after(tiers: &[(u32, u64)]) -> Duration {
    let longest = tiers
        .iter()
        .map(|(burst, seconds)| u64::from(*burst).saturating_mul(*seconds))
        .max();
    Duration::from_secs(longest.unwrap_or(0))
}

/// Who tries to sign in: organisation and name as they were typed, by hash, so that nothing typed stays in memory.
pub(crate) type AccountKey = [u8; 32];

/// All the limits.
pub(crate) struct Pacing {
    here: Paced<(AccountKey, Block)>,
    anywhere: Paced<AccountKey>,
    one_time: Addresses,
    bundles: Addresses,
    familiar: Mutex<Familiar>,
    clock: Uptime,
}

/// From where accounts have signed in, and when they last did.
type Familiar = HashMap<(AccountKey, Block), Duration>;

/// A limit by address, and a looser one by site.
struct Addresses {
    address: Paced<Block>,
    site: Paced<Block>,
}

impl Addresses {
    fn new(ambient: &SharedAmbient) -> Self {
        Self {
            address: Paced::new(ADDRESS, ambient),
            site: Paced::new(SITE, ambient),
        }
    }
    fn attempt(&self, from: IpAddr) -> Result<()> {
        self.address.attempt(&block(from))?;
        match from.to_canonical() {
            IpAddr::V4(_) => Ok(()),
            IpAddr::V6(_) => self.site.attempt(&network(from, 6)),
        }
    }
}

/// An IPv4 address, or the first bytes of an IPv6 address.
pub(crate) type Block = [u8; 8];

fn network(address: IpAddr, bytes: usize) -> Block {
    let mut out = [0; 8];
    match address.to_canonical() {
        IpAddr::V4(v4) => out[..4].copy_from_slice(&v4.octets()),
        IpAddr::V6(v6) => {
            let octets = v6.octets();
            out.iter_mut()
                .zip(octets)
                .take(bytes)
                .for_each(|(o, b)| *o = b);
        }
    }
    out
}

/// An IPv4 address, or the /64 of an IPv6 address: what one machine has.
fn block(address: IpAddr) -> Block {
    network(address, 8)
}

/// An IPv4 address, or the /56 of an IPv6 address: what one household has. For shares of what there is little of.
pub(crate) fn household(address: IpAddr) -> Block {
    network(address, 7)
}

impl Pacing {
    /// With nothing counted yet.
    pub(crate) fn new(ambient: &SharedAmbient) -> Self {
        Self {
            here: Paced::new(ACCOUNT_FROM_ADDRESS, ambient),
            anywhere: Paced::new(ACCOUNT, ambient),
            one_time: Addresses::new(ambient),
            bundles: Addresses::new(ambient),
            familiar: Mutex::new(HashMap::new()),
            clock: Uptime(SharedAmbient::clone(ambient)),
        }
    }
    /// Somebody tries a password.
    pub(crate) fn sign_in(&self, account: &AccountKey, from: IpAddr) -> Result<()> {
        self.here.attempt(&(*account, block(from)))?;
        if self.familiar(account, from) {
            return Ok(());
        }
        self.anywhere.attempt(account)
    }
    /// It was the right one: what was counted is forgotten, and the address is remembered.
    pub(crate) fn signed_in(&self, account: &AccountKey, from: IpAddr) {
        self.here.forget(&(*account, block(from)));
        self.anywhere.forget(account);
        let now = self.clock.now();
        let mut familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        if familiar.len() >= FAMILIAR_MAX
            && let Some(oldest) = familiar.iter().min_by_key(|(_, at)| **at).map(|(k, _)| *k)
        {
            familiar.remove(&oldest);
        }
        familiar.insert((*account, block(from)), now);
    }
    /// Whether this account has signed in from there since the server started.
    pub(crate) fn familiar(&self, account: &AccountKey, from: IpAddr) -> bool {
        let familiar = self.familiar.lock().unwrap_or_else(PoisonError::into_inner);
        familiar.contains_key(&(*account, block(from)))
    }
    /// Somebody posts a bundle, good or not.
    pub(crate) fn bundle(&self, from: IpAddr) -> Result<()> {
        self.bundles.attempt(from)
    }
    /// It was good: what was counted for the address is forgotten.
    pub(crate) fn bundle_good(&self, from: IpAddr) {
        self.bundles.address.forget(&block(from));
    }
    /// A code or a one-time link was not good: the refusal, unless there were too many.
    pub(crate) fn one_time_failed(&self, from: IpAddr, refusal: ServiceError) -> ServiceError {
        match self.one_time.attempt(from) {
            Ok(()) => refusal,
            Err(too_many) => too_many,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};
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
    fn guesses_at_codes_are_slowed_by_address_and_by_site() {
        let ambient: SharedAmbient = Arc::new(Manual::at(0));
        let pacing = Pacing::new(&ambient);
        let fails = |from| {
            let refusal = pacing.one_time_failed(from, Code::EnrolCodeUnknown.into());
            refusal.code == Code::EnrolCodeUnknown
        };
        assert_eq!((0..500).filter(|_| fails(THERE)).count(), 60);
        let mut sites = 0;
        for network in 0..100u16 {
            let from = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, network, 0, 0, 0, 1));
            sites += (0..60).filter(|_| fails(from)).count();
        }
        assert_eq!(sites, 600, "a /48 has 65,536 networks to try from");
    }

    #[test]
    fn guesses_from_everywhere_do_not_keep_a_user_out_of_where_they_signed_in_before() {
        let ambient: SharedAmbient = Arc::new(Manual::at(0));
        let pacing = Pacing::new(&ambient);
        pacing.sign_in(&[1; 32], HERE).unwrap();
        pacing.signed_in(&[1; 32], HERE);
        for n in 0..=255 {
            let _ = pacing.sign_in(&[1; 32], IpAddr::V4(Ipv4Addr::new(10, 9, 9, n)));
        }
        let elsewhere = IpAddr::V4(Ipv4Addr::new(10, 8, 8, 8));
        assert!(pacing.sign_in(&[1; 32], elsewhere).is_err());
        pacing.sign_in(&[1; 32], HERE).unwrap();
    }

    #[test]
    fn what_is_remembered_is_bounded_and_nobody_is_forgotten_early() {
        let manual = Arc::new(Manual::at(0));
        let ambient: SharedAmbient = manual.clone();
        let paced: Paced<u32> = Paced::new(&[(5, 2)], &ambient);
        while paced.attempt(&0).is_ok() {}
        for key in 1..(KEYS_MAX as u32 + 100) {
            let _ = paced.attempt(&key);
        }
        assert!(
            paced.attempt(&0).is_err(),
            "made-up names wash nothing away"
        );
        let spilt = paced.attempt(&(KEYS_MAX as u32 + 200));
        assert!(spilt.is_err(), "those without room share one limit");
        let remembered = || paced.state.lock().unwrap().keys.len();
        assert!(remembered() <= KEYS_MAX);
        manual.pass(Duration::from_secs(11));
        paced.attempt(&(KEYS_MAX as u32 + 300)).unwrap();
        assert_eq!(remembered(), 1, "all others are as good as new");
    }
}
