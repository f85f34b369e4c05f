//! What the rules answer when they refuse: a stable code, what happened, what it means, what to do next.
//!
//! The catalogue in `schemas/error-codes.md` is written from [`Code`], and a test keeps the two equal. No error quotes
//! an answer, a password or a value that somebody sent. Not here: how a refusal looks in HTTP.

use std::fmt;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::exchange::Refusal;
use crate::storage::StorageError;

/// The result of a rule.
pub type Result<T> = std::result::Result<T, ServiceError>;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $text:literal, $status:literal, $retryable:literal, $title:literal,
       $meaning:literal, $next:literal;)*) => {
        /// The catalogue. A code is never renamed and never given a second meaning; one that is no longer used stays.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $meaning] $name,)* }

        impl Code {
            /// Every code, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
            /// All that is said about it.
            pub const fn entry(self) -> &'static CodeEntry {
                match self { $(Self::$name => &CodeEntry {
                    code: $text, status: $status, retryable: $retryable, title: $title, meaning: $meaning, next: $next,
                },)* }
            }
        }
    };
}

/// One line of the catalogue.
#[derive(Clone, Copy, Debug)]
pub struct CodeEntry {
    /// The stable code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// What happened, in a few words.
    pub title: &'static str,
    /// What that means.
    pub meaning: &'static str,
    /// What to do next.
    pub next: &'static str,
}

