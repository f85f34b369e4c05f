//! What waits in quarantine, with what it says: whoever judges must be able to read it.

use serde::{Deserialize, Serialize};
use tributary_sync_core::change::Changeset;
use tributary_sync_core::ids::{FormHash, ProfileId, RecordId, UserId};
use tributary_sync_core::policy::Policies;
use utoipa::ToSchema;

use crate::service::access::{self, Action};
use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::{Result, ServiceError, invalid};
use crate::service::paging::Page;
use crate::service::records::{Acting, Questions, WriteShown};
use crate::storage::{Judgement, OrgFiles, OrgTxn, QuarantineRow};

/// Which part of the quarantine.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuarantineFilter {
    /// Also what was judged already.
    pub judged: bool,
    /// How many: 100 unless told, at most 1,000.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub next: Option<String>,
}

/// One body in quarantine.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QuarantineLine {
    /// Its number.
    pub no: i64,
    /// The device that sent it.
    #[schema(value_type = String)]
    pub device: ProfileId,
    /// Its user.
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// Its user's name.
    pub name: String,
    /// Why it stands here.
    pub code: String,
    /// When it came.
    pub received_at: String,
    /// When it was saved, by the device's clock.
    pub saved_at: Option<String>,
    /// The record it is for, as far as it can be read.
    #[schema(value_type = Option<String>)]
    pub record: Option<RecordId>,
    /// Whether it makes that record.
    pub creates: bool,
    /// Whether it can be read at all; if not, it can only be discarded.
    pub readable: bool,
    /// waiting, released or discarded.
    pub judged: String,
    /// What it writes. Nothing while its record is restricted.
    pub writes: Vec<WriteShown>,
}

/// A page of the quarantine, the oldest first; written down as a reading of answers.
pub fn list(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    filter: &QuarantineFilter,
) -> Result<Page<QuarantineLine>> {
    access::require(acting.role, Action::Quarantine)?;
    let after = match &filter.next {
        None => 0,
        Some(next) => next
            .parse()
            .map_err(|_| invalid("/next", "next_invalid", "This is no `next` of a list."))?,
    };
    let limit = filter.limit.unwrap_or(100).clamp(1, 1_000);
    let page = files.read::<_, ServiceError>(acting.org, |txn| {
        let mut rows = txn.quarantine_list(!filter.judged, after, limit + 1)?;
        let more = rows.len() > limit as usize;
        rows.truncate(limit as usize);
        let next = rows.last().filter(|_| more).map(|r| r.no.to_string());
        let mut questions = Questions::new(txn, env, None);
        let items = rows
            .iter()
            .map(|row| line(txn, env, &mut questions, row))
            .collect::<Result<_>>()?;
        Ok(Page { items, next })
    })?;
    let entry = acting.audit(
        "quarantine.list",
        None,
        format!("bodies={}", page.items.len()),
    );
    let now = env.now;
    files.write(acting.org, move |txn| {
        txn.audit(&entry, now)?;
        Ok::<_, ServiceError>(())
    })?;
    Ok(page)
}

fn line(
    txn: &OrgTxn<'_>,
    env: &Env,
    questions: &mut Questions<'_, '_>,
    row: &QuarantineRow,
) -> Result<QuarantineLine> {
    let user = txn.profile(row.profile)?.map(|p| p.user);
    let name = match user {
        Some(user) => env.roster.name(txn.org(), user)?,
        None => None,
    };
    let record = match row.record {
        Some(id) => txn.record(id)?,
        None => None,
    };
    let hidden = record.is_some_and(|r| r.restricted_at.is_some());
    let change = row
        .readable
        .then(|| Changeset::from_bytes(&row.body).ok())
        .flatten();
    let writes = match &change {
        Some(change) if !hidden => writes(txn, questions, change)?,
        _ => Vec::new(),
    };
    Ok(QuarantineLine {
        no: row.no,
        device: row.profile,
        user,
        name: name.unwrap_or_default(),
        code: row.code.clone(),
        received_at: rfc3339(row.received),
        saved_at: change.as_ref().map(|c| rfc3339(c.clock.ms())),
        record: row.record,
        creates: change.as_ref().is_some_and(|c| c.creates),
        readable: change.is_some() || row.judged == Judgement::Discarded && row.readable,
        judged: match row.judged {
            Judgement::Waiting => "waiting",
            Judgement::Released => "released",
            Judgement::Discarded => "discarded",
        }
        .to_owned(),
        writes,
    })
}

fn writes(
    txn: &OrgTxn<'_>,
    questions: &mut Questions<'_, '_>,
    change: &Changeset,
) -> Result<Vec<WriteShown>> {
    let form: FormHash = change.form;
    let policies = match txn.form_id(form)? {
        Some(form_id) => txn.policies(&form_id)?,
        None => Policies::default(),
    };
    let mut out = Vec::new();
    for (key, value) in &change.writes {
        let reason = change.decisions.iter().find(|d| d.key == *key);
        out.push(WriteShown {
            question: questions.question(&policies, form, key)?,
            text: questions.say(form, key, value)?,
            value: serde_json::to_value(value).unwrap_or_default(),
            reason: reason.map(|d| d.reason.as_str().to_owned()),
            live: false,
        });
    }
    Ok(out)
}
