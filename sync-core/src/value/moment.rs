//! Days, times of day and moments. One spelling each on the wire; people's and forms' shorter ones are taken by `parse`.

use std::fmt;

use crate::error::ParseError;

/// A time of day in milliseconds since midnight, with the offset if one was noted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    ms: u32,
    offset_min: Option<i16>,
}

/// A local date and time with its offset from UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateTime {
    date: jiff::civil::Date,
    ms: u32,
    offset_min: i16,
}

const DAY_MS: u32 = 86_400_000;
const OFFSET_MIN_MAX: i16 = 14 * 60;

fn offset(minutes: i16) -> Result<i16, ParseError> {
    if minutes.abs() <= OFFSET_MIN_MAX {
        Ok(minutes)
    } else {
        Err(ParseError::Value("time offset"))
    }
}

fn fmt_ms(ms: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (s, milli) = (ms / 1000, ms % 1000);
    write!(
        f,
        "{:02}:{:02}:{:02}.{milli:03}",
        s / 3600,
        s / 60 % 60,
        s % 60
    )
}

fn fmt_offset(minutes: i16, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if minutes == 0 {
        return f.write_str("Z");
    }
    let m = minutes.unsigned_abs();
    write!(
        f,
        "{}{:02}:{:02}",
        if minutes < 0 { '-' } else { '+' },
        m / 60,
        m % 60
    )
}

/// `hh:mm[:ss[.fff]]` and, if there, `Z` or `±hh[:mm]`.
fn parse_time(text: &str) -> Result<(u32, Option<i16>), ParseError> {
    let bad = ParseError::Value("time");
    let cut = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (clock, zone) = text.split_at(cut);
    let t: jiff::civil::Time = clock.parse().map_err(|_| bad.clone())?;
    let ms = (u32::from(t.hour().unsigned_abs()) * 3600
        + u32::from(t.minute().unsigned_abs()) * 60
        + u32::from(t.second().unsigned_abs()))
        * 1000
        + u32::from(t.millisecond().unsigned_abs());
    let zone = match zone {
        "" => None,
        "Z" => Some(0),
        z => {
            let sign = if z.starts_with('-') { -1 } else { 1 };
            let digits: String = z[1..].chars().filter(|c| *c != ':').collect();
            if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(bad);
            }
            let hours: i16 = digits[..2].parse().map_err(|_| bad.clone())?;
            let minutes: i16 = digits
                .get(2..)
                .filter(|m| !m.is_empty())
                .map_or(Ok(0), str::parse)
                .map_err(|_| bad)?;
            Some(offset(sign * (hours * 60 + minutes))?)
        }
    };
    Ok((ms, zone))
}

impl Time {
    /// From its parts.
    pub fn new(ms: u32, offset_min: Option<i16>) -> Result<Self, ParseError> {
        if ms >= DAY_MS {
            return Err(ParseError::Value("time"));
        }
        Ok(Self {
            ms,
            offset_min: offset_min.map(offset).transpose()?,
        })
    }
    /// `14:05:00.000` or `14:05:00.000+07:00`; shorter spellings are taken too.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (ms, offset_min) = parse_time(text)?;
        Self::new(ms, offset_min)
    }
    /// Takes only what [`fmt::Display`] writes.
    pub(crate) fn parse_canonical(text: &str) -> Result<Self, ParseError> {
        let (ms, offset_min) = parse_canonical(text)?;
        Self::new(ms, offset_min)
    }
    /// Milliseconds since midnight.
    pub fn ms(self) -> u32 {
        self.ms
    }
    /// Minutes east of UTC, if noted.
    pub fn offset_min(self) -> Option<i16> {
        self.offset_min
    }
}
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt_ms(self.ms, f)?;
        self.offset_min.map_or(Ok(()), |m| fmt_offset(m, f))
    }
}

