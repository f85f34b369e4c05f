//! What a coordinator does with one record from the page: approve, return, reject, comment, assign, delete, restore, hide.
//!
//! Each is a form that carries what was shown, and one call of the service. What the role may not do is not offered; what
//! cannot be done now is refused by the service and said above the record.

use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_sync_core::ids::RecordId;

use super::layout::{Look, ended, refusal};
use super::people::People;
use super::record::{self, Refused};
use super::said::{Said, see_said};
use super::visit::Visit;
use crate::service::access::Action;
use crate::service::error::{Code, Result, invalid};
use crate::service::records::{Assignee, Desk, Shown, ShownRecord, Verdict};

/// A form under a record.
#[derive(Deserialize)]
pub(super) struct Act {
    token: String,
    shown: String,
    #[serde(default)]
    words: String,
    #[serde(default)]
    assignee: String,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Verb {
    Approve,
    Reject,
    Return,
    Comment,
    Assign,
    Delete,
    Restore,
    Restrict,
    Unrestrict,
}

impl Verb {
    fn said(self) -> Said {
        match self {
            Self::Approve => Said::Approved,
            Self::Reject => Said::Rejected,
            Self::Return => Said::Returned,
            Self::Comment => Said::Commented,
            Self::Assign => Said::Assigned,
            Self::Delete => Said::Deleted,
            Self::Restore => Said::Restored,
            Self::Restrict => Said::Restricted,
            Self::Unrestrict => Said::Unrestricted,
        }
    }
}

/// Does it, and shows the record again: with what was refused, if it was.
pub(super) async fn act(
    visit: Visit,
    path: web::Path<(RecordId, Verb)>,
    body: web::Form<Act>,
) -> HttpResponse {
    let (id, verb) = path.into_inner();
    let auth = match visit.user_with_form(&body.token) {
        Ok(auth) => auth,
        Err(error) => return refusal(error),
    };
    let form = body.into_inner();
    let words = form.words.clone();
    let done = auth
        .run(move |service, user| perform(&service.desk(user)?, id, verb, &form))
        .await;
    match done {
        Ok(()) => see_said(&format!("/records/{id}"), verb.said()),
        Err(error) if ended(&error) => refusal(error),
        Err(error) => record::show(&visit, id, Some(Refused { error, words })).await,
    }
}

fn perform(desk: &Desk<'_>, id: RecordId, verb: Verb, form: &Act) -> Result<()> {
    let shown = &Shown::from_text(&form.shown).ok_or(Code::ShownInvalid)?;
    let words = form.words.as_str();
    let said = Some(words).filter(|w| !w.trim().is_empty());
    let written = match verb {
        Verb::Approve => desk.review(id, shown, Verdict::Approved, said)?,
        Verb::Reject => desk.review(id, shown, Verdict::Rejected, said)?,
        Verb::Return => desk.review(id, shown, Verdict::Returned, said)?,
        Verb::Comment => desk.comment(id, shown, words)?,
        Verb::Assign => desk.assign(id, shown, assignee(&form.assignee)?)?,
        Verb::Delete => desk.delete(id, shown, words)?,
        Verb::Restore => desk.restore(id, shown, words)?,
        Verb::Restrict => return desk.restrict(id).map(drop),
        Verb::Unrestrict => return desk.unrestrict(id),
    };
    written.done().map(drop)
}

fn assignee(text: &str) -> Result<Option<Assignee>> {
    if text == "nobody" {
        return Ok(None);
    }
    let rule = "Choose somebody, a team, or nobody.";
    let read = Assignee::parse(text);
    read.map(Some)
        .ok_or_else(|| invalid("/assignee", "assignee_unknown", rule))
}

/// One form: its button, and what stands above it.
struct Offer<'a> {
    record: &'a ShownRecord,
    look: &'a Look,
}

