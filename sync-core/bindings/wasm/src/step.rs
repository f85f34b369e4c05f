//! The steps as they are spoken, and those that are not part of a sync.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tributary_sync_core::change::Decision;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::form::FormPackage;
use tributary_sync_core::ids::{ActorId, FormHash, RecordId};
use tributary_sync_core::key::Key;
use tributary_sync_core::session::{
    self, Confirm, Held, Obstacle, OpenForm, Role, Save, Store, Summary, Whereabouts,
};
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::enrol::PublicKey;

use crate::error::Failed;
use crate::rows::Rows;
use crate::view::{self, dot_text};

/// What the caller wants.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(
    missing_docs,
    reason = "the members are those of the session's own steps"
)]
pub enum Step {
    /// Who is enrolled here; null for nobody.
    Me,
    /// One line for each record, from the briefs.
    List,
    /// A record as it is shown.
    View {
        record: RecordId,
    },
    Create {
        record: RecordId,
        form: FormHash,
    },
    Open {
        record: RecordId,
        form: Option<FormHash>,
    },
    TakeOver {
        record: RecordId,
        form: Option<FormHash>,
    },
    Refresh {
        session: u64,
    },
    /// The keys that were answered after this session was shown them.
    ChangedSince {
        session: u64,
    },
    Save(SaveStep),
    Close {
        session: u64,
    },
    Sessions,
    Summary,
    Obstacles {
        confirm: Safe,
    },
    Empty {
        confirm: Safe,
    },
    Forms,
    Form {
        hash: FormHash,
    },
    Policies {
        form_id: String,
    },
    Person {
        actor: ActorId,
    },
    /// Names a request for enrolment; kept before anything is sent. The same link gets the same name again.
    Enrolling {
        link: String,
        random: String,
    },
    /// The reply to an enrolment is the body.
    Enrolled(EnrolledStep),
    BeginRun {
        client: String,
    },
    NextRequest {
        random: String,
        now: u64,
    },
    /// The answer to the last request is the body.
    Receive {
        status: u16,
    },
    /// How an exchange went over the link: bytes before and after compression; none if it broke.
    Paced {
        raw: Option<usize>,
        packed: Option<usize>,
        first: bool,
    },
    /// What the server says of this device (`/api/v1/device`) is the body.
    Learn,
    /// A form version that was fetched is the body.
    Delivered {
        hash: FormHash,
    },
}

/// One save.
#[derive(Clone, Debug, Deserialize)]
pub struct SaveStep {
    session: u64,
    writes: Vec<(String, Value)>,
    #[serde(default)]
    decisions: Vec<DecisionJson>,
    #[serde(default)]
    shown: Vec<String>,
    now: u64,
}

#[derive(Clone, Debug, Deserialize)]
struct DecisionJson {
    key: String,
    dots: Vec<String>,
    reason: String,
}

/// The end of an enrolment.
#[derive(Clone, Debug, Deserialize)]
pub struct EnrolledStep {
    pub(crate) server: String,
    pub(crate) organisation: String,
    pub(crate) root: String,
    pub(crate) label: Option<String>,
    pub(crate) device_key: PublicKey,
}

/// Where this profile belongs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    pub(crate) server: String,
    pub(crate) organisation: String,
    pub(crate) organisation_name: String,
    pub(crate) user_name: String,
    pub(crate) root: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) label: Option<String>,
}

/// How safe is safe enough to be emptied.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Safe {
    /// In a copy off the server's machine.
    Copied,
    /// On the server.
    Stored,
}
impl From<Safe> for Confirm {
    fn from(safe: Safe) -> Self {
        match safe {
            Safe::Copied => Self::CopiedOnly,
            Safe::Stored => Self::StoredIsEnough,
        }
    }
}

type Done = Result<Json, Failed>;

pub(crate) fn me(rows: &Rows) -> Done {
    if !rows.is_enrolled() {
        return Ok(Json::Null);
    }
    let profile = rows.profile()?;
    let account: Option<Account> = rows.state("account")?;
    Ok(json!({
        "account": account, "org": profile.org, "profile": profile.profile, "user": profile.user,
        "role": profile.role, "revoked": profile.revoked, "wanted": profile.wanted,
    }))
}

/// The newest version on this device of the form that a record was made with; its own, if no other is here.
fn version_for(rows: &Rows, held: &Held) -> Result<FormHash, Failed> {
    let forms = rows.forms()?;
    let own = forms.iter().find(|f| f.hash == held.form);
    let newest = own.and_then(|own| forms.iter().rfind(|f| f.form_id == own.form_id));
    Ok(newest.map_or(held.form, |f| f.hash))
}

pub(crate) fn open(rows: &mut Rows, record: RecordId, form: Option<FormHash>, over: bool) -> Done {
    let held = rows.held(record)?;
    let held = held.ok_or_else(|| Failed::code("record_unknown"))?;
    let form = match form {
        Some(form) => form,
        None => version_for(rows, &held)?,
    };
    let form = match over {
        true => session::take_over(rows, record, form)?,
        false => session::open_form(rows, record, form)?,
    };
    opened(rows, &form)
}

pub(crate) fn opened(rows: &Rows, form: &OpenForm) -> Done {
    let mut out = json!({"session": form.session, "record": form.record, "form": form.form});
    if !form.creates {
        out["view"] = view::record(rows, &form.view, form.form)?;
    }
    Ok(out)
}

