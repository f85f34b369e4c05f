//! Answers as people and files give them, turned into writes by the form's questions: names or paths, text or JSON,
//! repeats as arrays.
//!
//! Not here: relevance, constraints and calculations; this program records what it is told and the form's own
//! validation flags what does not fit.

mod given;
mod question;
mod shown;
mod typed;

pub use given::{Answers, Given, RowGiven};
pub use question::Question;
pub use shown::{Line, label, languages, lines, spoken};
pub use typed::typed;
