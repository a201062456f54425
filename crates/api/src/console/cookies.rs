//! Cookies, read and written (RFC 6265).

use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

/// Who may read a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// It proves who somebody is: scripts do not see it, and where there is TLS it goes over nothing else.
    Secret,
    /// A choice that anybody may know.
    Open,
}

/// What a request's cookie of this name holds.
pub fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value)
}

/// A secret cookie's name: with TLS it carries the prefix that has browsers refuse it from anywhere but this very
/// host, over TLS, for every path.
pub fn secret_name(name: &str, tls: bool) -> String {
    if tls { format!("__Host-{name}") } else { name.to_owned() }
}

/// The header that sets a cookie for every path of this host. No lifetime ends it at once.
pub fn set(
    name: &str,
    value: &str,
    lifetime: Option<Duration>,
    secrecy: Secrecy,
    tls: bool,
) -> Option<HeaderValue> {
    let seconds = lifetime.map_or(0, |lifetime| lifetime.as_secs());
    let http_only = if secrecy == Secrecy::Secret { "; HttpOnly" } else { "" };
    let secure = if tls { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; SameSite=Lax{http_only}{secure}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static("xaugur=1; augur=a=b;  other=2"));
        assert_eq!(value(&headers, "augur"), Some("a=b"));
        assert_eq!(value(&headers, "other"), Some("2"));
        assert_eq!(value(&headers, "gur"), None);
    }

    #[test]
    fn a_secret_cookie_is_kept_from_scripts_and_bound_to_the_host_where_there_is_tls() {
        let name = secret_name("augur_session", true);
        let header = set(&name, "v", Some(Duration::from_secs(60)), Secrecy::Secret, true).unwrap();
        assert_eq!(header, "__Host-augur_session=v; Path=/; Max-Age=60; SameSite=Lax; HttpOnly; Secure");
        assert_eq!(secret_name("augur_session", false), "augur_session");
    }
}
