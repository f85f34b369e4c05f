//! The overview: what needs a coordinator now, and what to know of devices, copies and forms.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::layout::{Who, page as frame, refusal, time};
use super::sign_in;
use super::visit::Visit;
use crate::service::access::Role;
use crate::service::error::Code;
use crate::service::overview::{DeviceState, Overview};
use crate::service::records::RecordLine;

/// The overview, or the sign-in.
pub(super) async fn page(visit: Visit) -> HttpResponse {
    let done = match visit.user() {
        Err(_) => return sign_in::form(&visit, None).unwrap_or_else(refusal),
        Ok(auth) => {
            auth.run(|service, user| Ok((service.overview(user)?, user.name.clone())))
                .await
        }
    };
    let token = visit.token();
    match done {
        Ok((overview, name)) => {
            let who = Who {
                name: &name,
                token: &token,
            };
            frame(
                StatusCode::OK,
                &overview.organisation,
                Some(who),
                body(&overview, &token),
            )
        }
        Err(error) if matches!(error.code, Code::RefreshInvalid | Code::TokenInvalid) => {
            sign_in::form(&visit, None).unwrap_or_else(refusal)
        }
        Err(error) => refusal(error),
    }
}

fn body(overview: &Overview, token: &str) -> Markup {
    html! {
        (copies(overview))
        (conflicts(overview))
        (waiting(overview))
        (records(overview))
        @if let Some(devices) = &overview.devices { (self::devices(devices)) }
        (enrolment(overview, token))
        (forms(overview, token))
    }
}

fn conflicts(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="conflicts" {
            h2 id="conflicts" { "Conflicts to settle" }
            @if overview.conflicts.is_empty() {
                p { "None. All answers agree." }
            } @else {
                p { "People answered the same question without seeing each other's answer. Nothing is lost: look at both, and say which one counts." }
                div class="wide" { table {
                    caption { "Interviews with more than one answer to a question" }
                    thead { tr { th scope="col" { "Interview" } th scope="col" { "Questions" } th scope="col" { "Recorded by" } th scope="col" { "Last change" } } }
                    tbody { @for line in &overview.conflicts { (conflict(line)) } }
                } }
                @if overview.more_conflicts { p { "There are more. They appear here as these are settled." } }
            }
        }
    }
}

fn conflict(line: &RecordLine) -> Markup {
    let short = line.id.to_string();
    html! { tr {
        td { a href={ "/records/" (line.id) } { (line.form_id) " " (short.get(..8).unwrap_or_default()) } @if line.withheld { " (no consent)" } }
        td { (line.conflicts) }
        td { bdi { (line.maker_name.as_deref().unwrap_or("–")) } }
        td { (time(&line.changed_at)) }
    } }
}

fn waiting(overview: &Overview) -> Markup {
    html! {
        @if let Some(count) = overview.quarantined {
            section aria-labelledby="quarantine" {
                h2 id="quarantine" { "Quarantine" }
                @if count == 0 { p { "Nothing waits." } }
                @else { p { (count) " changes wait for somebody to look at them, for instance from a lost phone. They are in no download until then. " a href="/quarantine" { "Look at them" } } }
            }
        }
        @if !overview.proposals.is_empty() {
            p class="note" { (overview.proposals.len()) " erasures of many records wait for a second admin. They are confirmed through the API." }
        }
    }
}

fn records(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="records" {
            h2 id="records" { "Interviews" }
            p { (overview.records) " can be used. "
                (overview.withheld) " are withheld because there is no consent, and are in no download. "
                @if overview.restricted > 0 { (overview.restricted) " are hidden and wait for their erasure." } }
        }
    }
}

