//! How a record came to be what it is: every changeset in one sentence, with what it wrote behind it.

use maud::{Markup, html};

use super::layout::{Look, count};
use super::people::People;
use super::record::who;
use crate::service::records::{HistoryEntry, ShownRecord, WriteShown};

/// The history, the newest first.
pub(super) fn section(record: &ShownRecord, people: &People, look: &Look) -> Markup {
    html! {
        section aria-labelledby="history" {
            h2 id="history" { "History" }
            p class="quiet" { "The newest first, in the order in which the server took it. Nothing here was ever written over." }
            ul class="history" { @for entry in record.history.iter().rev() { li { (line(entry, people, look)) } } }
        }
    }
}

fn line(entry: &HistoryEntry, people: &People, look: &Look) -> Markup {
    html! {
        details {
            summary { strong { (what(entry, people)) } " " (who(&entry.by, look)) }
            @if entry.cut { p { small { "Part of what the device said to have seen could not be believed. At worst this shows a conflict too many." } } }
            dl {
                @for write in &entry.writes {
                    dt { bdi dir="auto" { (write.question.label) } }
                    dd { bdi dir="auto" { (text(write, people)) } @if !write.live { " (written over since)" }
                        @if let Some(reason) = &write.reason { br; small { "Because: " bdi dir="auto" { (reason) } } } }
                }
            }
        }
    }
}

fn text<'n>(write: &'n WriteShown, people: &'n People) -> &'n str {
    match write.question.key.as_str() {
        "m.assignee" => people.name(code(write).unwrap_or(&write.text)),
        _ => &write.text,
    }
}

fn code(write: &WriteShown) -> Option<&str> {
    write.value.get("code")?.as_str()
}

/// What a changeset did, in a few words: acts of the desk by their name, everything else by its size.
fn what(entry: &HistoryEntry, people: &People) -> String {
    let find = |key: &str| entry.writes.iter().find(|w| w.question.key == key);
    let answers = (entry.writes.iter())
        .filter(|w| !w.question.key.starts_with("m."))
        .count();
    let mut said = Vec::new();
    let status = find("m.status").and_then(code);
    match status {
        Some("approved") => said.push("Approved.".to_owned()),
        Some("rejected") => said.push("Rejected.".to_owned()),
        Some("returned") => said.push("Returned to be mended.".to_owned()),
        _ => {}
    }
    if let Some(deleted) = find("m.deleted") {
        let back = deleted.value.get("deleted") == Some(&false.into());
        said.push(if back { "Restored." } else { "Deleted." }.to_owned());
    }
    if let Some(assigned) = find("m.assignee")
        && status != Some("returned")
    {
        said.push(format!("Assigned to {}.", text(assigned, people)));
    }
    let reasons = entry.writes.iter().filter(|w| w.reason.is_some()).count();
    if answers > 0 && reasons > 0 && entry.by.device.is_none() {
        said.push(format!(
            "{} settled.",
            count(answers as u64, "question", "questions")
        ));
    } else if answers > 0 {
        said.push(format!("{}.", count(answers as u64, "answer", "answers")));
    }
    match status {
        Some("draft") => said.push("A draft.".to_owned()),
        Some("complete") => said.push("Complete.".to_owned()),
        _ => {}
    }
    let commented = (entry.writes.iter()).any(|w| w.question.key.starts_with("m.comment."));
    if commented && !matches!(status, Some("approved" | "rejected" | "returned")) {
        said.push("A comment.".to_owned());
    }
    if said.is_empty() {
        said.push("Nothing that is shown to you.".to_owned());
    }
    said.join(" ")
}
