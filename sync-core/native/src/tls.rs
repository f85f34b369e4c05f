//! Which server the device talks to: one whose exact certificate was pinned, or one that a public authority vouches for.
//!
//! A pinned certificate is compared byte by byte: neither its names nor its dates count, so that a phone with a wrong
//! clock still syncs with its own server, and with nobody else.

use std::io::Write;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use sha2::{Digest, Sha256};

use crate::transport::TransportError;

/// How the server proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerProof {
    /// By this certificate, DER.
    Certificate(Vec<u8>),
    /// By a certificate of a public authority.
    PublicAuthority,
    /// It stands on this machine and speaks plain HTTP.
    SameMachine,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// The TLS configuration for a proof.
pub fn config(proof: &ServerProof) -> Result<Arc<ClientConfig>, TransportError> {
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| TransportError::Untrusted(e.to_string()))?;
    let config = match proof {
        ServerProof::Certificate(der) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Exactly::new(Accept::Der(der.clone()))))
            .with_no_client_auth(),
        _ => {
            let roots = RootCertStore {
                roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
            };
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    Ok(Arc::new(config))
}

/// Fetches the certificate that a server presents, if it has this SHA-256.
pub fn fetch_certificate(
    server: &str,
    sha256: &str,
    timeout: Duration,
) -> Result<Vec<u8>, TransportError> {
    let unreachable = |e: std::io::Error| TransportError::Unreachable(e.to_string());
    let host = server.strip_prefix("https://").unwrap_or(server);
    let address = match host.rsplit_once(':') {
        Some((_, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host.to_owned(),
        _ => format!("{host}:443"),
    };
    let name = address.rsplit_once(':').map_or(host, |(name, _)| name);
    let name = name.trim_matches(['[', ']']).to_owned();
    let name =
        ServerName::try_from(name).map_err(|e| TransportError::Unreachable(e.to_string()))?;
    let verifier = Arc::new(Exactly::new(Accept::Hash(sha256.to_owned())));
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| TransportError::Untrusted(e.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier.clone())
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name)
        .map_err(|e| TransportError::Untrusted(e.to_string()))?;
    let mut last = TransportError::Unreachable("the name has no address".to_owned());
    for address in address.to_socket_addrs().map_err(unreachable)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(mut socket) => {
                socket
                    .set_read_timeout(Some(timeout))
                    .map_err(unreachable)?;
                socket
                    .set_write_timeout(Some(timeout))
                    .map_err(unreachable)?;
                while connection.is_handshaking() {
                    let done = connection.complete_io(&mut socket);
                    done.map_err(|e| tls_failure(&e))?;
                }
                connection.send_close_notify();
                // The handshake is all that was wanted; how the goodbye goes does not matter.
                let _ = connection.complete_io(&mut socket);
                let _ = socket.flush();
                return verifier.take();
            }
            Err(e) => last = unreachable(e),
        }
    }
    Err(last)
}

/// Whether a failure is one of trust or one of the link.
pub(crate) fn tls_failure(e: &std::io::Error) -> TransportError {
    let inner = e.get_ref().and_then(|i| i.downcast_ref::<rustls::Error>());
    match (inner, e.kind()) {
        (Some(tls), _) => TransportError::Untrusted(tls.to_string()),
        (None, std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock) => {
            TransportError::TimedOut
        }
        _ => TransportError::Cut(e.kind().to_string()),
    }
}

#[derive(Debug)]
enum Accept {
    Der(Vec<u8>),
    Hash(String),
}

/// Accepts exactly one certificate.
#[derive(Debug)]
struct Exactly {
    accept: Accept,
    seen: Mutex<Option<Vec<u8>>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Exactly {
    fn new(accept: Accept) -> Self {
        Self {
            accept,
            seen: Mutex::new(None),
            algorithms: provider().signature_verification_algorithms,
        }
    }
    fn take(&self) -> Result<Vec<u8>, TransportError> {
        let mut seen = self.seen.lock().unwrap_or_else(|e| e.into_inner());
        seen.take()
            .ok_or_else(|| TransportError::Untrusted("no certificate".to_owned()))
    }
}

impl ServerCertVerifier for Exactly {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let same = match &self.accept {
            Accept::Der(der) => der.as_slice() == end_entity.as_ref(),
            Accept::Hash(hash) => *hash == hex::encode(Sha256::digest(end_entity.as_ref())),
        };
        if !same {
            return Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            ));
        }
        let mut seen = self.seen.lock().unwrap_or_else(|e| e.into_inner());
        *seen = Some(end_entity.to_vec());
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
