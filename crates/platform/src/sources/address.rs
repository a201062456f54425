//! Which hosts are asked: those of the public internet, unless the operator allows this network.

use super::Failure;
use crate::webhooks::is_public;
use std::net::{IpAddr, SocketAddr};
use url::Host;

/// Names that lead inside, wherever they are asked for.
const LOCAL_NAMES: [&str; 8] =
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain"];

/// Whether a host may be named at all. Where a name leads is looked at when a connection is made.
pub(super) fn may_be_named(host: &str, allow_private: bool) -> bool {
    // A path would be a socket of this machine.
    let Ok(host) = Host::parse(host) else { return false };
    if allow_private {
        return true;
    }
    match host {
        Host::Ipv4(address) => is_public(IpAddr::V4(address)),
        Host::Ipv6(address) => is_public(IpAddr::V6(address)),
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let is_dotted = name.rsplit_once('.').is_some_and(|(_, last)| !LOCAL_NAMES.contains(&last));
            is_dotted && !name.ends_with("home.arpa")
        }
    }
}

/// The addresses that a host leads to now and that may be connected to.
pub(super) async fn resolve(host: &str, port: u16, allow_private: bool) -> Result<Vec<SocketAddr>, Failure> {
    if !may_be_named(host, allow_private) {
        return Err(Failure::address_refused());
    }
    // An address of IPv6 is resolved without its brackets.
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::net::lookup_host((name, port)).await;
    let found = found.map_err(|_| Failure::new("connection_failed", "the host's name leads nowhere"))?;
    let allowed: Vec<SocketAddr> = found.filter(|found| allow_private || is_public(found.ip())).collect();
    if allowed.is_empty() { Err(Failure::address_refused()) } else { Ok(allowed) }
}

#[cfg(test)]
mod tests {
    use super::may_be_named;

    #[test]
    fn hosts_that_lead_inside_are_not_named() {
        for good in ["db.example.com", "93.184.216.34", "[2606:4700::1111]"] {
            assert!(may_be_named(good, false), "{good}");
        }
        for bad in [
            "localhost",
            "db",
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "2130706433",
            "0x7f.1",
            "db.internal",
            "printer.local.",
            "",
        ] {
            assert!(!may_be_named(bad, false), "{bad}");
        }
        for socket in ["/var/run/postgresql", "/tmp", "a b", "db/../x"] {
            assert!(!may_be_named(socket, true), "{socket}");
        }
        assert!(may_be_named("localhost", true) && may_be_named("127.0.0.1", true));
    }
}
