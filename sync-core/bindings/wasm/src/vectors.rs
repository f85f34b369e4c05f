//! The shared vectors (`schemas/vectors`), made again from their inputs: whoever compares the text with the file knows that
//! this build, wherever it runs, agrees byte for byte.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use tributary_sync_core::change::{Changeset, Stored, chain_next, chain_start};
use tributary_sync_core::ids::{ActorId, FieldId, FormHash, ItemHash, OrgId, Seq};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::wire::frame::{FieldTable, NoForms};
use tributary_sync_core::wire::message::{ExchangeReply, ExchangeRequest, PolicyEntry};

type Made = Result<Json, Box<dyn std::error::Error>>;

/// The text of a vector file as this build makes it from what stands in it; an error says what does not read.
pub fn vector(name: &str, text: &str) -> Result<String, String> {
    let file: Json = serde_json::from_slice(text.as_bytes()).map_err(|e| e.to_string())?;
    let made = match name {
        "changesets.json" => list(&file, changeset),
        "chain.json" => chain(&file),
        "records.json" => records(&file),
        "frames.json" => frames(&file),
        _ => Err("no such vectors".into()),
    };
    let made = made.map_err(|e| e.to_string())?;
    let text = serde_json::to_string_pretty(&made).map_err(|e| e.to_string())?;
    Ok(text + "\n")
}

fn read<T: serde::de::DeserializeOwned>(json: &Json) -> Result<T, serde_json::Error> {
    serde_json::from_slice(&serde_json::to_vec(json)?)
}
fn list(json: &Json, one: impl Fn(&Json) -> Made) -> Made {
    json.as_array().into_iter().flatten().map(one).collect()
}
fn bytes(json: &Json) -> Result<Vec<u8>, hex::FromHexError> {
    hex::decode(json.as_str().unwrap_or_default())
}

/// From the JSON, and from the bytes: the two must tell the same.
fn changeset(vector: &Json) -> Made {
    let change: Changeset = read(&vector["changeset"])?;
    let again = Changeset::from_bytes(&bytes(&vector["cbor"])?)?;
    Ok(json!({
        "name": vector["name"], "changeset": again, "cbor": hex::encode(change.bytes()),
        "item_hash": again.hash(),
    }))
}

fn chain(file: &Json) -> Made {
    let org: OrgId = read(&file["org"])?;
    let actor: ActorId = read(&file["actor"])?;
    let items: Vec<ItemHash> = read(&file["item_hashes"])?;
    let mut hash = chain_start(org, actor, &bytes(&file["device_key"])?);
    let mut all = vec![hash];
    for (n, item) in (1u64..).zip(&items) {
        hash = chain_next(hash, Seq::new(n)?, *item);
        all.push(hash);
    }
    let key = &file["device_key"];
    Ok(json!({"org": org, "actor": actor, "device_key": key, "item_hashes": items, "h": all}))
}

fn records(file: &Json) -> Made {
    let entries: Vec<PolicyEntry> = read(&file["policies"])?;
    let mut policies = Policies::default();
    for entry in &entries {
        policies.set(entry.field, entry.field_policy());
    }
    let records = list(&file["records"], |vector| record(vector, &policies))?;
    Ok(json!({"policies": entries, "records": records}))
}

/// The changesets arrive in the other order.
fn record(vector: &Json, policies: &Policies) -> Made {
    let stored: Vec<Stored> = read(&vector["stored"])?;
    let first = stored.first().ok_or("no changeset")?;
    let mut record = Record::new(first.change.record);
    stored.iter().rev().for_each(|s| record.apply(s));
    let again = Record::from_bytes(&bytes(&vector["cbor"])?)?;
    let keys = record.keys().map(|(key, _)| key);
    let values: Json = keys
        .map(|key| (key.to_string(), json!(policies.read(&record, key))))
        .collect();
    let conflicts: Json = record
        .conflicts()
        .map(|c| {
            let values: Vec<_> = c.candidates.iter().map(|c| c.value).collect();
            (c.key.to_string(), json!(values))
        })
        .collect();
    Ok(json!({
        "name": vector["name"], "stored": vector["stored"], "record": again,
        "cbor": hex::encode(record.to_bytes()), "digest": hex::encode(record.digest()),
        "read": {
            "values": values, "conflicts": conflicts,
            "presence": format!("{:?}", record.presence()).to_lowercase(),
            "withheld": policies.withheld(&record),
        },
    }))
}

struct Package(FormHash, Vec<FieldId>);

impl FieldTable for Package {
    fn fields(&self, form: FormHash) -> Option<Arc<[FieldId]>> {
        (form == self.0).then(|| self.1.as_slice().into())
    }
}

/// A device writes requests and reads replies.
fn frames(file: &Json) -> Made {
    let forms = file["forms"].as_object().ok_or("no forms")?;
    let (hash, fields) = forms.iter().next().ok_or("no form")?;
    let package = Package(hash.parse()?, read(fields)?);
    let (request, reply) = (&file["request"], &file["reply"]);
    let asked = ExchangeRequest::from_frame(&bytes(&request["frame"])?, &package);
    let asked = asked.map_err(|_| "the request does not read")?;
    let answered = ExchangeReply::from_frame(&bytes(&reply["frame"])?, &package)?;
    let without = ExchangeReply::from_frame(&bytes(&reply["frame_without_forms"])?, &NoForms)?;
    if answered != without {
        return Err("the two frames of the reply differ".into());
    }
    Ok(json!({
        "version": file["version"], "forms": forms,
        "request": {
            "json": asked, "frame": hex::encode(asked.to_frame(&package)),
            "frame_without_forms": hex::encode(asked.to_frame(&NoForms)),
        },
        "reply": {
            "json": answered, "frame": reply["frame"],
            "frame_without_forms": reply["frame_without_forms"],
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shared_vector_is_made_again_to_the_byte() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../schemas/vectors");
        let mut seen = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(vector(name, &text).unwrap() == text, "{name} differs");
            seen += 1;
        }
        assert!(seen >= 4);
    }
}
