//! Dots, causal contexts and the hybrid logical clock.
//!
//! A [`Clock`] wraps `crdts::VClock`, whose own serialised form and unchecked `inc` are never used. No time is read
//! here: the caller brings it.

use std::cmp::Ordering;
use std::fmt;

use crdts::{CmRDT, VClock};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::ParseError;
use crate::ids::{ActorId, COUNTER_MAX, Seq};

/// How many actors one context may name (§1.8).
pub const CONTEXT_ENTRIES_MAX: usize = 4_096;

/// The identity of a changeset: the actor that made it and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dot {
    /// Who.
    pub actor: ActorId,
    /// The how-manyeth of that actor.
    pub seq: Seq,
}

impl Dot {
    /// A dot.
    pub const fn new(actor: ActorId, seq: Seq) -> Self {
        Self { actor, seq }
    }
}

impl fmt::Debug for Dot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.seq, self.actor)
    }
}

impl Serialize for Dot {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        (self.actor, self.seq).serialize(s)
    }
}
impl<'de> Deserialize<'de> for Dot {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (actor, seq) = <(ActorId, Seq)>::deserialize(d)?;
        Ok(Self { actor, seq })
    }
}

/// Milliseconds since 1970 and a counter within one millisecond: a hybrid logical clock. The pair is never packed
/// into one number. It orders ties for exports and decides nothing about what is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Hlc {
    /// Milliseconds since 1970-01-01T00:00Z, at most 2^53 − 1.
    ms: u64,
    /// The how-manyeth within that millisecond.
    n: u16,
}

impl Hlc {
    /// A clock reading; refused above 2^53 − 1 ms.
    pub fn new(ms: u64, n: u16) -> Result<Self, ParseError> {
        if ms <= COUNTER_MAX {
            Ok(Self { ms, n })
        } else {
            Err(ParseError::Counter)
        }
    }
    /// Milliseconds since 1970.
    pub const fn ms(self) -> u64 {
        self.ms
    }
    /// The counter.
    pub const fn n(self) -> u16 {
        self.n
    }
    /// The next reading of a device whose wall clock says `now_ms` and whose highest known clock is `self`.
    /// Always greater than `self`, except at the very end of the range, where it stays.
    pub fn tick(self, now_ms: u64) -> Self {
        let now_ms = now_ms.min(COUNTER_MAX);
        if now_ms > self.ms {
            return Self { ms: now_ms, n: 0 };
        }
        match self.n.checked_add(1) {
            Some(n) => Self { ms: self.ms, n },
            None if self.ms < COUNTER_MAX => Self {
                ms: self.ms + 1,
                n: 0,
            },
            None => self,
        }
    }
}

impl fmt::Debug for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.ms, self.n)
    }
}
impl Serialize for Hlc {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        (self.ms, self.n).serialize(s)
    }
}
impl<'de> Deserialize<'de> for Hlc {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let (ms, n) = <(u64, u16)>::deserialize(d)?;
        Self::new(ms, n).map_err(de::Error::custom)
    }
}

/// A causal context: for each actor, up to which of its changesets the author had seen this record. An entry (a, n)
/// claims all of a's changesets on the record up to n. Also, with the own dot added, the clock of a changeset.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Clock(VClock<ActorId>);

