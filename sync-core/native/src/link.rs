//! The enrolment link: address, organisation, one-time code, and what to pin. All but the address stands behind `#`, which
//! no browser and no proxy sends or logs.

use std::str::FromStr;

use crate::error::{Error, Trouble};

/// `https://host:port/enrol#o=<organisation>&c=<code>&r=<root key>&t=<certificate, optional>`
#[derive(Clone, PartialEq, Eq)]
pub struct EnrolLink {
    /// Scheme, host and port.
    pub server: String,
    /// The organisation's short name.
    pub organisation: String,
    /// The one-time code.
    pub code: String,
    /// SHA-256 of the organisation's root key, hexadecimal.
    pub root: String,
    /// SHA-256 of the server's certificate, hexadecimal, where no public authority vouches for it.
    pub certificate: Option<String>,
}

impl std::fmt::Debug for EnrolLink {
    /// Without the code.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrolLink({}, {})", self.server, self.organisation)
    }
}

fn bad(what: &str) -> Error {
    Error::new(
        Trouble::Link,
        format!("This is not a whole enrolment link: {what}."),
        "The device was not enrolled.",
        "Copy the link again from your coordinator's screen, from `https://` to the end, in quotation marks.",
    )
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl FromStr for EnrolLink {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let text = text.trim();
        let (address, fragment) = text.split_once('#').ok_or_else(|| bad("it has no `#`"))?;
        let server = address
            .trim_end_matches('/')
            .strip_suffix("/enrol")
            .ok_or_else(|| bad("it does not lead to `/enrol`"))?;
        check_server(server)?;
        let (mut organisation, mut code, mut root, mut certificate) = (None, None, None, None);
        for part in fragment.split('&') {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = Some(value.to_owned()).filter(|v| !v.is_empty());
            match name {
                "o" => organisation = value,
                "c" => code = value,
                "r" => root = value.map(|v| v.to_ascii_lowercase()),
                "t" => certificate = value.map(|v| v.to_ascii_lowercase()),
                // A newer server may say more.
                _ => {}
            }
        }
        let root = root.ok_or_else(|| bad("the organisation's key is missing"))?;
        if !is_hash(&root) || certificate.as_deref().is_some_and(|c| !is_hash(c)) {
            return Err(bad("a fingerprint is cut"));
        }
        Ok(Self {
            server: server.to_owned(),
            organisation: organisation.ok_or_else(|| bad("the organisation is missing"))?,
            code: code.ok_or_else(|| bad("the code is missing"))?,
            root,
            certificate,
        })
    }
}

/// TLS, or the same machine.
fn check_server(server: &str) -> Result<(), Error> {
    if server
        .strip_prefix("https://")
        .is_some_and(|h| !h.is_empty() && !h.contains('/'))
    {
        return Ok(());
    }
    let host = server.strip_prefix("http://").unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if matches!(name, "127.0.0.1" | "localhost" | "[::1]") {
        return Ok(());
    }
    Err(bad("it does not begin with `https://` and a host"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(fragment: &str) -> String {
        format!("https://survey.example.org:8443/enrol#{fragment}")
    }

    #[test]
    fn a_link_reads_and_a_cut_one_does_not() {
        let (r, t) = ("a".repeat(64), "B".repeat(64));
        let whole: EnrolLink = link(&format!("o=mekong&c=ABCD-EFGH&r={r}&t={t}&new=1"))
            .parse()
            .unwrap();
        assert_eq!(whole.server, "https://survey.example.org:8443");
        assert_eq!(whole.certificate, Some("b".repeat(64)));
        assert!(!format!("{whole:?}").contains("ABCD"));
        let public: EnrolLink = link(&format!("o=mekong&c=A&r={r}")).parse().unwrap();
        assert_eq!(public.certificate, None);
        for bad in [
            link(&format!("c=A&r={r}")),
            link("o=mekong&c=A"),
            link(&format!("o=mekong&c=A&r={}", &r[..60])),
            format!("http://survey.example.org/enrol#o=m&c=A&r={r}"),
            format!("https://survey.example.org/login#o=m&c=A&r={r}"),
            "https://survey.example.org/enrol".to_owned(),
        ] {
            assert_eq!(
                *bad.parse::<EnrolLink>().unwrap_err().trouble(),
                Trouble::Link
            );
        }
    }
}
