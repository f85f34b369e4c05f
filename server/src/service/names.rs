//! Names, slugs, labels and passwords, read once at the border: whoever holds one of these types holds a valid one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::error::{Code, Result, ServiceError, invalid};

/// How people name an organisation when they sign in: lower-case letters, digits and dashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slug(String);

/// The slug under which server admins sign in; no organisation has it.
pub const SERVER_SLUG: &str = "server";

impl Slug {
    /// Reads a slug from the field `pointer`.
    pub fn new(pointer: &str, text: &str) -> Result<Self> {
        let fits = (2..=40).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-');
        if !fits {
            let rule = "2 to 40 lower-case letters, digits and dashes, no dash at either end.";
            return Err(invalid(pointer, "slug_invalid", rule));
        }
        if text == SERVER_SLUG {
            let rule = "This one is kept for the server's own admins.";
            return Err(invalid(pointer, "slug_reserved", rule));
        }
        Ok(Self(text.to_owned()))
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = ServiceError;
    fn from_str(text: &str) -> Result<Self> {
        Self::new("/slug", text)
    }
}

/// A name of a user, team, organisation or device, in any script.
#[derive(Clone, PartialEq, Eq)]
pub struct Name(String);

impl Name {
    /// Reads a name from the field `pointer`; spaces around it do not count.
    pub fn new(pointer: &str, text: &str) -> Result<Self> {
        let text = text.trim();
        let length = text.chars().count();
        if length == 0 || length > 80 || text.len() > 320 || text.chars().any(char::is_control) {
            let rule = "1 to 80 characters, without line breaks.";
            return Err(invalid(pointer, "name_invalid", rule));
        }
        Ok(Self(text.to_owned()))
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The name as it is compared: names that differ only in case are one name.
    pub fn key(&self) -> String {
        self.0.to_lowercase()
    }
}
impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Name(…)")
    }
}

/// Something secret that somebody sent. It is wiped from memory when it is dropped, and never shown.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes it over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
    /// The text.
    pub fn expose(&self) -> &str {
        &self.0
    }
}
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(d: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(d).map(Self::new)
    }
}

/// A password that may be set.
#[derive(Clone)]
pub struct NewPassword(Secret);

impl NewPassword {
    /// Reads a password; its length is all that is asked of it.
    pub fn new(secret: Secret) -> Result<Self> {
        if (10..=200).contains(&secret.expose().chars().count()) {
            Ok(Self(secret))
        } else {
            Err(Code::PasswordWeak.into())
        }
    }
    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}
impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain_and_the_servers_own_is_kept() {
        assert!(Slug::new("/slug", "mekong-2").is_ok());
        for bad in [
            "",
            "a",
            "Mekong",
            "-ab",
            "ab-",
            "a b",
            "ab/..",
            "server",
            "แม่น้ำ",
        ] {
            assert!(Slug::new("/slug", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_take_any_script_and_no_control_characters() {
        assert_eq!(Name::new("/name", "  ຄຳ  ").unwrap().as_str(), "ຄຳ");
        assert_eq!(
            Name::new("/name", "Ánh").unwrap().key(),
            Name::new("/name", "ánh").unwrap().key()
        );
        for bad in ["", "   ", "a\nb", "a\u{0}b", &"x".repeat(81)] {
            assert!(Name::new("/name", bad).is_err());
        }
    }
}
