//! A new data folder: its first organisation and that organisation's admin. Used by `init` and by the demo.

use std::sync::Arc;

use anyhow::Result;

use super::{certificate, derived_url, host_of, in_words, lock};
use crate::config::{self, Settings};
use crate::service::access::Role;
use crate::service::ambient::System;
use crate::service::names::{Name, NewPassword, Slug};
use crate::service::organisations::CreateOrganisation;
use crate::service::users::CreateUser;
use crate::service::{By, Service, ServiceOptions};
use crate::storage::folder::{DataFolder, write_private};

/// Written into the data folder, so that there is one place to look.
const CONFIG: &str = "\
# Settings of this Tributary server. TRIBUTARY_* variables and flags win over this file.
# A key that is not known is refused.

# Where people and devices reach the server. It stands in enrolment links.
# public_url = \"https://survey.example.org:8443\"

# Where to listen.
# listen = \"0.0.0.0:8443\"

# A certificate that browsers trust. Without one, the server uses one of its own making,
# and enrolment links tell devices to pin it.
# [tls]
# certificate = \"/etc/ssl/survey.pem\"
# key = \"/etc/ssl/private/survey.key\"

# [log]
# level = \"info\"
# format = \"text\"
";

/// What a data folder starts with.
pub struct First {
    /// The organisation's slug.
    pub slug: String,
    /// The organisation's name.
    pub name: String,
    /// The name of its admin.
    pub admin: String,
    /// The admin's password.
    pub password: NewPassword,
}

/// Makes a data folder. Everything that was typed is checked before anything is made.
pub fn initialise(settings: &Settings, first: &First) -> Result<Service> {
    let data = DataFolder::at(&settings.data);
    anyhow::ensure!(
        !data.is_initialised(),
        "{} is a data folder already. Nothing was changed. Start it with `tributary serve`, or add an organisation \
         with `tributary org create`.",
        data.path().display()
    );
    anyhow::ensure!(
        is_free(&data),
        "{} holds other files. Nothing was changed. Name a new or an empty folder with --data.",
        data.path().display()
    );
    Slug::new("/slug", &first.slug).map_err(in_words)?;
    Name::new("/name", &first.name).map_err(in_words)?;
    Name::new("/admin", &first.admin).map_err(in_words)?;

    data.create()?;
    let _lock = lock(&data)?;
    let url = settings.public_url.clone();
    let url = url.unwrap_or_else(|| derived_url(settings, settings.listen.port()));
    let tls = certificate::load(&settings.transport, &data, host_of(&url))?;
    let options = ServiceOptions {
        public_url: url,
        audience: settings.audience.clone(),
        certificate: tls.and_then(|tls| tls.pin),
        copies: settings.backup.is_some(),
        copies_every: settings.backup.as_ref().map(|b| b.every),
    };
    let service = Service::create(&data, options, Arc::new(System::new())).map_err(in_words)?;
    people(&service, first).map_err(in_words)?;
    let file = config::file_in(data.path());
    if !file.exists() {
        write_private(&file, CONFIG.as_bytes())?;
    }
    Ok(service)
}

/// Not there, or empty but for what may stand in a folder before it is used.
fn is_free(data: &DataFolder) -> bool {
    let Ok(entries) = std::fs::read_dir(data.path()) else {
        return true;
    };
    let may_stand = [config::file_in(data.path()), data.path().join("lock")];
    entries
        .flatten()
        .all(|entry| may_stand.contains(&entry.path()))
}

fn people(service: &Service, first: &First) -> crate::service::error::Result<()> {
    let organisation = CreateOrganisation {
        slug: first.slug.clone(),
        name: first.name.clone(),
    };
    let organisation = service.create_organisation(By::Operator, &organisation)?;
    let admin = CreateUser {
        name: first.admin.clone(),
        role: Role::OrgAdmin,
    };
    let admin = service.create_user(By::Operator, organisation.id, &admin)?;
    service.set_password(admin.user.id, &first.password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::names::Secret;

    fn first(slug: &str) -> First {
        let password = Secret::new("four unrelated words".to_owned());
        First {
            slug: slug.to_owned(),
            name: "Mekong".to_owned(),
            admin: "Chi".to_owned(),
            password: NewPassword::new(password).unwrap(),
        }
    }

    #[test]
    fn a_mistake_leaves_nothing_behind_and_a_second_time_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::on_loopback(folder.path().join("data"));
        assert!(initialise(&settings, &first("Bad Slug")).is_err());
        assert!(!settings.data.exists());
        drop(initialise(&settings, &first("mekong")).unwrap());
        let again = initialise(&settings, &first("mekong"))
            .err()
            .unwrap()
            .to_string();
        assert!(again.contains("already"), "{again}");
    }

    #[test]
    fn a_folder_with_other_files_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "mine").unwrap();
        let settings = Settings::on_loopback(folder.path());
        let refused = initialise(&settings, &first("mekong"))
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains("holds other files"), "{refused}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
