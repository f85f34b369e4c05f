//! The device talks to the one server whose certificate its link named, and to nobody else.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use sha2::{Digest, Sha256};
use tributary_native::https::Https;
use tributary_native::tls::{ServerProof, fetch_certificate};
use tributary_native::transport::{Call, Transport, TransportError};

const WAIT: Duration = Duration::from_secs(10);

/// A server that gives one answer to everything. Returns its address and certificate.
fn server(answer: Vec<u8>) -> (String, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(["elsewhere.invalid".to_owned()]).unwrap();
    let der = made.cert.der().to_vec();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!(
        "https://127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(connection, socket);
            let mut request = [0; 4096];
            if stream.read(&mut request).is_ok_and(|n| n > 0) {
                let _ = stream.write_all(&answer);
                stream.conn.send_close_notify();
                let _ = stream.flush();
            }
        }
    });
    (address, der)
}

fn http(body: &[u8], encoding: &str) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n{encoding}connection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn get() -> Call {
    Call {
        path: "/healthz".to_owned(),
        body: None,
        token: None,
        timeout: WAIT,
    }
}

#[test]
fn a_pinned_certificate_is_enough_whatever_its_names_and_no_other_is() {
    let packed = zstd::bulk::compress(b"here I am", 3).unwrap();
    let (address, der) = server(http(&packed, "content-encoding: zstd\r\n"));
    let hash = hex::encode(Sha256::digest(&der));
    assert_eq!(fetch_certificate(&address, &hash, WAIT).unwrap(), der);
    let other = fetch_certificate(&address, &"0".repeat(64), WAIT);
    assert!(
        matches!(other, Err(TransportError::Untrusted(_))),
        "{other:?}"
    );

    let mut pinned = Https::new(&address, &ServerProof::Certificate(der)).unwrap();
    let answer = pinned.send(&get()).unwrap();
    assert_eq!(
        (answer.status, answer.body.as_slice()),
        (200, b"here I am".as_slice())
    );

    let (_, thief) = server(http(b"", ""));
    let mut moved = Https::new(&address, &ServerProof::Certificate(thief)).unwrap();
    let refused = moved.send(&get());
    assert!(
        matches!(refused, Err(TransportError::Untrusted(_))),
        "{refused:?}"
    );
    let mut public = Https::new(&address, &ServerProof::PublicAuthority).unwrap();
    let refused = public.send(&get());
    assert!(
        matches!(refused, Err(TransportError::Untrusted(_))),
        "{refused:?}"
    );
}

#[test]
fn a_bomb_in_an_answer_is_refused() {
    let zeros = vec![0_u8; 80 * 1024 * 1024];
    let packed = zstd::bulk::compress(&zeros, 1).unwrap();
    let (address, der) = server(http(&packed, "content-encoding: zstd\r\n"));
    let mut pinned = Https::new(&address, &ServerProof::Certificate(der)).unwrap();
    let refused = pinned.send(&get());
    assert!(
        matches!(refused, Err(TransportError::Unreadable(_))),
        "{refused:?}"
    );
}

#[test]
fn nobody_there_is_said_as_such() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!(
        "https://127.0.0.1:{}",
        listener.local_addr().unwrap().port()
    );
    drop(listener);
    let mut nobody = Https::new(&address, &ServerProof::PublicAuthority).unwrap();
    let refused = nobody.send(&get());
    assert!(
        matches!(refused, Err(TransportError::Unreachable(_))),
        "{refused:?}"
    );
}
