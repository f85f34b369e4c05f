//! Where certificates lie: the files that the settings name, or one of our own making in `keys/`.
//!
//! A certificate of our own makes `serve` work at once on a local network; enrolment links carry its fingerprint, which
//! devices pin.

use std::path::Path;

use anyhow::{Context, Result};
use rustls::ServerConfig;

use crate::config::Transport;
use crate::storage::folder::{DataFolder, read_private, write_private};
use crate::tls::Pem;

const CERTIFICATE: &str = "tls-certificate.pem";
const KEY: &str = "tls-key.pem";

/// What TLS needs, and the fingerprint where devices must pin it.
pub struct Tls {
    /// For the listener.
    pub config: ServerConfig,
    /// SHA-256 of the certificate, hexadecimal; only when it is of our own making.
    pub pin: Option<String>,
}

/// Reads what the settings name, and makes a certificate of our own where they name none. None: no TLS.
pub fn load(
    transport: &Transport,
    data: &DataFolder,
    public_host: Option<&str>,
) -> Result<Option<Tls>> {
    match transport {
        Transport::Plain => Ok(None),
        Transport::Files { certificate, key } => {
            let pem = Pem {
                certificate: read(certificate)?,
                key: read(key)?,
            };
            let named = || format!("{} with {}", certificate.display(), key.display());
            Ok(Some(Tls {
                config: pem.server_config().with_context(named)?,
                pin: None,
            }))
        }
        Transport::SelfSigned => {
            let pem = own(data, public_host)?;
            Ok(Some(Tls {
                config: pem.server_config()?,
                pin: Some(pem.fingerprint()?),
            }))
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// The certificate of our own, PEM: what a client on this machine may trust.
pub fn own_certificate(data: &DataFolder) -> Result<Vec<u8>> {
    let pem = read_private(&data.keys().join(CERTIFICATE))?;
    pem.context("there is no certificate of our own in the data folder")
}

fn own(data: &DataFolder, public_host: Option<&str>) -> Result<Pem> {
    let (certificate, key) = (data.keys().join(CERTIFICATE), data.keys().join(KEY));
    if let (Some(certificate), Some(key)) = (read_private(&certificate)?, read_private(&key)?) {
        return Ok(Pem { certificate, key });
    }
    let pem = Pem::self_signed(public_host)?;
    write_private(&key, &pem.key)?;
    write_private(&certificate, &pem.certificate)?;
    Ok(pem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_its_fingerprint_stays() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        data.create().unwrap();
        let first = load(&Transport::SelfSigned, &data, Some("survey.example.org")).unwrap();
        let second = load(&Transport::SelfSigned, &data, None).unwrap();
        assert_eq!(first.unwrap().pin.unwrap(), second.unwrap().pin.unwrap());
        assert!(
            own_certificate(&data)
                .unwrap()
                .starts_with(b"-----BEGIN CERTIFICATE-----")
        );
    }

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        let path = folder.path().join("cert.pem");
        let transport = Transport::Files {
            certificate: path.clone(),
            key: path.clone(),
        };
        let error = load(&transport, &data, None).err().unwrap();
        assert!(format!("{error:#}").contains("cert.pem"), "{error:#}");
        std::fs::write(&path, "nonsense").unwrap();
        let error = load(&transport, &data, None).err().unwrap();
        assert!(format!("{error:#}").contains("cert.pem"), "{error:#}");
    }
}
