//! The primitives of a frame: postcard's variable-length integers, zigzag for signed ones, raw and length-prefixed bytes.

use crate::clock::Hlc;
use crate::error::ParseError;
use crate::ids::{COUNTER_MAX, Seq};

pub(super) const BAD: ParseError = ParseError::Bytes("not a frame");

/// What is written.
#[derive(Default)]
pub(super) struct Out(pub(super) Vec<u8>);

impl Out {
    pub(super) fn uint(&mut self, n: u64) {
        // Most numbers are below 128, and such a one is its own byte.
        match u8::try_from(n) {
            Ok(byte) if byte < 0x80 => self.0.push(byte),
            _ => {
                let bytes = std::mem::take(&mut self.0);
                // Extending a vector cannot fail.
                self.0 = postcard::to_extend(&n, bytes).unwrap_or_default();
            }
        }
    }
    pub(super) fn count(&mut self, n: usize) {
        self.uint(n as u64);
    }
    /// A signed number, small ones in few bytes whatever their sign.
    pub(super) fn int(&mut self, n: i64) {
        self.uint((n << 1 ^ n >> 63).cast_unsigned());
    }
    /// `n` as seen from `base`; both below 2^53.
    pub(super) fn delta(&mut self, n: u64, base: u64) {
        self.int(n.cast_signed().wrapping_sub(base.cast_signed()));
    }
    /// A clock as seen from a millisecond: the difference, its lowest bit telling whether a counter follows.
    pub(super) fn hlc(&mut self, clock: Hlc, base_ms: u64) {
        let delta = clock.ms().cast_signed() - base_ms.cast_signed();
        self.int(delta << 1 | i64::from(clock.n() != 0));
        if clock.n() != 0 {
            self.uint(clock.n().into());
        }
    }
    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    /// Bytes behind their length.
    pub(super) fn block(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }
    /// Bytes that usually are hexadecimal text of `N` bytes: those `N`, or the text as it is.
    pub(super) fn hex<const N: usize>(&mut self, text: &str) {
        let mut bytes = [0; N];
        let lower = !text.bytes().any(|b| b.is_ascii_uppercase());
        if lower && hex::decode_to_slice(text, &mut bytes).is_ok() {
            self.uint(0);
            self.raw(&bytes);
        } else {
            self.count(text.len() + 1);
            self.raw(text.as_bytes());
        }
    }
    pub(super) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.byte(value.is_some().into());
        if let Some(value) = value {
            write(self, value);
        }
    }
}

/// What is still to be read.
#[derive(Clone, Copy)]
pub(super) struct In<'a>(pub(super) &'a [u8]);

impl<'a> In<'a> {
    pub(super) fn uint(&mut self) -> Result<u64, ParseError> {
        match self.0.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.0 = rest;
                Ok(byte.into())
            }
            _ => {
                let (n, rest) = postcard::take_from_bytes(self.0).map_err(|_| BAD)?;
                self.0 = rest;
                Ok(n)
            }
        }
    }
    pub(super) fn u32(&mut self) -> Result<u32, ParseError> {
        self.uint()?.try_into().map_err(|_| BAD)
    }
    pub(super) fn index(&mut self) -> Result<usize, ParseError> {
        self.uint()?.try_into().map_err(|_| BAD)
    }
    /// How many things of at least `size` bytes follow: never more than the rest could hold.
    pub(super) fn count(&mut self, size: usize) -> Result<usize, ParseError> {
        let n = self.index()?;
        match n.checked_mul(size) {
            Some(bytes) if bytes <= self.0.len() => Ok(n),
            _ => Err(BAD),
        }
    }
    pub(super) fn int(&mut self) -> Result<i64, ParseError> {
        let n = self.uint()?;
        Ok((n >> 1).cast_signed() ^ -(n & 1).cast_signed())
    }
    pub(super) fn delta(&mut self, base: u64) -> Result<u64, ParseError> {
        let n = base.cast_signed().wrapping_add(self.int()?);
        match u64::try_from(n) {
            Ok(n) if n <= COUNTER_MAX => Ok(n),
            _ => Err(ParseError::Counter),
        }
    }
    pub(super) fn seq(&mut self) -> Result<Seq, ParseError> {
        Seq::new(self.uint()?)
    }
    pub(super) fn hlc(&mut self, base_ms: u64) -> Result<Hlc, ParseError> {
        let delta = self.int()?;
        let ms = base_ms.cast_signed().wrapping_add(delta >> 1);
        let n = match delta & 1 {
            0 => 0,
            _ => self.uint()?.try_into().map_err(|_| BAD)?,
        };
        Hlc::new(u64::try_from(ms).map_err(|_| ParseError::Counter)?, n)
    }
    pub(super) fn byte(&mut self) -> Result<u8, ParseError> {
        let (byte, rest) = self.0.split_first().ok_or(BAD)?;
        self.0 = rest;
        Ok(*byte)
    }
    pub(super) fn bool(&mut self) -> Result<bool, ParseError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(BAD),
        }
    }
    pub(super) fn raw(&mut self, len: usize) -> Result<&'a [u8], ParseError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(BAD)?;
        self.0 = rest;
        Ok(taken)
    }
    pub(super) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        self.raw(N)?.try_into().map_err(|_| BAD)
    }
    pub(super) fn block(&mut self) -> Result<&'a [u8], ParseError> {
        let len = self.index()?;
        self.raw(len)
    }
    pub(super) fn text(&mut self) -> Result<&'a str, ParseError> {
        std::str::from_utf8(self.block()?).map_err(|_| BAD)
    }
    pub(super) fn hex<const N: usize>(&mut self) -> Result<String, ParseError> {
        match self.index()? {
            0 => Ok(hex::encode(self.fixed::<N>()?)),
            len => {
                let text = self.raw(len - 1)?;
                Ok(std::str::from_utf8(text).map_err(|_| BAD)?.to_owned())
            }
        }
    }
    pub(super) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        match self.bool()? {
            true => read(self).map(Some),
            false => Ok(None),
        }
    }
    /// Nothing may follow.
    pub(super) fn end(&self) -> Result<(), ParseError> {
        if self.0.is_empty() { Ok(()) } else { Err(BAD) }
    }
}
