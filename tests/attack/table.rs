//! Every route, what a sound request to it looks like, and what each kind of caller gets. A route without a row, and a
//! row without a route, fail the test.

use std::collections::BTreeSet;

/// Who asks. The order is that of the letters of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Nobody,
    Worker,
    Reviewer,
    Coordinator,
    OrgAdmin,
    /// Looks after the server.
    ServerAdmin,
    /// A worker's phone.
    Device,
    /// A phone that was revoked.
    Revoked,
    /// An org admin who was kept out while signed in.
    Stopped,
    /// An org admin whose organisation was suspended.
    Suspended,
    /// An org admin of another organisation, who knows every id of this one.
    Stranger,
    /// A phone of another organisation.
    StrangeDevice,
}

impl Who {
    pub(super) const ALL: [Self; 12] = [
        Self::Nobody,
        Self::Worker,
        Self::Reviewer,
        Self::Coordinator,
        Self::OrgAdmin,
        Self::ServerAdmin,
        Self::Device,
        Self::Revoked,
        Self::Stopped,
        Self::Suspended,
        Self::Stranger,
        Self::StrangeDevice,
    ];
}

/// How a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The API, by bearer token.
    Api,
    /// The page, by cookie. Whoever has none brings the bearer token, which is worth nothing there.
    Page,
}

/// One route with one method.
pub(super) struct Row {
    pub(super) kind: Kind,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// With places to fill: `{user}`.
    pub(super) body: &'static str,
    /// What whoever may do it gets: a status, a redirect, or the code of a refusal that has nothing to do with rights.
    pub(super) done: &'static str,
    /// A letter for each of [`Who`].
    pub(super) letters: &'static str,
}

impl Row {
    pub(super) fn letter(&self, who: Who) -> char {
        let mut letters = self.letters.chars().filter(|c| *c != ' ');
        letters.nth(who as usize).expect("a letter for everybody")
    }
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

const fn api(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    done: &'static str,
    letters: &'static str,
) -> Row {
    Row {
        kind: Kind::Api,
        method,
        path,
        body,
        done,
        letters,
    }
}

const fn page(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    done: &'static str,
    letters: &'static str,
) -> Row {
    Row {
        kind: Kind::Page,
        ..api(method, path, body, done, letters)
    }
}

// `+` may: [`Row::done`]   `-` no credential   `x` no good token   `f` the role may not   `n` as if it were not there
// `r` a revoked device   `s` a suspended organisation   `e` another epoch   `a` an actor of another device
// `v` a body that names what is not there. Numbers of the quarantine count in each organisation: a stranger's are their own
// On the page: `>` to the sign-in   `i` the sign-in itself   `t` too old a form
//                                      nobody worker reviewer coordinator org-admin server-admin
//                                             device revoked  stopped suspended  stranger strange-device
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    api("GET",  "/healthz", "", "200", "++++++ ++ ++ ++"),
    api("HEAD", "/healthz", "", "200", "++++++ ++ ++ ++"),
    api("GET",  "/readyz", "", "200", "++++++ ++ ++ ++"),
    api("HEAD", "/readyz", "", "200", "++++++ ++ ++ ++"),
    api("GET",  "/metrics", "", "200", "++++++ ++ ++ ++"),

