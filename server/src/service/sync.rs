//! The sync protocol as a device calls it: who it is was checked, the message was read; here it meets the rules.
//!
//! A pull is audited by its scope entries and confirmed cursor, not by a row a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tributary_sync_core::form::FormPackage;
use tributary_sync_core::ids::{FieldId, FormHash, OrgId};
use tributary_sync_core::wire::enrol::FormDelivery;
use tributary_sync_core::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, ExchangeReply, ExchangeRequest,
    LostRequest, RequestUnreadable,
};

use tributary_sync_core::wire::frame::FieldTable;

use super::Service;
use super::error::{Code, ErrorItem, Result, ServiceError};
use super::exchange;
use super::principal::Device;
use crate::storage::StorageError;

impl Service {
    /// Push, then pull. Revoked devices push too, into quarantine.
    pub fn exchange(&self, device: &Device, request: ExchangeRequest) -> Result<ExchangeReply> {
        let reply = exchange::exchange(&self.files, &self.env(), &device.caller(), request)?;
        self.metrics.exchanged(&reply);
        Ok(reply)
    }
    /// Where device and server agree. Revoked devices too: after a fork or a restore their remainder could not come in without.
    pub fn compare(&self, device: &Device, request: CompareRequest) -> Result<CompareReply> {
        let checked = request.check();
        checked.map_err(|e| unreadable(RequestUnreadable::Parse(e)))?;
        Ok(exchange::compare(
            &self.files,
            &self.env(),
            &device.caller(),
            request,
        )?)
    }
    /// What the device can never resend. Revoked devices too.
    pub fn lost(&self, device: &Device, request: LostRequest) -> Result<()> {
        Ok(exchange::lost(&self.files, &device.caller(), request)?)
    }
    /// A new actor, also for a revoked device: what it pushes under it goes into quarantine all the same.
    pub fn new_actor(&self, device: &Device, request: &ActorRequest) -> Result<ActorReply> {
        Ok(exchange::actor(
            &self.files,
            &self.env(),
            &device.caller(),
            request,
        )?)
    }
    /// A form version, as enrolment delivers it.
    pub fn form_for_device(&self, device: &Device, hash: FormHash) -> Result<FormDelivery> {
        device.require_live()?;
        let form = self
            .files
            .read::<_, StorageError>(device.org, |txn| txn.form(hash))?;
        super::forms::delivery(form.ok_or(Code::NotFound)?)
    }
}

/// The fields of published versions, by organisation and hash: what one organisation published tells another nothing. A
/// hash fixes them, so they are read once.
#[derive(Debug, Default)]
pub struct FormFields(Mutex<HashMap<Version, Arc<[FieldId]>>>);

/// A form version of one organisation.
type Version = (OrgId, FormHash);

/// Versions kept in memory; more are read again.
const FORM_FIELDS_MAX: usize = 1_000;

/// The form versions of one organisation, as frames name fields by them.
pub struct OrgForms<'s> {
    service: &'s Service,
    org: OrgId,
    /// Why a version could not be looked up; one that is not there is no reason.
    failed: OnceLock<StorageError>,
}

impl FieldTable for OrgForms<'_> {
    fn fields(&self, form: FormHash) -> Option<Arc<[FieldId]>> {
        let cache = &self.service.form_fields.0;
        if let Some(known) = cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(self.org, form))
        {
            return Some(Arc::clone(known));
        }
        let row = self
            .service
            .files
            .read::<_, StorageError>(self.org, |txn| txn.form(form));
        let row = row.map_err(|why| self.failed.set(why)).ok()??;
        let package = FormPackage::from_bytes(row.package.as_bytes()).ok()?;
        let fields: Arc<[FieldId]> = package.fields.iter().map(|f| f.id).collect();
        let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() < FORM_FIELDS_MAX {
            cache.insert((self.org, form), Arc::clone(&fields));
        }
        Some(fields)
    }
}

impl Service {
    /// What frames of this organisation's devices name fields by.
    pub fn field_table(&self, org: OrgId) -> OrgForms<'_> {
        OrgForms {
            service: self,
            org,
            failed: OnceLock::new(),
        }
    }
    /// Reads an exchange request that came as a frame. A disk that cannot be read is not the sender's fault.
    pub fn read_frame(&self, org: OrgId, frame: &[u8]) -> Result<ExchangeRequest> {
        let forms = self.field_table(org);
        let read = ExchangeRequest::from_frame(frame, &forms);
        match forms.failed.into_inner() {
            Some(why) => Err(why.into()),
            None => read.map_err(unreadable),
        }
    }
}

/// A request that could not be read, as a refusal: one bad item is named by its number.
pub fn unreadable(error: RequestUnreadable) -> ServiceError {
    match error {
        RequestUnreadable::Item(item) => ServiceError::from(Code::ItemUnreadable)
            .detail(item.reason)
            .member("seq", item.seq.get()),
        RequestUnreadable::Message(e) => {
            let place = format!(
                "Not an exchange request, at line {}, column {}.",
                e.line(),
                e.column()
            );
            ServiceError::from(Code::JsonMalformed).item(ErrorItem::at(
                "",
                "message_malformed",
                place,
            ))
        }
        RequestUnreadable::Parse(e) => {
            ServiceError::from(Code::FieldInvalid).item(ErrorItem::at("", e.code(), e.to_string()))
        }
    }
}
