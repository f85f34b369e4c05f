//! The whole system in one thread from one seed: the device's real session, the real rules, the real SQLite, virtual time.
//!
//! Phones are cloned, restored and emptied; requests and replies are lost, repeated, delayed and forged; the server is rolled
//! back, restored and erased from. The checkers in `checks` know nothing of how the product works: they keep, for every
//! save, what its author was shown. Shared by the tests in `tests/schedules/` and by the program `sim`.

pub mod checks;
mod desk;
pub mod disk;
mod network;
mod operator;
pub mod phone;
pub mod play;
mod power;
pub mod schedule;
pub mod search;
pub mod seed_file;
pub mod shrink;
pub mod small;
pub mod step;
mod surroundings;
pub mod tally;
pub mod world;

pub use play::{class, play, play_aloud, play_among};
pub use power::DiskFault;
pub use schedule::{Rng, schedule};
pub use search::{Found, Outcome, Search, search};
pub use step::{Forgery, Net, Step, What};
pub use tally::Tally;
pub use world::{World, record};
