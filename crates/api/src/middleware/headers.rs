//! Headers that keep a browser from doing harm. A handler may set a stricter or fitter one of its own.

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::state::Api;

/// An answer of the API is data: a browser that shows it runs and loads nothing.
const POLICY_OF_DATA: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Swagger UI: its own scripts and requests only. It sets styles and small images at run time.
const POLICY_OF_DOCS: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'";
/// A page of the console runs and loads what this installation serves, and nothing that stands in the page itself.
const POLICY_OF_PAGES: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
const TWO_YEARS: &str = "max-age=63072000";

/// Adds the headers that an answer has not set itself.
pub async fn add_security_headers(State(api): State<Api>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_docs = path.starts_with("/docs");
    let is_public = is_docs
        || ["/assets/", "/livez", "/readyz", "/metrics", "/api/openapi.json"]
            .iter()
            .any(|part| path.starts_with(part));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let policy = match (is_docs, is_page) {
        (true, _) => POLICY_OF_DOCS,
        (false, true) => POLICY_OF_PAGES,
        (false, false) => POLICY_OF_DATA,
    };
    let mut add = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    add(X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Without a referrer of its own a browser names no origin with a form either, which the console asks for.
    add(REFERRER_POLICY, if is_page { "same-origin" } else { "no-referrer" });
    add(CONTENT_SECURITY_POLICY, policy);
    if !is_public {
        add(CACHE_CONTROL, "no-store");
    }
    if api.config.tls {
        add(STRICT_TRANSPORT_SECURITY, TWO_YEARS);
    }
    response
}
