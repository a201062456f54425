//! Who sends a request: `Authorization: Bearer`, and the request's id.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use platform::{Access, AdminTx};
use uuid::Uuid;

use crate::problem::Problem;
use crate::state::Api;

/// The sender's access, proven as far as a token can prove it; the database judges the rest.
pub struct Caller(pub Access);

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        // The middleware that counts requests in flight has read the token already.
        if let Some(access) = parts.extensions.get::<Access>() {
            return Ok(Caller(access.clone()));
        }
        let request_id = RequestId::of(parts).0;
        bearer(&parts.headers)
            .and_then(|token| api.access_of(token, request_id))
            .map(Caller)
            .ok_or_else(Problem::unauthenticated)
    }
}

/// The access of an administrator. It is asked for before anything else of the request is read: whoever is none learns
/// nothing of ids and forms. The operation asks again, in its own transaction.
pub struct Administrator(pub Access);

impl FromRequestParts<Api> for Administrator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        let Caller(access) = Caller::from_request_parts(parts, api).await?;
        AdminTx::begin(&api.platform, &access).await?;
        Ok(Administrator(access))
    }
}

/// The id that follows a request through the log, the audit log and the worker.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

impl RequestId {
    /// The id that the client chose where it is fit for a log, else a new one.
    pub fn choose(headers: &HeaderMap) -> RequestId {
        let chosen = headers.get("x-request-id").and_then(|value| value.to_str().ok());
        match chosen.filter(|id| is_sane(id)) {
            Some(id) => RequestId(id.to_owned()),
            None => RequestId(Uuid::now_v7().to_string()),
        }
    }

    fn of(parts: &Parts) -> RequestId {
        parts.extensions.get::<RequestId>().cloned().unwrap_or_else(|| RequestId::choose(&parts.headers))
    }
}

impl FromRequestParts<Api> for RequestId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Infallible> {
        Ok(RequestId::of(parts))
    }
}

/// The address that a request comes from: the connection's, as the kernel tells it, or the one that a trusted proxy
/// speaks for.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Api> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        // Without a connection, as in tests of the router alone, all requests come from one place.
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip());
        Ok(ClientAddress(api.config.trusted_proxies.client(peer, &parts.headers)))
    }
}

/// The bearer token of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn is_sane(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_request_id_that_could_forge_a_log_line_is_replaced() {
        for (sent, is_kept) in [("abc-123_x.y", true), ("a b", false), ("\u{1b}[31m", false), ("", false)] {
            let mut headers = HeaderMap::new();
            if let Ok(value) = HeaderValue::from_bytes(sent.as_bytes()) {
                headers.insert("x-request-id", value);
            }
            assert_eq!(RequestId::choose(&headers).0 == sent, is_kept, "{sent:?}");
        }
    }

    #[test]
    fn the_scheme_is_read_in_any_case_and_nothing_but_bearer_counts() {
        for (sent, token) in
            [("Bearer t", Some("t")), ("bearer t", Some("t")), ("Basic t", None), ("Bearer", None)]
        {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, HeaderValue::from_static(sent));
            assert_eq!(bearer(&headers), token);
        }
    }
}
