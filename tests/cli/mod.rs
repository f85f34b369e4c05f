//! The commands of `tributary`, each through the real program over a real data folder.
//!
//! Not here: copies, restores and epochs, which are stories of their own.

mod forms_and_downloads;
mod people;
mod upkeep;