impl DateTime {
    /// From its parts.
    pub fn new(date: jiff::civil::Date, ms: u32, offset_min: i16) -> Result<Self, ParseError> {
        let date = date_in_range(date)?;
        if ms >= DAY_MS {
            return Err(ParseError::Value("datetime"));
        }
        Ok(Self {
            date,
            ms,
            offset_min: offset(offset_min)?,
        })
    }
    /// RFC 3339 with an offset, to the millisecond.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let (date, time) = text.split_once('T').ok_or(ParseError::Value("datetime"))?;
        let (ms, offset_min) = parse_time(time)?;
        Self::new(
            parse_date(date)?,
            ms,
            offset_min.ok_or(ParseError::Value("datetime"))?,
        )
    }
    /// Takes only what [`fmt::Display`] writes.
    pub(crate) fn parse_canonical(text: &str) -> Result<Self, ParseError> {
        const BAD: ParseError = ParseError::Value("datetime");
        let (date, time) = text.split_once('T').ok_or(BAD)?;
        let (ms, offset_min) = parse_canonical(time)?;
        Self::new(parse_date(date)?, ms, offset_min.ok_or(BAD)?)
    }
    /// The local day.
    pub fn date(self) -> jiff::civil::Date {
        self.date
    }
    /// Milliseconds since local midnight.
    pub fn ms(self) -> u32 {
        self.ms
    }
    /// Minutes east of UTC.
    pub fn offset_min(self) -> i16 {
        self.offset_min
    }
}
impl fmt::Display for DateTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}T", self.date)?;
        fmt_ms(self.ms, f)?;
        fmt_offset(self.offset_min, f)
    }
}

/// The day, if its year is one of 0 to 9999.
pub(crate) fn date_in_range(date: jiff::civil::Date) -> Result<jiff::civil::Date, ParseError> {
    if date.year() >= 0 {
        Ok(date)
    } else {
        Err(ParseError::Value("date"))
    }
}

/// The decimal digits of `text` as a number; nothing but digits is taken.
fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

/// A calendar day `YYYY-MM-DD`, years 0 to 9999.
pub fn parse_date(text: &str) -> Result<jiff::civil::Date, ParseError> {
    let part = |range| i16::try_from(digits(text.get(range)?)?).ok();
    let day = || {
        let dashes = text.get(4..5)? == "-" && text.get(7..8)? == "-" && text.len() == 10;
        let (year, month, day) = (part(0..4)?, part(5..7)?, part(8..10)?);
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        jiff::civil::Date::new(year, month, day)
            .ok()
            .filter(|_| dashes)
    };
    day().ok_or(ParseError::Value("date"))
}

/// `hh:mm:ss.fff` and, if there, `Z` or `±hh:mm`: the one canonical spelling.
fn parse_canonical(text: &str) -> Result<(u32, Option<i16>), ParseError> {
    let read = || {
        let part = |range| digits(text.get(range)?);
        let at = |i: usize| text.as_bytes().get(i).copied();
        let marks = at(2) == Some(b':') && at(5) == Some(b':') && at(8) == Some(b'.');
        let (h, m, s, ms) = (part(0..2)?, part(3..5)?, part(6..8)?, part(9..12)?);
        let in_range = marks && h < 24 && m < 60 && s < 60;
        let zone = match text.get(12..)? {
            "" => None,
            "Z" => Some(0),
            zone => {
                let minutes = digits(zone.get(1..3)?)? * 60 + digits(zone.get(4..6)?)?;
                let minutes = i16::try_from(minutes).ok()?;
                let canonical = zone.len() == 6
                    && zone.get(3..4)? == ":"
                    && digits(zone.get(4..6)?)? < 60
                    && minutes != 0;
                Some(match zone.get(..1)? {
                    "+" if canonical => minutes,
                    "-" if canonical => -minutes,
                    _ => return None,
                })
            }
        };
        in_range.then_some((((h * 60 + m) * 60 + s) * 1000 + ms, zone))
    };
    read().ok_or(ParseError::Value("time"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_their_offset() {
        let t = DateTime::parse("2026-11-24T09:12:33.250+07:00").unwrap();
        assert_eq!(t.to_string(), "2026-11-24T09:12:33.250+07:00");
        assert_eq!(
            DateTime::parse("2026-11-24T09:12:33Z").unwrap().to_string(),
            "2026-11-24T09:12:33.000Z"
        );
        assert_eq!(Time::parse("09:12").unwrap().to_string(), "09:12:00.000");
        for bad in [
            "2026-11-24",
            "2026-11-24T25:00:00Z",
            "2026-11-24T09:12:33",
            "2026-11-24T09:12:33+99:00",
        ] {
            assert!(DateTime::parse(bad).is_err(), "{bad} was taken");
        }
        assert!(parse_date("2569-02-30").is_err());
    }
}
