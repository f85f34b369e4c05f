//! Who is asking: a credential is taken from the request here, and looked up in the same hop that does the work.
//!
//! A handler names [`UserAuth`], [`DeviceAuth`] or [`ServerAdminAuth`] and calls `run`: there is no way to the work but
//! through the check, and rights come from the database at that moment.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use zeroize::Zeroizing;

use super::{HttpOptions, blocking};
use crate::service::Service;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::principal::{Device, ServerAdmin, SignedIn, User};

/// A bearer token and the service that can judge it.
struct Bearer {
    token: Zeroizing<String>,
    service: web::Data<Service>,
    /// It came in the cookie of the plain page. Only the page makes one: the API takes no cookie.
    page: bool,
}

impl Bearer {
    fn from(req: &HttpRequest) -> Result<Self> {
        let value = req
            .headers()
            .get(header::AUTHORIZATION)
            .ok_or(Code::CredentialMissing)?;
        let text = value.to_str().map_err(|_| Code::CredentialMissing)?;
        let (scheme, token) = text.split_once(' ').ok_or(Code::CredentialMissing)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.len() > 4_096 {
            return Err(Code::CredentialMissing.into());
        }
        let service = req.app_data::<web::Data<Service>>().ok_or(Code::Internal)?;
        Ok(Self {
            token: Zeroizing::new(token.trim().to_owned()),
            service: service.clone(),
            page: false,
        })
    }
    async fn run<P, T: Send + 'static>(
        self,
        check: impl FnOnce(&Service, &str) -> Result<P> + Send + 'static,
        work: impl FnOnce(&Service, &P) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { token, service, .. } = self;
        blocking(service, move |service| {
            let who = check(service, &token)?;
            work(service, &who)
        })
        .await
    }
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name(Bearer);
        impl FromRequest for $name {
            type Error = ServiceError;
            type Future = Ready<Result<Self>>;
            fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(Bearer::from(req).map($name))
            }
        }
    };
}

credential!(
    /// A user of an organisation.
    UserAuth
);
credential!(
    /// Somebody who looks after the server.
    ServerAdminAuth
);
credential!(
    /// Whoever is signed in.
    SignedInAuth
);
credential!(
    /// A device.
    DeviceAuth
);

impl UserAuth {
    /// A user of the plain page, by its cookie.
    pub(super) fn of_page(service: web::Data<Service>, cookie: String) -> Self {
        Self(Bearer {
            token: Zeroizing::new(cookie),
            service,
            page: true,
        })
    }
    /// Checks the credential and does the work, in one hop.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service, &User) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let check = if self.0.page {
            Service::page_user
        } else {
            Service::user
        };
        self.0.run(check, work).await
    }
}
impl ServerAdminAuth {
    /// Checks the credential and does the work, in one hop.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service, &ServerAdmin) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.run(Service::server_admin, work).await
    }
}
impl SignedInAuth {
    /// Checks the credential and does the work, in one hop.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service, &SignedIn) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.run(Service::signed_in, work).await
    }
}
impl DeviceAuth {
    /// Checks the credential, refuses a revoked device, and does the work, in one hop.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service, &Device) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let check = |service: &Service, token: &str| {
            let device = service.device(token)?;
            device.require_live()?;
            Ok(device)
        };
        self.0.run(check, work).await
    }
    /// The same, but lets a revoked device in: only for what it pushes, which goes into quarantine, and for what must
    /// come before that after a fork or a restore. No work behind this may answer with what a record holds.
    pub async fn run_even_revoked<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service, &Device) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.0.run(Service::device, work).await
    }
}

/// The address that asks: the peer, or what the proxy in front says.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl FromRequest for Peer {
    type Error = ServiceError;
    type Future = Ready<Result<Self>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let behind = req
            .app_data::<web::Data<HttpOptions>>()
            .is_some_and(|o| o.behind_proxy);
        let forwarded = behind.then(|| forwarded(req)).flatten();
        let peer = req.peer_addr().map(|addr| addr.ip());
        ready(Ok(Self(
            forwarded
                .or(peer)
                .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
        )))
    }
}

/// The last entry is the proxy's own word; those before it are the client's.
fn forwarded(req: &HttpRequest) -> Option<IpAddr> {
    let value = req.headers().get_all("x-forwarded-for").last()?;
    value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}
