//! The overview: what needs a coordinator now, and what to know of devices, copies and forms.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use maud::{Markup, html};

use super::erase::proposal;
use super::layout::{Look, count, ended, page as frame, refusal, span};
use super::people::People;
use super::sign_in;
use super::visit::Visit;
use crate::service::access::Role;
use crate::service::ambient::rfc3339;
use crate::service::overview::{DeviceState, Need, Overview};
use crate::service::records::RecordLine;

/// The overview, or the sign-in.
pub(super) async fn page(visit: Visit) -> HttpResponse {
    if visit.session().is_none() {
        return sign_in::form(&visit, None).unwrap_or_else(refusal);
    }
    let done = visit
        .look(|service, user| Ok((service.overview(user)?, People::of(service, user)?)))
        .await;
    match done {
        Ok(((overview, people), look)) => frame(
            StatusCode::OK,
            &overview.organisation,
            Some(&look),
            body(&overview, &people, &look),
        ),
        Err(error) if ended(&error) => sign_in::form(&visit, None).unwrap_or_else(refusal),
        Err(error) => refusal(error),
    }
}

fn body(overview: &Overview, people: &People, look: &Look) -> Markup {
    html! {
        (needs(overview))
        (conflicts(overview, look))
        @if !overview.proposals.is_empty() {
            section aria-labelledby="proposals" {
                h2 id="proposals" { "Erasures that wait for another admin" }
                @for one in &overview.proposals { (proposal(one, people, look)) }
            }
        }
        (records(overview))
        (copies(overview, look))
        @if let Some(devices) = &overview.devices { (self::devices(devices, look)) }
        (enrolment(overview, look))
        (forms(overview, look))
    }
}

/// One list of all that waits for somebody, at the top.
fn needs(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="needs" {
            h2 id="needs" { "What needs you" }
            @if overview.needs.is_empty() { p { "Nothing at present." } }
            @else { ul class="needs" { @for need in &overview.needs { (self::need(*need)) } } }
        }
    }
}

fn need(need: Need) -> Markup {
    let (class, where_, words) = match need {
        Need::Stopped => (
            "red",
            "#copies",
            "Writing has stopped: this server's data was set back, copied or moved. Phones keep what they have. Tell whoever runs the server today.".to_owned(),
        ),
        Need::NoCopies => (
            "red",
            "#copies",
            "No copy of your data exists off this machine, and none is being made. Tell whoever runs the server.".to_owned(),
        ),
        Need::NeverCopied => (
            "red",
            "#copies",
            "No copy of your data exists off this machine yet. The first one is still to be made.".to_owned(),
        ),
        Need::CopyLate(age) => (
            "red",
            "#copies",
            format!("The last copy off this machine is {} old: copying fails. Tell whoever runs the server.", span(age)),
        ),
        Need::CopiedByHand(age) => (
            "red",
            "#copies",
            format!("Copies are not made by themselves. Somebody made the last one {} ago.", span(age)),
        ),
        Need::Quarantine(n) => (
            "do",
            "/quarantine",
            format!("{} in quarantine, for instance from a lost phone. They are in no download until somebody judges them.", count(n, "change waits", "changes wait")),
        ),
        Need::Conflicts(n) => (
            "do",
            "#conflicts",
            format!("{} with more than one answer to a question.", count(n, "interview", "interviews")),
        ),
        Need::Proposals(n) => (
            "do",
            "#proposals",
            format!("{} for another admin to confirm.", count(n, "erasure waits", "erasures wait")),
        ),
        Need::ToErase(n) => (
            "do",
            "/records",
            format!("{} whose waiting time is over: erase, or show again.", count(n, "hidden interview", "hidden interviews")),
        ),
        Need::Silent(n) => (
            "do",
            "#devices",
            format!("{} not synced for two weeks. What is only on a lost phone is lost: ask.", count(n, "phone has", "phones have")),
        ),
        Need::Clocks(n) => (
            "do",
            "#devices",
            format!("{} a wrong clock. No answer hangs on it, but times shown by it are wrong.", count(n, "phone has", "phones have")),
        ),
    };
    html! { li class=(class) { @if class == "red" { strong { "Danger: " } } a href=(where_) { (words) } } }
}

fn conflicts(overview: &Overview, look: &Look) -> Markup {
    html! {
        section aria-labelledby="conflicts" {
            h2 id="conflicts" { "Conflicts to settle" }
            @if overview.conflicts.is_empty() {
                p { @if overview.all { "None. All answers agree." } @else { "None among the interviews that you see." } }
            } @else {
                p { "People answered the same question without seeing each other's answer. Nothing is lost: look at both, and say which one counts." }
                div class="wide" role="region" aria-label="Conflicts" tabindex="0" { table {
                    caption { "More than one answer" }
                    thead { tr { th scope="col" { "Interview" } th scope="col" { "Questions" } th scope="col" { "Recorded by" } th scope="col" { "Last change" } } }
                    tbody { @for line in &overview.conflicts { (conflict(overview, line, look)) } }
                } }
                @if overview.conflict_count > overview.conflicts.len() as u64 { p { "There are more, " (overview.conflict_count) " in all. They appear here as these are settled." } }
            }
        }
    }
}

