//! JSON bodies, strictly: the right content type, a bounded size, no unknown fields, no character that
//! PostgreSQL could not store.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use platform::Idempotency;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::body::{is_media_type, read_small};
use super::idempotency::{key_name, key_of_body};
use crate::problem::{Problem, sentence};
use crate::state::Api;

/// What a JSON body may weigh, unless the route says otherwise.
const JSON_BYTES_MAX: usize = 64 * 1024;

/// A JSON body of at most `BYTES_MAX` bytes.
pub struct JsonBody<T, const BYTES_MAX: usize = JSON_BYTES_MAX>(pub T);

/// A JSON body of a request that may carry an `Idempotency-Key`.
pub struct KeyedJson<T, const BYTES_MAX: usize = JSON_BYTES_MAX> {
    /// What the body says.
    pub body: T,
    /// The key, together with what tells this request from another.
    pub key: Option<Idempotency>,
}

/// A request without a body of its own that may carry an `Idempotency-Key`.
pub struct KeyedEmpty(pub Option<Idempotency>);

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<Api> for JsonBody<T, BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = read_small(&parts.headers, body, BYTES_MAX, api.config.limits.body_timeout).await?;
        parse(&parts.headers, &bytes).map(JsonBody)
    }
}

impl<T: DeserializeOwned, const BYTES_MAX: usize> FromRequest<Api> for KeyedJson<T, BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let name = key_name(&parts.headers)?;
        let bytes = read_small(&parts.headers, body, BYTES_MAX, api.config.limits.body_timeout).await?;
        let body = parse(&parts.headers, &bytes)?;
        let key = key_of_body(name, &parts.method, &parts.uri, &bytes);
        Ok(KeyedJson { body, key })
    }
}

impl FromRequest<Api> for KeyedEmpty {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let name = key_name(&parts.headers)?;
        let timeout = api.config.limits.body_timeout;
        let bytes = read_small(&parts.headers, body, JSON_BYTES_MAX, timeout).await?;
        Ok(KeyedEmpty(key_of_body(name, &parts.method, &parts.uri, &bytes)))
    }
}

fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &Bytes) -> Result<T, Problem> {
    if !is_media_type(headers, "application/json") {
        return Err(Problem::unsupported_media_type("Send the body as application/json."));
    }
    if names_the_nul_character(bytes) {
        return Err(Problem::invalid_field("body", "The character U+0000 is not allowed."));
    }
    // Read by position, an array would pass for an object whose fields it fills.
    if bytes.trim_ascii_start().starts_with(b"[") {
        return Err(Problem::invalid_field("body", "The body is an object, not a list."));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        problem_of(field, error.inner())
    })?;
    deserializer.end().map_err(|error| problem_of(String::from("."), &error))?;
    Ok(value)
}

fn problem_of(field: String, error: &serde_json::Error) -> Problem {
    if error.classify() == Category::Data {
        let field = if field == "." { String::from("body") } else { field };
        return Problem::invalid_field(field, sentence(&error.to_string()));
    }
    Problem::bad_request("bad_json", format!("The body is not JSON: {error}."))
}

/// Whether a string of this JSON holds U+0000, which JSON can only say as an escape. (As a raw byte it is a syntax
/// error.) An escaped backslash before `u0000` makes it an ordinary text.
fn names_the_nul_character(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(position) = rest.iter().position(|byte| *byte == b'\\') {
        let escape = &rest[position + 1..];
        if escape.starts_with(b"u0000") {
            return true;
        }
        // Steps over the escaped character, so that the second of two backslashes begins nothing.
        rest = escape.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use axum::http::header::CONTENT_TYPE;
    use axum::http::{HeaderValue, StatusCode};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters here")]
    struct Deposit {
        amount: i64,
    }

    fn refusal(text: impl Into<String>) -> (StatusCode, String) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        let problem = parse::<Deposit>(&headers, &Bytes::from(text.into())).unwrap_err();
        (problem.status(), problem.code().to_owned())
    }

    #[test]
    fn amounts_that_are_no_whole_number_of_minor_units_are_422() {
        for amount in ["10.001", "1e308", "9223372036854775808", "\"10\"", "null", "true"] {
            let (status, code) = refusal(format!("{{\"amount\": {amount}}}"));
            assert_eq!((status, code.as_str()), (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"));
        }
    }

    #[test]
    fn unknown_fields_are_422() {
        assert_eq!(refusal(r#"{"amount": 1, "is_admin": true}"#).0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn a_list_is_no_object() {
        assert_eq!(refusal(" [1]").0, StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn broken_json_and_a_depth_bomb_are_400() {
        let bomb = format!("{{\"amount\": {}", "[".repeat(10_000));
        for text in ["", "{", "{\"amount\": 1} x", bomb.as_str()] {
            let (status, _) = refusal(text);
            assert!(
                status == StatusCode::BAD_REQUEST || status == StatusCode::UNPROCESSABLE_ENTITY,
                "{text}"
            );
        }
    }

    #[test]
    fn an_escaped_nul_is_refused_and_an_escaped_backslash_is_not() {
        assert!(names_the_nul_character(br#"{"a": "x\u0000"}"#));
        assert!(names_the_nul_character(br#"{"a": "\\\u0000"}"#));
        assert!(!names_the_nul_character(br#"{"a": "\\u0000"}"#));
        assert!(!names_the_nul_character(br#"{"a": "\"#));
    }

    #[test]
    fn another_content_type_is_415() {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        let problem = parse::<Deposit>(&headers, &Bytes::from_static(b"{\"amount\": 1}")).unwrap_err();
        assert_eq!(problem.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}
