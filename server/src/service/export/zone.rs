//! Instants in the time zone of the download. The zones are built in, so that a server without a zone database writes
//! the same bytes.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::error::Result;
use super::options::invalid;

/// A time zone.
pub(super) struct Zone {
    name: String,
    zone: TimeZone,
}

/// The zone of an organisation that has set none.
pub(super) const DEFAULT_ZONE: &str = "UTC";

impl Zone {
    /// By its IANA name.
    pub(super) fn named(option: &'static str, name: &str) -> Result<Self> {
        let zone = TimeZone::get(name).map_err(|_| {
            invalid(
                option,
                "no such time zone; give an IANA name such as Asia/Bangkok",
            )
        })?;
        Ok(Self {
            name: name.to_owned(),
            zone,
        })
    }
    pub(super) fn name(&self) -> &str {
        &self.name
    }
    /// `2026-11-24T16:12:33.250+07:00`. What lies beyond the calendar (a broken clock) is written in milliseconds.
    pub(super) fn write(&self, ms: u64, out: &mut Vec<u8>) {
        let instant = i64::try_from(ms)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let Some(instant) = instant else {
            super::csv::number(out, i64::try_from(ms).unwrap_or(i64::MAX));
            return;
        };
        let offset = self.zone.to_offset(instant);
        let local = offset.to_datetime(instant);
        two(out, local.year().unsigned_abs() / 100);
        two(out, local.year().unsigned_abs() % 100);
        for (mark, part) in [
            (b'-', local.month()),
            (b'-', local.day()),
            (b'T', local.hour()),
            (b':', local.minute()),
            (b':', local.second()),
        ] {
            out.push(mark);
            two(out, u16::from(part.unsigned_abs()));
        }
        let milli = local.millisecond().unsigned_abs();
        out.push(b'.');
        out.push(b'0' + (milli / 100) as u8);
        two(out, milli % 100);
        let minutes = offset.seconds() / 60;
        if minutes == 0 {
            out.push(b'Z');
            return;
        }
        out.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = minutes.unsigned_abs();
        two(out, (minutes / 60) as u16);
        out.push(b':');
        two(out, (minutes % 60) as u16);
    }
    /// The same as text.
    pub(super) fn text(&self, ms: u64) -> String {
        let mut out = Vec::with_capacity(29);
        self.write(ms, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
    /// An instant of RFC 3339, or the start of a day in this zone.
    pub(super) fn instant(&self, option: &'static str, text: &str) -> Result<u64> {
        let bad = || invalid(option, "give an instant of RFC 3339 or a day");
        let instant = match text.parse::<Timestamp>() {
            Ok(instant) => instant,
            Err(_) => {
                let day: Date = text.parse().map_err(|_| bad())?;
                let start = day.to_datetime(jiff::civil::Time::midnight());
                self.zone.to_timestamp(start).map_err(|_| bad())?
            }
        };
        // Nothing was recorded before 1970.
        Ok(u64::try_from(instant.as_millisecond()).unwrap_or(0))
    }
}

fn two(out: &mut Vec<u8>, n: u16) {
    out.push(b'0' + (n / 10 % 10) as u8);
    out.push(b'0' + (n % 10) as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_in_the_zone_of_the_download() {
        let ms = 1_795_511_553_250;
        for (zone, text) in [
            ("Asia/Bangkok", "2026-11-24T16:12:33.250+07:00"),
            ("Asia/Yangon", "2026-11-24T15:42:33.250+06:30"),
            ("UTC", "2026-11-24T09:12:33.250Z"),
            ("America/New_York", "2026-11-24T04:12:33.250-05:00"),
        ] {
            assert_eq!(Zone::named("tz", zone).unwrap().text(ms), text);
        }
        let zone = Zone::named("tz", "Asia/Ho_Chi_Minh").unwrap();
        assert_eq!(zone.text((1 << 53) - 1), "9007199254740991");
        assert_eq!(zone.text(0), "1970-01-01T08:00:00.000+08:00");
        assert!(Zone::named("tz", "Asia/Nowhere").is_err());
    }

    #[test]
    fn a_day_starts_where_the_download_is() {
        let zone = Zone::named("tz", "Asia/Bangkok").unwrap();
        assert_eq!(
            zone.text(zone.instant("time", "2026-11-24").unwrap()),
            "2026-11-24T00:00:00.000+07:00"
        );
        assert_eq!(zone.instant("time", "1970-01-01T00:00:01Z").unwrap(), 1000);
        assert!(zone.instant("time", "yesterday").is_err());
    }
}