impl Offer<'_> {
    fn form(&self, verb: &str, inside: Markup) -> Markup {
        html! {
            form method="post" action={ "/records/" (self.record.id) "/" (verb) } {
                (self.look.proof())
                input type="hidden" name="shown" value=(self.record.shown.to_text());
                (inside)
            }
        }
    }
    /// A form that asks for words, folded away.
    fn words(&self, verb: &str, summary: &str, meaning: &str, label: &str, button: &str) -> Markup {
        let id = format!("words-{verb}");
        let inside = html! {
            p { (meaning) }
            label for=(id) { (label) }
            textarea id=(id) name="words" rows="3" maxlength="4000" required dir="auto" {}
            p { button { (button) } }
        };
        html! { details { summary { (summary) } (self.form(verb, inside)) } }
    }
}

/// What this person may do with the record as it stands.
pub(super) fn offered(record: &ShownRecord, people: &People, look: &Look) -> Markup {
    let offer = Offer { record, look };
    let hidden = record.restricted_at.is_some();
    let deleted = record.presence != "present";
    html! {
        section aria-labelledby="acts" {
            h2 id="acts" { "What to do with it" }
            @if hidden { (hidden_ones(&offer)) } @else {
                @if look.may(Action::Review) { (review(&offer)) }
                @if look.may(Action::Comment) {
                    (offer.words("comment", "Leave a comment…", "Everybody who has this interview reads it.", "Comment", "Leave this comment"))
                }
                @if look.may(Action::Assign) { (assign(&offer, people)) }
                @if look.may(Action::Delete) && deleted {
                    (offer.words("restore", "Restore it…", "It comes back into lists and downloads.", "Why", "Restore"))
                }
                @if look.may(Action::Delete) && record.presence != "deleted" {
                    (offer.words("delete", "Delete it…", "It leaves lists and downloads and can be restored. Nothing is removed: to remove what somebody said for good, an admin hides and then erases it.", "Why", "Delete"))
                }
                @if look.may(Action::Restrict) { (restrict(&offer)) }
            }
        }
    }
}

fn review(offer: &Offer<'_>) -> Markup {
    html! {
        @if offer.record.status != "approved" {
            (offer.form("approve", html! { p { button { "Approve" } " " small { "All answers above are as they should be." } } }))
        }
        (offer.words("return", "Return it…", "It goes back to whoever recorded it and to their phones, to be mended.", "What is to be mended", "Return it with this comment"))
        (offer.words("reject", "Reject it…", "It is not to be used. It stays where it is, with your reason.", "Why", "Reject it"))
    }
}

fn assign(offer: &Offer<'_>, people: &People) -> Markup {
    let now = offer
        .record
        .assigned
        .first()
        .map_or("nobody", String::as_str);
    let inside = html! {
        p { "Whoever it is assigned to has it on all their phones from the next sync on, and can change it. Whoever recorded it keeps it." }
        label for="assignee" { "To whom" }
        select id="assignee" name="assignee" required {
            option value="nobody" selected[now == "nobody"] { "Nobody" }
            @for (key, name) in people.choices() { option value=(key) selected[now == key] { (name) } }
        }
        p { button { "Assign" } }
    };
    html! { details { summary { "Assign it…" } (offer.form("assign", inside)) } }
}

fn restrict(offer: &Offer<'_>) -> Markup {
    let inside = html! {
        p { "For somebody who asks that their words be removed. At once nobody but the admins of your organisation finds it any more, and it leaves downloads. Phones keep it until it is erased. After some days, seven unless your organisation has set others, it can be erased for good. Until then this can be taken back." }
        p { button class="danger" { "Hide it now" } }
    };
    html! { details { summary { "Hide it, to erase it later…" } (offer.form("restrict", inside)) } }
}

fn hidden_ones(offer: &Offer<'_>) -> Markup {
    html! {
        @if offer.look.may(Action::Restrict) { (offer.form("unrestrict", html! { p { button { "Show it again" } } })) }
        @if offer.look.may(Action::Erase) { p { a href={ "/records/" (offer.record.id) "/erase" } { "Erase it for good…" } } }
    }
}
