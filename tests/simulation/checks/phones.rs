//! What holds for phones: in step with the server, nothing left behind, cursors that go on, nothing of anybody else's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tributary_sync_core::ids::{RecordId, Seq};
use tributary_sync_core::session::{Phase, Profile, Store};

use super::super::phone::{number_of, tags};
use super::super::world::World;
use super::server::Server;

/// Tail and `seen` of a cursor, which devices do not read.
fn positions(cursor: &str) -> Option<([u8; 16], u64, u64)> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let number = |at: usize| Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    Some((bytes.get(..16)?.try_into().ok()?, number(16)?, number(32)?))
}

/// A cursor never goes back in its epoch.
pub(crate) fn cursor_goes_on(n: usize, before: &Profile, after: &Profile) -> Result<(), String> {
    let positions = |p: &Profile| p.cursor.as_deref().and_then(positions);
    let (Some(was), Some(is)) = (positions(before), positions(after)) else {
        return Ok(());
    };
    if was.0 == is.0 && (is.1 < was.1 || is.2 < was.2) {
        return Err(format!(
            "the cursor of phone {n} went back: {was:?}, {is:?}"
        ));
    }
    Ok(())
}

/// After a run that came to its end, a phone with nothing left to say shows what the server has.
pub(crate) fn in_step(world: &World, n: usize) -> Result<(), String> {
    let phone = &world.phones[n];
    let profile = phone.profile();
    let waits = profile.phase != Phase::Exchange
        || !profile.refetch.is_empty()
        || !profile.leaves.is_empty()
        || profile.actors.iter().any(|a| a.has_unsent());
    if waits || profile.revoked || world.revoked.contains(&phone.caller.profile) {
        return Ok(());
    }
    same_as_server(world, &Server::look(world, phone.caller.org), n)
        .map_err(|e| format!("after a whole sync: {e}"))
}

fn waits(store: &dyn Store, id: RecordId) -> bool {
    let own = store.own_of(id).unwrap();
    own.iter().any(|o| o.is_with_coordinator())
}

/// Equal scope and cursor: equal bytes; and the phone holds exactly its scope.
pub(super) fn same_as_server(world: &World, server: &Server, n: usize) -> Result<(), String> {
    let phone = &world.phones[n];
    let scope = world.read(server.org, |t| t.scope_ids(phone.caller.profile));
    for id in &scope {
        let Some(held) = phone.record(*id) else {
            return Err(format!("phone {n} lacks {id}"));
        };
        let Some(row) = server.records.get(id) else {
            continue;
        };
        if !phone.disk.read(|s| waits(s, *id)) && held.to_bytes() != row.record.to_bytes() {
            return Err(format!(
                "phone {n} shows another {id} than the server:\n  {held:?}\n  {:?}",
                row.record
            ));
        }
    }
    for id in phone.disk.read(|s| s.held_ids()).unwrap() {
        if !scope.contains(&id) && !phone.disk.read(|s| waits(s, id)) {
            return Err(format!(
                "phone {n} still holds {id}, which is not in its scope"
            ));
        }
    }
    Ok(())
}

/// Whatever a phone still holds is on the server, or will never be: nothing waits for nothing.
pub(super) fn nothing_left_behind(world: &World, server: &Server, n: usize) -> Result<(), String> {
    let phone = &world.phones[n];
    let profile = phone.profile();
    for actor in &profile.actors {
        let own = phone
            .disk
            .read(|s| s.own_after(actor.actor, Seq::ZERO, usize::MAX));
        for own in own.unwrap() {
            if own.is_unsent() {
                return Err(format!("phone {n} still has {:?} to send", own.dot));
            }
            let Some(no) = own.body.as_ref().and_then(number_of) else {
                continue;
            };
            if !server.keeps(no) && !super::excused(world, no) {
                return Err(format!(
                    "phone {n} holds g{no}, the server does not, and nobody will send it: {:?} {:?}, actors {:?}",
                    own.dot, own.fate, profile.actors
                ));
            }
        }
    }
    Ok(())
}

/// No phone holds anything of another organisation.
pub(super) fn own_organisation_only(world: &World) -> Result<(), String> {
    for (n, phone) in world.phones.iter().enumerate() {
        for id in phone.disk.read(|s| s.held_ids()).unwrap() {
            let record = phone.record(id);
            let foreign = record.iter().flat_map(tags).find(|(_, no)| {
                let truth = world.truth.get(no);
                truth.is_some_and(|t| t.org != phone.caller.org)
            });
            if let Some((_, no)) = foreign {
                return Err(format!("phone {n} holds g{no} of another organisation"));
            }
        }
    }
    Ok(())
}
