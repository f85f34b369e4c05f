//! TLS by rustls with one provider, aws-lc-rs; and a certificate of our own making.
//!
//! Not here: where certificates lie; see `startup`.

use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

/// Names the one provider for all that asks for a default.
pub fn install_provider() {
    // An error says that it was named before.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// A certificate chain and its private key, PEM.
pub struct Pem {
    /// The chain, the server's own certificate first.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

impl Pem {
    /// For a listener.
    pub fn server_config(&self) -> Result<ServerConfig> {
        let key = PrivateKeyDer::from_pem_slice(&self.key).context("reading the private key")?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain()?, key)
            .context("using the certificate with its key")
    }
    /// SHA-256 of the server's own certificate, hexadecimal.
    pub fn fingerprint(&self) -> Result<String> {
        let chain = self.chain()?;
        let own = chain.first().context("the file holds no certificate")?;
        Ok(hex::encode(Sha256::digest(own)))
    }
    fn chain(&self) -> Result<Vec<CertificateDer<'static>>> {
        let chain: std::result::Result<Vec<_>, _> =
            CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.context("reading the certificate")?;
        anyhow::ensure!(!chain.is_empty(), "the file holds no certificate");
        Ok(chain)
    }

    /// A certificate of our own: for this machine's names and addresses, and the public one.
    pub fn self_signed(public_host: Option<&str>) -> Result<Self> {
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
        Ok(Self {
            certificate: certificate.pem().into_bytes(),
            key: key.serialize_pem().into_bytes(),
        })
    }
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
    fn a_certificate_of_our_own_serves() {
        let pem = Pem::self_signed(Some("survey.example.org")).unwrap();
        assert_eq!(pem.fingerprint().unwrap().len(), 64);
        pem.server_config().unwrap();
    }

    #[test]
    fn a_key_of_another_certificate_and_nonsense_are_refused() {
        let (one, two) = (
            Pem::self_signed(None).unwrap(),
            Pem::self_signed(None).unwrap(),
        );
        let mixed = Pem {
            certificate: one.certificate.clone(),
            key: two.key,
        };
        assert!(mixed.server_config().is_err());
        let none = Pem {
            certificate: b"nonsense".to_vec(),
            key: one.key,
        };
        assert!(none.server_config().is_err());
        assert!(none.fingerprint().is_err());
    }
}
