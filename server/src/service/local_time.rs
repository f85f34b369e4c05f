//! Instants as the people of an organisation read them: in its time zone, which is always named.
//!
//! Not here: the instants of the API, which are UTC, and those of downloads, which keep a zone of their own.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tributary_sync_core::ids::OrgId;

use super::access::Action;
use super::error::{Result, invalid};
use super::export::TIME_ZONE_SETTING;
use super::{By, Service, ServiceError};

/// The time zone of an organisation.
#[derive(Clone, Debug)]
pub struct LocalTimes {
    name: String,
    zone: TimeZone,
}

impl LocalTimes {
    /// By the zone's IANA name, such as Asia/Phnom_Penh; UTC if there is none of that name.
    pub fn of(name: Option<String>) -> Self {
        let found = name.and_then(|name| Some((TimeZone::get(&name).ok()?, name)));
        let (zone, name) = found.unwrap_or((TimeZone::UTC, "UTC".to_owned()));
        Self { name, zone }
    }
    /// The zone's name.
    pub fn zone(&self) -> &str {
        &self.name
    }
    /// An instant of the API: `2026-11-24 16:12 +07:00`, or with `UTC` behind it. What is no instant stays as it is.
    pub fn say(&self, instant: &str) -> String {
        let Ok(at) = instant.parse::<Timestamp>() else {
            return instant.to_owned();
        };
        let offset = self.zone.to_offset(at);
        let local = offset.to_datetime(at);
        let (date, time) = (local.date(), local.time());
        let (hour, minute) = (time.hour(), time.minute());
        if offset.is_zero() {
            return format!("{date} {hour:02}:{minute:02} UTC");
        }
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.unsigned_abs() / 60;
        let (h, m) = (minutes / 60, minutes % 60);
        format!("{date} {hour:02}:{minute:02} {sign}{h:02}:{m:02}")
    }
}

impl Service {
    /// How to write times for the people of an organisation.
    pub fn local_times(&self, org: OrgId) -> Result<LocalTimes> {
        let name = self.files.read(org, |txn| txn.setting(TIME_ZONE_SETTING))?;
        Ok(LocalTimes::of(name))
    }
    /// Sets the time zone of an organisation: of its pages, and of downloads that name none.
    pub fn set_time_zone(&self, by: By<'_>, org: OrgId, name: &str) -> Result<()> {
        by.require(org, Action::ManageForms)?;
        if TimeZone::get(name).is_err() {
            let rule = "There is no such time zone. Give an IANA name, such as Asia/Phnom_Penh.";
            return Err(invalid("/time_zone", "time_zone_unknown", rule));
        }
        self.audit(by, org, "organisation.time_zone", None, None)?;
        let name = name.to_owned();
        self.files.write::<_, ServiceError>(org, move |txn| {
            Ok(txn.set_setting(TIME_ZONE_SETTING, &name)?)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_names_its_zone() {
        let instant = "2026-11-24T09:12:33.250Z";
        let khmer = LocalTimes::of(Some("Asia/Phnom_Penh".to_owned()));
        assert_eq!(khmer.say(instant), "2026-11-24 16:12 +07:00");
        assert_eq!(LocalTimes::of(None).say(instant), "2026-11-24 09:12 UTC");
        let unknown = LocalTimes::of(Some("Asia/Nowhere".to_owned()));
        assert_eq!(unknown.zone(), "UTC");
        assert_eq!(khmer.say("never"), "never");
    }
}
