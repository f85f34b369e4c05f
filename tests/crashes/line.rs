//! The line between a phone and the server: calls of the real device answered by the real service, as its HTTP does. Writes
//! down what was said and acknowledged. A server without power answers nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tributary::service::Service;
use tributary::service::ambient::rfc3339;
use tributary::service::error::{Code, Result, ServiceError};
use tributary::service::principal::Device;
use tributary_disk::Disk;
use tributary_native::transport::{Answer, Call, Transport, TransportError};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::ItemHash;
use tributary_sync_core::wire::frame::{NoForms, VERSION};
use tributary_sync_core::wire::message::{ExchangeRequest, Status};

/// What was heard on all lines.
#[derive(Default)]
pub(super) struct Heard {
    /// Every number that a phone ever sent, with what it stood for.
    pub(super) numbers: BTreeMap<Dot, BTreeSet<ItemHash>>,
    /// Numbers that the server acknowledged as stored, to a phone that heard it.
    pub(super) acknowledged: BTreeMap<Dot, ItemHash>,
    /// Codes of refusals.
    pub(super) codes: Vec<&'static str>,
}

pub(super) struct Line {
    pub(super) server: Arc<Mutex<Option<Arc<Service>>>>,
    pub(super) disk: Arc<Disk>,
    pub(super) heard: Arc<Mutex<Heard>>,
}

impl Transport for Line {
    fn send(&mut self, call: &Call) -> std::result::Result<Answer, TransportError> {
        let service = self.server.lock().unwrap().clone();
        let service = service.ok_or_else(|| TransportError::Unreachable("no server".into()))?;
        let mut heard = Heard::default();
        let answer = answer(&service, call, &mut heard);
        drop(service);
        let mut all = self.heard.lock().unwrap();
        for (dot, hashes) in heard.numbers {
            all.numbers.entry(dot).or_default().extend(hashes);
        }
        // Whatever it said, nobody heard it.
        if self.disk.is_off() {
            return Err(TransportError::Cut("the power went".into()));
        }
        all.acknowledged.extend(heard.acknowledged);
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(refusal) => {
                let entry = refusal.code.entry();
                all.codes.push(entry.code);
                let mut problem = json!({"code": entry.code, "retryable": entry.retryable});
                for (name, value) in refusal.members {
                    problem[name] = value;
                }
                (entry.status, problem.to_string().into_bytes())
            }
        };
        Ok(Answer {
            status,
            sent: call.body.as_ref().map_or(0, Vec::len),
            received: body.len(),
            body,
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).unwrap()
}
fn said(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap()
}

fn answer(service: &Service, call: &Call, heard: &mut Heard) -> Result<Vec<u8>> {
    let body = call.body.as_deref().unwrap_or_default();
    match call.path.as_str() {
        "/api/v1/enrol" => {
            let from = IpAddr::V4(Ipv4Addr::LOCALHOST);
            return Ok(said(&service.enrol(&read(body), from)?));
        }
        "/api/v1/auth/nonce" => return Ok(said(&service.nonce()?)),
        "/api/v1/auth/device" => {
            let proof: Value = read(body);
            return Ok(said(
                &service.prove_device(proof["assertion"].as_str().unwrap())?,
            ));
        }
        _ => {}
    }
    let token = call.token.as_deref().ok_or(Code::CredentialMissing)?;
    let device = service.device(service.device_claim(token)?)?;
    match call.path.as_str() {
        "/sync/v1/exchange" => exchange(service, &device, body, heard),
        "/sync/v1/compare" => Ok(said(&service.compare(&device, read(body))?)),
        "/sync/v1/actor" => Ok(said(&service.new_actor(&device, &read(body))?)),
        "/sync/v1/lost" => service.lost(&device, read(body)).map(|()| Vec::new()),
        "/api/v1/device" => Ok(said(&json!({
            "role": device.role,
            "keys": service.keys().of_org(device.org)?.public().clone(),
            "server_time": rfc3339(service.now()),
        }))),
        path => {
            let hash = path
                .strip_prefix("/sync/v1/forms/")
                .and_then(|h| h.parse().ok());
            let hash = hash.ok_or_else(|| ServiceError::from(Code::RouteUnknown))?;
            Ok(said(&service.form_for_device(&device, hash)?))
        }
    }
}

fn exchange(service: &Service, device: &Device, body: &[u8], heard: &mut Heard) -> Result<Vec<u8>> {
    let frame = body.first() == Some(&VERSION);
    let request = match frame {
        true => service.read_frame(device.org, body)?,
        false => ExchangeRequest::from_json(std::str::from_utf8(body).unwrap()).unwrap(),
    };
    let actor = request.actor;
    for item in &request.items {
        let dot = Dot::new(actor, item.seq());
        heard.numbers.entry(dot).or_default().insert(item.hash());
    }
    let reply = service.exchange(device, request)?;
    for result in &reply.results {
        let dot = Dot::new(actor, result.seq);
        let stored = matches!(result.status, Status::Applied | Status::Cut);
        let sent = heard.numbers.get(&dot).and_then(|hashes| hashes.first());
        if let Some(hash) = sent.filter(|_| stored) {
            heard.acknowledged.insert(dot, *hash);
        }
    }
    Ok(match frame {
        true => reply.to_frame(&NoForms),
        false => said(&reply),
    })
}
