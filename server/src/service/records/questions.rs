//! Questions and answers in people's words: labels from the form model. What no form explains keeps its key.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;
use tributary_sync_core::form::{Field, PublishedForm, Texts};
use tributary_sync_core::ids::{FieldId, FormHash};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::policy::{Policies, Policy};
use tributary_sync_core::value::Value;
use utoipa::ToSchema;

use super::Assignee;
use crate::service::env::Env;
use crate::service::error::Result;
use crate::storage::OrgTxn;

/// A question, or what else stands under a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Question {
    /// The key, as the protocol writes it.
    pub key: String,
    /// The question as people read it.
    pub label: String,
    /// The field's name in the form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The field's type in the form.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// How several answers read as one: `single`, `protective` or `union`.
    pub policy: String,
    /// The codes from the least to the most protective.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Whether this is the consent without which a record is withheld.
    pub consent: bool,
}

/// The forms that explain the records of one answer; each is read once.
pub(in crate::service) struct Questions<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    language: Option<String>,
    forms: HashMap<FormHash, Option<Arc<PublishedForm>>>,
}

impl<'t, 'c> Questions<'t, 'c> {
    /// In a language, else in that of the form.
    pub(in crate::service) fn new(
        txn: &'t OrgTxn<'c>,
        env: &'t Env,
        language: Option<String>,
    ) -> Self {
        Self {
            txn,
            env,
            language,
            forms: HashMap::new(),
        }
    }

    fn form(&mut self, hash: FormHash) -> Result<Option<Arc<PublishedForm>>> {
        if let Some(known) = self.forms.get(&hash) {
            return Ok(known.clone());
        }
        let row = self.txn.form(hash)?;
        let form = row
            .and_then(|row| PublishedForm::open(&row.xform, row.package.as_bytes()).ok())
            .map(Arc::new);
        self.forms.insert(hash, form.clone());
        Ok(form)
    }

    /// The version that explains a field: the one it was answered with, else the newest that has it.
    fn explains(&mut self, form: FormHash, field: FieldId) -> Result<Option<Arc<PublishedForm>>> {
        let answered_with = self.form(form)?;
        if answered_with
            .as_ref()
            .is_some_and(|f| f.field(field).is_some())
        {
            return Ok(answered_with);
        }
        let Some(form_id) = self.txn.form_id(form)? else {
            return Ok(None);
        };
        let versions = self.txn.form_versions(&form_id)?;
        for version in versions.iter().rev() {
            let found = self.form(version.hash)?;
            if found.as_ref().is_some_and(|f| f.field(field).is_some()) {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn best<'x>(&self, form: &PublishedForm, texts: &'x Texts) -> Option<&'x str> {
        let own = self.language.as_deref();
        let languages: Vec<&str> = own
            .into_iter()
            .chain([form.model().default_language.as_str()])
            .collect();
        texts.best(&languages)
    }

    fn label(&self, form: &PublishedForm, field: &Field) -> String {
        self.best(form, &field.label)
            .unwrap_or(&field.name)
            .to_owned()
    }

    /// What stands under a key.
    pub(in crate::service) fn question(
        &mut self,
        policies: &Policies,
        form: FormHash,
        key: &Key,
    ) -> Result<Question> {
        let mut out = Question {
            key: key.to_string(),
            label: meta_label(key).map_or_else(|| key.to_string(), str::to_owned),
            name: None,
            type_name: None,
            policy: "single".to_owned(),
            order: Vec::new(),
            consent: false,
        };
        let Some(id) = key.field().or(key.row().map(|(group, _)| group)) else {
            return Ok(out);
        };
        if key.field().is_some() {
            let rules = policies.get(id);
            out.consent = !rules.consent.is_empty();
            match &rules.policy {
                Policy::Single => {}
                Policy::Protective(order) => {
                    out.policy = "protective".to_owned();
                    out.order = order.clone();
                }
                Policy::Union => out.policy = "union".to_owned(),
            }
        }
        if let Some(form) = self.explains(form, id)?
            && let Some(field) = form.field(id)
        {
            out.label = self.label(&form, field);
            out.name = Some(field.name.clone());
            out.type_name = Some(field.type_name());
            if let Some((group, row)) = key.row()
                && key.field().is_some()
                && let Some(repeat) = form.field(group)
            {
                let row = row.to_string();
                let short = row.get(..4).unwrap_or_default();
                out.label = format!("{} ({} {short})", out.label, self.label(&form, repeat));
            }
        }
        Ok(out)
    }

    /// An answer in people's words.
    pub(in crate::service) fn say(
        &mut self,
        form: FormHash,
        key: &Key,
        value: &Value,
    ) -> Result<String> {
        if *key == Key::Meta(MetaKey::Assignee) {
            return self.say_assignee(value);
        }
        let named = |code: &str, label: Option<&str>| label.unwrap_or(code).to_owned();
        Ok(match value {
            Value::Code(code) => {
                let label = self.choice(form, key, code.as_str())?;
                named(code.as_str(), label.as_deref())
            }
            Value::Codes(codes) => {
                let mut out = Vec::new();
                for code in codes.iter() {
                    let label = self.choice(form, key, code)?;
                    out.push(named(code, label.as_deref()));
                }
                out.join("; ")
            }
            other => plain(other),
        })
    }

    fn choice(&mut self, form: FormHash, key: &Key, code: &str) -> Result<Option<String>> {
        let Some(id) = key.field() else {
            return Ok(None);
        };
        let Some(form) = self.explains(form, id)? else {
            return Ok(None);
        };
        let choices = form.field(id).and_then(|f| form.model().choices(f));
        let choice = choices.and_then(|all| all.iter().find(|c| c.code == code));
        Ok(choice
            .and_then(|c| self.best(&form, &c.label))
            .map(str::to_owned))
    }

    fn say_assignee(&self, value: &Value) -> Result<String> {
        let Value::Code(code) = value else {
            return Ok("nobody".to_owned());
        };
        Ok(match Assignee::parse(code.as_str()) {
            Some(Assignee::User(user)) => self
                .env
                .roster
                .name(self.txn.org(), user)?
                .unwrap_or_else(|| code.as_str().to_owned()),
            _ => code.as_str().to_owned(),
        })
    }
}

fn meta_label(key: &Key) -> Option<&'static str> {
    match key {
        Key::Meta(MetaKey::Status) => Some("Status"),
        Key::Meta(MetaKey::Assignee) => Some("Assigned to"),
        Key::Meta(MetaKey::Deleted) => Some("Deleted"),
        Key::Meta(MetaKey::Comment(_)) => Some("Comment"),
        _ => None,
    }
}

/// A value that needs no form to be read.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "(cleared)".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Int(n) => n.get().to_string(),
        Value::Decimal(d) => d.as_str().to_owned(),
        Value::Text(t) | Value::Code(t) => t.as_str().to_owned(),
        Value::Codes(codes) => codes.iter().collect::<Vec<_>>().join("; "),
        Value::Date(d) => d.to_string(),
        Value::Time(t) => t.to_string(),
        Value::DateTime(t) => t.to_string(),
        Value::Geo(g) => format!(
            "{:.7}, {:.7}",
            f64::from(g.lat_e7) / 1e7,
            f64::from(g.lon_e7) / 1e7
        ),
        Value::Attachment(a) => format!("file, {}, {} bytes", a.media_type.as_str(), a.size),
        Value::Row(_) => "row".to_owned(),
        Value::Deleted(true) => "deleted".to_owned(),
        Value::Deleted(false) => "restored".to_owned(),
        Value::Opaque(_) => "(not readable by this version)".to_owned(),
    }
}