/// The session's own comparison, over every key of the record.
pub(crate) fn changed_since(rows: &Rows, session: u64) -> Done {
    let open = rows.open_forms()?;
    let look = open.into_iter().find(|f| f.session == session);
    let look = look.ok_or_else(|| Failed::code("form_closed"))?;
    let Some(held) = rows.held(look.record)? else {
        return Ok(json!([]));
    };
    let keys = held.state.keys().chain(look.view.keys()).map(|(k, _)| k);
    let mut changed: Vec<&Key> = keys
        .filter(|key| held.state.values(key) != look.view.values(key))
        .collect();
    changed.sort();
    changed.dedup();
    let changed: Vec<String> = changed.into_iter().map(ToString::to_string).collect();
    Ok(json!(changed))
}

pub(crate) fn save(rows: &mut Rows, step: SaveStep) -> Done {
    let key = |text: String| text.parse::<Key>();
    let decision = |d: DecisionJson| {
        let dots = d.dots.iter().map(|t| read_dot(t));
        Ok::<_, Failed>(Decision {
            key: key(d.key)?,
            dots: dots.collect::<Result<_, _>>()?,
            reason: Text::new(d.reason)?,
        })
    };
    let writes = step.writes.into_iter().map(|(k, v)| Ok((key(k)?, v)));
    let save = Save {
        writes: writes.collect::<Result<_, Failed>>()?,
        decisions: step
            .decisions
            .into_iter()
            .map(decision)
            .collect::<Result<_, _>>()?,
        shown: step.shown.into_iter().map(key).collect::<Result<_, _>>()?,
    };
    let change = session::save(rows, step.session, save, step.now)?;
    let open = rows.open_forms()?;
    let form = open.into_iter().find(|f| f.session == step.session);
    let form = form.ok_or_else(|| Failed::code("form_closed"))?;
    Ok(json!({"dot": dot_text(change.dot), "view": view::record(rows, &form.view, form.form)?}))
}

fn read_dot(text: &str) -> Result<Dot, Failed> {
    let bad = || Failed::code("input");
    let (actor, seq) = text.split_once(':').ok_or_else(bad)?;
    let seq: u64 = seq.parse().map_err(|_| bad())?;
    let actor = actor.parse().map_err(|_| bad())?;
    let seq = tributary_sync_core::ids::Seq::new(seq)?;
    Ok(Dot::new(ActorId(actor), seq))
}

/// Counted without reading a body.
pub(crate) fn summary(rows: &Rows) -> Result<Summary, Failed> {
    let profile = rows.profile()?;
    let mut out = Summary {
        records: rows.all(crate::rows::Table::Held).count(),
        ..Summary::default()
    };
    for own in rows.own_index().values() {
        // What was forked away is no longer the profile's.
        if !profile.owns(own.dot.actor) {
            continue;
        }
        match session::whereabouts(&profile, own) {
            Whereabouts::Unsent => out.unsent += 1,
            Whereabouts::Stored => out.stored += 1,
            Whereabouts::Copied => out.copied += 1,
            Whereabouts::WithCoordinator => out.with_coordinator += 1,
            Whereabouts::Nothing => {}
        }
    }
    Ok(out)
}

pub(crate) fn summary_json(rows: &Rows) -> Done {
    let s = summary(rows)?;
    Ok(json!({
        "unsent": s.unsent, "stored": s.stored, "copied": s.copied,
        "withCoordinator": s.with_coordinator, "records": s.records,
    }))
}

pub(crate) fn obstacles(rows: &Rows, confirm: Confirm) -> Done {
    let all = session::obstacles(rows, confirm)?;
    let named = |kind: &str, dot: &Dot, record: &Option<RecordId>| {
        let mut out = json!({"kind": kind, "dot": dot_text(*dot)});
        if let Some(record) = record {
            out["record"] = json!(record);
        }
        out
    };
    let tell = |o: &Obstacle| match o {
        Obstacle::Unsent(dot, record) => named("unsent", dot, record),
        Obstacle::NotCopied(dot, record) => named("not_copied", dot, record),
        Obstacle::WithCoordinator(dot, record) => named("with_coordinator", dot, record),
        Obstacle::FormOpen(record) => json!({"kind": "form_open", "record": record}),
        _ => json!({"kind": "unsettled"}),
    };
    Ok(all.iter().map(tell).collect())
}

pub(crate) fn forms(rows: &Rows) -> Done {
    let all = rows.forms()?;
    let newest = |f: &session::FormText| {
        let last = all.iter().rfind(|o| o.form_id == f.form_id);
        last.is_some_and(|o| o.hash == f.hash)
    };
    let tell = |f: &session::FormText| {
        let (id, title) = (&f.form_id, view::title(&f.xform));
        json!({"hash": f.hash, "formId": id, "title": title, "newest": newest(f)})
    };
    Ok(all.iter().map(tell).collect())
}

pub(crate) fn form(rows: &Rows, hash: FormHash) -> Done {
    let all = rows.forms()?;
    let found = all.iter().find(|f| f.hash == hash);
    let found = found.ok_or_else(|| Failed::code("form_unknown"))?;
    let package = FormPackage::from_bytes(found.package.as_bytes());
    let package = package.map_err(|_| Failed::code("form_damaged"))?;
    let newest = all.iter().rfind(|f| f.form_id == found.form_id);
    Ok(json!({
        "hash": hash, "formId": found.form_id, "title": view::title(&found.xform),
        "newest": newest.is_some_and(|f| f.hash == hash),
        "pkg": package, "xform": found.xform,
    }))
}

/// What the server says of a device.
#[derive(Deserialize)]
pub(crate) struct Myself {
    pub(crate) role: Role,
    pub(crate) keys: Json,
}
