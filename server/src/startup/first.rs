//! A new data folder: its first organisation and that organisation's admin. Used by `init` and by the demo.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use super::{certificate, derived_url, host_of, in_words, lock, options};
use crate::config::{self, Settings};
use crate::service::access::Role;
use crate::service::ambient::System;
use crate::service::error::Code;
use crate::service::names::{Name, NewPassword, Slug};
use crate::service::organisations::CreateOrganisation;
use crate::service::users::CreateUser;
use crate::service::{By, Service};
use crate::storage::StorageError;
use crate::storage::directory::Directory;
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

/// Makes a data folder, or finishes one whose making was cut short. Everything that was typed is checked before anything
/// is made.
pub fn initialise(settings: &Settings, first: &First) -> Result<Service> {
    let data = DataFolder::at(&settings.data);
    may_be_made(&data)?;
    Slug::new("/slug", &first.slug).map_err(in_words)?;
    Name::new("/name", &first.name).map_err(in_words)?;
    Name::new("/admin", &first.admin).map_err(in_words)?;

    data.create()?;
    let _lock = lock(&data)?;
    // Somebody else may have been faster.
    may_be_made(&data)?;
    let url = settings.public_url.clone();
    let url = url.unwrap_or_else(|| derived_url(settings, settings.listen.port()));
    let tls = certificate::load(&settings.transport, &data, host_of(&url))?;
    let options = options(settings, url, tls.as_ref());
    let service = Service::create(&data, options, Arc::new(System::new())).map_err(in_words)?;
    people(&service, first).map_err(in_words)?;
    let file = config::file_in(data.path());
    if !file.exists() {
        write_private(&file, CONFIG.as_bytes())?;
    }
    Ok(service)
}

/// A folder is finished when somebody can sign in; until then nothing is in it but what `init` makes.
fn may_be_made(data: &DataFolder) -> Result<()> {
    let finished = data.is_initialised()
        && Directory::open(&data.directory())?
            .read::<_, StorageError>(|view| view.anybody_has_a_password())?;
    anyhow::ensure!(
        !finished,
        "{} is a data folder already. Nothing was changed. Start it with `tributary serve`, or add an organisation \
         with `tributary org create`.",
        data.path().display()
    );
    anyhow::ensure!(
        data.is_initialised() || is_free(data),
        "{} holds other files. Nothing was changed. Name a new or an empty folder with --data.",
        data.path().display()
    );
    Ok(())
}

/// Not there, or empty but for what may stand in a folder before it is used, and what is made before the directory. An
/// organisation's file without a directory is a data folder that lost something.
fn is_free(data: &DataFolder) -> bool {
    let Ok(entries) = std::fs::read_dir(data.path()) else {
        return true;
    };
    let empty = |path: &Path| std::fs::read_dir(path).is_ok_and(|mut d| d.next().is_none());
    let may_stand = [config::file_in(data.path()), data.path().join("lock")];
    let made = [data.keys(), data.temporary()];
    let made_empty = [data.organisations(), data.attachments(), data.erased()];
    entries.flatten().map(|entry| entry.path()).all(|path| {
        may_stand.contains(&path)
            || made.contains(&path)
            || (made_empty.contains(&path) && empty(&path))
    })
}

fn people(service: &Service, first: &First) -> crate::service::error::Result<()> {
    let organisation = match service.organisation_named(&first.slug) {
        Err(error) if error.code == Code::NotFound => {
            let new = CreateOrganisation {
                slug: first.slug.clone(),
                name: first.name.clone(),
            };
            service.create_organisation(By::Operator, &new)?
        }
        found => found?,
    };
    let name = Name::new("/admin", &first.admin)?;
    let there = service
        .directory()
        .read(|view| view.user_by_name(Some(organisation.id), &name.key()))?;
    let admin = match there {
        Some(row) => row.id,
        None => {
            let admin = CreateUser {
                name: first.admin.clone(),
                role: Role::OrgAdmin,
            };
            let made = service.create_user(By::Operator, organisation.id, &admin)?;
            made.user.id
        }
    };
    service.set_password(admin, &first.password)
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
    fn what_was_cut_short_anywhere_is_finished_by_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| Settings::on_loopback(folder.path().join(name));
        // Before the directory; with the directory alone; with the organisation; with an admin who has no password.
        for cut in 0..4 {
            let settings = at(&cut.to_string());
            let data = DataFolder::at(&settings.data);
            data.create().unwrap();
            certificate::load(&settings.transport, &data, None).unwrap();
            let ambient = Arc::new(System::new());
            let made = || Service::create(&data, Default::default(), ambient.clone()).unwrap();
            match cut {
                0 => {}
                1 => drop(Directory::create(&data.directory()).unwrap()),
                n => {
                    let service = made();
                    let organisation = CreateOrganisation {
                        slug: "mekong".to_owned(),
                        name: "Mekong".to_owned(),
                    };
                    let organisation = service
                        .create_organisation(By::Operator, &organisation)
                        .unwrap();
                    let admin = CreateUser {
                        name: "Chi".to_owned(),
                        role: Role::OrgAdmin,
                    };
                    if n == 3 {
                        let made = service.create_user(By::Operator, organisation.id, &admin);
                        made.unwrap();
                    }
                }
            }
            let service = initialise(&settings, &first("mekong")).unwrap();
            let all = service.organisations(By::Operator, &Default::default());
            assert_eq!(all.unwrap().items.len(), 1, "{cut}");
            drop(service);
            let again = initialise(&settings, &first("mekong")).err().unwrap();
            assert!(again.to_string().contains("already"), "{cut}: {again}");
        }
    }

    #[test]
    fn a_folder_that_lost_its_directory_is_no_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings::on_loopback(folder.path().join("data"));
        drop(initialise(&settings, &first("mekong")).unwrap());
        std::fs::remove_file(settings.data.join("directory.db")).unwrap();
        let refused = initialise(&settings, &first("mekong")).err().unwrap();
        assert!(
            refused.to_string().contains("holds other files"),
            "{refused}"
        );
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
