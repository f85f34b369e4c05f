//! A real service over a folder of its own, opened once for a thread: an organisation, a coordinator, a phone.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use tributary::service::access::Role;
use tributary::service::ambient::Manual;
use tributary::service::error::{Code, ServiceError};
use tributary::service::export::Options;
use tributary::service::names::Secret;
use tributary::service::organisations::CreateOrganisation;
use tributary::service::principal::User;
use tributary::service::records::Desk;
use tributary::service::sign_in::SignIn;
use tributary::service::users::CreateUser;
use tributary::service::{By, Service, ServiceOptions};
use tributary::storage::folder::DataFolder;
use tributary_sync_core::ids::{InstanceId, OrgId};
use tributary_sync_core::wire::enrol::EnrolRequest;

use crate::harness::{DeviceKey, PASSWORD};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The form that is published in it.
pub(super) const FORM_ID: &str = "outreach_interview";

pub(super) struct Shelf {
    _folder: TempDir,
    service: Service,
    org: OrgId,
    user: User,
    /// What the service made: access token, device token, and a proof that was not used.
    pub(super) tokens: [String; 3],
}

thread_local! {
    static SHELF: Shelf = Shelf::open();
}

/// Does something with the service of this thread.
pub(super) fn with<T>(act: impl FnOnce(&Shelf) -> T) -> T {
    SHELF.with(act)
}

/// Fails on a fault of the server; everything else is a refusal as it should be.
pub(super) fn no_fault<T>(outcome: Result<T, ServiceError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(error) => {
            assert_ne!(error.code, Code::Internal, "{:?}", error.cause);
            None
        }
    }
}

impl Shelf {
    fn open() -> Self {
        tributary::tls::install_provider();
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataFolder::at(folder.path());
        let clock = Arc::new(Manual::at(1_700_000_000_000));
        let service = Service::create(&data, ServiceOptions::default(), clock).expect("a service");
        let new = CreateOrganisation {
            slug: "ours".to_owned(),
            name: "Ours".to_owned(),
        };
        let org = service
            .create_organisation(By::Operator, &new)
            .expect("an organisation")
            .id;
        service
            .publish_builtin_interview(By::Operator, org)
            .expect("a form");
        let new = CreateUser {
            name: "Dara".to_owned(),
            role: Role::Coordinator,
        };
        let made = service
            .create_user(By::Operator, org, &new)
            .expect("a user");
        let password = || Secret::new(PASSWORD.to_owned());
        let reset = service.reset_password(&made.link.token, password(), HERE);
        reset.expect("a password");
        let sign_in = SignIn {
            organisation: "ours".to_owned(),
            name: "Dara".to_owned(),
            password: password(),
        };
        let token = service
            .sign_in(&sign_in, HERE)
            .expect("signed in")
            .access_token;
        let claim = service.user_claim(&token).expect("our token");
        let user = service.user(claim).expect("our user");

        let code = service
            .enrol_code(By::Operator, org, made.user.id, None)
            .expect("a code")
            .code;
        let key = DeviceKey::generate();
        let request = EnrolRequest {
            code,
            public_key: key.public(),
            instance: InstanceId::from_bytes([7; 16]),
            label: None,
        };
        let profile = service.enrol(&request, HERE).expect("enrolled").profile;
        let proof = || {
            let nonce = service.nonce().expect("a nonce");
            let at = nonce.issued_at;
            key.sign(
                &json!({"iss": profile, "sub": profile, "aud": nonce.audience, "jti": nonce.nonce,
                             "iat": at, "exp": at + 120, "nonce": nonce.nonce}),
            )
        };
        let device = service.prove_device(&proof()).expect("proven").access_token;
        let tokens = [token, device, proof()];
        Self {
            _folder: folder,
            service,
            org,
            user,
            tokens,
        }
    }

    /// The coordinator's desk.
    pub(super) fn desk(&self) -> Desk<'_> {
        self.service.desk(&self.user).expect("a desk")
    }

    /// A download of the form, thrown away.
    pub(super) fn download(&self, options: &Options) {
        let by = By::User(&self.user);
        let sink = |_: &_| Ok(std::io::sink());
        no_fault(
            self.service
                .download(by, self.org, FORM_ID, options, |_| false, sink),
        );
    }

    /// No stranger's file is a bundle of ours.
    pub(super) fn takes_no_bundle(&self, file: &[u8]) {
        let taken = self.service.take_bundle(file, HERE);
        assert!(taken.is_err(), "a bundle that nobody sealed was taken");
        no_fault(taken);
    }

    /// Whose token this is not: neither a user's, nor a device's, nor a device's proof.
    pub(super) fn knows_not(&self, token: &str) {
        let [user, device, proof] = &self.tokens;
        if token != user {
            no_fault(refused(self.service.user_claim(token).map(drop)));
        }
        if token != device {
            no_fault(refused(self.service.device_claim(token).map(drop)));
        }
        if token != proof {
            no_fault(refused(self.service.prove_device(token).map(drop)));
        }
        // What the service made stays good, for its own purpose alone.
        if token == user {
            assert!(self.service.user_claim(token).is_ok());
        }
        if token == device {
            assert!(self.service.device_claim(token).is_ok());
        }
    }
}

fn refused(outcome: Result<(), ServiceError>) -> Result<(), ServiceError> {
    assert!(outcome.is_err(), "a token that nobody made is good");
    outcome
}
