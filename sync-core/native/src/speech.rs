//! Requests and replies as bytes: the compact frame for exchanges, JSON for everything else and for servers that do not
//! read frames.

use std::collections::HashMap;
use std::sync::Arc;

use tributary_sync_core::form::FormPackage;
use tributary_sync_core::ids::{FieldId, FormHash};
use tributary_sync_core::session::{FormText, Reply, Request};
use tributary_sync_core::wire::frame::{self, FieldTable};
use tributary_sync_core::wire::message::ExchangeReply;

use crate::device::unreadable;
use crate::error::{Error, Result, Trouble};

/// The forms that this device has: published versions, so the server knows them too.
pub(crate) struct KnownForms(HashMap<FormHash, Arc<[FieldId]>>);

impl KnownForms {
    /// Of the versions in the store. One whose package cannot be read is left out: its fields go by their ids.
    pub(crate) fn of(forms: &[FormText]) -> Self {
        let fields = |text: &FormText| {
            let package = FormPackage::from_bytes(text.package.as_bytes()).ok()?;
            Some((text.hash, package.fields.iter().map(|f| f.id).collect()))
        };
        Self(forms.iter().filter_map(fields).collect())
    }
}

impl FieldTable for KnownForms {
    fn fields(&self, form: FormHash) -> Option<Arc<[FieldId]>> {
        self.0.get(&form).cloned()
    }
}

/// The media type of a body that [`spoken`] made. A frame begins with its version, JSON with a brace.
pub(crate) fn content_type(body: &[u8]) -> &'static str {
    if is_frame(body) {
        frame::CONTENT_TYPE
    } else {
        "application/json"
    }
}

fn is_frame(body: &[u8]) -> bool {
    body.first() == Some(&frame::VERSION)
}

/// The path and body of a request; none when there is nothing to say. With `forms`, exchanges go as frames.
pub(crate) fn spoken(
    request: &Request,
    forms: Option<&KnownForms>,
) -> Result<Option<(&'static str, Vec<u8>)>> {
    let (path, body) = match request {
        Request::Exchange(r) => match forms {
            Some(forms) => return Ok(Some(("/sync/v1/exchange", r.to_frame(forms)))),
            None => ("/sync/v1/exchange", serde_json::to_vec(r)),
        },
        Request::Compare(r) => ("/sync/v1/compare", serde_json::to_vec(r)),
        Request::NewActor(r) => ("/sync/v1/actor", serde_json::to_vec(r)),
        Request::Lost(r) => ("/sync/v1/lost", serde_json::to_vec(r)),
        Request::Nothing => return Ok(None),
    };
    Ok(Some((path, body.map_err(Error::store)?)))
}

/// The reply in a body that answered `request`.
pub(crate) fn heard(request: &Request, body: &[u8]) -> Result<Reply> {
    let reply = match request {
        Request::Exchange(_) if is_frame(body) => {
            // The server names fields by their ids: it cannot know which versions are here.
            let reply = ExchangeReply::from_frame(body, &frame::NoForms);
            return reply.map(|r| Reply::Exchange(Box::new(r))).map_err(|e| {
                Error::new(
                    Trouble::Untrusted,
                    "The server's answer could not be read.",
                    "Nothing on this device changed.",
                    "Try again; if it stays, tell your coordinator.",
                )
                .because(e)
            });
        }
        Request::Exchange(_) => serde_json::from_slice(body).map(Reply::Exchange),
        Request::Compare(_) => serde_json::from_slice(body).map(Reply::Compare),
        Request::NewActor(_) => serde_json::from_slice(body).map(Reply::NewActor),
        Request::Lost(_) | Request::Nothing => Ok(Reply::Lost),
    };
    reply.map_err(unreadable)
}

/// Whether a refusal of a frame only says that the server reads no such frames: the same goes as JSON then.
pub(crate) fn not_understood(code: &str) -> bool {
    matches!(
        code,
        "content_type_unsupported" | "field_invalid" | "json_malformed"
    )
}
