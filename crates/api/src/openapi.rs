//! The OpenAPI document: the frame around what the handlers say of themselves, and what holds for all of them.

use std::collections::BTreeSet;

use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::security::{
    Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{OpenApi as _, ToSchema};

use crate::openapi_webhooks::webhooks;
use crate::problem::{Fault, ProblemBody};
use crate::router::described_routes;

const PASSWORD_SCHEME: &str = "password";
const BEARER_SCHEME: &str = "bearer";
const PROBLEM_TYPE: &str = "application/problem+json";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Augur",
        description = "Finds the customers who are about to leave. Register, have the balance topped up, choose a \
            model from the price list, upload customers as CSV, and download them with `stays` (1 or 0) and \
            `churn_probability`. A prediction that fails gives the money back by itself.\n\n\
            **Authorize** takes an e-mail address and a password, or an API key. Amounts of money are integers in \
            minor units. Errors are `application/problem+json` (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "Accounts", description = "Register, sign in, keys for programs"),
        (name = "Money", description = "What there is, and what moved"),
        (name = "Services", description = "The price list"),
        (name = "Orders", description = "Pay for a prediction"),
        (name = "Predictions", description = "Upload customers, watch, download"),
        (name = "Sources", description = "Files fetched from where they lie, on demand or on a schedule"),
        (name = "Training", description = "Labelled customers in, a model of your own out"),
        (name = "Models", description = "Versions, the gate before production, what happened"),
        (name = "Acting", description = "Risk tiers, whom to contact, and what that has earned"),
        (name = "Webhooks", description = "Be told what has happened"),
        (name = "Monitoring", description = "Whether customers have changed, and how true predictions turned out to be"),
        (name = "Retraining", description = "Models that are trained again on what really happened, through the gate"),
        (name = "Administration", description = "For the role `admin`"),
        (name = "Operation", description = "For whoever runs the server"),
    ),
    components(schemas(ProblemBody, Fault)),
)]
struct Frame;

/// The whole document, as `/api/openapi.json` and `augur openapi` give it.
pub fn openapi() -> OpenApi {
    let mut document = described_routes().into_openapi();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            complete(path, method, operation);
        }
    }
    document.webhooks = Some(webhooks());
    document
}

/// What the document says before any route is added.
pub(crate) fn frame() -> OpenApi {
    let mut document = Frame::openapi();
    let components = document.components.get_or_insert_with(Default::default);
    let flow = Flow::Password(Password::new("/api/v1/auth/token", Scopes::new()));
    let password = OAuth2::with_description([flow], "Sign in with an e-mail address and a password.");
    components.add_security_scheme(PASSWORD_SCHEME, SecurityScheme::OAuth2(password));
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("An API key (`augur_...`) or an access token."))
        .build();
    components.add_security_scheme(BEARER_SCHEME, SecurityScheme::Http(bearer));
    document
}

/// Adds to an operation what holds for every one of its kind: who may call it, and how it can fail.
fn complete(path: &str, method: &str, operation: &mut Operation) {
    let is_secured = path.starts_with("/api/v1/") && !is_public(path);
    if is_secured {
        let no_scopes = || -> [String; 0] { [] };
        operation.security = Some(vec![
            SecurityRequirement::new(PASSWORD_SCHEME, no_scopes()),
            SecurityRequirement::new(BEARER_SCHEME, no_scopes()),
        ]);
    }
    for (status, description) in failures(path, method, operation, is_secured) {
        let responses = &mut operation.responses.responses;
        let response = responses
            .entry(status.to_owned())
            .or_insert_with(|| RefOr::T(ResponseBuilder::new().description(description).build()));
        if let RefOr::T(response) = response {
            describe_problem(status, response);
        }
    }
}

fn failures(
    path: &str,
    method: &str,
    operation: &Operation,
    is_secured: bool,
) -> BTreeSet<(&'static str, &'static str)> {
    if !path.starts_with("/api/v1/") {
        return BTreeSet::new();
    }
    let mut failures = BTreeSet::from([
        ("400", "The request cannot be read"),
        ("500", "`internal_error`, with an id for the operator"),
        ("503", "`busy` or `unavailable`; see Retry-After"),
    ]);
    if is_secured {
        failures.insert(("401", "`unauthenticated`"));
        failures.insert(("429", "`too_many_requests`: too many of the tenant's requests are in flight"));
    }
    if is_secured && (method != "GET" || path.starts_with("/api/v1/admin/")) {
        failures.insert(("403", "`forbidden`: not an administrator, or an API key that may only read"));
    }
    if has_query(operation) {
        failures.insert(("422", "`invalid_request`"));
    }
    if operation.request_body.is_some() || method == "POST" {
        failures.insert(("408", "`body_timeout`: the body did not arrive in time"));
        failures.insert(("413", "`body_too_large`"));
        failures.insert(("415", "`unsupported_media_type`"));
        failures.insert(("422", "`invalid_request`, with the fields at fault"));
    }
    let documented = operation.responses.responses.keys();
    let own = documented
        .filter_map(|status| ["402", "403", "404", "409", "410"].into_iter().find(|known| known == status));
    failures.extend(own.map(|status| (status, "")));
    failures
}

fn has_query(operation: &Operation) -> bool {
    operation.parameters.iter().flatten().any(|parameter| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    })
}

fn is_public(path: &str) -> bool {
    matches!(path, "/api/v1/auth/register" | "/api/v1/auth/token")
}

fn describe_problem(status: &str, response: &mut Response) {
    let header = match status {
        "401" => Some(("WWW-Authenticate", "How to authenticate")),
        "429" | "503" => Some(("Retry-After", "Seconds to wait")),
        _ => None,
    };
    if let Some((name, description)) = header {
        let header = HeaderBuilder::new().description(Some(description)).build();
        response.headers.insert(name.to_owned(), RefOr::T(header));
    }
    if response.content.is_empty() {
        let schema = Ref::from_schema_name(ProblemBody::name());
        let content = ContentBuilder::new().schema(Some(schema)).build();
        response.content.insert(PROBLEM_TYPE.to_owned(), RefOr::T(content));
    }
}

/// The operations of a path, each with its method.
pub(crate) fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}
