//! One day of one organisation, over a disk that can lose (`tests/disk`): the power goes at every write and at every sync of
//! it, the disk is full, a read fails, a sync fails. The real service over the real files, the real devices over theirs.
//!
//! `TRIBUTARY_CRASHES=all` tries every place, `TRIBUTARY_CRASHES=500` so many of each kind; without it a few of each.
//! Not here: faults of the network and of clocks, which are the simulation's; killed processes, which are stories.

mod day;
mod line;
mod power;
mod promises;
mod trouble;
mod world;
