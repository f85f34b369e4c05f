//! Which old sets may go.

use std::collections::HashMap;

use tributary_sync_core::ids::OrgId;

use super::manifest::Sets;
use crate::storage::StorageError;
use crate::storage::sets::{TargetLock, remove};

/// How many copies of each organisation are kept unless told otherwise.
pub const KEEP_DEFAULT: usize = 14;

/// The sets that may go: those of whose organisations there are at least `keep` newer copies each. The newest copy of
/// an organisation is never among them.
pub(super) fn surplus(sets: &Sets, keep: usize) -> Vec<String> {
    let keep = keep.max(1);
    let mut newer: HashMap<OrgId, usize> = HashMap::new();
    let mut out = Vec::new();
    for set in sets.sets.iter().rev() {
        let organisations = &set.manifest.organisations;
        let enough = |org: &OrgId| newer.get(org).is_some_and(|n| *n >= keep);
        if !organisations.is_empty() && organisations.iter().all(|o| enough(&o.id)) {
            out.push(set.name.clone());
        }
        for entry in organisations {
            *newer.entry(entry.id).or_default() += 1;
        }
    }
    out.reverse();
    out
}

/// Removes them; returns their names.
pub(super) fn prune(
    sets: &Sets,
    keep: usize,
    lock: &TargetLock,
) -> Result<Vec<String>, StorageError> {
    let names = surplus(sets, keep);
    for name in &names {
        remove(&sets.target, name, lock)?;
    }
    Ok(names)
}
