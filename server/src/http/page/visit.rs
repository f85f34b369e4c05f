//! Who opens the page: the cookies, and the token that every form carries.
//!
//! A visitor who is not signed in has a cookie too, so that nobody can be signed in by another site's form.

use std::future::{Ready, ready};

use actix_web::cookie::{Cookie, SameSite};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

use super::layout::Look;
use super::said::{self, Said};
use crate::http::extract::UserAuth;
use crate::service::Service;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::principal::User;

/// The sign-in. `__Host-`: of this host alone, over TLS alone.
const SESSION: &str = "__Host-tributary";
/// The visit before it.
const VISIT: &str = "__Host-tributary-visit";

/// Somebody's browser.
pub(super) struct Visit {
    session: Option<String>,
    visit: Option<String>,
    said: Option<Said>,
    service: web::Data<Service>,
}

impl FromRequest for Visit {
    type Error = ServiceError;
    type Future = Ready<Result<Self>>;
    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(service) = req.app_data::<web::Data<Service>>() else {
            return ready(Err(Code::Internal.into()));
        };
        let value = |name: &str| {
            req.cookie(name)
                .map(|c| c.value().to_owned())
                .filter(|v| (1..=256).contains(&v.len()))
        };
        ready(Ok(Self {
            session: value(SESSION),
            visit: value(VISIT),
            said: said::left(req),
            service: service.clone(),
        }))
    }
}

impl Visit {
    /// The service.
    pub(super) fn service(&self) -> web::Data<Service> {
        self.service.clone()
    }
    /// The sign-in's cookie.
    pub(super) fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }
    /// The credential of the sign-in.
    pub(super) fn user(&self) -> Result<UserAuth> {
        let cookie = self.session.clone().ok_or(Code::CredentialMissing)?;
        Ok(UserAuth::of_page(self.service.clone(), cookie))
    }
    /// What the page before left to say.
    pub(super) fn said(&self) -> Option<Said> {
        self.said
    }
    /// Does the work of a page for whoever is signed in, and tells for whom it is drawn.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Service, &User) -> Result<T> + Send + 'static,
    ) -> Result<(T, Look)> {
        let auth = self.user()?;
        let token = self
            .service
            .form_token(self.session.as_deref().unwrap_or_default());
        let said = self.said;
        auth.run(move |service, user| {
            let found = work(service, user)?;
            let look = Look {
                name: user.name.clone(),
                role: user.role,
                token,
                times: service.local_times(user.org)?,
                now: service.now(),
                said,
            };
            Ok((found, look))
        })
        .await
    }
    /// The credential, if the form was shown to this sign-in.
    pub(super) fn user_with_form(&self, token: &str) -> Result<UserAuth> {
        let cookie = self.session.as_deref().ok_or(Code::CredentialMissing)?;
        self.service.check_form_token(cookie, token)?;
        self.user()
    }
    /// The visit before a sign-in, made if there is none, with the token of its form.
    pub(super) fn before(&self) -> Result<(Cookie<'static>, String)> {
        let value = match &self.visit {
            Some(known) => known.clone(),
            None => hex::encode(self.service.env().random::<16>()?),
        };
        let token = self.service.form_token(&value);
        Ok((cookie(VISIT, value), token))
    }
    /// Whether a sign-in form was shown to this visit.
    pub(super) fn check_before(&self, token: &str) -> Result<()> {
        let visit = self.visit.as_deref().ok_or(Code::FormStale)?;
        self.service.check_form_token(visit, token)
    }
}

/// A cookie of this host alone, over TLS alone, which no script reads and no other site sends.
pub(super) fn cookie(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build(name, value)
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Strict)
        .finish()
}

/// The cookie of a sign-in; it goes when the browser closes.
pub(super) fn signed_in(token: String) -> Cookie<'static> {
    cookie(SESSION, token)
}

/// What ends it.
pub(super) fn signed_out() -> Cookie<'static> {
    let mut gone = cookie(SESSION, String::new());
    gone.make_removal();
    gone
}
