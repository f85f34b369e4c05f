//! Tokens that were made for something else.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::super::ambient::Manual;
use super::*;
use crate::storage::folder::DataFolder;

struct World {
    _folder: tempfile::TempDir,
    manual: Arc<Manual>,
    tokens: Tokens,
    keys: Keys,
}

const NOW: u64 = 1_700_000_000;
const US: &str = "urn:tributary:us";

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::at(folder.path());
    data.create().unwrap();
    let keys = Keys::of(&data);
    let manual = Arc::new(Manual::at(NOW * 1_000));
    let tokens = Tokens::load(&keys, manual.clone(), US.to_owned()).unwrap();
    World {
        _folder: folder,
        manual,
        tokens,
        keys,
    }
}

fn user_claims() -> Value {
    json!({"iss": US, "aud": US, "sub": UserId::default(), "jti": "1", "iat": NOW, "exp": NOW + 60,
           "sid": "00".repeat(16)})
}

fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

fn header(algorithm: Algorithm, typ: &str) -> Header {
    let mut header = Header::new(algorithm);
    header.typ = Some(typ.to_owned());
    header
}

#[test]
fn a_token_is_good_for_its_own_purpose_only() {
    let w = world();
    let user = w
        .tokens
        .for_user(UserId::default(), SessionId::from_bytes([1; 16]))
        .unwrap();
    let device = w.tokens.for_device(ProfileId::default()).unwrap();
    assert_eq!(
        w.tokens.user(&user).unwrap(),
        (UserId::default(), SessionId::from_bytes([1; 16]))
    );
    assert_eq!(w.tokens.device(&device).unwrap(), ProfileId::default());
    assert_eq!(w.tokens.user(&device).unwrap_err().code, Code::TokenInvalid);
    assert_eq!(w.tokens.device(&user).unwrap_err().code, Code::TokenInvalid);
}

#[test]
fn a_token_ends_when_it_says() {
    let w = world();
    let token = w
        .tokens
        .for_user(UserId::default(), SessionId::from_bytes([1; 16]))
        .unwrap();
    w.manual.pass(Duration::from_secs(USER_TOKEN_SECONDS - 1));
    assert!(w.tokens.user(&token).is_ok());
    w.manual.pass(Duration::from_secs(1));
    assert_eq!(w.tokens.user(&token).unwrap_err().code, Code::TokenExpired);
}

#[test]
fn no_token_without_a_signature_and_none_with_another_algorithm() {
    let w = world();
    let (pkcs8, public) = w.keys.token_key("user").unwrap();
    let right = EncodingKey::from_ed_der(&pkcs8);
    let sound = signed(&header(Algorithm::EdDSA, USER_TYP), &user_claims(), &right);
    assert!(w.tokens.user(&sound).is_ok());
    let body = sound.split('.').nth(1).unwrap();
    for head in [
        json!({"alg": "none", "typ": USER_TYP}),
        json!({"alg": "None"}),
        json!({"typ": USER_TYP}),
    ] {
        let head = URL_SAFE_NO_PAD.encode(head.to_string());
        for token in [
            format!("{head}.{body}."),
            format!("{head}.{body}"),
            format!("{head}.{body}.AAAA"),
        ] {
            assert!(w.tokens.user(&token).is_err(), "{token}");
        }
    }
    // The public key as if it were a shared secret.
    let confused = EncodingKey::from_secret(&public);
    let token = signed(
        &header(Algorithm::HS256, USER_TYP),
        &user_claims(),
        &confused,
    );
    assert_eq!(w.tokens.user(&token).unwrap_err().code, Code::TokenInvalid);
    for token in ["", ".", "..", "a.b.c", "ຄຳ.ຄຳ.ຄຳ"] {
        assert!(w.tokens.user(token).is_err());
    }
}

#[test]
fn every_claim_is_asked_for_and_must_be_ours() {
    let w = world();
    let right = EncodingKey::from_ed_der(&w.keys.token_key("user").unwrap().0);
    let typed = header(Algorithm::EdDSA, USER_TYP);
    for missing in ["iss", "aud", "sub", "jti", "exp", "iat", "sid"] {
        let mut claims = user_claims();
        claims.as_object_mut().unwrap().remove(missing);
        assert!(
            w.tokens.user(&signed(&typed, &claims, &right)).is_err(),
            "without {missing}"
        );
    }
    for (name, value) in [
        ("iss", json!("urn:tributary:them")),
        ("aud", json!("urn:tributary:them")),
        ("aud", json!([])),
        ("sub", json!("")),
        ("exp", json!(NOW - 1)),
        ("exp", json!("soon")),
        ("exp", json!(-1)),
    ] {
        let mut claims = user_claims();
        claims[name] = value;
        assert!(
            w.tokens.user(&signed(&typed, &claims, &right)).is_err(),
            "{name}"
        );
    }
    for typ in ["JWT", "at+jwt", DEVICE_TYP, ASSERTION_TYP] {
        let token = signed(&header(Algorithm::EdDSA, typ), &user_claims(), &right);
        assert!(w.tokens.user(&token).is_err(), "{typ}");
    }
    let mut critical = typed;
    critical.crit = Some(vec!["exp".to_owned()]);
    assert!(
        w.tokens
            .user(&signed(&critical, &user_claims(), &right))
            .is_err()
    );
}

fn device_key() -> (EncodingKey, [u8; 65]) {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .unwrap();
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
    let public = pair.public_key().as_ref().try_into().unwrap();
    (EncodingKey::from_ec_der(document.as_ref()), public)
}

#[test]
fn an_assertion_is_proven_with_the_devices_own_key_only() {
    let w = world();
    let (key, public) = device_key();
    let (other_key, other_public) = device_key();
    let me = ProfileId::from_bytes([3; 16]);
    let claims = json!({"iss": me, "sub": me, "aud": US, "jti": "1", "iat": NOW, "exp": NOW + 60,
                        "nonce": "n"});
    let typed = header(Algorithm::ES256, ASSERTION_TYP);
    let sound = signed(&typed, &claims, &key);
    assert_eq!(Tokens::assertion_subject(&sound).unwrap(), me);
    assert_eq!(w.tokens.assertion(&sound, me, &public).unwrap().nonce, "n");
    assert!(w.tokens.assertion(&sound, me, &other_public).is_err());
    assert!(
        w.tokens
            .assertion(&sound, ProfileId::default(), &public)
            .is_err()
    );
    assert!(
        w.tokens
            .assertion(&signed(&typed, &claims, &other_key), me, &public)
            .is_err()
    );
    let secret = EncodingKey::from_secret(&public);
    let hmac = signed(&header(Algorithm::HS256, ASSERTION_TYP), &claims, &secret);
    assert!(w.tokens.assertion(&hmac, me, &public).is_err());
    assert!(
        w.tokens
            .assertion(
                &signed(&header(Algorithm::ES256, "JWT"), &claims, &key),
                me,
                &public
            )
            .is_err()
    );
    for (name, value) in [
        ("iss", json!(US)),
        ("sub", json!(ProfileId::default())),
        ("aud", json!("https://them")),
    ] {
        let mut claims = claims.clone();
        claims[name] = value;
        assert!(
            w.tokens
                .assertion(&signed(&typed, &claims, &key), me, &public)
                .is_err(),
            "{name}"
        );
    }
    for missing in ["iss", "sub", "aud", "jti", "iat", "exp", "nonce"] {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(missing);
        assert!(
            w.tokens
                .assertion(&signed(&typed, &claims, &key), me, &public)
                .is_err(),
            "{missing}"
        );
    }
}
