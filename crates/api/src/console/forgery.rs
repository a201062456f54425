//! Forms that only our own pages can have sent (OWASP: cross-site request forgery). A POST with a cookie is taken where
//! its content type is a form's, its `Origin` is ours, and it carries the token that was made for the cookie's holder:
//! as the field `csrf` of a form, or as the header `X-CSRF-Token` of a script.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use platform::Access;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::errors::PageError;
use super::shell::Shell;
use super::visitor::{AdminVisitor, Guest, Visitor};
use crate::extract::{
    self,
    body::{is_media_type, read_small},
};
use crate::problem::Problem;
use crate::state::Api;

const FORM_BYTES_MAX: usize = 64 * 1024;
const TOKEN_HEADER: &str = "x-csrf-token";

/// A form of somebody who is signed in. Fields that `T` does not know are passed over.
pub struct SignedForm<T> {
    /// What their cookie proves.
    pub access: Access,
    /// The frame of the page that answers.
    pub shell: Shell,
    /// The fields.
    pub body: T,
}

/// A form of an administrator.
pub struct AdminForm<T> {
    /// What their cookie proves.
    pub access: Access,
    /// The frame of the page that answers.
    pub shell: Shell,
    /// The fields.
    pub body: T,
}

/// A form of somebody who is not signed in.
pub struct GuestForm<T> {
    /// The frame of the page that answers.
    pub shell: Shell,
    /// The fields.
    pub body: T,
}

/// An upload of somebody who is signed in.
pub struct SignedUpload {
    /// What their cookie proves.
    pub access: Access,
    /// The frame of the fragment that answers.
    pub shell: Shell,
    /// The file.
    pub upload: extract::Upload,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<Api> for SignedForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        refuse_foreign(&parts.headers)?;
        let Visitor { access, shell } = Visitor::of(&parts, api).await?;
        let bytes = form_bytes(&parts, body, api).await?;
        let holder = api.session_of_cookie(&parts.headers).map(|session| session.0);
        check_token(api, holder, &token_of(&parts.headers, &bytes))?;
        Ok(SignedForm { access, shell, body: fields(&bytes)? })
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for AdminForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, PageError> {
        let SignedForm { access, shell, body } = SignedForm::from_request(request, api).await?;
        let AdminVisitor { access, shell } = AdminVisitor::of(Visitor { access, shell })?;
        Ok(AdminForm { access, shell, body })
    }
}

impl<T: DeserializeOwned> FromRequest<Api> for GuestForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, PageError> {
        let (parts, body) = request.into_parts();
        refuse_foreign(&parts.headers)?;
        let guest = Guest::of(&parts, api);
        let bytes = form_bytes(&parts, body, api).await?;
        // Whoever sends a form without the cookie of its page was given a new number, which no token fits.
        check_token(api, Some(guest.number), &token_of(&parts.headers, &bytes))?;
        Ok(GuestForm { shell: guest.shell, body: fields(&bytes)? })
    }
}

impl FromRequest<Api> for SignedUpload {
    type Rejection = PageError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, PageError> {
        let (mut parts, body) = request.into_parts();
        refuse_foreign(&parts.headers)?;
        if !is_media_type(&parts.headers, "multipart/form-data") {
            return Err(Problem::unsupported_media_type("Send the file as multipart/form-data.").into());
        }
        let Visitor { access, shell } = Visitor::from_request_parts(&mut parts, api).await?;
        let holder = api.session_of_cookie(&parts.headers).map(|session| session.0);
        check_token(api, holder, &token_of(&parts.headers, &[]))?;
        let upload = extract::Upload::from_request(Request::from_parts(parts, body), api).await?;
        Ok(SignedUpload { access, shell, upload })
    }
}

/// Refuses what another site's page has a browser send. A browser names that site in `Origin`; a program need not.
fn refuse_foreign(headers: &HeaderMap) -> Result<(), PageError> {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let is_of_our_site = site.is_none_or(|site| matches!(site, "same-origin" | "none"));
    let is_of_our_origin = match headers.get(ORIGIN) {
        None => true,
        Some(origin) => {
            let host = headers.get(HOST).and_then(|host| host.to_str().ok());
            let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            origin.map(|(_, origin)| origin) == host && host.is_some()
        }
    };
    if is_of_our_site && is_of_our_origin { Ok(()) } else { Err(PageError::forged()) }
}

async fn form_bytes(parts: &Parts, body: axum::body::Body, api: &Api) -> Result<bytes::Bytes, PageError> {
    if !is_media_type(&parts.headers, "application/x-www-form-urlencoded") {
        let detail = "Send the form as application/x-www-form-urlencoded.";
        return Err(Problem::unsupported_media_type(detail).into());
    }
    let timeout = api.config.limits.body_timeout;
    Ok(read_small(&parts.headers, body, FORM_BYTES_MAX, timeout).await?)
}

fn token_of(headers: &HeaderMap, form: &[u8]) -> String {
    match headers.get(TOKEN_HEADER).and_then(|value| value.to_str().ok()) {
        Some(token) => token.to_owned(),
        None => serde_urlencoded::from_bytes::<Token>(form).map(|token| token.csrf).unwrap_or_default(),
    }
}

fn check_token(api: &Api, holder: Option<Uuid>, token: &str) -> Result<(), PageError> {
    let is_ours = holder.is_some_and(|holder| api.is_form_token(holder, token));
    if is_ours { Ok(()) } else { Err(PageError::forged()) }
}

fn fields<T: DeserializeOwned>(form: &[u8]) -> Result<T, PageError> {
    // No text in PostgreSQL can hold U+0000, which a form may send as it is or encoded.
    if form.contains(&0) || form.windows(3).any(|window| window == b"%00") {
        return Err(Problem::invalid_field("form", "The character U+0000 is not allowed.").into());
    }
    serde_urlencoded::from_bytes(form)
        .map_err(|error| Problem::invalid_field("form", format!("The form cannot be read: {error}.")).into())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    fn is_taken(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        refuse_foreign(&headers).is_ok()
    }

    #[test]
    fn a_form_of_another_site_is_refused_by_its_origin_or_by_what_the_browser_says_of_it() {
        let host = ("host", "augur.example");
        assert!(is_taken(&[host]));
        assert!(is_taken(&[host, ("origin", "https://augur.example")]));
        assert!(is_taken(&[host, ("origin", "https://augur.example"), ("sec-fetch-site", "same-origin")]));
        for foreign in [
            ("origin", "https://evil.example"),
            ("origin", "https://augur.example.evil.example"),
            ("origin", "https://augur.example:444"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!is_taken(&[host, foreign]), "{foreign:?}");
        }
        assert!(!is_taken(&[("origin", "https://augur.example")]));
    }
}
