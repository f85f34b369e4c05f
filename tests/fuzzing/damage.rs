//! Damages an input as transport and malice do: flips, cuts, repeats, lengths made huge, words of the format, pieces of
//! another input.

use tributary_sync_core::testing::Dice;

/// What lengths are made of when they lie.
const HUGE: [&[u8]; 6] = [
    &[0xff; 8],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x5b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    b"18446744073709551616",
];

/// Another input of the same kind, a few steps away. Never longer than `max`.
pub fn damaged(input: &[u8], other: &[u8], words: &[&str], dice: &mut Dice, max: usize) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=dice.below(4) {
        step(&mut bytes, other, words, dice);
    }
    bytes.truncate(max);
    bytes
}

fn step(bytes: &mut Vec<u8>, other: &[u8], words: &[&str], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let reach = [4, 32, 400][dice.below(3)];
    let end = (at + dice.below(1 + reach)).min(bytes.len());
    let byte = dice.bits().to_le_bytes()[0];
    match dice.below(10) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = byte,
        2 if dice.chance(30) => bytes.truncate(at),
        3 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        4 => drop(bytes.drain(at..end)),
        5 => drop(bytes.splice(at..end, HUGE[dice.below(HUGE.len())].iter().copied())),
        6 | 7 if !words.is_empty() => {
            let word = words[dice.below(words.len())].bytes();
            drop(bytes.splice(at..if dice.chance(50) { at } else { end }, word));
        }
        8 => {
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(200)).min(other.len());
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ => bytes.insert(at, byte),
    }
}
