//! What all operations of the API's description have in common: the two kinds of credentials, the refusals that
//! follow from what an operation takes, and the media type of problem documents.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

use super::problem::PROBLEM_JSON;

/// Completes the description.
pub(super) struct Common;

impl Modify for Common {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_default();
        for (name, description) in [
            ("user", "The access token of a signed-in user."),
            ("device", "The token of a device that proved itself."),
        ] {
            let scheme = HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some(description))
                .build();
            components.add_security_scheme(name, SecurityScheme::Http(scheme));
        }
        let items = api.paths.paths.values_mut();
        items.flat_map(operations).for_each(refusals);
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem {
        get,
        put,
        post,
        delete,
        patch,
        head,
        ..
    } = item;
    [get, put, post, delete, patch, head].into_iter().flatten()
}

/// What any operation may answer, by what it takes: one that is secured, one that reads a body, one with an id or a
/// question in its address.
const BY_WHAT_IT_TAKES: [(Takes, &str, &str); 12] = [
    (
        Takes::Credential,
        "401",
        "No credential, or none that is good.",
    ),
    (
        Takes::Credential,
        "403",
        "Not with this role, or the organisation is suspended, or the device is revoked.",
    ),
    (Takes::Id, "404", "None of that id."),
    (Takes::Query, "400", "A parameter cannot be read."),
    (Takes::Body, "400", "The body cannot be read."),
    (Takes::Body, "408", "The body came too slowly."),
    (
        Takes::Body,
        "413",
        "The body is too large, before or after decompression.",
    ),
    (
        Takes::Body,
        "415",
        "A content type or an encoding that is not read here.",
    ),
    (Takes::Body, "422", "A field holds what is not allowed."),
    (
        Takes::Work,
        "429",
        "Too many attempts, or too much waits already.",
    ),
    (
        Takes::Work,
        "503",
        "The server has more to do than it can take, or the organisation has stopped.",
    ),
    (Takes::Work, "507", "The disk is full. Nothing was stored."),
];

/// What an operation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    Credential,
    Id,
    Query,
    Body,
    /// A credential or a body: more than the server's own state is looked at.
    Work,
}

fn takes(operation: &Operation, what: Takes) -> bool {
    let has = |place: ParameterIn| {
        let all = operation.parameters.iter().flatten();
        all.into_iter()
            .any(|p| matches!(p, RefOr::T(p) if p.parameter_in == place))
    };
    let secured = operation.security.as_ref().is_some_and(|s| !s.is_empty());
    match what {
        Takes::Credential => secured,
        Takes::Id => has(ParameterIn::Path),
        Takes::Query => has(ParameterIn::Query),
        Takes::Body => operation.request_body.is_some(),
        Takes::Work => secured || operation.request_body.is_some(),
    }
}

fn refusals(operation: &mut Operation) {
    for (what, status, description) in BY_WHAT_IT_TAKES {
        if !takes(operation, what) {
            continue;
        }
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_owned()).or_insert_with(|| {
            let problem = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .build();
            let response = ResponseBuilder::new()
                .description(description)
                .content(PROBLEM_JSON, problem);
            RefOr::T(response.build())
        });
    }
    let responses = &mut operation.responses.responses;
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && status.starts_with(['4', '5'])
            && let Some(problem) = response.content.shift_remove("application/json")
        {
            response.content.insert(PROBLEM_JSON.to_owned(), problem);
        }
    }
}
