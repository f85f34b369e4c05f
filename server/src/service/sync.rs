//! The sync protocol as a device calls it: who it is was checked, the message was read; here it meets the rules.
//!
//! A pull is audited by its scope entries and confirmed cursor, not by a row a request.

use tributary_sync_core::ids::FormHash;
use tributary_sync_core::wire::enrol::FormDelivery;
use tributary_sync_core::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, ExchangeReply, ExchangeRequest,
    LostRequest, RequestUnreadable,
};

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
    /// Where device and server agree.
    pub fn compare(&self, device: &Device, request: CompareRequest) -> Result<CompareReply> {
        device.require_live()?;
        Ok(exchange::compare(
            &self.files,
            &self.env(),
            &device.caller(),
            request,
        )?)
    }
    /// What the device can never resend.
    pub fn lost(&self, device: &Device, request: LostRequest) -> Result<()> {
        device.require_live()?;
        Ok(exchange::lost(
            &self.files,
            &self.env(),
            &device.caller(),
            request,
        )?)
    }
    /// A new actor.
    pub fn new_actor(&self, device: &Device, request: &ActorRequest) -> Result<ActorReply> {
        device.require_live()?;
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

/// A request that could not be read, as a refusal: one bad item is named by its number.
pub fn unreadable(error: RequestUnreadable) -> ServiceError {
    match error {
        RequestUnreadable::Item(item) => ServiceError::from(Code::ItemUnreadable)
            .detail(item.reason)
            .member("sequence", item.seq.get())
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
