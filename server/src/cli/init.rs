//! `tributary init`: a data folder, a first organisation and its admin, and what to do next.

use std::sync::Arc;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;

use super::{Common, terminal};
use crate::service::access::Role;
use crate::service::ambient::System;
use crate::service::names::{NewPassword, Secret};
use crate::service::organisations::CreateOrganisation;
use crate::service::users::CreateUser;
use crate::service::{By, Service, ServiceOptions};
use crate::startup::{certificate, derived_url, host_of, in_words, lock};
use crate::storage::folder::{DataFolder, write_private};
use crate::{config, telemetry};

#[derive(Args)]
pub(super) struct Init {
    /// The first organisation's slug, which people type when they sign in
    #[arg(long, default_value = "first")]
    org: String,
    /// The organisation's name, as it is shown
    #[arg(long, default_value = "First organisation")]
    org_name: String,
    /// The name of its first admin
    #[arg(long, default_value = "admin")]
    admin: String,
    /// Read the admin's password from standard input instead of making one
    #[arg(long)]
    password_stdin: bool,
}

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

impl Init {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let settings = common.settings(Vec::new())?;
        telemetry::init(settings.log);
        let data = &DataFolder::at(&settings.data);
        anyhow::ensure!(
            !data.is_initialised(),
            "{} is a data folder already. Nothing was changed. Start it with `tributary serve`, or add an organisation \
             with `tributary org create`.",
            data.path().display()
        );
        let password = if self.password_stdin {
            Some(terminal::read_line()?)
        } else {
            None
        };
        data.create()?;
        let _lock = lock(data)?;
        let url = settings
            .public_url
            .clone()
            .unwrap_or_else(|| derived_url(&settings, settings.listen.port()));
        let pin =
            certificate::load(&settings.transport, data, host_of(&url))?.and_then(|tls| tls.pin);
        let options = ServiceOptions {
            public_url: url.clone(),
            audience: settings.audience.clone(),
            certificate: pin,
            copies: settings.backup.is_some(),
        };
        let service = Service::create(data, options, Arc::new(System::new())).map_err(in_words)?;
        let (given, made) = match password {
            Some(text) => (Secret::new(text), None),
            None => {
                let text = made_up()?;
                (Secret::new(text.clone()), Some(text))
            }
        };
        self.first(&service, given)?;
        let file = config::file_in(data.path());
        if !file.exists() {
            write_private(&file, CONFIG.as_bytes())?;
        }
        self.next(&url, data.path(), made.as_deref())
    }

    fn first(&self, service: &Service, password: Secret) -> Result<()> {
        let password = NewPassword::new(password).map_err(in_words)?;
        let organisation = CreateOrganisation {
            slug: self.org.clone(),
            name: self.org_name.clone(),
        };
        let organisation = service
            .create_organisation(By::Operator, &organisation)
            .map_err(in_words)?;
        let admin = CreateUser {
            name: self.admin.clone(),
            role: Role::OrgAdmin,
        };
        let admin = service
            .create_user(By::Operator, organisation.id, &admin)
            .map_err(in_words)?;
        service
            .set_password(admin.user.id, &password)
            .map_err(in_words)
    }

    fn next(&self, url: &str, data: &std::path::Path, made: Option<&str>) -> Result<()> {
        terminal::say(format!("Made the data folder {}.", data.display()))?;
        terminal::say(
            "Whoever can read it can read every answer: keep it on an encrypted disk, and copy it elsewhere.",
        )?;
        terminal::say("")?;
        terminal::say(format!("  organisation  {}", self.org))?;
        terminal::say(format!("  name          {}", self.admin))?;
        if let Some(password) = made {
            terminal::say(format!("  password      {password}   (shown this once)"))?;
        }
        terminal::say(format!("  address       {url}"))?;
        terminal::say("")?;
        terminal::say("Next: `tributary serve`, and then, for the first device of a worker,")?;
        terminal::say(
            "      `tributary user create NAME --role worker` and `tributary device enrol-code NAME`.",
        )
    }
}

/// 96 bits, to be typed once and then changed.
fn made_up() -> Result<String> {
    let mut bytes = [0; 12];
    getrandom::fill(&mut bytes)
        .map_err(|e| anyhow::anyhow!("the system gave no randomness: {e}"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
