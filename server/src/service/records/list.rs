//! Lists of records: where they stand, without any answer in them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{RecordId, UserId};
use utoipa::ToSchema;

use super::reach::{self, Sight};
use super::show::presence_name;
use super::{Acting, Authors};
use crate::service::access::{self, Action};
use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::{Result, ServiceError, invalid};
use crate::service::paging::Page;
use crate::storage::{OrgFiles, OrgTxn, RecordFilter, RecordNo, RecordRow};

/// Which records are wanted, and which part of the list. It travels in a body, never in an address.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListFilter {
    /// Of this form.
    pub form_id: Option<String>,
    /// In one of these states: draft, complete, returned, approved, rejected.
    pub statuses: Vec<String>,
    /// Only with conflicts.
    pub conflicts: bool,
    /// Also deleted ones.
    pub deleted: bool,
    /// Also those withheld for lack of consent, where the role sees them.
    pub withheld: bool,
    /// Also restricted ones, where the role sees them.
    pub restricted: bool,
    /// Only those that this user made.
    #[schema(value_type = Option<String>)]
    pub maker: Option<UserId>,
    /// How many: 100 unless told, at most 1,000.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub next: Option<String>,
}

/// One record of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RecordLine {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// Its form.
    pub form_id: String,
    /// draft, complete, returned, approved or rejected.
    pub status: String,
    /// present, deleted or contested: deleted and written to by somebody who did not see it.
    pub presence: String,
    /// Questions with more than one answer.
    pub conflicts: u32,
    /// No live consent on a form that asks it.
    pub withheld: bool,
    /// Since when it is restricted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_at: Option<String>,
    /// Who made it.
    #[schema(value_type = Option<String>)]
    pub maker: Option<UserId>,
    /// The maker's name.
    pub maker_name: Option<String>,
    /// When the server first heard of it.
    pub created_at: String,
    /// When the server last received something for it.
    pub changed_at: String,
}

fn place(filter: &ListFilter) -> Result<RecordNo> {
    let Some(next) = &filter.next else {
        return Ok(RecordNo(0));
    };
    let bad = || invalid("/next", "next_invalid", "This is no `next` of a list.");
    let bytes = URL_SAFE_NO_PAD.decode(next).map_err(|_| bad())?;
    let bytes: [u8; 8] = bytes.try_into().map_err(|_| bad())?;
    Ok(RecordNo(i64::from_be_bytes(bytes)))
}

/// A page of the list, in the order in which the server first heard of the records.
pub fn list(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    filter: &ListFilter,
) -> Result<Page<RecordLine>> {
    access::require(acting.role, Action::ReadRecords)?;
    let after = place(filter)?;
    let limit = filter.limit.unwrap_or(100).clamp(1, 1_000) as usize;
    let wanted = RecordFilter {
        form_id: filter.form_id.clone(),
        statuses: filter.statuses.clone(),
        conflicts_only: filter.conflicts,
        deleted: filter.deleted,
        withheld: filter.withheld,
        restricted: filter.restricted,
        ..RecordFilter::default()
    };
    let page = files.read(acting.org, |txn| {
        let mut authors = Authors::new(txn, env);
        let mut items = Vec::new();
        let mut last = None;
        let mut more = false;
        txn.records::<ServiceError>(&wanted, after, |row| {
            let Some(sight) = reach::sight(txn, acting, &row)? else {
                return Ok(true);
            };
            if filter.maker.is_some() && reach::maker(txn, &row)? != filter.maker {
                return Ok(true);
            }
            more = items.len() == limit;
            if !more {
                last = Some(row.no);
                items.push(line(txn, &mut authors, sight, &row)?);
            }
            Ok(!more)
        })?;
        let next = last
            .filter(|_| more)
            .map(|no| URL_SAFE_NO_PAD.encode(no.0.to_be_bytes()));
        Ok::<_, ServiceError>(Page { items, next })
    })?;
    let entry = acting.audit("record.list", None, format!("records={}", page.items.len()));
    let now = env.now;
    files.write(acting.org, move |txn| {
        txn.audit(&entry, now).map(drop)?;
        Ok::<_, ServiceError>(())
    })?;
    Ok(page)
}

fn line(
    txn: &OrgTxn<'_>,
    authors: &mut Authors<'_, '_>,
    sight: Sight,
    row: &RecordRow,
) -> Result<RecordLine> {
    let maker = reach::maker(txn, row)?;
    let received = row.record.lives().iter().map(|l| l.received).max();
    Ok(RecordLine {
        id: row.record.id(),
        form_id: row.form_id.clone(),
        status: row.state.status.clone(),
        presence: presence_name(row.state.presence).to_owned(),
        conflicts: if sight == Sight::Existence {
            0
        } else {
            row.state.conflicts
        },
        withheld: row.state.withheld,
        restricted_at: row.restricted_at.map(rfc3339),
        maker_name: maker.map(|u| authors.name(u)).transpose()?,
        maker,
        created_at: rfc3339(row.created_at),
        changed_at: rfc3339(received.unwrap_or(row.created_at)),
    })
}
