//! Records as the pages are told of them: every live answer with who gave it and when.
//!
//! Nothing is decided here; order, conflicts and deletion are the record's own.

use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{ActorId, FormHash, RecordId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::{Live, Record};
use tributary_sync_core::session::{Profile, Store, StoreError, Whereabouts, whereabouts};
use tributary_sync_core::value::Value;

use crate::brief::{Brief, meta_text};
use crate::error::Failed;
use crate::rows::{Rows, Table};
use crate::step::Account;

/// "actor:seq"
pub(crate) fn dot_text(dot: Dot) -> String {
    format!("{}:{}", dot.actor, dot.seq)
}

/// Who gave what, by the names that this device was told.
struct Names<'r> {
    rows: &'r Rows,
    profile: Profile,
    own_name: String,
}

impl<'r> Names<'r> {
    fn of(rows: &'r Rows) -> Result<Self, StoreError> {
        let account: Option<Account> = rows.state("account")?;
        Ok(Self {
            rows,
            profile: rows.profile()?,
            own_name: account.map(|a| a.user_name).unwrap_or_default(),
        })
    }
    fn name(&self, actor: ActorId) -> String {
        if self.profile.owns(actor) {
            return self.own_name.clone();
        }
        let person = self.rows.person(actor).ok().flatten();
        person.map(|p| p.name).unwrap_or_default()
    }
    fn live(&self, value: &Value, live: &Live) -> Json {
        let actor = live.dot.actor;
        json!({
            "value": value, "dot": dot_text(live.dot), "actor": actor, "by": self.name(actor),
            "at": live.saved.ms(), "mine": self.profile.owns(actor),
        })
    }
}

#[derive(Clone, Serialize)]
struct Comment {
    id: String,
    by: String,
    at: u64,
    text: String,
    mine: bool,
}

fn comments(names: &Names<'_>, record: &Record) -> Vec<Comment> {
    let mut out = Vec::new();
    for (key, values) in record.keys() {
        let Key::Meta(MetaKey::Comment(id)) = key else {
            continue;
        };
        for (dot, value) in values {
            if let (Value::Text(text), Some(live)) = (value, record.live(*dot)) {
                out.push(Comment {
                    id: id.to_string(),
                    by: names.name(dot.actor),
                    at: live.saved.ms(),
                    text: text.as_str().to_owned(),
                    mine: names.profile.owns(dot.actor),
                });
            }
        }
    }
    out.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
    out
}

fn rows_of(record: &Record) -> Vec<Json> {
    let mut all: Vec<_> = record.keys().filter_map(|(key, _)| key.row()).collect();
    all.sort();
    all.dedup();
    let tell = |(group, row): &(_, _)| {
        let presence = record.row_presence(*group, *row);
        let place = record.row_place(*group, *row);
        let mut out = json!({
            "group": group, "row": row, "order": place.map_or("", |p| p.order()),
            "deleted": presence == Presence::Deleted,
            "contested": presence == Presence::Contested,
        });
        if let Some(parent) = place.and_then(|p| p.parent) {
            out["parent"] = json!(parent);
        }
        out
    };
    all.iter().map(tell).collect()
}

/// Every live value of every question and of the record's own meta, the one that an export shows first.
fn answers(names: &Names<'_>, record: &Record) -> Map<String, Json> {
    let told = |key: &Key| match key {
        Key::Meta(MetaKey::Comment(_)) | Key::RowMeta { .. } => false,
        Key::Meta(_) => true,
        _ => key.is_answer(),
    };
    let keys = record.keys().filter(|(key, _)| told(key));
    keys.map(|(key, _)| {
        let candidates = record.candidates(key).into_iter();
        let lives = candidates.flat_map(|c| {
            let value = c.value;
            c.given.into_iter().map(move |live| (value, live))
        });
        let lives: Vec<Json> = lives.map(|(value, live)| names.live(value, live)).collect();
        (key.to_string(), Json::Array(lives))
    })
    .collect()
}