fn copies(overview: &Overview) -> Markup {
    let copies = &overview.copies;
    html! {
        @if copies.stopped || copies.sealed {
            p class="warning" role="alert" { "Writing has stopped: this server's data was set back, copied or moved. Phones keep what they have. Tell whoever runs the server." }
        }
        @match copies.copied_at {
            _ if !copies.target => p class="warning" { "This server makes no copies off its machine. If its disk is lost, so is everything that phones have already given away. Ask whoever runs the server to set up copies." },
            None => p class="warning" { "No copy of your data exists off this machine. The first one is still to be made: phones keep what they have until then." },
            Some(at) => p class="note" { "Last copy off this machine: " (time(&crate::service::ambient::rfc3339(at))) ". "
                @if copies.behind() { (copies.head.get() - copies.copied.get()) " entries have come since." } @else { "It has everything." } },
        }
    }
}

/// A span of time in the largest unit that says enough.
fn span(ms: u64) -> String {
    match ms / 1_000 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}

fn skew(ms: Option<i64>) -> String {
    match ms {
        None => "–".to_owned(),
        Some(ms) if ms.unsigned_abs() < 60_000 => "right".to_owned(),
        Some(ms) if ms > 0 => format!("{} ahead", span(ms.unsigned_abs())),
        Some(ms) => format!("{} behind", span(ms.unsigned_abs())),
    }
}

fn devices(devices: &[DeviceState]) -> Markup {
    html! {
        section aria-labelledby="devices" {
            h2 id="devices" { "Devices" }
            @if devices.is_empty() { p { "None has enrolled yet." } }
            @else { div class="wide" { table {
                caption { "Last exchange of each device" }
                thead { tr { th scope="col" { "Who" } th scope="col" { "Last exchange" } th scope="col" { "Has not heard of" } th scope="col" { "Not copied yet" } th scope="col" { "Clock" } th scope="col" { "Version" } } }
                tbody { @for state in devices { (device(state)) } }
            } } }
        }
    }
}

fn device(state: &DeviceState) -> Markup {
    let device = &state.device;
    html! { tr {
        th scope="row" { bdi { (device.user_name) } @if !device.label.is_empty() { ", " bdi { (device.label) } }
            @if device.revoked_at.is_some() { " (revoked)" } }
        td { @match &device.last_sync_at { Some(at) => (time(at)), None => "never" } }
        td { @if state.behind == 0 { "nothing" } @else { (state.behind) " entries" } }
        td { @if state.not_copied == 0 { "nothing" } @else { (state.not_copied) " changes" } }
        td { (skew(device.clock_skew_ms)) }
        td { (device.version.as_deref().unwrap_or("–")) }
    } }
}

fn enrolment(overview: &Overview, token: &str) -> Markup {
    html! {
        @if let Some(users) = &overview.workers {
            section aria-labelledby="enrol" {
                h2 id="enrol" { "Enrol a device" }
                form method="post" action="/devices/code" {
                    input type="hidden" name="token" value=(token);
                    label for="user" { "For whom" }
                    select id="user" name="user" required {
                        @for user in users.iter().filter(|u| u.role != Role::ServerAdmin) { option value=(user.id) { (user.name) " (" (user.role) ")" } }
                    }
                    p { button { "Make a code for one device" } }
                }
            }
        }
    }
}

fn forms(overview: &Overview, token: &str) -> Markup {
    html! {
        section aria-labelledby="forms" {
            h2 id="forms" { "Forms and downloads" }
            @if overview.forms.is_empty() { p { "No form has been published yet." } }
            @for form in &overview.forms {
                h3 { bdi { (form.title) } " " small { "(" (form.form_id) ", version " (form.version) ")" } }
                @if overview.exports {
                    @for (format, label) in [("csv", "Table (CSV)"), ("zip", "Everything (zip of tables)"), ("json_lines", "JSON Lines"), ("conflicts", "Conflicts only")] {
                        form class="line" method="post" action="/downloads" {
                            input type="hidden" name="token" value=(token);
                            input type="hidden" name="form" value=(form.form_id);
                            input type="hidden" name="format" value=(format);
                            button { (label) }
                        }
                    }
                }
            }
            @if overview.exports { p class="quiet" { "Each download is written into the audit. Drafts, deleted interviews and those without consent are not in it." } }
        }
    }
}
