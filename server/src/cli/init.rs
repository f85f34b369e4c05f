//! `tributary init`: a data folder, a first organisation and its admin, and what to do next.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;

use super::{Common, terminal};
use crate::service::names::{NewPassword, Secret};
use crate::startup::first::{First, initialise};
use crate::startup::in_words;
use crate::telemetry;

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

impl Init {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let settings = common.settings(Vec::new())?;
        telemetry::init(settings.log);
        let (password, made) = if self.password_stdin {
            (terminal::read_line()?, None)
        } else {
            let made = made_up()?;
            (made.clone(), Some(made))
        };
        let first = First {
            slug: self.org.clone(),
            name: self.org_name.clone(),
            admin: self.admin.clone(),
            password: NewPassword::new(Secret::new(password)).map_err(in_words)?,
        };
        let service = initialise(&settings, &first)?;
        self.next(
            &service.options().public_url,
            &settings.data,
            made.as_deref(),
        )
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
