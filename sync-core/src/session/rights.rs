//! What a role may write (§9.7, §2.2), as the device enforces it. The server checks again and counts.

use super::device::Role;
use super::error::SaveRefused;
use crate::form::DecideRole;
use crate::key::{Key, MetaKey};
use crate::record::Record;
use crate::value::Value;

impl Role {
    /// The same role, as forms name it.
    pub fn decides_as(self) -> DecideRole {
        match self {
            Self::Worker => DecideRole::Worker,
            Self::Reviewer => DecideRole::Reviewer,
            Self::Coordinator => DecideRole::Coordinator,
            Self::OrgAdmin => DecideRole::OrgAdmin,
        }
    }

    fn may_set_status(self, status: &str) -> bool {
        let by_worker = matches!(status, "draft" | "complete");
        match self {
            Self::Worker => by_worker,
            Self::Reviewer => !by_worker,
            Self::Coordinator | Self::OrgAdmin => true,
        }
    }
}

/// Whether `role` may write `value` to `key` of a record that was shown as `view`.
pub(super) fn check(
    role: Role,
    view: &Record,
    key: &Key,
    value: &Value,
) -> Result<(), SaveRefused> {
    let refused = || Err(SaveRefused::Role(key.clone()));
    match key {
        Key::Meta(MetaKey::Status) => match value {
            Value::Code(status) if role.may_set_status(status.as_str()) => Ok(()),
            _ => refused(),
        },
        Key::Meta(MetaKey::Assignee) if role < Role::Coordinator => refused(),
        Key::Meta(MetaKey::Comment(_)) if !view.values(key).is_empty() => {
            Err(SaveRefused::CommentWritten)
        }
        Key::Meta(MetaKey::Assignee | MetaKey::Comment(_)) => Ok(()),
        // Answers, rows and deletion are for those who collect or coordinate.
        _ if role == Role::Reviewer => refused(),
        _ => Ok(()),
    }
}
