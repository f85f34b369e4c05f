//! The users and teams that the page names and offers, for whoever may read them.

use crate::service::access::Action;
use crate::service::error::Result;
use crate::service::paging::PageRequest;
use crate::service::principal::User;
use crate::service::users::UserState;
use crate::service::{By, Service};

/// Somebody, or a team, by what an assignment calls them (`user:<id>`, `team:<id>`).
pub(super) struct People(Vec<(String, String, bool)>);

impl People {
    /// Those of an organisation; nobody for a role that may not read them.
    pub(super) fn of(service: &Service, user: &User) -> Result<Self> {
        if user.require(Action::ReadUsers).is_err() {
            return Ok(Self(Vec::new()));
        }
        let by = By::User(user);
        let mut out = Vec::new();
        let mut page = PageRequest::largest(None);
        loop {
            let found = service.users(by, user.org, &page)?;
            out.extend(found.items.into_iter().map(|person| {
                let name = format!(
                    "{} ({})",
                    person.name,
                    person.role.to_string().replace('_', " ")
                );
                let in_office = person.state != UserState::Disabled;
                (format!("user:{}", person.id), name, in_office)
            }));
            match found.next {
                Some(next) => page = PageRequest::largest(Some(next)),
                None => break,
            }
        }
        let mut page = PageRequest::largest(None);
        loop {
            let found = service.teams(by, user.org, &page)?;
            out.extend(found.items.into_iter().map(|team| {
                (
                    format!("team:{}", team.id),
                    format!("Team {}", team.name),
                    true,
                )
            }));
            match found.next {
                Some(next) => page = PageRequest::largest(Some(next)),
                None => return Ok(Self(out)),
            }
        }
    }
    /// The name of an assignee; what it is called where nobody may know it.
    pub(super) fn name<'n>(&'n self, assignee: &'n str) -> &'n str {
        let found = self.0.iter().find(|(key, ..)| key == assignee);
        found.map_or(assignee, |(_, name, _)| name)
    }
    /// Whom something may be assigned to: key and name.
    pub(super) fn choices(&self) -> impl Iterator<Item = (&str, &str)> {
        let there = self.0.iter().filter(|(.., in_office)| *in_office);
        there.map(|(key, name, _)| (key.as_str(), name.as_str()))
    }
}