codes! {
    CredentialMissing = "credential_missing", 401, false, "Not signed in",
        "The request carries no credential.", "Sign in, or let the device prove itself, and send the token along.";
    TokenInvalid = "token_invalid", 401, false, "The token is not valid",
        "The token is damaged, was made for something else, or its sign-in has ended.", "Sign in again.";
    TokenExpired = "token_expired", 401, false, "The token has expired",
        "Tokens live for minutes only. Nothing is lost.", "Refresh it, or let the device prove itself again.";
    SignInFailed = "sign_in_failed", 401, false, "Not signed in",
        "Organisation, name and password do not go together, or this user may not sign in at present.",
        "Check all three. If it goes on, ask your organisation's admin for a new password link.";
    TooManyAttempts = "too_many_attempts", 429, true, "Too many attempts",
        "There were several attempts in a short time. Nobody is locked out.",
        "Wait for the time given in Retry-After, then try again.";
    RefreshInvalid = "refresh_invalid", 401, false, "The session has ended",
        "The refresh token is unknown, has expired, or its sign-in was ended.", "Sign in again.";
    RefreshReplayed = "refresh_replayed", 401, false, "The session was ended for safety",
        "A refresh token was used a second time, long after the first. Somebody else may have a copy of it, so all tokens of this sign-in were ended.",
        "Sign in again. If you did not expect this, change your password and tell your admin.";
    NonceInvalid = "nonce_invalid", 401, true, "The nonce is not valid",
        "The nonce is too old, was used before, or the server was restarted since.", "Ask for a new nonce and sign it.";
    AssertionInvalid = "assertion_invalid", 401, false, "The device could not prove itself",
        "The assertion is damaged, signed by another key, or made for something else.",
        "Check that the device uses the key it enrolled with. If it goes on, enrol it again.";
    ResetInvalid = "reset_invalid", 410, false, "The link is no longer good",
        "The one-time link was used before, is too old, or was replaced by a newer one.",
        "Ask your organisation's admin for a new link.";
    PasswordWeak = "password_weak", 422, false, "The password is too short",
        "A password needs at least 10 characters and may have up to 200.", "Take a longer one. Three or four unrelated words are good.";
    EnrolCodeUnknown = "enrol_code_unknown", 403, false, "The code is not known",
        "There is no such enrolment code, or it was withdrawn.", "Check the code, or ask for a new one.";
    EnrolCodeExpired = "enrol_code_expired", 410, false, "The code has expired",
        "The code was not used in time.", "Ask for a new one.";
    EnrolCodeUsed = "enrol_code_used", 409, false, "The code was used",
        "Another device has enrolled with this code. If that was not yours, tell your admin at once.", "Ask for a new one.";
    PublicKeyInvalid = "public_key_invalid", 422, false, "The key is not valid",
        "The device's public key is no point of the curve P-256.", "Send SPKI, an uncompressed point, or x and y, in hexadecimal or base64url.";
    KeyInUse = "key_in_use", 409, false, "The key belongs to another device",
        "This key was enrolled for somebody else, or its device was revoked.", "Let the device make a new key, and enrol again.";
    NotAllowed = "not_allowed", 403, false, "Not allowed",
        "Your role does not allow this.", "Ask your organisation's admin.";
    NotFound = "not_found", 404, false, "Not found",
        "There is nothing of that id in your organisation.", "Check the id.";
    DeviceRevoked = "device_revoked", 403, false, "The device is revoked",
        "This device, or its user, no longer gets data. What it still sends is kept apart for a coordinator to look at.",
        "Send what is left on the device, and then ask your organisation's admin.";
    OrganisationSuspended = "organisation_suspended", 403, true, "The organisation is suspended",
        "Nobody of this organisation gets in at present. Everything stored is kept.", "Keep what you have, and ask whoever runs the server.";
    JsonMalformed = "json_malformed", 400, false, "The body is not the expected JSON",
        "The body could not be read as the JSON that this address expects. Nothing was stored.", "Look at `errors`: it says where.";
    FieldInvalid = "field_invalid", 422, false, "A field is not valid",
        "The body could be read, but a field holds something that is not allowed. Nothing was stored.", "Look at `errors`: it says which field and why.";
    BodyMalformed = "body_malformed", 400, false, "The body could not be read",
        "The body was cut off, or is not compressed as its Content-Encoding says. Nothing was stored.", "Send it again.";
    BodyTooLarge = "body_too_large", 413, false, "The body is too large",
        "The body is larger than this address takes, before or after decompression. Nothing was stored.", "Send less at a time.";
    EncodingUnsupported = "encoding_unsupported", 415, false, "The Content-Encoding is not known",
        "The server reads gzip, zstd and plain bodies.", "Use one of these.";
    ContentTypeUnsupported = "content_type_unsupported", 415, false, "The Content-Type is not known",
        "This address does not read bodies of that type.", "Send `Content-Type: application/json`.";
    ParameterInvalid = "parameter_invalid", 400, false, "A parameter is not valid",
        "A part of the address or of the query could not be read.", "Compare it with the API's description.";
    RouteUnknown = "route_unknown", 404, false, "No such address",
        "The server has nothing at this address.", "Compare it with the API's description.";
    MethodNotAllowed = "method_not_allowed", 405, false, "Not with this method",
        "The address exists, but not for this HTTP method.", "Compare it with the API's description.";
    RequestRefused = "request_refused", 400, false, "The request could not be read",
        "The request breaks a rule of HTTP or of this server. Nothing was stored.", "Compare it with the API's description.";
    NameTaken = "name_taken", 409, false, "The name is taken",
        "Another one has this name already.", "Take another name.";
    LastAdmin = "last_admin", 409, false, "The last admin stays",
        "An organisation keeps at least one admin who can sign in.", "Make somebody else an org admin first.";
    Conflict = "conflict", 409, false, "Something has changed in between",
        "What you saw is no longer what is stored. Nothing was changed.", "Look at the newest state, and decide again.";
    OrganisationStopped = "organisation_stopped", 503, true, "Writing has stopped in this organisation",
        "A device was shown a state that the server no longer has: its data folder was rolled back or copied. Nothing more is written until somebody has looked.",
        "Devices keep what they have. Whoever runs the server opens a new epoch with `tributary restore`.";
    EpochChanged = "epoch_changed", 409, false, "The server was restored since",
        "The server went back to an earlier copy or moved since this device last synced. Nothing of this request had an effect.",
        "The device compares its actors with `POST /sync/v1/compare` and resends what the server lacks.";
    ActorForked = "actor_forked", 409, false, "The device's store was copied or restored",
        "The server has other changes under the same numbers. Nothing was overwritten.",
        "The device goes back to the last agreeing number, takes a new actor and stamps the later changes again.";
    SequenceGap = "sequence_gap", 409, false, "Changes are missing",
        "Numbers are missing before the first one sent. Nothing of this request was stored.",
        "Send from the number in `expected`.";
    ChainInvalid = "chain_invalid", 409, false, "The chain does not fit",
        "The hashes of the items do not lead to the chain that was named. Nothing of this request was stored.",
        "Send the items as they were made.";
    CursorInvalid = "cursor_invalid", 410, false, "The cursor cannot be read",
        "The cursor is of another epoch or another device, or was altered.", "Start the pull again without a cursor.";
    HeadInvalid = "head_invalid", 409, false, "The head was not signed here",
        "The head shown was not signed by this organisation's keys.", "Check that the device talks to the right server.";
    ActorUnknown = "actor_unknown", 404, false, "No such actor of this device",
        "This number was never given to this device.", "Use the number from the enrolment, or ask for a new one.";
    ActorClosed = "actor_closed", 409, false, "The actor is closed",
        "This number was closed after a loss; nothing more is taken under it.", "Ask for a new one.";
    LossRefused = "loss_refused", 409, false, "A loss is not taken now",
        "A device may only give up numbers after the server was restored, and only from the first one that the server lacks. Nothing was changed.",
        "Compare again, and send what is still there.";
    LossInvalid = "loss_invalid", 422, false, "The lost numbers are no range",
        "The first lost number is not a number from 1 up to the last one named. Nothing was changed.",
        "Name the first number that the server lacks and the last one that the device made.";
    QuarantineFull = "quarantine_full", 429, true, "The quarantine of this device is full",
        "So much of this device waits for a coordinator's judgement that no more is taken. Nothing of this request was stored.",
        "Keep it on the device, and ask a coordinator to look at the quarantine.";
    ItemUnreadable = "item_unreadable", 422, false, "One change cannot be read",
        "The item of the sequence in `seq` cannot be read or breaks a limit. Nothing of this request was stored.",
        "Send that item as `opaque`; it is then kept apart.";
    FormStale = "form_stale", 403, false, "The page is too old",
        "This was sent from a page that was not shown to you in this sign-in. Nothing was changed.",
        "Open the page again, and send it from there.";
    RecordChanged = "record_changed", 409, false, "Somebody else wrote meanwhile",
        "What you write to was changed after it was shown to you. Nothing was written; `changed` names the keys.",
        "Look at the record again, and decide again.";
    ShownInvalid = "shown_invalid", 409, false, "The record was shown by another state of the server",
        "What you were shown is not in this server's log, perhaps because a copy was restored since. Nothing was written.",
        "Look at the record again.";
    LoweringRefused = "lowering_refused", 409, false, "This would lower a protection",
        "A consent, an age class or a safety flag is only lowered by a decision, with a reason, of somebody whom the form lets decide. Nothing was written; `lowers` names the keys.",
        "Decide it, naming what is lowered and why, or ask a coordinator.";
    RecordRestricted = "record_restricted", 409, false, "The record is restricted",
        "It is hidden and waits for its erasure. Nothing was written.", "Lift the restriction first.";
    NotRestricted = "not_restricted", 409, false, "Not restricted",
        "A record named here is not restricted, or not any more. Nothing was changed.", "Look at it again.";
    EraseTooEarly = "erase_too_early", 409, true, "Too early to erase",
        "Records are restricted for some days before they are erased, so that a mistake or a theft can be stopped. Nothing was erased; `records` names those that wait.",
        "Restrict them, and wait until `erase_after`.";
    SignInAgain = "sign_in_again", 403, false, "Sign in again for this",
        "This cannot be undone, so it asks for a password typed just now.", "Sign in again, and repeat it within ten minutes.";
    SecondPersonNeeded = "second_person_needed", 409, false, "Another person must confirm",
        "Many erasures at once are confirmed by another org admin than the one who asked for them.", "Ask another org admin.";
    QuarantineJudged = "quarantine_judged", 409, false, "Already judged",
        "Somebody has released or discarded this. Nothing was changed.", "Look at the list again.";
    ReleaseRefused = "release_refused", 409, false, "This cannot be released",
        "What stands in quarantine cannot become part of a record; `reason` says why. It stays where it is.",
        "Discard it, or mend the cause and release it then.";
    BundleInvalid = "bundle_invalid", 422, false, "The file cannot be opened",
        "This is no bundle for an organisation of this server, it was altered on the way, or the device that made it is not known here. Nothing was stored.",
        "Carry the file again as it was made. If it goes on, sync the device itself.";
    FormInvalid = "form_invalid", 422, false, "The form cannot be taken",
        "The form has a fault, or would protect less than the version before. Nothing was stored.",
        "Look at `errors`: it says which sheet, row and column, or which line. Mend it and upload it again.";
    ExportCursorInvalid = "export_cursor_invalid", 410, false, "The cursor means nothing any more",
        "The cursor in `since` or `as_of` is of the time before the server was restored, or lies ahead of what is stored.",
        "Start again: download everything without it, and keep the new cursor.";
    TusVersionUnsupported = "tus_version_unsupported", 412, false, "Not tus 1.0.0",
        "Files are brought by tus 1.0.0, which says so in `Tus-Resumable`. Nothing was stored.", "Send `Tus-Resumable: 1.0.0`.";
    UploadOffsetWrong = "upload_offset_wrong", 409, true, "The file goes on elsewhere",
        "The next byte that is wanted is the one at `offset`. Nothing of this piece was stored.", "Go on from `offset`.";
    UploadChecksumWrong = "upload_checksum_wrong", 460, true, "The piece was changed on the way",
        "The piece does not have the checksum that it came with. Nothing of it was stored.", "Send the piece again.";
    UploadBusy = "upload_busy", 423, true, "A piece is coming in",
        "Another connection of this device is bringing the same file.", "Let it end, ask how much is stored, and go on from there.";
    AttachmentHashWrong = "attachment_hash_wrong", 422, false, "The file is another one",
        "The whole file does not have the SHA-256 that was announced. It was not kept.", "Begin the file again. If it goes on, the file was changed on the device.";
    AttachmentTooLarge = "attachment_too_large", 413, false, "The file is too large",
        "The file is larger than the organisation takes, or than was announced. Nothing was stored.", "Make it smaller, or ask your organisation's admin.";
    AttachmentTypeRefused = "attachment_type_refused", 415, false, "Files of this type are not taken",
        "The organisation does not take files of this type. Nothing was stored.", "Ask your organisation's admin.";
    AttachmentQuotaFull = "attachment_quota_full", 429, true, "No more room for files",
        "The files of the organisation, or those that this device has on their way, take all the room they may. Nothing was stored.",
        "Keep the file on the device, and tell your organisation's admin.";
    RangeInvalid = "range_invalid", 416, false, "Beyond the end",
        "The range begins behind the end of the file, which has `size` bytes.", "Ask for a range inside it.";
    DiskFull = "disk_full", 507, true, "The server's disk is full",
        "Nothing of this request was stored, and nothing stored was lost. Devices keep what they have.", "Tell whoever runs the server. Try again later.";
    Overloaded = "overloaded", 503, true, "The server is busy",
        "The server has more to do than it can take right now. Nothing of this request was stored.", "Try again in a little while.";
    BodyTooSlow = "body_too_slow", 408, true, "The request came in too slowly",
        "The body of the request took longer than any link that works. Nothing of it was stored.", "Try again where the connection is better. Devices send smaller pieces by themselves.";
    Internal = "internal", 500, true, "Something went wrong in the server",
        "This is a fault of the server, and it is in its log under the request id. Nothing was half stored.", "Try again later. If it goes on, tell whoever runs the server the request id.";
}

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErrorItem {
    /// Where: a JSON pointer into the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// The row of the sheet, or the line of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// The column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A stable code of its own.
    pub code: String,
    /// What is wrong, without what was sent.
    pub detail: String,
}

