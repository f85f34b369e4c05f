//! Who may do what (placeholder until the table lands).

/// What a user is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Organisations only, no answers.
    ServerAdmin,
    /// Also users, devices, forms, restrict and erase.
    OrgAdmin,
    /// All records.
    Coordinator,
    /// Reads, comments, approves, returns.
    Reviewer,
    /// Creates and edits in scope.
    Worker,
}