/// A record as `state` has it, which may be what somebody was shown a while ago.
pub(crate) fn record(rows: &Rows, state: &Record, answered: FormHash) -> Result<Json, Failed> {
    let names = Names::of(rows)?;
    let id = state.id();
    let made = brief(rows, &id.to_string())?.map_or(answered, |b| b.form);
    let status = meta_text(state, MetaKey::Status).unwrap_or_default();
    let comments = comments(&names, state);
    let returned = comments.iter().rfind(|c| !c.mine && status == "returned");
    let conflicts: Vec<String> = state.conflicts().map(|c| c.key.to_string()).collect();
    let presence = state.presence();
    let mut out = json!({
        "record": id, "form": made, "formId": form_id(rows, made)?, "status": status,
        "comments": comments, "answers": answers(&names, state), "rows": rows_of(state),
        "conflicts": conflicts, "whereabouts": where_is(rows, &names.profile, id),
        "deleted": presence == Presence::Deleted, "contested": presence == Presence::Contested,
    });
    if let Some(returned) = returned {
        out["returned"] = json!(returned);
    }
    if let Some(assignee) = meta_text(state, MetaKey::Assignee) {
        out["assignee"] = json!(assignee);
    }
    Ok(out)
}

fn brief(rows: &Rows, key: &str) -> Result<Option<Brief>, StoreError> {
    let row = rows.row(Table::Held, key);
    row.map(|r| serde_json::from_slice(&r.brief).map_err(StoreError::new))
        .transpose()
}

fn form_id(rows: &Rows, hash: FormHash) -> Result<String, StoreError> {
    Ok(rows.form(hash)?.map(|f| f.form_id).unwrap_or_default())
}

/// Where the least safe of one's own changes of a record is.
fn where_is(rows: &Rows, profile: &Profile, record: RecordId) -> &'static str {
    let own = rows.own_dots(record);
    let own = own.filter_map(|dot| rows.own_index().get(&dot));
    let rank = |place| match place {
        Whereabouts::Unsent => Some((0, "here")),
        Whereabouts::WithCoordinator => Some((1, "coordinator")),
        Whereabouts::Stored => Some((2, "sent")),
        Whereabouts::Copied => Some((3, "copied")),
        Whereabouts::Nothing => None,
    };
    let least = own.filter_map(|own| rank(whereabouts(profile, own))).min();
    least.map_or("none", |(_, place)| place)
}

/// One line for each record, without reading one: briefs are put together as text, for there may be thousands.
pub(crate) fn list(rows: &Rows) -> Result<String, Failed> {
    let profile = rows.profile()?;
    let mut forms = Vec::new();
    for form in rows.forms()? {
        forms.push((form.hash, json!(form.form_id).to_string()));
    }
    let open = rows.open_forms()?;
    let mut out = String::from("[");
    for (key, row) in rows.all(Table::Held) {
        let brief = std::str::from_utf8(&row.brief).map_err(StoreError::new)?;
        let rest = brief
            .strip_prefix('{')
            .ok_or_else(|| StoreError::new("a brief"))?;
        let id: RecordId = key.parse()?;
        let form = Brief::form_in(brief);
        let form_id = forms.iter().find(|(hash, _)| Some(*hash) == form);
        let form_id = form_id.map_or("\"\"", |(_, id)| id);
        let mine = rows.own_dots(id).next().is_some();
        let place = where_is(rows, &profile, id);
        if out.len() > 1 {
            out.push(',');
        }
        out += "{\"record\":\"";
        out += key;
        out += "\",\"formId\":";
        out += form_id;
        out += if mine {
            ",\"mine\":true"
        } else {
            ",\"mine\":false"
        };
        out += ",\"whereabouts\":\"";
        out += place;
        out += "\",";
        if let Some(form) = open.iter().find(|f| f.record == id) {
            out += &format!("\"session\":{},", form.session);
        }
        out += rest;
    }
    out.push(']');
    Ok(out)
}

/// The title of a form, from its text as served.
pub(crate) fn title(xform: &str) -> String {
    let inside = |name: &str| {
        let (_, rest) = xform.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    };
    let text = inside("h:title").or_else(|| inside("title"));
    let text = text.unwrap_or_default().trim();
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    plain
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
