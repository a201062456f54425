//! `Idempotency-Key`: its form, and the hash that tells a retry from another request under the same key.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use platform::Idempotency;
use sha2::{Digest, Sha256};

use crate::problem::Problem;
use crate::state::Api;

const HEADER: &str = "idempotency-key";
const KEY_BYTES_MAX: usize = 255;

/// The key of an upload, whose content is not known yet.
pub struct KeyName(pub Option<String>);

impl FromRequestParts<Api> for KeyName {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Problem> {
        key_name(&parts.headers).map(KeyName)
    }
}

/// The key that the client sent, if any: 1 to 255 visible ASCII characters.
pub fn key_name(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let bytes = value.as_bytes();
    let is_good = (1..=KEY_BYTES_MAX).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
    match (is_good, value.to_str(), values.next()) {
        (true, Ok(text), None) => Ok(Some(text.to_owned())),
        _ => Err(Problem::bad_request(
            "bad_idempotency_key",
            "Idempotency-Key is one header of 1 to 255 visible ASCII characters.",
        )),
    }
}

/// The key of a request, together with what tells that request from another.
pub fn key_of_body(name: Option<String>, method: &Method, uri: &Uri, body: &[u8]) -> Option<Idempotency> {
    let body_sha256 = Sha256::digest(body).into();
    name.map(|key| Idempotency { key, target: target(method, uri), body_sha256 })
}

/// The key of an upload. The file's hash is filled in by whoever stores the file.
pub fn key_of_upload(name: Option<String>, method: &Method, uri: &Uri) -> Option<Idempotency> {
    name.map(|key| Idempotency { key, target: target(method, uri), body_sha256: [0; 32] })
}

/// Method, path and query, kept apart by characters that none of them can hold.
fn target(method: &Method, uri: &Uri) -> String {
    format!("{method} {}?{}", uri.path(), uri.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with_key(value: &[u8]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_bytes(value).unwrap());
        headers
    }

    #[test]
    fn keys_of_1_to_255_visible_characters_are_taken() {
        for key in ["a", "5f0c6f3e-7d8a", &"k".repeat(255)] {
            assert_eq!(key_name(&with_key(key.as_bytes())).unwrap().as_deref(), Some(key));
        }
        assert!(key_name(&HeaderMap::new()).unwrap().is_none());
    }

    #[test]
    fn empty_long_blank_foreign_and_repeated_keys_are_400() {
        for key in ["", "a b", &"k".repeat(256), "ключ"] {
            assert_eq!(key_name(&with_key(key.as_bytes())).unwrap_err().status(), 400, "{key}");
        }
        let mut twice = with_key(b"a");
        twice.append(HEADER, HeaderValue::from_static("b"));
        assert!(key_name(&twice).is_err());
    }

    #[test]
    fn the_key_differs_with_every_part_of_the_request() {
        let key = |method: &Method, uri: &'static str, body: &[u8]| {
            let key = key_of_body(Some("k".into()), method, &Uri::from_static(uri), body).unwrap();
            (key.target, key.body_sha256)
        };
        let keys = [
            key(&Method::POST, "/a?b", b"1"),
            key(&Method::PUT, "/a?b", b"1"),
            key(&Method::POST, "/ab", b"1"),
            key(&Method::POST, "/a?c", b"1"),
            key(&Method::POST, "/a?b", b"2"),
        ];
        for (index, one) in keys.iter().enumerate() {
            assert!(!keys[index + 1..].contains(one));
        }
        assert_eq!(keys[0], key(&Method::POST, "/a?b", b"1"));
    }
}
