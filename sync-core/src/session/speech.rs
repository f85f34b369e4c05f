//! Requests and replies as bytes: the compact frame for exchanges, JSON for everything else and for servers that do not
//! read frames.

use std::collections::HashMap;
use std::sync::Arc;

use thiserror::Error;

use super::run::{Reply, Request};
use super::store::FormText;
use crate::error::ParseError;
use crate::form::FormPackage;
use crate::ids::{FieldId, FormHash};
use crate::wire::frame::{self, FieldTable};
use crate::wire::message::ExchangeReply;

/// The forms that this device has: published versions, so the server knows them too.
#[derive(Clone, Debug, Default)]
pub struct KnownForms(HashMap<FormHash, Arc<[FieldId]>>);

impl KnownForms {
    /// Of the versions in the store. One whose package cannot be read is left out: its fields go by their ids.
    pub fn of(forms: &[FormText]) -> Self {
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

/// A reply that cannot be read: nothing of it counts.
#[derive(Debug, Error)]
pub enum Unreadable {
    /// As JSON.
    #[error("the reply does not read: {0}")]
    Json(#[from] serde_json::Error),
    /// As a frame.
    #[error("the reply does not read: {0}")]
    Frame(#[from] ParseError),
}

/// The media type of a body that [`spoken`] made. A frame begins with its version, JSON with a brace.
pub fn content_type(body: &[u8]) -> &'static str {
    if is_frame(body) {
        frame::CONTENT_TYPE
    } else {
        "application/json"
    }
}

/// Whether a body is a frame.
pub fn is_frame(body: &[u8]) -> bool {
    body.first() == Some(&frame::VERSION)
}

/// The path and body of a request; none when there is nothing to say. With `forms`, exchanges go as frames.
pub fn spoken(
    request: &Request,
    forms: Option<&KnownForms>,
) -> Result<Option<(&'static str, Vec<u8>)>, serde_json::Error> {
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
    Ok(Some((path, body?)))
}

/// The reply in a body that answered `request`.
pub fn heard(request: &Request, body: &[u8]) -> Result<Reply, Unreadable> {
    Ok(match request {
        // The server names fields by their ids: it cannot know which versions are here.
        Request::Exchange(_) if is_frame(body) => {
            Reply::Exchange(Box::new(ExchangeReply::from_frame(body, &frame::NoForms)?))
        }
        Request::Exchange(_) => Reply::Exchange(serde_json::from_slice(body)?),
        Request::Compare(_) => Reply::Compare(serde_json::from_slice(body)?),
        Request::NewActor(_) => Reply::NewActor(serde_json::from_slice(body)?),
        Request::Lost(_) | Request::Nothing => Reply::Lost,
    })
}

/// Whether a refusal of a frame only says that the server reads no such frames: the same goes as JSON then.
pub fn frame_not_understood(code: &str) -> bool {
    matches!(
        code,
        "content_type_unsupported" | "field_invalid" | "json_malformed"
    )
}
