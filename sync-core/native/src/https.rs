//! Calls over HTTPS, compressed with zstd both ways, bounded both ways.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, TcpConnector,
    Transport as Socket, TransportAdapter,
};

use crate::tls::{self, ServerProof, tls_failure};
use crate::transport::{Answer, Call, Transport, TransportError};

/// The largest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Smaller bodies grow when they are compressed.
const WORTH_PACKING: usize = 256;
const CONNECT: Duration = Duration::from_secs(20);

/// The transport of a real device.
pub struct Https {
    agent: Agent,
    server: String,
}

impl Https {
    /// Calls to `server` (scheme, host, port), which proves itself by `proof`.
    pub fn new(server: &str, proof: &ServerProof) -> Result<Self, TransportError> {
        let tls = ProvenTls(tls::config(proof)?);
        let config = ureq::config::Config::builder()
            .http_status_as_error(false)
            .https_only(*proof != ServerProof::SameMachine)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .timeout_connect(Some(CONNECT))
            .user_agent(concat!("tributary-field/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector = ().chain(TcpConnector::default()).chain(tls);
        Ok(Self {
            agent: Agent::with_parts(config, connector, DefaultResolver::default()),
            server: server.to_owned(),
        })
    }

    fn call(&self, call: &Call) -> Result<(ureq::http::Response<ureq::Body>, usize), ureq::Error> {
        let url = format!("{}{}", self.server, call.path);
        let token = call.token.as_ref().map(|t| format!("Bearer {t}"));
        match &call.body {
            None => {
                let mut request = self.agent.get(&url).header("accept-encoding", "zstd");
                if let Some(token) = &token {
                    request = request.header("authorization", token);
                }
                let request = request.config().timeout_global(Some(call.timeout)).build();
                Ok((request.call()?, 0))
            }
            Some(body) => {
                let mut request = self
                    .agent
                    .post(&url)
                    .header(
                        "content-type",
                        tributary_sync_core::session::content_type(body),
                    )
                    .header("accept-encoding", "zstd");
                if let Some(token) = &token {
                    request = request.header("authorization", token);
                }
                let packed = pack(body);
                if packed.is_some() {
                    request = request.header("content-encoding", "zstd");
                }
                let bytes = packed.as_deref().unwrap_or(body);
                let request = request.config().timeout_global(Some(call.timeout)).build();
                Ok((request.send(bytes)?, bytes.len()))
            }
        }
    }
}

fn pack(body: &[u8]) -> Option<Vec<u8>> {
    let packed = (body.len() >= WORTH_PACKING).then(|| zstd::bulk::compress(body, 3).ok())?;
    packed.filter(|p| p.len() < body.len())
}

impl Transport for Https {
    fn send(&mut self, call: &Call) -> Result<Answer, TransportError> {
        let (mut response, sent) = self.call(call).map_err(failure)?;
        let status = response.status().as_u16();
        let encoding = response.headers().get("content-encoding").cloned();
        let mut raw = Vec::new();
        let body = response.body_mut().as_reader();
        body.take(ANSWER_BYTES_MAX + 1)
            .read_to_end(&mut raw)
            .map_err(|e| read_failure(&e))?;
        let received = raw.len();
        let body = match encoding.as_ref().map(|e| e.as_bytes()) {
            Some(b"zstd") => unpack(&raw)?,
            None | Some(b"identity") => raw,
            Some(_) => return Err(TransportError::Unreadable("its compression".to_owned())),
        };
        if body.len() as u64 > ANSWER_BYTES_MAX {
            return Err(TransportError::Unreadable("too large".to_owned()));
        }
        Ok(Answer {
            status,
            body,
            sent,
            received,
        })
    }
}

/// Bounded before it is decoded.
fn unpack(raw: &[u8]) -> Result<Vec<u8>, TransportError> {
    let unreadable = |e: std::io::Error| TransportError::Unreadable(e.kind().to_string());
    let mut decoder = zstd::stream::read::Decoder::new(raw).map_err(unreadable)?;
    decoder.window_log_max(23).map_err(unreadable)?;
    let mut out = Vec::new();
    let read = decoder.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut out);
    read.map_err(unreadable)?;
    Ok(out)
}

fn failure(e: ureq::Error) -> TransportError {
    match e {
        ureq::Error::Timeout(_) => TransportError::TimedOut,
        ureq::Error::HostNotFound => {
            TransportError::Unreachable("its name is not known".to_owned())
        }
        ureq::Error::ConnectionFailed => TransportError::Unreachable("refused".to_owned()),
        ureq::Error::Io(e) => match e.kind() {
            std::io::ErrorKind::ConnectionRefused
            | std::io::ErrorKind::NetworkUnreachable
            | std::io::ErrorKind::HostUnreachable => {
                TransportError::Unreachable(e.kind().to_string())
            }
            _ => tls_failure(&e),
        },
        ureq::Error::Tls(e) => TransportError::Untrusted(e.to_owned()),
        ureq::Error::Rustls(e) => TransportError::Untrusted(e.to_string()),
        ureq::Error::RequireHttpsOnly(_) => TransportError::Untrusted("plain HTTP".to_owned()),
        other => TransportError::Cut(other.to_string()),
    }
}

fn read_failure(e: &std::io::Error) -> TransportError {
    match e.get_ref().and_then(|i| i.downcast_ref::<ureq::Error>()) {
        Some(ureq::Error::Timeout(_)) => TransportError::TimedOut,
        _ => tls_failure(e),
    }
}

/// TLS over whatever socket comes before it in the chain.
#[derive(Debug)]
struct ProvenTls(Arc<ClientConfig>);

impl<In: Socket> Connector<In> for ProvenTls {
    type Out = Either<In, TlsSocket>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(socket) = chained else {
            return Err(ureq::Error::ConnectionFailed);
        };
        if !details.needs_tls() || socket.is_tls() {
            return Ok(Some(Either::A(socket)));
        }
        let host = details.uri.host().unwrap_or_default();
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| ureq::Error::HostNotFound)?;
        let mut connection = ClientConnection::new(Arc::clone(&self.0), name)?;
        let mut socket = TransportAdapter::new(socket.boxed(), details.current_time.clone());
        socket.set_timeout(details.timeout);
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        let buffers = LazyBuffers::new(
            details.config.input_buffer_size(),
            details.config.output_buffer_size(),
        );
        Ok(Some(Either::B(TlsSocket {
            buffers,
            stream: StreamOwned::new(connection, socket),
        })))
    }
}

/// An encrypted socket.
struct TlsSocket {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl std::fmt::Debug for TlsSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsSocket")
    }
}

impl Socket for TlsSocket {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }
    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        use std::io::Write;
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        self.stream.flush()?;
        Ok(())
    }
    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.get_mut().set_timeout(timeout);
        let input = self.buffers.input_append_buf();
        let amount = self.stream.read(input)?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }
    fn is_open(&mut self) -> bool {
        self.stream.get_mut().get_mut().is_open()
    }
    fn is_tls(&self) -> bool {
        true
    }
}
