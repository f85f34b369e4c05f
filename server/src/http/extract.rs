//! Who is asking: a token is judged here before the body is read, and looked up in the same hop that does the work.
//!
//! A handler names [`UserAuth`], [`DeviceAuth`] or [`ServerAdminAuth`] and calls `run`: there is no way to the work but
//! through the check, and rights come from the database at that moment.

use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::intake::Intake;
use super::{HttpOptions, blocking};
use crate::service::Service;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::principal::{Device, DeviceClaim, ServerAdmin, SignedIn, User, UserClaim};

/// A token that was judged before anything else of the request was read, and the service that looks up what it is worth.
#[derive(Clone)]
struct Judged<C> {
    claim: C,
    service: web::Data<Service>,
}

/// The bearer token of a request.
fn bearer(req: &HttpRequest) -> Result<&str> {
    let value = req
        .headers()
        .get(header::AUTHORIZATION)
        .ok_or(Code::CredentialMissing)?;
    let text = value.to_str().map_err(|_| Code::CredentialMissing)?;
    let (scheme, token) = text.split_once(' ').ok_or(Code::CredentialMissing)?;
    if !scheme.eq_ignore_ascii_case("bearer") || token.len() > 4_096 {
        return Err(Code::CredentialMissing.into());
    }
    Ok(token.trim())
}

impl<C: Claim> Judged<C> {
    /// Whoever shows no good token is refused here: the body is not read.
    fn from(req: &HttpRequest) -> Result<Self> {
        let token = bearer(req)?;
        let service = req.app_data::<web::Data<Service>>().ok_or(Code::Internal)?;
        let claim = C::judge(service, token)?;
        if let Some(intake) = Intake::of(req) {
            intake.proven(claim.who());
        }
        Ok(Self {
            claim,
            service: service.clone(),
        })
    }
    async fn run<P, T: Send + 'static>(
        self,
        check: impl FnOnce(&Service, C) -> Result<P> + Send + 'static,
        work: impl FnOnce(&Service, &P) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let Self { claim, service } = self;
        blocking(service, move |service| {
            let who = check(service, claim)?;
            work(service, &who)
        })
        .await
    }
}

/// What a good token says.
trait Claim: Copy + Send + 'static {
    fn judge(service: &Service, token: &str) -> Result<Self>;
    fn who(&self) -> [u8; 16];
}
impl Claim for UserClaim {
    fn judge(service: &Service, token: &str) -> Result<Self> {
        service.user_claim(token)
    }
    fn who(&self) -> [u8; 16] {
        *self.user.as_bytes()
    }
}
impl Claim for DeviceClaim {
    fn judge(service: &Service, token: &str) -> Result<Self> {
        service.device_claim(token)
    }
    fn who(&self) -> [u8; 16] {
        *self.profile.as_bytes()
    }
}

macro_rules! credential {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $made:expr) => {
        $(#[$doc])*
        pub struct $name($inner);
        impl FromRequest for $name {
            type Error = ServiceError;
            type Future = Ready<Result<Self>>;
            fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
                ready(Judged::from(req).map($made).map($name))
            }
        }
    };
}

/// How a user was recognised. Only the page makes a cookie: the API takes none.
enum UserShown {
    Token(Judged<UserClaim>),
    Cookie(Zeroizing<String>, web::Data<Service>),
}

credential!(
    /// A user of an organisation.
    UserAuth, UserShown, UserShown::Token
);
credential!(
    /// Somebody who looks after the server.
    ServerAdminAuth, Judged<UserClaim>, std::convert::identity
);
credential!(
    /// Whoever is signed in.
    SignedInAuth, Judged<UserClaim>, std::convert::identity
);
credential!(
    /// A device. Cloned for what is done in several hops: each looks up anew what the token is worth.
    #[derive(Clone)]
    DeviceAuth, Judged<DeviceClaim>, std::convert::identity
);

impl UserAuth {
    /// A user of the plain page, by its cookie.
    pub(super) fn of_page(service: web::Data<Service>, cookie: String) -> Self {
        Self(UserShown::Cookie(Zeroizing::new(cookie), service))
    }
    /// Checks the credential and does the work, in one hop.
    pub async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&Service, &User) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        match self.0 {
            UserShown::Token(judged) => judged.run(Service::user, work).await,
            UserShown::Cookie(cookie, service) => {
                blocking(service, move |service| {
                    work(service, &service.page_user(&cookie)?)
                })
                .await
            }
        }
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
        let check = |service: &Service, claim| {
            let device = service.device(claim)?;
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
        ready(Ok(Self::of(req)))
    }
}
impl Peer {
    /// Of a request.
    pub(super) fn of(req: &HttpRequest) -> Self {
        let behind = req
            .app_data::<web::Data<HttpOptions>>()
            .is_some_and(|o| o.behind_proxy);
        let forwarded = behind.then(|| forwarded(req)).flatten();
        let peer = req.peer_addr().map(|addr| addr.ip());
        let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Self(forwarded.or(peer).unwrap_or(unknown))
    }
}

/// Whoever asks for the numbers of the server: from this machine, or with the token of the settings.
pub(super) struct Operator;

impl FromRequest for Operator {
    type Error = ServiceError;
    type Future = Ready<Result<Self>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let options = req.app_data::<web::Data<HttpOptions>>();
        let token = options.and_then(|o| o.metrics_token.as_ref());
        let shown = token.is_some_and(|token| {
            bearer(req).is_ok_and(|b| bool::from(b.as_bytes().ct_eq(token.expose().as_bytes())))
        });
        // Behind a proxy everybody seems to be here.
        let passed_on = options.is_none_or(|o| o.behind_proxy)
            || req.headers().contains_key("x-forwarded-for")
            || req.headers().contains_key(header::FORWARDED);
        let here = !passed_on
            && req
                .peer_addr()
                .is_some_and(|a| a.ip().to_canonical().is_loopback());
        ready(if shown || here {
            Ok(Self)
        } else {
            Err(ServiceError::from(Code::CredentialMissing).detail(
                "The numbers of the server are for the machine it runs on, and for whoever brings the token that \
                 `metrics_token` sets.",
            ))
        })
    }
}

/// The address of whoever posts a bundle, which needs no credential: paced before anything of it is read.
pub(super) struct BundleFrom(pub(super) IpAddr);

impl FromRequest for BundleFrom {
    type Error = ServiceError;
    type Future = Ready<Result<Self>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(service) = req.app_data::<web::Data<Service>>() else {
            return ready(Err(Code::Internal.into()));
        };
        let from = Peer::of(req).0;
        ready(service.pace_bundle(from).map(|()| Self(from)))
    }
}

/// The last entry is the proxy's own word; those before it are the client's.
fn forwarded(req: &HttpRequest) -> Option<IpAddr> {
    let value = req.headers().get_all("x-forwarded-for").last()?;
    value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}
