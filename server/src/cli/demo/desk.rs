//! Somebody at a desk, the coordinator or the admin: signs in over HTTPS and uses the API as any other client would.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tributary_native::EnrolLink;
use tributary_native::https::Https;
use tributary_native::transport::{Answer, Call, Transport};
use tributary_sync_core::ids::UserId;

use super::cast::{ORGANISATION, Person};
use super::conflicts::Crossed;
use super::stage::Stage;

const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody signed in.
pub(super) struct Desk {
    https: Https,
    name: &'static str,
    password: String,
    token: Option<String>,
    /// Where phones are told to go, in place of the server's own address.
    through: String,
}

impl Desk {
    pub(super) fn sign_in(stage: &Stage, person: Person) -> Result<Self> {
        let mut desk = Self {
            https: Https::new(&stage.url, &stage.proof)?,
            name: person.name,
            password: stage.password.clone(),
            token: None,
            through: format!("https://{}", stage.relay.address()),
        };
        desk.renew()?;
        Ok(desk)
    }

    fn renew(&mut self) -> Result<()> {
        let body =
            json!({"organisation": ORGANISATION, "name": self.name, "password": self.password});
        let answer = self.send("/api/v1/auth/sign-in", Some(&body))?;
        let reply: Value = read(&answer)?;
        let token = reply.get("access_token").and_then(Value::as_str);
        self.token = Some(token.context("a token")?.to_owned());
        Ok(())
    }

    fn send(&mut self, path: &str, body: Option<&Value>) -> Result<Answer> {
        let call = Call {
            path: path.to_owned(),
            body: body.map(|b| b.to_string().into_bytes()),
            token: self.token.clone(),
            timeout: PATIENCE,
        };
        Ok(self.https.send(&call)?)
    }

    /// A call; signs in again when weeks have passed since the last.
    pub(super) fn call(&mut self, path: &str, body: Option<&Value>) -> Result<Answer> {
        let answer = self.send(path, body)?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.token = None;
        self.renew()?;
        self.send(path, body)
    }

    /// A call whose answer is JSON.
    pub(super) fn ask<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T> {
        read(&self.call(path, body)?)
    }

    /// An enrolment link for one phone of a user, led through the bad link.
    pub(super) fn enrol_link(&mut self, user: UserId) -> Result<EnrolLink> {
        let body = json!({ "user": user });
        let code: Value = self.ask("/api/v1/devices/codes", Some(&body))?;
        let link = code.get("link").and_then(Value::as_str);
        let mut link: EnrolLink = link.context("a link")?.parse()?;
        link.server.clone_from(&self.through);
        Ok(link)
    }

    /// The devices as the list shows them.
    pub(super) fn devices(&mut self) -> Result<Vec<Listed>> {
        let page: Page = self.ask("/api/v1/devices?limit=1000", None)?;
        Ok(page.items)
    }

    /// Revokes a device.
    pub(super) fn revoke(&mut self, device: &str) -> Result<()> {
        let answer = self.call(
            &format!("/api/v1/devices/{device}/revoke"),
            Some(&json!({})),
        )?;
        if answer.status != 204 {
            bail!("revoking was answered with {}", answer.status);
        }
        Ok(())
    }
}

impl Desk {
    /// Settles a question for one of its answers, over what the record looks like now.
    pub(super) fn settle(&mut self, crossed: &Crossed, reason: &str) -> Result<()> {
        let dot = crossed.first.context("an answer")?;
        let path = format!("/api/v1/records/{}", crossed.record);
        let record: Value = self.ask(&path, None)?;
        let body = json!({
            "shown": record.get("shown"),
            "key": crossed.key.to_string(),
            "candidate": {"actor": dot.actor.0, "seq": dot.seq.get()},
            "reason": reason,
        });
        let _: Value = self.ask(&format!("{path}/settle"), Some(&body))?;
        Ok(())
    }
}

#[derive(serde::Deserialize)]
struct Page {
    items: Vec<Listed>,
}

/// A device in the list.
#[derive(Clone, Debug, serde::Deserialize)]
pub(super) struct Listed {
    pub(super) label: String,
    pub(super) user_name: String,
    pub(super) revoked_at: Option<String>,
    pub(super) clock_skew_ms: Option<i64>,
    pub(super) quarantine_bytes: u64,
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    if !(200..300).contains(&answer.status) {
        bail!(
            "the server answered {}: {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(serde_json::from_slice(&answer.body)?)
}