impl ErrorItem {
    /// Something wrong at a place of the body.
    pub fn at(pointer: impl Into<String>, code: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.into()),
            sheet: None,
            row: None,
            column: None,
            code: code.to_owned(),
            detail: detail.into(),
        }
    }
}

/// A refusal, or a failure of the server.
#[derive(Debug)]
pub struct ServiceError {
    /// The code.
    pub code: Code,
    /// What happened in this case, where more can be said than the catalogue says.
    pub detail: Option<String>,
    /// What is wrong, piece by piece.
    pub errors: Vec<ErrorItem>,
    /// How long to wait before trying again.
    pub retry_after: Option<Duration>,
    /// Further members of the problem document, such as a sequence.
    pub members: serde_json::Map<String, serde_json::Value>,
    /// For the log, never for the answer.
    pub cause: Option<Box<str>>,
}

impl ServiceError {
    /// Says more than the catalogue. Never quote an answer or a value that was sent.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
    /// Names one thing that is wrong.
    #[must_use]
    pub fn item(mut self, item: ErrorItem) -> Self {
        self.errors.push(item);
        self
    }
    /// Says how long to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
    /// Adds a member to the problem document.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }
    /// Notes for the log why the server failed. The answer does not say it.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }
}

impl From<Code> for ServiceError {
    fn from(code: Code) -> Self {
        Self {
            code,
            detail: None,
            errors: Vec::new(),
            retry_after: None,
            members: serde_json::Map::new(),
            cause: None,
        }
    }
}