impl Clock {
    /// Has seen nothing.
    pub fn new() -> Self {
        Self(VClock::new())
    }
    /// Up to which changeset of `actor`; zero if none.
    pub fn get(&self, actor: ActorId) -> Seq {
        Seq::new(self.0.get(&actor)).unwrap_or_default()
    }
    /// Learns of a changeset. Dots below what is known change nothing.
    pub fn add(&mut self, dot: Dot) {
        if dot.seq > Seq::ZERO {
            self.0.apply(crdts::Dot::new(dot.actor, dot.seq.get()));
        }
    }
    /// Learns all that `other` knows.
    pub fn join(&mut self, other: &Clock) {
        for dot in other.dots() {
            self.add(dot);
        }
    }
    /// The same, with `dot` known.
    #[must_use]
    pub fn with(mut self, dot: Dot) -> Self {
        self.add(dot);
        self
    }
    /// Whether this clock knows `dot`.
    pub fn covers(&self, dot: Dot) -> bool {
        self.get(dot.actor) >= dot.seq
    }
    /// The entries, by actor.
    pub fn dots(&self) -> impl ExactSizeIterator<Item = Dot> + '_ {
        self.0.dots.iter().map(|(&actor, &n)| Dot {
            actor,
            seq: Seq::new(n).unwrap_or_default(),
        })
    }
    /// How many actors are known.
    pub fn len(&self) -> usize {
        self.0.dots.len()
    }
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The crate's own clock, for `MVReg`.
    pub(crate) fn vclock(&self) -> &VClock<ActorId> {
        &self.0
    }
}

impl PartialOrd for Clock {
    /// The causal order of whole clocks; `None` for concurrent ones.
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.0.partial_cmp(&other.0)
    }
}
impl FromIterator<Dot> for Clock {
    fn from_iter<T: IntoIterator<Item = Dot>>(dots: T) -> Self {
        let mut clock = Self::new();
        dots.into_iter().for_each(|d| clock.add(d));
        clock
    }
}
impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.dots()).finish()
    }
}
impl Serialize for Clock {
    /// `{"7":40}`: actors as decimal text, as JSON demands of keys.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.dots().map(|d| (d.actor.to_string(), d.seq)))
    }
}
impl<'de> Deserialize<'de> for Clock {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> de::Visitor<'de> for Entries {
            type Value = Clock;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from actor to sequence")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Clock, A::Error> {
                let mut clock = Clock::new();
                while let Some((actor, seq)) = map.next_entry::<String, Seq>()? {
                    let n: u32 = actor
                        .parse()
                        .map_err(|_| de::Error::custom(ParseError::Id("ActorId")))?;
                    if seq == Seq::ZERO || n.to_string() != actor {
                        return Err(de::Error::custom(ParseError::Counter));
                    }
                    let dot = Dot::new(ActorId(n), seq);
                    if clock.get(dot.actor) > Seq::ZERO {
                        return Err(de::Error::custom(ParseError::Duplicate("actor")));
                    }
                    if clock.len() == CONTEXT_ENTRIES_MAX {
                        let limit = CONTEXT_ENTRIES_MAX as u64;
                        return Err(de::Error::custom(ParseError::Limit {
                            what: "context entries",
                            limit,
                        }));
                    }
                    clock.add(dot);
                }
                Ok(clock)
            }
        }
        d.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_wall_clock_never_turns_the_clock_back() {
        let seen = Hlc::new(5_000, 3).unwrap();
        assert_eq!(seen.tick(4_000), Hlc::new(5_000, 4).unwrap());
        assert_eq!(seen.tick(6_000), Hlc::new(6_000, 0).unwrap());
        assert_eq!(
            Hlc::new(9, u16::MAX).unwrap().tick(0),
            Hlc::new(10, 0).unwrap()
        );
        let end = Hlc::new(COUNTER_MAX, u16::MAX).unwrap();
        assert_eq!(end.tick(u64::MAX), end);
    }

    #[test]
    fn a_context_reads_back_and_refuses_a_twice_named_actor() {
        let clock: Clock = serde_json::from_str(r#"{"7":40,"9":1}"#).unwrap();
        assert_eq!(serde_json::to_string(&clock).unwrap(), r#"{"7":40,"9":1}"#);
        for bad in [
            r#"{"7":1,"7":2}"#,
            r#"{"07":1}"#,
            r#"{"7":0}"#,
            r#"{"x":1}"#,
            r#"{"7":9007199254740992}"#,
        ] {
            assert!(
                serde_json::from_str::<Clock>(bad).is_err(),
                "{bad} was taken"
            );
        }
    }
}
