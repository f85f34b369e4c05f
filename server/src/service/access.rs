//! Who may do what: one table. Rights come from the database, never from a token.
//!
//! Not here: who is asking; see [`super::principal`].

use super::error::{Code, Result};
pub use crate::storage::directory::Role;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Read records, their history and conflicts.
    ReadRecords,
    /// Create records and edit answers.
    EditRecords,
    /// Comment on a record.
    Comment,
    /// Approve, reject or return a record.
    Review,
    /// Settle a conflict.
    Settle,
    /// Lower a protective value, clear a flag.
    Decide,
    /// Assign a record to a user or a team, hand a user's records over.
    Assign,
    /// Delete and bring back a record.
    Delete,
    /// Download records.
    Export,
    /// See and release what is quarantined.
    Quarantine,
    /// Hide a record at once, and cancel that.
    Restrict,
    /// Erase a record for good.
    Erase,
    /// Read forms and policies.
    ReadForms,
    /// Upload, preview and publish forms, weaken a policy.
    ManageForms,
    /// See users and teams by name.
    ReadUsers,
    /// Make, disable and change users and teams.
    ManageUsers,
    /// See devices: last sync, lag, version.
    ReadDevices,
    /// Make enrolment codes, revoke devices.
    ManageDevices,
    /// Read the audit.
    ReadAudit,
    /// Make, suspend and list organisations.
    ManageOrganisations,
}

impl Action {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::ReadRecords,
        Self::EditRecords,
        Self::Comment,
        Self::Review,
        Self::Settle,
        Self::Decide,
        Self::Assign,
        Self::Delete,
        Self::Export,
        Self::Quarantine,
        Self::Restrict,
        Self::Erase,
        Self::ReadForms,
        Self::ManageForms,
        Self::ReadUsers,
        Self::ManageUsers,
        Self::ReadDevices,
        Self::ManageDevices,
        Self::ReadAudit,
        Self::ManageOrganisations,
    ];
}

/// On what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// What is in the own scope: made or assigned.
    Scope,
    /// What belongs to the own teams.
    Teams,
    /// Everything of the organisation; for server admins, every organisation.
    All,
}

/// The table. None: not at all.
#[rustfmt::skip]
pub const fn reach(role: Role, action: Action) -> Option<Reach> {
    use Action as A;
    use Reach::{All, Scope, Teams};
    use Role as R;
    match action {
        //                        worker        reviewer      coordinator   org admin     server admin
        A::ReadRecords => row(role, [Some(Scope), Some(Teams), Some(All), Some(All), None]),
        A::EditRecords => row(role, [Some(Scope), None, Some(All), Some(All), None]),
        A::Comment => row(role, [Some(Scope), Some(Teams), Some(All), Some(All), None]),
        A::Review => row(role, [None, Some(Teams), Some(All), Some(All), None]),
        A::Settle => row(role, [None, None, Some(All), Some(All), None]),
        A::Decide => row(role, [None, None, Some(All), Some(All), None]),
        A::Assign => row(role, [None, None, Some(All), Some(All), None]),
        A::Delete => row(role, [Some(Scope), None, Some(All), Some(All), None]),
        A::Export => row(role, [None, None, Some(All), Some(All), None]),
        A::Quarantine => row(role, [None, None, Some(All), Some(All), None]),
        A::Restrict => row(role, [None, None, None, Some(All), None]),
        A::Erase => row(role, [None, None, None, Some(All), None]),
        A::ReadForms => row(role, [Some(All), Some(All), Some(All), Some(All), None]),
        A::ManageForms => row(role, [None, None, None, Some(All), None]),
        A::ReadUsers => row(role, [None, None, Some(All), Some(All), None]),
        A::ManageUsers => row(role, [None, None, None, Some(All), None]),
        A::ReadDevices => row(role, [None, None, Some(All), Some(All), None]),
        A::ManageDevices => row(role, [None, None, None, Some(All), None]),
        A::ReadAudit => row(role, [None, None, None, Some(All), None]),
        A::ManageOrganisations => match role {
            R::ServerAdmin => Some(All),
            _ => None,
        },
    }
}

const fn row(
    role: Role,
    [worker, reviewer, coordinator, org, server]: [Option<Reach>; 5],
) -> Option<Reach> {
    match role {
        Role::Worker => worker,
        Role::Reviewer => reviewer,
        Role::Coordinator => coordinator,
        Role::OrgAdmin => org,
        Role::ServerAdmin => server,
    }
}

/// How far a role reaches, or the refusal.
pub fn require(role: Role, action: Action) -> Result<Reach> {
    reach(role, action).ok_or_else(|| Code::NotAllowed.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_admin_sees_no_answers_and_nobody_else_sees_other_organisations() {
        for action in Action::ALL {
            assert_eq!(
                reach(Role::ServerAdmin, action).is_some(),
                action == Action::ManageOrganisations,
                "{action:?}"
            );
            for role in [
                Role::OrgAdmin,
                Role::Coordinator,
                Role::Reviewer,
                Role::Worker,
            ] {
                if action == Action::ManageOrganisations {
                    assert_eq!(reach(role, action), None, "{role}");
                }
            }
        }
    }

    #[test]
    fn rights_grow_from_worker_to_org_admin() {
        for action in Action::ALL {
            assert!(
                reach(Role::Coordinator, action) <= reach(Role::OrgAdmin, action)
                    || action == Action::ManageOrganisations,
                "{action:?}"
            );
            assert!(
                reach(Role::Worker, action) <= reach(Role::Coordinator, action),
                "{action:?}"
            );
        }
    }

    #[test]
    fn only_admins_erase_manage_users_and_read_the_audit() {
        for action in [
            Action::Erase,
            Action::Restrict,
            Action::ManageUsers,
            Action::ManageDevices,
            Action::ReadAudit,
        ] {
            assert_eq!(reach(Role::Coordinator, action), None, "{action:?}");
            assert_eq!(
                reach(Role::OrgAdmin, action),
                Some(Reach::All),
                "{action:?}"
            );
        }
    }
}