impl From<StorageError> for ServiceError {
    fn from(error: StorageError) -> Self {
        let code = match error {
            StorageError::Full => Code::DiskFull,
            StorageError::Closed | StorageError::Crowded => Code::Overloaded,
            _ => Code::Internal,
        };
        Self::from(code).because(error)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entry = self.code.entry();
        write!(
            f,
            "{}: {}",
            entry.title,
            self.detail.as_deref().unwrap_or(entry.meaning)
        )?;
        for item in &self.errors {
            write!(f, " {}", item.detail)?;
        }
        write!(f, " {}", entry.next)
    }
}
impl std::error::Error for ServiceError {}

impl From<Refusal> for ServiceError {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let code = match &refusal {
            Refusal::Storage(_) => Code::Internal,
            Refusal::Stopped => Code::OrganisationStopped,
            Refusal::EpochChanged { .. } => Code::EpochChanged,
            Refusal::Forked { .. } => Code::ActorForked,
            Refusal::Gap { .. } => Code::SequenceGap,
            Refusal::ChainInvalid => Code::ChainInvalid,
            Refusal::CursorInvalid => Code::CursorInvalid,
            Refusal::HeadInvalid => Code::HeadInvalid,
            Refusal::ActorUnknown => Code::ActorUnknown,
            Refusal::ActorClosed => Code::ActorClosed,
            Refusal::LossRefused => Code::LossRefused,
            Refusal::LossInvalid => Code::LossInvalid,
            Refusal::QuarantineFull => Code::QuarantineFull,
        };
        let error = Self::from(code);
        match refusal {
            Refusal::Storage(storage) => storage.into(),
            Refusal::EpochChanged { epoch } => {
                error.detail(detail).member("epoch", epoch.to_string())
            }
            Refusal::Forked {
                actor,
                agreed,
                results,
            } => error
                .detail(detail)
                .member("actor", actor.0)
                .member("agreed", agreed.map(|seq| seq.get()))
                .member("results", serde_json::to_value(results).unwrap_or_default()),
            Refusal::Gap { expected } => error.detail(detail).member("expected", expected.get()),
            _ => error,
        }
    }
}