    api("POST", "/api/v1/auth/nonce", "", "200", "++++++ ++ ++ ++"),
    api("POST", "/api/v1/auth/device", r#"{"assertion":"a.b.c"}"#, "assertion_invalid", "++++++ ++ ++ ++"),
    api("POST", "/api/v1/auth/sign-in", r#"{"organisation":"{slug}","name":"{n}","password":"not the right one"}"#, "sign_in_failed", "++++++ ++ ++ ++"),
    api("POST", "/api/v1/auth/refresh", r#"{"refresh_token":"AAAA"}"#, "refresh_invalid", "++++++ ++ ++ ++"),
    api("POST", "/api/v1/auth/sign-out", r#"{"refresh_token":"AAAA"}"#, "204", "++++++ ++ ++ ++"),
    api("POST", "/api/v1/auth/reset", r#"{"token":"AAAA","password":"four other words"}"#, "reset_invalid", "++++++ ++ ++ ++"),
    api("POST", "/api/v1/auth/password", r#"{"current":"not the right one","new":"four other words"}"#, "sign_in_failed", "-++++f xx xs +x"),
    api("GET",  "/api/v1/me", "", "200", "-+++++ xx xs +x"),
    api("POST", "/api/v1/enrol", r#"{"code":"00000000000000000000000000","public_key":"00","instance":"11111111111111111111111111111111"}"#, "enrol_code_unknown", "++++++ ++ ++ ++"),
    api("GET",  "/api/v1/device", "", "200", "-xxxxx +r xx x+"),

    api("GET",  "/api/v1/users", "", "200", "-ff++f xx xs +x"),
    api("POST", "/api/v1/users", r#"{"name":"N{n}","role":"worker"}"#, "201", "-fff+f xx xs +x"),
    api("GET",  "/api/v1/users/{user}", "", "200", "-ff++f xx xs nx"),
    api("POST", "/api/v1/users/{spare}/reset", "", "201", "-fff+f xx xs nx"),
    api("POST", "/api/v1/users/{spare}/disable", "", "200", "-fff+f xx xs nx"),
    api("POST", "/api/v1/users/{spare}/enable", "", "200", "-fff+f xx xs nx"),
    api("POST", "/api/v1/users/{spare}/role", r#"{"role":"reviewer"}"#, "200", "-fff+f xx xs nx"),
    api("POST", "/api/v1/users/{spare}/hand-over", r#"{"to":"{user}"}"#, "200", "-ff++f xx xs nx"),
    api("GET",  "/api/v1/teams", "", "200", "-ff++f xx xs +x"),
    api("POST", "/api/v1/teams", r#"{"name":"T{n}"}"#, "201", "-fff+f xx xs +x"),
    api("PUT",  "/api/v1/teams/{team}/members/{spare}", "", "200", "-fff+f xx xs nx"),
    api("DELETE", "/api/v1/teams/{team}/members/{spare}", "", "200", "-fff+f xx xs nx"),
    api("GET",  "/api/v1/devices", "", "200", "-ff++f xx xs +x"),
    api("POST", "/api/v1/devices/codes", r#"{"user":"{user}"}"#, "201", "-fff+f xx xs nx"),
    api("POST", "/api/v1/devices/{spare_device}/revoke", "", "204", "-fff+f xx xs nx"),
    api("GET",  "/api/v1/audit", "", "200", "-fff+f xx xs +x"),

    api("GET",  "/api/v1/organisations", "", "200", "-ffff+ xx xs fx"),
    api("POST", "/api/v1/organisations", r#"{"slug":"o-{n}","name":"O"}"#, "201", "-ffff+ xx xs fx"),
    api("POST", "/api/v1/organisations/{other_organisation}/suspend", "", "200", "-ffff+ xx xs fx"),
    api("POST", "/api/v1/organisations/{other_organisation}/resume", "", "200", "-ffff+ xx xs fx"),

    api("GET",  "/api/v1/attachments/limits", "", "200", "-++++f xx xs +x"),
    api("PUT",  "/api/v1/attachments/limits", r#"{"file_bytes":1000,"quota_bytes":1000000,"types":["image/*"]}"#, "200", "-fff+f xx xs +x"),
    api("GET",  "/api/v1/records/{record}/attachments/{hash}", "", "not_found", "-++++f xx xs nx"),
    api("POST", "/sync/v1/attachments", "", "tus_version_unsupported", "-xxxxx +r xx x+"),
    api("HEAD", "/sync/v1/attachments/uploads/{instance}", "", "412", "-xxxxx +r xx x+"),
    api("PATCH", "/sync/v1/attachments/uploads/{instance}", "a piece", "tus_version_unsupported", "-xxxxx +r xx x+"),
    api("DELETE", "/sync/v1/attachments/uploads/{instance}", "", "tus_version_unsupported", "-xxxxx +r xx x+"),
    api("GET",  "/sync/v1/attachments/{hash}", "", "not_found", "-xxxxx +r xx x+"),

    api("GET",  "/api/v1/forms", "", "200", "-++++f xx xs +x"),
    api("POST", "/api/v1/forms/preview", r#"{"file_name":"f.xml","content":"{form_file}"}"#, "200", "-fff+f xx xs +x"),
    api("POST", "/api/v1/forms", r#"{"file_name":"f.xml","content":"{form_file}"}"#, "200", "-fff+f xx xs +x"),
    api("GET",  "/api/v1/forms/{form}/versions", "", "200", "-++++f xx xs nx"),
    api("GET",  "/api/v1/form-versions/{hash}", "", "200", "-++++f xx xs nx"),
    api("POST", "/api/v1/exports/{form}", r#"{"format":"csv"}"#, "200", "-ff++f xx xs nx"),
    api("POST", "/api/v1/exports/{form}/meta", r#"{"format":"csv"}"#, "200", "-ff++f xx xs nx"),

    api("POST", "/api/v1/records/list", "{}", "200", "-++++f xx xs +x"),
    api("GET",  "/api/v1/records/{record}", "", "200", "-++++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/comment", r#"{"shown":"{shown}","text":"c{n}"}"#, "200", "-++++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/approve", r#"{"shown":"{shown}"}"#, "200", "-f+++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/reject", r#"{"shown":"{shown}","reason":"r{n}"}"#, "200", "-f+++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/return", r#"{"shown":"{shown}","reason":"r{n}"}"#, "200", "-f+++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/settle", r#"{"shown":"{shown}","key":"{key}","value":{"text":"v{n}"},"reason":"r"}"#, "200", "-ff++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/decide", r#"{"shown":"{shown}","key":"{key}","dots":[],"value":{"text":"v{n}"},"reason":"r"}"#, "field_invalid", "-ff++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/assign", r#"{"shown":"{shown}","assignee":"user:{user}"}"#, "200", "-ff++f xx xs vx"),
    api("POST", "/api/v1/records/{record}/delete", r#"{"shown":"{shown}","reason":"r"}"#, "200", "-+f++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/restore", r#"{"shown":"{shown}","reason":"r"}"#, "200", "-+f++f xx xs nx"),
    api("POST", "/api/v1/records/{record}/restrict", "", "200", "-fff+f xx xs nx"),
    api("POST", "/api/v1/records/{record}/erase", r#"{"reason":"request"}"#, "erase_too_early", "-fff+f xx xs nx"),
    api("POST", "/api/v1/records/erase", r#"{"records":["{record}"],"reason":"request"}"#, "erase_too_early", "-fff+f xx xs nx"),
    api("POST", "/api/v1/records/{record}/unrestrict", "", "204", "-fff+f xx xs nx"),
    api("GET",  "/api/v1/erasures/{tombstone}", "", "200", "-fff+f xx xs nx"),
    api("GET",  "/api/v1/erasure-proposals", "", "200", "-fff+f xx xs +x"),
    api("POST", "/api/v1/erasure-proposals/{proposal}/confirm", "", "second_person_needed", "-fff+f xx xs nx"),
    api("POST", "/api/v1/erasure-proposals/{proposal}/cancel", "", "204", "-fff+f xx xs nx"),
    api("GET",  "/api/v1/quarantine", "", "200", "-ff++f xx xs +x"),
    api("POST", "/api/v1/quarantine/{judged}/release", "", "quarantine_judged", "-ff++f xx xs +x"),
    api("POST", "/api/v1/quarantine/{judged}/discard", "", "quarantine_judged", "-ff++f xx xs +x"),

    api("POST", "/sync/v1/exchange", "{exchange}", "200", "-xxxxx +a xx xe"),
    api("POST", "/sync/v1/compare", r#"{"epoch":"{epoch}","actors":[]}"#, "200", "-xxxxx ++ xx xe"),
    api("POST", "/sync/v1/actor", r#"{"instance":"{instance}"}"#, "200", "-xxxxx ++ xx x+"),
    api("POST", "/sync/v1/lost", r#"{"epoch":"{epoch}","actor":{actor},"first":1,"last":{"seq":1,"hash":"{chain}"}}"#, "loss_refused", "-xxxxx +a xx xe"),
    api("POST", "/sync/v1/bundle", "no bundle", "bundle_invalid", "++++++ ++ ++ ++"),
    api("GET",  "/sync/v1/forms/{hash}", "", "200", "-xxxxx +r xx xn"),

    page("GET",  "/page.css", "", "200", "++++++ ++ ++ ++"),
    page("GET",  "/reset.js", "", "200", "++++++ ++ ++ ++"),
    page("GET",  "/reset", "", "200", "++++++ ++ ++ ++"),
    page("GET",  "/enrol", "", "302 /field/", "++++++ ++ ++ ++"),
    page("GET",  "/field", "", "302 /field/", "++++++ ++ ++ ++"),
    page("GET",  "/field/", "", "200", "++++++ ++ ++ ++"),
    page("GET",  "/field/{app_file}", "", "200", "++++++ ++ ++ ++"),
    page("GET",  "/", "", "200", "i++++i ii if +i"),
    page("POST", "/reset", "token={visit}&link=AAAA&password=four+other+words&again=four+other+words", "410", "++++++ ++ ++ ++"),
    page("POST", "/sign-in", "token={visit}&organisation={slug}&name=p{n}&password=not+the+right+one", "401", "++++++ ++ ++ ++"),
    page("GET",  "/records", "", "200", ">++++> >> >f +>"),
    page("POST", "/records", "token={token}&status=complete", "200", ">++++> >> >f +>"),
    page("GET",  "/records/{record}", "", "200", ">++++> >> >f n>"),
    page("POST", "/records/{record}/comment", "token={token}&shown={shown}&words=c{n}", "303 /records/{record}", ">++++> >> >f n>"),
    page("POST", "/records/{record}/approve", "token={token}&shown={shown}", "303 /records/{record}", ">f+++> >> >f n>"),
    page("POST", "/records/{record}/reject", "token={token}&shown={shown}&words=w{n}", "303 /records/{record}", ">f+++> >> >f n>"),
    page("POST", "/records/{record}/return", "token={token}&shown={shown}&words=w{n}", "303 /records/{record}", ">f+++> >> >f n>"),
    page("POST", "/records/{record}/assign", "token={token}&shown={shown}&assignee=user:{user}", "303 /records/{record}", ">ff++> >> >f n>"),
    page("POST", "/records/{record}/delete", "token={token}&shown={shown}&words=w{n}", "303 /records/{record}", ">+n++> >> >f n>"),
    page("POST", "/records/{record}/restore", "token={token}&shown={shown}&words=w{n}", "303 /records/{record}", ">+f++> >> >f n>"),
    page("POST", "/records/{record}/settle", "token={token}&shown={shown}&key={key}&choice=other&kind=text&other=o{n}&reason=r", "303 /records/{record}", ">ff++> >> >f n>"),
    page("GET",  "/records/{record}/erase", "", "200", ">++++> >> >f n>"),
    page("POST", "/records/{record}/restrict", "token={token}&shown={shown}", "303 /records/{record}", ">fff+> >> >f n>"),
    page("POST", "/records/{record}/erase", "token={token}&reason=request&sure=yes", "409", ">nnn+> >> >f n>"),
    page("POST", "/records/{record}/unrestrict", "token={token}&shown={shown}", "303 /records/{record}", ">nnn+> >> >f n>"),
    page("GET",  "/erasures/{tombstone}", "", "200", ">fff+> >> >f n>"),
    page("POST", "/erasure-proposals/{second_proposal}/confirm", "token={token}", "409", ">fff+> >> >f n>"),
    page("POST", "/erasure-proposals/{second_proposal}/cancel", "token={token}", "303 /", ">fff+> >> >f n>"),
    page("GET",  "/quarantine", "", "200", ">ff++> >> >f +>"),
    page("POST", "/quarantine/{judged}/release", "token={token}", "409", ">ff++> >> >f +>"),
    page("POST", "/quarantine/{judged}/discard", "token={token}", "409", ">ff++> >> >f +>"),
    page("POST", "/devices/code", "token={token}&user={user}", "200", ">fff+> >> >f n>"),
    page("POST", "/downloads", "token={token}&form={form}&format=csv", "200", ">ff++> >> >f n>"),
    // Last: it ends the sign-in.
    page("POST", "/sign-out", "token={token}", "303 /", "++++++ ++ ++ ++"),
];

/// Every `resource(…)` of a file of routes, with its methods.
fn routes_of(file: &str) -> BTreeSet<(String, String)> {
    let text = std::fs::read_to_string(crate::tidy::root().join(file)).unwrap();
    let mut found = BTreeSet::new();
    let mut prefix = "";
    for part in text.split("resource(\"") {
        let path = part.starts_with('/') && !part.starts_with("//");
        if let Some((path, rest)) = part.split_once("\")").filter(|_| path) {
            for method in ["get", "post", "put", "delete", "patch", "head"] {
                let by = [format!(".{method}("), format!("web::{method}()")];
                if by.iter().any(|b| rest.contains(b.as_str())) {
                    found.insert((method.to_uppercase(), format!("{prefix}{path}")));
                }
            }
        }
        for (function, of) in [
            ("fn api(", "/api/v1"),
            ("fn records_api(", "/api/v1"),
            ("fn sync_api(", "/sync/v1"),
        ] {
            if part.contains(function) {
                prefix = of;
            }
        }
    }
    found
}

/// Whether a path is one of a route: whatever stands in braces fits, and in the place of `{verb}` any word does.
pub(super) fn fits(path: &str, route: &str) -> bool {
    let (ours, theirs): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(&theirs)
            .all(|(a, b)| a == b || *b == "{verb}" || (a.starts_with('{') && b.starts_with('{')))
}

#[test]
fn every_route_has_a_row_and_every_row_a_route() {
    let mut routes = routes_of("server/src/http/routes.rs");
    assert!(routes.len() > 60, "{routes:?}");
    let page = routes_of("server/src/http/page/mod.rs");
    assert!(page.len() > 20, "{page:?}");
    routes.extend(page);
    routes.extend(routes_of("server/src/http/field.rs"));
    let api = serde_json::to_value(tributary::http::openapi()).unwrap();
    for (path, methods) in api["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            routes.insert((method.to_uppercase(), path.clone()));
        }
    }
    for (method, route) in &routes {
        let has = ROWS
            .iter()
            .any(|r| r.method == method && fits(r.path, route));
        assert!(
            has,
            "{method} {route} has no row: say who may and who may not"
        );
    }
    for row in ROWS {
        let has = routes
            .iter()
            .any(|(m, route)| row.method == m && fits(row.path, route));
        assert!(has, "{}: there is no such route any more", row.name());
        let letters = row.letters.chars().filter(|c| *c != ' ').count();
        assert_eq!(letters, Who::ALL.len(), "{}", row.name());
    }
    assert_eq!(
        api["paths"]
            .as_object()
            .unwrap()
            .values()
            .map(|m| m.as_object().unwrap().len())
            .sum::<usize>()
            + 2,
        ROWS.iter().filter(|r| r.kind == Kind::Api).count(),
        "every route of the API is described, but for two HEADs"
    );
}
