//! `tributary user`: users of an organisation, and those who look after the server.

use anyhow::Result;
use clap::{Subcommand, ValueEnum};

use super::{OrgFlag, terminal};
use crate::service::access::Role;
use crate::service::names::{Name, NewPassword, Secret};
use crate::service::paging::PageRequest;
use crate::service::users::{CreateUser, UserState};
use crate::service::{By, Service};
use crate::startup::in_words;

/// Roles as they are typed.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum RoleFlag {
    OrgAdmin,
    Coordinator,
    Reviewer,
    Worker,
    /// Looks after the server, belongs to no organisation
    ServerAdmin,
}

impl RoleFlag {
    fn role(self) -> Role {
        match self {
            Self::OrgAdmin => Role::OrgAdmin,
            Self::Coordinator => Role::Coordinator,
            Self::Reviewer => Role::Reviewer,
            Self::Worker => Role::Worker,
            Self::ServerAdmin => Role::ServerAdmin,
        }
    }
}

#[derive(Subcommand)]
pub(super) enum User {
    /// Make a user; prints the one-time link that sets the first password
    Create {
        /// The name to sign in with and to show, in any script
        name: String,
        /// What the user is
        #[arg(long, value_enum, default_value = "worker")]
        role: RoleFlag,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// List the users
    List {
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Print a one-time link that sets a new password, or set one
    Reset {
        /// The user's name
        name: String,
        /// Read the new password from standard input instead
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Keep a user out, at once, on all devices
    Disable {
        /// The user's name
        name: String,
        /// Let the user in again
        #[arg(long)]
        undo: bool,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Give a user another role
    Role {
        /// The user's name
        name: String,
        /// What the user is from now on
        #[arg(value_enum)]
        role: RoleFlag,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Assign all open records of a user who leaves to another
    Handover {
        /// Who leaves
        from: String,
        /// Who takes over
        to: String,
        #[command(flatten)]
        org: OrgFlag,
    },
}

impl User {
    pub(super) fn run(self, service: &Service) -> Result<()> {
        match self {
            Self::Create { name, role, org } => create(service, name, role, &org),
            Self::List { org } => list(service, &org),
            Self::Reset {
                name,
                password_stdin,
                org,
            } => reset(service, &name, password_stdin, &org),
            Self::Disable { name, undo, org } => disable(service, &name, undo, &org),
            Self::Role { name, role, org } => {
                let org = org.find(service)?;
                let user = service.user_named(org.id, &name).map_err(in_words)?;
                let user = service
                    .set_user_role(By::Operator, org.id, user.id, role.role())
                    .map_err(in_words)?;
                terminal::say(format!("{} is {} from now on.", user.name, user.role))
            }
            Self::Handover { from, to, org } => handover(service, &from, &to, &org),
        }
    }
}

fn disable(service: &Service, name: &str, undo: bool, org: &OrgFlag) -> Result<()> {
    let what = if undo {
        "gets in again"
    } else {
        "is kept out, at once, on all devices"
    };
    if org.is_server() {
        anyhow::ensure!(
            !undo,
            "let them in with a new link: `tributary user create NAME --role server-admin`"
        );
        let name = Name::new("/name", name).map_err(in_words)?;
        service.disable_server_admin(&name).map_err(in_words)?;
        return terminal::say(format!("{} {what}.", name.as_str()));
    }
    let org = org.find(service)?;
    let user = service.user_named(org.id, name).map_err(in_words)?;
    service
        .set_user_disabled(By::Operator, org.id, user.id, !undo)
        .map_err(in_words)?;
    terminal::say(format!("{} {what}.", user.name))
}

fn create(service: &Service, name: String, role: RoleFlag, org: &OrgFlag) -> Result<()> {
    if matches!(role, RoleFlag::ServerAdmin) {
        let name = Name::new("/name", &name).map_err(in_words)?;
        let link = service.create_server_admin(&name).map_err(in_words)?;
        terminal::say("Made. They sign in with the organisation `server`.")?;
        terminal::say(format!(
            "This link sets the password, once, until {}:",
            link.expires_at
        ))?;
        return terminal::say(link.url);
    }
    let org = org.find(service)?;
    let new = CreateUser {
        name,
        role: role.role(),
    };
    let made = service
        .create_user(By::Operator, org.id, &new)
        .map_err(in_words)?;
    terminal::say(format!(
        "Made {} ({}) in {}.",
        made.user.name, made.user.role, org.slug
    ))?;
    terminal::say(format!(
        "This link sets the password, once, until {}:",
        made.link.expires_at
    ))?;
    terminal::say(made.link.url)
}

fn handover(service: &Service, from: &str, to: &str, org: &OrgFlag) -> Result<()> {
    let org = org.find(service)?;
    let from = service.user_named(org.id, from).map_err(in_words)?;
    let to = service.user_named(org.id, to).map_err(in_words)?;
    let done = service
        .hand_over(By::Operator, org.id, from.id, to.id)
        .map_err(in_words)?;
    terminal::say(format!(
        "{} records of {} are assigned to {}; {} restricted ones were left out.",
        done.records, from.name, to.name, done.restricted
    ))
}

fn list(service: &Service, org: &OrgFlag) -> Result<()> {
    let org = org.find(service)?;
    let mut rows = Vec::new();
    let mut page = PageRequest::largest(None);
    loop {
        let found = service
            .users(By::Operator, org.id, &page)
            .map_err(in_words)?;
        rows.extend(found.items.into_iter().map(|user| {
            let state = match user.state {
                UserState::Invited => "invited",
                UserState::Active => "active",
                UserState::Disabled => "disabled",
            };
            vec![
                user.name,
                user.role.to_string(),
                state.to_owned(),
                user.id.to_string(),
            ]
        }));
        match found.next {
            Some(next) => page = PageRequest::largest(Some(next)),
            None => return terminal::table(&["NAME", "ROLE", "STATE", "ID"], &rows),
        }
    }
}

fn reset(service: &Service, name: &str, password_stdin: bool, org: &OrgFlag) -> Result<()> {
    let org = org.find(service)?;
    let user = service.user_named(org.id, name).map_err(in_words)?;
    let password = if password_stdin {
        Some(NewPassword::new(Secret::new(terminal::read_line()?)).map_err(in_words)?)
    } else {
        None
    };
    // Audited in both cases; a password that is set closes the link.
    let link = service
        .reset_link(By::Operator, org.id, user.id)
        .map_err(in_words)?;
    if let Some(password) = password {
        service.set_password(user.id, &password).map_err(in_words)?;
        return terminal::say(format!(
            "The password of {} is set; all sign-ins ended.",
            user.name
        ));
    }
    terminal::say(format!(
        "This link sets a new password for {}, once, until {}:",
        user.name, link.expires_at
    ))?;
    terminal::say(link.url)
}
