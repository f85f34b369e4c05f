//! Makes a failing schedule as short and simple as it can be while it still fails in the same way.

use super::play::{class, play};
use super::step::Step;
use super::tally::Tally;

/// The schedule made smaller within so many tries, with what it fails of.
pub fn shrink(seed: u64, steps: &[Step], fault: &str, tries_max: usize) -> (Vec<Step>, String) {
    let mut best = (steps.to_vec(), fault.to_owned());
    let (kind, mut tries) = (class(fault), 0);
    let mut fails = |steps: &[Step]| {
        tries += 1;
        if tries > tries_max {
            return None;
        }
        let said = play(seed, steps, &mut Tally::default()).err()?;
        (class(&said) == kind).then_some(said)
    };
    loop {
        let before = best.0.clone();
        // Long runs first, then one by one, from the end: what comes last rarely carries what comes first.
        for length in [8, 4, 2, 1] {
            let mut at = best.0.len();
            while at >= length {
                let mut fewer = best.0.clone();
                fewer.drain(at - length..at);
                if let Some(said) = fails(&fewer) {
                    best = (fewer, said);
                }
                at -= 1;
                at = at.min(best.0.len());
            }
        }
        for at in 0..best.0.len() {
            for simpler in best.0[at].simpler() {
                let mut changed = best.0.clone();
                changed[at] = simpler;
                if let Some(said) = fails(&changed) {
                    best = (changed, said);
                    break;
                }
            }
        }
        if best.0 == before {
            return best;
        }
    }
}
