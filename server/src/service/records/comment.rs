//! Comments: written once, under a random id; nobody overwrites another's (§9.7).

use tributary_sync_core::ids::{CommentId, RecordId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::Value;

use super::write::{Act, Guard, act, text};
use super::{Acting, Shown, Written};
use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::{Result, invalid};
use crate::storage::OrgFiles;

/// A comment longer than this is a report.
const COMMENT_BYTES_MAX: usize = 8_000;

/// The write that leaves a comment.
pub(super) fn written(env: &Env, words: &str) -> Result<(Key, Value)> {
    let words = words.trim();
    if words.is_empty() || words.len() > COMMENT_BYTES_MAX {
        return Err(invalid(
            "/text",
            "comment_length",
            "Say something, in at most 8,000 bytes.",
        ));
    }
    let id = CommentId::from_bytes(env.random()?);
    Ok((
        Key::Meta(MetaKey::Comment(id)),
        Value::Text(text("/text", words)?),
    ))
}

/// Leaves a comment; it goes to whoever has the record.
pub fn comment(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    words: &str,
) -> Result<Written> {
    let write = written(env, words)?;
    act(files, env, acting, record, Action::Comment, move |_, _| {
        Ok(Ok(Act {
            writes: vec![write],
            decisions: Vec::new(),
            decides: false,
            guard: Guard::Written,
            action: "record.comment",
        }))
    })
}
