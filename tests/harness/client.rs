//! An HTTP client that trusts the server's own certificate and nothing else.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::http::{Request, Response};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    fn read(response: Response<Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        let headers = parts.headers.iter().map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        });
        Self {
            status: parts.status.as_u16(),
            headers: headers.collect(),
            body: body.with_config().limit(1 << 30).read_to_vec().unwrap(),
        }
    }
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| {
            panic!(
                "status {}, no JSON ({e}): {}",
                self.status,
                String::from_utf8_lossy(&self.body)
            )
        })
    }
    /// The body as JSON, if the status is this one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        if self.body.is_empty() {
            Value::Null
        } else {
            self.json()
        }
    }
    /// That this is a whole problem document with this code; returns it.
    #[track_caller]
    pub fn expect_problem(&self, code: &str) -> Value {
        assert!(
            self.status >= 400,
            "{} {}",
            self.status,
            String::from_utf8_lossy(&self.body)
        );
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["type"], format!("urn:tributary:problem:{code}"));
        for member in ["title", "detail", "request_id", "server_time"] {
            assert!(
                problem[member].is_string(),
                "{member} is missing: {problem}"
            );
        }
        assert!(problem["retryable"].is_boolean());
        problem
    }
}

/// A client of one server, with or without a bearer token.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// Trusts the certificate, PEM.
    pub fn new(base: &str, certificate: &[u8]) -> Self {
        let trusted = Certificate::from_pem(certificate).unwrap();
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(vec![trusted])))
            .build();
        let agent = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(Duration::from_secs(60)))
            .build()
            .new_agent();
        Self {
            agent,
            base: base.to_owned(),
            token: None,
        }
    }
    /// The same with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<String>) -> Self {
        Self {
            token: Some(token.into()),
            ..self.clone()
        }
    }
    /// The bearer token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = if matches!(method, "GET" | "DELETE" | "HEAD") && body.is_empty() {
            self.agent.run(request.body(()).unwrap())
        } else {
            self.agent.run(request.body(body).unwrap())
        };
        Reply::read(response.unwrap())
    }
    /// GET.
    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], &[])
    }
    /// POST of JSON.
    pub fn post(&self, path: &str, body: &Value) -> Reply {
        let body = body.to_string();
        self.send(
            "POST",
            path,
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    }
    /// POST without a body.
    pub fn post_nothing(&self, path: &str) -> Reply {
        self.send("POST", path, &[], &[])
    }
}
