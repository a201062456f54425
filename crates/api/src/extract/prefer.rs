//! `Prefer: wait=N` (RFC 7240): how long a client would rather wait for a finished answer.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::state::Api;

/// Whoever wants to wait longer waits this long.
const WAIT_SECONDS_MAX: u64 = 30;

/// How long to wait for a result, where the client asks to. A preference that cannot be read is passed over.
pub struct Wait(pub Option<Duration>);

impl FromRequestParts<Api> for Wait {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Api) -> Result<Self, Infallible> {
        Ok(Wait(wait_of(&parts.headers)))
    }
}

fn wait_of(headers: &HeaderMap) -> Option<Duration> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences =
        values.flat_map(|value| value.split([',', ';'])).filter_map(|one| one.split_once('='));
    let (_, seconds) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let seconds: u64 = seconds.trim().trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(seconds.min(WAIT_SECONDS_MAX)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_wait_is_read_wherever_it_stands_and_bounded() {
        for (sent, seconds) in [
            ("wait=10", Some(10)),
            ("respond-async, wait=5", Some(5)),
            ("Wait = 7", Some(7)),
            ("wait=100000", Some(30)),
            ("wait=soon", None),
            ("wait=-1", None),
            ("return=minimal", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", HeaderValue::from_static(sent));
            assert_eq!(wait_of(&headers), seconds.map(Duration::from_secs), "{sent}");
        }
    }
}
