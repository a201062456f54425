//! URL-encoded forms, of which there is one: the OAuth 2.0 token request.

use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::body::{is_media_type, read_small};
use crate::problem::{Problem, sentence};
use crate::state::Api;

const FORM_BYTES_MAX: usize = 64 * 1024;

/// A form. Fields that the route does not know are passed over, as RFC 6749 demands.
pub struct FormBody<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Api> for FormBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_media_type(&parts.headers, "application/x-www-form-urlencoded") {
            let detail = "Send the form as application/x-www-form-urlencoded.";
            return Err(Problem::unsupported_media_type(detail));
        }
        let timeout = api.config.limits.body_timeout;
        let bytes = read_small(&parts.headers, body, FORM_BYTES_MAX, timeout).await?;
        if names_the_nul_character(&bytes) {
            return Err(Problem::invalid_field("form", "The character U+0000 is not allowed."));
        }
        serde_urlencoded::from_bytes(&bytes)
            .map(FormBody)
            .map_err(|error| Problem::invalid_field("form", sentence(&error.to_string())))
    }
}

/// No text in PostgreSQL can hold U+0000, which a form may send as it is or encoded.
fn names_the_nul_character(form: &[u8]) -> bool {
    form.contains(&0) || form.windows(3).any(|window| window == b"%00")
}
