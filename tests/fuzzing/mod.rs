//! What is fuzzed: every reader of bytes that come from outside, as plain functions that say more than 'it did not panic'.
//!
//! Three run them: the ordinary test run (`tests/inputs`: kept inputs and some thousand damaged ones), libFuzzer
//! (`tests/fuzz`), and whoever has one input and wants to know. Not here: the corpus and what once failed, which lie as
//! files in `tests/fuzz/`.

mod bodies;
mod damage;
mod exchange;
mod files;
mod forms;
mod made;
mod messages;
mod places;
mod seeds;
mod session;
mod shelf;
mod tokens;
mod values;
mod wire;

use std::cell::Cell;

pub use damage::damaged;
pub use files::{corpus, dictionary, folder, found, read_all};
pub use seeds::seeds;

/// One thing that is fuzzed.
pub struct Target {
    /// Its name: of the program under `tests/fuzz/fuzz_targets`, and of its folders.
    pub name: &'static str,
    /// Takes one input and panics if it finds something.
    pub run: fn(&[u8]),
    /// What holds for every input.
    pub proves: &'static str,
    /// Makes an input that is sound, another for each number; none where only seeds are.
    pub made: Option<fn(u64) -> Vec<u8>>,
    /// Words that the format likes.
    pub words: &'static [&'static str],
}

/// Everything that is fuzzed. Multipart bodies and the XML of instances come with the routes that take them; until then a
/// test watches that no route does.
pub const TARGETS: &[Target] = &[
    Target {
        name: "frame_request",
        run: wire::frame_request,
        proves: "a push as a frame: what is read is written and read again as the same, as frame and as JSON, in bounded memory",
        made: Some(made::frame_request),
        words: &[],
    },
    Target {
        name: "frame_reply",
        run: wire::frame_reply,
        proves: "a reply as a frame: the same",
        made: Some(made::frame_reply),
        words: &[],
    },
    Target {
        name: "json_request",
        run: wire::json_request,
        proves: "a push as JSON: what is read is written and read again as the same, as JSON and as frame",
        made: Some(made::json_request),
        words: messages::WORDS,
    },
    Target {
        name: "json_reply",
        run: wire::json_reply,
        proves: "a reply as JSON: the same",
        made: Some(made::json_reply),
        words: messages::WORDS,
    },
    Target {
        name: "json_messages",
        run: messages::all,
        proves: "every other message as JSON: written and read again it is the same",
        made: Some(made::json_message),
        words: messages::WORDS,
    },
    Target {
        name: "changeset",
        run: wire::changeset,
        proves: "bytes of a changeset: one content has one byte form and one JSON form",
        made: Some(made::changeset),
        words: &[],
    },
    Target {
        name: "record",
        run: wire::record,
        proves: "bytes of a stored record: the same; and a record that was read takes changes without harm",
        made: Some(made::record),
        words: &[],
    },
    Target {
        name: "values",
        run: values::texts,
        proves: "text of values, keys and ids: what is read is written as what reads as the same",
        made: None,
        words: values::WORDS,
    },
    Target {
        name: "bundle",
        run: wire::bundle,
        proves: "a bundle file: parts and padding put together again are the same bytes; a real server takes none that is not sealed to it",
        made: Some(made::bundle),
        words: &["TRIBNDL1"],
    },
    Target {
        name: "session",
        run: session::answers,
        proves: "any answers of a server to a phone: no answer that a person gave is lost unless the server said what became of it",
        made: Some(made::session),
        words: messages::WORDS,
    },
    Target {
        name: "exchange",
        run: exchange::pushes,
        proves: "any push by a device with a good token: an answer or a refusal, a sound file, nothing of others touched or told",
        made: Some(exchange::made),
        words: messages::WORDS,
    },
    Target {
        name: "xform",
        run: forms::xform,
        proves: "XForm XML: bounded memory; preparing twice changes nothing; what is read can be published and opened again",
        made: None,
        words: forms::XML_WORDS,
    },
    Target {
        name: "form_file",
        run: forms::file,
        proves: "a file brought as a form (xlsx, xls, ods, XML): bounded memory, a refusal in words or a form that holds together",
        made: None,
        words: forms::XML_WORDS,
    },
    Target {
        name: "workbook_parts",
        run: forms::workbook_parts,
        proves: "the XML inside a workbook: the same",
        made: None,
        words: forms::XML_WORDS,
    },
    Target {
        name: "sheets",
        run: forms::sheets,
        proves: "an XLSForm as CSV sheets: the same",
        made: None,
        words: forms::SHEET_WORDS,
    },
    Target {
        name: "lists",
        run: places::lists,
        proves: "filters, options and places of lists and downloads on a real server: an answer or a refusal, never a fault of the server",
        made: None,
        words: places::WORDS,
    },
    Target {
        name: "tokens",
        run: tokens::tokens,
        proves: "tokens and proofs on a real server: none is good but those that it made",
        made: None,
        words: tokens::WORDS,
    },
    Target {
        name: "bodies",
        run: bodies::bodies,
        proves: "gzip and zstd bodies: never more than the limit, in bounded memory, and what comes out whole packs and unpacks as the same",
        made: Some(bodies::made),
        words: &[],
    },
];

/// The target of a name.
pub fn target(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|t| t.name == name);
    found.unwrap_or_else(|| panic!("there is no target {name}"))
}

/// Lets a panic unwind as it does in the server, where the panics of foreign parsers are caught; libFuzzer would end the
/// process at once. One that nobody catches still ends it.
pub fn panics_unwind() {
    std::panic::set_hook(Box::new(|panic| {
        if !FOREIGN.get() {
            eprintln!("{panic}");
        }
    }));
}

thread_local! {
    /// A foreign parser runs, and what it panics of is caught.
    static FOREIGN: Cell<bool> = const { Cell::new(false) };
}

/// Runs what catches the panics of foreign parsers.
fn foreign<T>(what: impl FnOnce() -> T) -> T {
    FOREIGN.set(true);
    let out = what();
    FOREIGN.set(false);
    out
}

/// Runs something and holds what it allocates to `fixed` bytes and `each` for every byte of input.
#[track_caller]
fn bounded<T>(input: usize, fixed: u64, each: u64, what: impl FnOnce() -> T) -> T {
    let mut out = None;
    let cost = allocation_counter::measure(|| out = Some(what()));
    let bound = fixed + each * input as u64;
    assert!(
        cost.bytes_max <= bound,
        "{} bytes allocated for {input} bytes of input, {bound} allowed",
        cost.bytes_max
    );
    out.expect("it ran")
}
