//! The attackers: whoever knows a server by heart and wants in, against a real one over TLS.
//!
//! Few servers are started; each is attacked many times. `table.rs` holds one row for every route there is, and fails when
//! one is added without: every row is then tried by every role, and by another organisation with every id.

mod bodies;
mod documented;
mod estate;
mod form_files;
mod roles;
mod strangers;
mod table;
mod tokens;
mod wire;
mod words;
