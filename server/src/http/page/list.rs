//! Interviews: where they stand, to find the one that something is to be done with. No answer stands here.
//!
//! What is asked for travels in a form, not in the address.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{Look, page as frame, refusal};
use super::visit::Visit;
use crate::service::By;
use crate::service::access::Action;
use crate::service::paging::Page;
use crate::service::records::{ListFilter, RecordLine};

/// Interviews on one page.
const LINES: u32 = 100;
/// States, with what they mean for a coordinator.
const STATES: [(&str, &str); 6] = [
    ("", "In any state"),
    ("complete", "Complete: to be looked at"),
    ("returned", "Returned: to be mended"),
    ("approved", "Approved"),
    ("rejected", "Rejected"),
    ("draft", "Drafts"),
];

/// What is asked for.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    token: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    conflicts: Option<String>,
    #[serde(default)]
    deleted: Option<String>,
    #[serde(default)]
    withheld: Option<String>,
    #[serde(default)]
    restricted: Option<String>,
    #[serde(default)]
    next: Option<String>,
}

impl Asked {
    fn filter(&self) -> ListFilter {
        ListFilter {
            statuses: Some(self.status.clone())
                .filter(|s| !s.is_empty())
                .into_iter()
                .collect(),
            conflicts: self.conflicts.is_some(),
            deleted: self.deleted.is_some(),
            withheld: self.withheld.is_some(),
            restricted: self.restricted.is_some(),
            limit: Some(LINES),
            next: self.next.clone(),
            ..ListFilter::default()
        }
    }
    fn ticks(&self) -> [(&'static str, &'static str, bool); 4] {
        [
            (
                "conflicts",
                "Only those with conflicts",
                self.conflicts.is_some(),
            ),
            (
                "withheld",
                "Also those without consent",
                self.withheld.is_some(),
            ),
            ("deleted", "Also deleted ones", self.deleted.is_some()),
            (
                "restricted",
                "Also hidden ones that wait for their erasure",
                self.restricted.is_some(),
            ),
        ]
    }
}

/// The first page of all.
pub(super) async fn page(visit: Visit) -> HttpResponse {
    show(visit, Asked::default()).await
}

/// What a form asks for.
pub(super) async fn asked(visit: Visit, body: web::Form<Asked>) -> HttpResponse {
    if let Err(error) = visit.user_with_form(&body.token) {
        return refusal(error);
    }
    show(visit, body.into_inner()).await
}

async fn show(visit: Visit, asked: Asked) -> HttpResponse {
    let filter = asked.filter();
    let done = visit
        .look(move |service, user| {
            let forms = service.forms(By::User(user), user.org)?;
            Ok((service.desk(user)?.list(&filter)?, forms))
        })
        .await;
    match done {
        Ok(((found, forms), look)) => {
            let title = |form_id: &str| {
                let form = forms.iter().find(|f| f.form_id == form_id);
                form.map_or(form_id, |f| f.title.as_str()).to_owned()
            };
            let main = html! {
                (question(&asked, &look))
                (lines(&found, title, &look))
                @if let Some(next) = &found.next { (more(&asked, next, &look)) }
            };
            frame(StatusCode::OK, "Interviews", Some(&look), main)
        }
        Err(error) => refusal(error),
    }
}

fn question(asked: &Asked, look: &Look) -> Markup {
    html! {
        form method="post" action="/records" {
            (look.proof())
            label for="status" { "Which" }
            select id="status" name="status" {
                @for (code, words) in STATES { option value=(code) selected[asked.status == code] { (words) } }
            }
            @for (name, words, ticked) in asked.ticks() {
                @if name != "restricted" || look.may(Action::Restrict) {
                    label class="choice" { input type="checkbox" name=(name) value="yes" checked[ticked]; span { (words) } }
                }
            }
            p { button class="main" { "Show" } }
        }
    }
}

fn lines(found: &Page<RecordLine>, title: impl Fn(&str) -> String, look: &Look) -> Markup {
    html! {
        @if found.items.is_empty() { p { "None." } }
        @else { div class="wide" role="region" aria-label="Interviews" tabindex="0" { table {
            caption { "In the order in which they reached the server" }
            thead { tr { th scope="col" { "Interview" } th scope="col" { "Status" } th scope="col" { "Recorded by" } th scope="col" { "Last change" } th scope="col" { "To know" } } }
            tbody { @for line in &found.items { tr {
                th scope="row" { a href={ "/records/" (line.id) } { bdi { (title(&line.form_id)) } " " (line.id.to_string().get(..8).unwrap_or_default()) } }
                td { (line.status) }
                td { bdi { (line.maker_name.as_deref().unwrap_or("–")) } }
                td { (look.time(&line.changed_at)) }
                td { (to_know(line)) }
            } } }
        } } }
    }
}

fn to_know(line: &RecordLine) -> String {
    let mut out = Vec::new();
    if line.conflicts > 0 {
        out.push("conflict");
    }
    if line.withheld {
        out.push("no consent");
    }
    match line.presence.as_str() {
        "deleted" => out.push("deleted"),
        "contested" => out.push("deleted, and written to"),
        _ => {}
    }
    if line.restricted_at.is_some() {
        out.push("hidden");
    }
    out.join(", ")
}

fn more(asked: &Asked, next: &str, look: &Look) -> Markup {
    html! {
        form method="post" action="/records" {
            (look.proof())
            input type="hidden" name="status" value=(asked.status);
            @for (name, _, ticked) in asked.ticks() { @if ticked { input type="hidden" name=(name) value="yes"; } }
            input type="hidden" name="next" value=(next);
            p { button { "The next " (LINES) } }
        }
    }
}
