//! One range of bytes of something (RFC 9110, section 14): several at once are answered with all of it.

use actix_web::HttpRequest;
use actix_web::http::header;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Range {
    /// No range, or one that is not understood.
    None,
    /// From a byte on, to a byte or to the end.
    From(u64, Option<u64>),
    /// So many last bytes.
    Last(u64),
}

/// What that is of something of a known size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Part {
        start: u64,
        length: u64,
    },
    /// It begins behind the end.
    Nothing,
}

impl Range {
    /// Of a request.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let value = request.headers().get(header::RANGE);
        value
            .and_then(|v| v.to_str().ok())
            .map_or(Self::None, Self::read)
    }
    fn read(text: &str) -> Self {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| digits.parse::<u64>().ok()).flatten()
        };
        let range = text.strip_prefix("bytes=").and_then(|r| r.split_once('-'));
        match range.map(|(from, to)| (from.trim(), to.trim())) {
            Some(("", last)) => number(last).map_or(Self::None, Self::Last),
            Some((from, "")) => number(from).map_or(Self::None, |from| Self::From(from, None)),
            Some((from, to)) => match (number(from), number(to)) {
                (Some(from), Some(to)) if from <= to => Self::From(from, Some(to)),
                _ => Self::None,
            },
            None => Self::None,
        }
    }
    /// Of something of this size.
    pub(super) fn within(self, size: u64) -> Wanted {
        match self {
            Self::None => Wanted::All,
            Self::From(from, _) if from >= size => Wanted::Nothing,
            Self::From(from, to) => {
                let last = to.map_or(size - 1, |to| to.min(size - 1));
                Wanted::Part {
                    start: from,
                    length: last - from + 1,
                }
            }
            Self::Last(0) => Wanted::Nothing,
            Self::Last(_) if size == 0 => Wanted::Nothing,
            Self::Last(n) => {
                let length = n.min(size);
                Wanted::Part {
                    start: size - length,
                    length,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_it_says_and_nonsense_is_all() {
        let part = |start, length| Wanted::Part { start, length };
        for (text, wanted) in [
            ("bytes=0-", part(0, 10)),
            ("bytes=3-5", part(3, 3)),
            ("bytes=9-9", part(9, 1)),
            ("bytes=3-99", part(3, 7)),
            ("bytes=-4", part(6, 4)),
            ("bytes=-99", part(0, 10)),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=99999999999999999999-", Wanted::All),
            ("bytes=5-3", Wanted::All),
            ("bytes=1-2,4-5", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("lines=1-2", Wanted::All),
            ("", Wanted::All),
        ] {
            assert_eq!(Range::read(text).within(10), wanted, "{text}");
        }
        assert_eq!(Range::read("bytes=0-").within(0), Wanted::Nothing);
        assert_eq!(Range::None.within(0), Wanted::All);
    }
}