/// A field that holds something that is not allowed.
pub fn invalid(pointer: &str, code: &str, detail: impl Into<String>) -> ServiceError {
    ServiceError::from(Code::FieldInvalid).item(ErrorItem::at(pointer, code, detail))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use tributary_sync_core::error::ParseError;
    use tributary_sync_core::form::FormErrorKind;
    use tributary_sync_core::validate::Fault;

    use super::*;

    /// What stands in `errors`, in flags of answers and in reasons of unreadable items.
    fn parts(out: &mut String) {
        let forms = FormErrorKind::ALL.iter().map(|k| (k.code(), k.meaning()));
        let faults = Fault::ALL.iter().map(|f| (f.code(), f.meaning()));
        let parts: [(&str, Vec<(&str, &str)>); 3] = [
            (
                "What is wrong with a form: `errors` of `form_invalid`",
                forms.collect(),
            ),
            (
                "What could not be read: `errors` of `field_invalid`, when the sync protocol was spoken",
                ParseError::CODES.to_vec(),
            ),
            (
                "Flags of answers: shown and exported beside the answer; nothing is refused for them",
                faults.collect(),
            ),
        ];
        for (title, codes) in parts {
            write!(
                out,
                "\n## {title}\n\n| code | what it means |\n| --- | --- |\n"
            )
            .unwrap();
            for (code, meaning) in codes {
                writeln!(out, "| `{code}` | {meaning} |").unwrap();
            }
        }
    }

    fn catalogue() -> String {
        let mut out = String::from(
            "# Error codes\n\n\
             Written from `server/src/service/error.rs` (`TRIBUTARY_TEST_BLESS=1 cargo test -p tributary error_codes`); a test \
             keeps the two equal. Errors are RFC 9457 problem documents with `type`, `title`, `status`, `detail`, `code`, \
             `request_id`, `retryable`, `server_time` and, where parts are wrong, `errors`. A code is never renamed and never \
             given a second meaning.\n\n\
             | code | status | again? | what it means | what to do |\n| --- | --- | --- | --- | --- |\n",
        );
        for code in Code::ALL {
            let e = code.entry();
            let again = if e.retryable { "later" } else { "no" };
            writeln!(
                out,
                "| `{}` | {} | {again} | {} | {} |",
                e.code, e.status, e.meaning, e.next
            )
            .unwrap();
        }
        parts(&mut out);
        out
    }

    #[test]
    fn error_codes_are_the_catalogue_in_schemas() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/error-codes.md");
        if std::env::var_os("TRIBUTARY_TEST_BLESS").is_some() {
            std::fs::write(path, catalogue()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap_or_default(),
            catalogue()
        );
    }

    #[test]
    fn codes_are_unique_and_sentences_are_whole() {
        let mut seen = std::collections::HashSet::new();
        let forms = FormErrorKind::ALL.iter().map(|k| (k.code(), k.meaning()));
        let faults = Fault::ALL.iter().map(|f| (f.code(), f.meaning()));
        for (code, meaning) in forms.chain(faults).chain(ParseError::CODES.iter().copied()) {
            assert!(seen.insert(code), "{code} twice");
            assert!(meaning.ends_with('.'), "{code}: {meaning}");
        }
        for code in Code::ALL {
            let e = code.entry();
            assert!(seen.insert(e.code), "{} twice", e.code);
            assert!((400..600).contains(&e.status), "{}", e.code);
            for sentence in [e.meaning, e.next] {
                assert!(
                    sentence.ends_with('.') || sentence.ends_with("why"),
                    "{}: {sentence}",
                    e.code
                );
            }
        }
    }
}
