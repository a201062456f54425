//! The URL of an endpoint: what may be asked for at all. Where its name leads is looked at when a
//! connection is made, by whoever sends.

use super::is_public;
use crate::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Url};

const FIELD: &str = "url";
const URL_CHARACTERS_MAX: usize = 2000;

/// Below this, ports belong to services of the system; those of the web are allowed.
const FIRST_OPEN_PORT: u16 = 1024;

/// Names that belong to no public host (RFC 6761, RFC 6762, RFC 9476 and ICANN's `internal`).
const LOCAL_NAMES: [&str; 8] =
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"];

/// Reads the URL of an endpoint. With `allow_private`, for tests and development alone, it may be
/// `http:` and lead to this machine and this network.
///
/// # Errors
/// [`Error::Invalid`] on `url` where it is no URL, no `https:`, holds a login or a fragment, or leads to
/// a port or an address that is not the public web's.
pub fn parse_target(text: &str, allow_private: bool) -> Result<Url, Error> {
    if text.chars().count() > URL_CHARACTERS_MAX {
        return Err(refused("the address has at most 2000 characters"));
    }
    // Browsers drop these silently; whoever sends them means something else than they see.
    if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
        return Err(refused("the address holds a space or a control character"));
    }
    let url = Url::parse(text).map_err(|_| refused("this is not an address such as https://example.com/"))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        _ => return Err(refused("the address begins with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("the address holds no user name and no password"));
    }
    if url.fragment().is_some() {
        return Err(refused("the address holds no #fragment, which is never sent"));
    }
    let host = url.host().ok_or_else(|| refused("the address names a host"))?;
    if !allow_private {
        check_port(url.port_or_known_default())?;
        check_host(&host)?;
    }
    Ok(url)
}

fn check_port(port: Option<u16>) -> Result<(), Error> {
    match port {
        Some(443 | FIRST_OPEN_PORT..) => Ok(()),
        _ => Err(refused("the port is 443, or 1024 or above")),
    }
}

fn check_host(host: &Host<&str>) -> Result<(), Error> {
    let is_good = match host {
        Host::Ipv4(address) => is_public_v4(*address),
        Host::Ipv6(address) => is_public_v6(*address),
        Host::Domain(name) => is_public_name(name),
    };
    if is_good { Ok(()) } else { Err(refused("the address leads to no host of the public internet")) }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    is_public(IpAddr::V4(address))
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    is_public(IpAddr::V6(address))
}

/// A name of the public internet has a dot, and does not end in one of the names that lead inside.
fn is_public_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    !LOCAL_NAMES.contains(&last) && !name.ends_with("home.arpa")
}

fn refused(message: &'static str) -> Error {
    Error::invalid(FIELD, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_the_public_web_is_taken_as_it_is_read() {
        for good in [
            "https://example.com/",
            "https://example.com:8443/hook?tenant=1",
            "https://93.184.216.34/",
            "https://[2606:4700::1111]/",
            "https://xn--e1afmkfd.xn--p1ai/",
        ] {
            assert!(parse_target(good, false).is_ok(), "{good}");
        }
    }

    #[test]
    fn an_address_that_leads_inside_or_elsewhere_is_refused_in_whatever_form() {
        for bad in [
            "http://example.com/",
            "file:///etc/passwd",
            "ftp://example.com/",
            "gopher://example.com/",
            "//example.com/",
            "example.com",
            "",
            "https://",
            "https://user@example.com/",
            "https://user:secret@example.com/",
            "https://:secret@example.com/",
            "https://example.com/#here",
            "https://example.com:22/",
            "https://example.com:25/",
            "https://example.com:80/",
            "https://example.com:0/",
            "https://localhost/",
            "https://LOCALHOST./",
            "https://db.localhost/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://rabbitmq/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://10.0.0.1/",
            "https://172.16.0.1/",
            "https://192.168.0.1/",
            "https://100.64.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://0.0.0.0/",
            "https://[::]/",
            "https://[::1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[64:ff9b::127.0.0.1]/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
            "https://exam\nple.com/",
            " https://example.com/",
            "https:\\\\user@example.com\\",
        ] {
            assert!(parse_target(bad, false).is_err(), "{bad}");
        }
        assert!(parse_target(&format!("https://example.com/{}", "a".repeat(2000)), false).is_err());
    }

    #[test]
    fn development_may_send_within_its_own_machine() {
        for good in ["http://127.0.0.1:9/", "http://localhost/", "https://rabbitmq/"] {
            assert!(parse_target(good, true).is_ok(), "{good}");
        }
        for bad in ["file:///etc/passwd", "http://user@localhost/", "ftp://localhost/"] {
            assert!(parse_target(bad, true).is_err(), "{bad}");
        }
    }
}
