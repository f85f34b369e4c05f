//! TLS by rustls with one provider, aws-lc-rs. Certificate files from the settings, or a certificate of our own making.
//!
//! A certificate of our own makes `serve` work at once on a local network; enrolment links carry its fingerprint, which
//! devices pin. Not here: plain HTTP.

use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

use crate::config::Transport;
use crate::storage::folder::{DataFolder, read_private, write_private};

/// Names the one provider for all that asks for a default.
pub fn install_provider() {
    // An error says that it was named before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// What TLS needs, and the fingerprint where devices must pin it.
pub struct Tls {
    /// For the listener.
    pub config: ServerConfig,
    /// SHA-256 of the certificate, hexadecimal; only when it is of our own making.
    pub pin: Option<String>,
}

const CERTIFICATE: &str = "tls-certificate.pem";
const KEY: &str = "tls-key.pem";

/// Reads what the settings name. None: no TLS.
pub fn load(
    transport: &Transport,
    data: &DataFolder,
    public_host: Option<&str>,
) -> Result<Option<Tls>> {
    let (certificate, key, own) = match transport {
        Transport::Plain => return Ok(None),
        Transport::Files { certificate, key } => (certificate.clone(), key.clone(), false),
        Transport::SelfSigned => {
            make_certificate(data, public_host)?;
            (data.keys().join(CERTIFICATE), data.keys().join(KEY), true)
        }
    };
    let chain = read_chain(&certificate)?;
    let pin = own
        .then(|| {
            chain
                .first()
                .map(|first| hex::encode(Sha256::digest(first)))
        })
        .flatten();
    let key = PrivateKeyDer::from_pem_file(&key)
        .with_context(|| format!("reading the private key {}", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| format!("using the certificate {}", certificate.display()))?;
    Ok(Some(Tls { config, pin }))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let context = || format!("reading the certificate {}", path.display());
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .with_context(context)?
        .collect::<std::result::Result<_, _>>()
        .with_context(context)?;
    anyhow::ensure!(!chain.is_empty(), "{} holds no certificate", path.display());
    Ok(chain)
}

/// The certificate of our own, PEM: what a client on this machine may trust.
pub fn own_certificate(data: &DataFolder) -> Result<Vec<u8>> {
    let pem = read_private(&data.keys().join(CERTIFICATE))?;
    pem.context("there is no certificate of our own in the data folder")
}

/// Makes a certificate, unless there is one: for this machine's names and addresses, and the public one.
pub fn make_certificate(data: &DataFolder, public_host: Option<&str>) -> Result<()> {
    if data.keys().join(CERTIFICATE).is_file() && data.keys().join(KEY).is_file() {
        return Ok(());
    }
    let mut names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        "::1".to_owned(),
    ];
    names.extend(local_address().map(|ip| ip.to_string()));
    names.extend(public_host.map(str::to_owned));
    names.sort();
    names.dedup();
    let mut params = CertificateParams::new(names)?;
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, "Tributary");
    params.distinguished_name = name;
    // It is trusted by its fingerprint and not by its dates; a phone that comes back after years must still get in.
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    write_private(&data.keys().join(KEY), key.serialize_pem().as_bytes())?;
    write_private(&data.keys().join(CERTIFICATE), certificate.pem().as_bytes())?;
    Ok(())
}

/// The address under which others on the local network see this machine. Nothing is sent.
pub fn local_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("10.255.255.255", 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified() && !ip.is_loopback()).then_some(ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_made_once_and_its_fingerprint_stays() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        data.create().unwrap();
        let first = load(&Transport::SelfSigned, &data, Some("survey.example.org"))
            .unwrap()
            .unwrap();
        let second = load(&Transport::SelfSigned, &data, None).unwrap().unwrap();
        assert_eq!(first.pin.as_ref().unwrap().len(), 64);
        assert_eq!(first.pin, second.pin);
        let own = own_certificate(&data).unwrap();
        assert!(own.starts_with(b"-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        let path = folder.path().join("cert.pem");
        std::fs::write(&path, "nonsense").unwrap();
        let transport = Transport::Files {
            certificate: path.clone(),
            key: path,
        };
        let error = load(&transport, &data, None).err().unwrap();
        assert!(format!("{error:#}").contains("cert.pem"), "{error:#}");
    }
}