fn conflict(overview: &Overview, line: &RecordLine, look: &Look) -> Markup {
    let short = line.id.to_string();
    let form = overview.forms.iter().find(|f| f.form_id == line.form_id);
    let title = form.map_or(&line.form_id, |f| &f.title);
    html! { tr {
        th scope="row" { a href={ "/records/" (line.id) } { bdi { (title) } " " (short.get(..8).unwrap_or_default()) } @if line.withheld { " (no consent)" } }
        td { (line.conflicts) }
        td { bdi { (line.maker_name.as_deref().unwrap_or("–")) } }
        td { (look.time(&line.changed_at)) }
    } }
}

fn records(overview: &Overview) -> Markup {
    html! {
        section aria-labelledby="records" {
            h2 id="records" { "Interviews" }
            @if overview.all {
                p { (overview.records) " can be used. "
                    (count(overview.withheld, "is", "are")) " withheld because there is no consent, and in no download. "
                    @if overview.restricted > 0 { (count(overview.restricted, "is", "are")) " hidden and waiting for erasure." } }
            }
            p { a href="/records" { "All interviews: approve, return, assign" } }
        }
    }
}

fn copies(overview: &Overview, look: &Look) -> Markup {
    let copies = &overview.copies;
    let since = copies.head.get().saturating_sub(copies.copied.get());
    html! {
        section aria-labelledby="copies" {
            h2 id="copies" { "Copies off this machine" }
            @if copies.stopped || copies.sealed { p class="warning red" { "Writing has stopped: this server's data was set back, copied or moved. Nothing is lost: phones keep what they have until it goes on." } }
            @match copies.copied_at {
                None => p class="warning red" { strong { "None. " } "If this server's disk is lost, so is everything that phones have already given away." },
                Some(at) => {
                    p { "The last one: " (look.time(&rfc3339(at))) ", " strong { (span(look.now.saturating_sub(at))) " ago" } ". "
                        @if since == 0 { "It has everything." }
                        @else { (count(since, "entry of the log has", "entries of the log have")) " come since: if the disk were lost now, they would be back only from phones that still keep them." } }
                }
            }
            @if !copies.target { p class="warning red" { "This server makes no copies off its machine by itself. Ask whoever runs the server to set up copies." } }
            p class="quiet" { "A phone can be emptied without a warning only when a copy has what it recorded." }
        }
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

fn devices(devices: &[DeviceState], look: &Look) -> Markup {
    html! {
        section aria-labelledby="devices" {
            h2 id="devices" { "Devices" }
            @if devices.is_empty() { p { "None has enrolled yet." } }
            @else { div class="wide" role="region" aria-label="Devices" tabindex="0" { table {
                caption { "Last exchange of each device" }
                thead { tr { th scope="col" { "Who" } th scope="col" { "Last exchange" } th scope="col" { "Behind by" } th scope="col" { "Not copied yet" } th scope="col" { "Clock" } th scope="col" { "Version" } } }
                tbody { @for state in devices { (device(state, look)) } }
            } }
            p class="quiet" { "Behind by: what came into the log since the phone last confirmed, of all interviews, not only its own. Not copied yet: what it gave away and no copy off this machine has. Clock: how far it is wrong; no answer hangs on it." } }
        }
    }
}

fn device(state: &DeviceState, look: &Look) -> Markup {
    let device = &state.device;
    html! { tr {
        th scope="row" { bdi { (device.user_name) } @if !device.label.is_empty() { ", " bdi { (device.label) } }
            @if device.revoked_at.is_some() { " (revoked)" } }
        td { @match &device.last_sync_at { Some(at) => (look.time(at)), None => "never" } }
        td { @if state.behind == 0 { "nothing" } @else { (count(state.behind, "entry", "entries")) } }
        td { @if state.not_copied == 0 { "nothing" } @else { (count(state.not_copied, "change", "changes")) } }
        td { (skew(device.clock_skew_ms)) }
        td { (device.version.as_deref().unwrap_or("–")) }
    } }
}

fn enrolment(overview: &Overview, look: &Look) -> Markup {
    html! {
        @if let Some(users) = &overview.workers {
            section aria-labelledby="enrol" {
                h2 id="enrol" { "Enrol a device" }
                form method="post" action="/devices/code" {
                    (look.proof())
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

fn forms(overview: &Overview, look: &Look) -> Markup {
    html! {
        section aria-labelledby="forms" {
            h2 id="forms" { "Forms and downloads" }
            @if overview.forms.is_empty() { p { "No form has been published yet." } }
            @for form in &overview.forms {
                h3 { bdi { (form.title) } " " small { "(" (form.form_id) ", version " (form.version) ")" } }
                @if overview.exports {
                    @for (format, label) in [("csv", "Table (CSV)"), ("zip", "Everything (zip of tables)"), ("json_lines", "JSON Lines"), ("conflicts", "Conflicts only")] {
                        form class="line" method="post" action="/downloads" {
                            (look.proof())
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
