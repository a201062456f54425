//! Which proxies may say whom they speak for, and whom they say: X-Forwarded-For is whatever a client likes, except for
//! what trusted proxies have put at its end.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::HeaderMap;
use thiserror::Error;

/// The proxies in front of the server; none by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Vec<Network>);

/// Addresses that begin with the same bits; IPv4 in IPv6 is held as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix_bits: u32,
}

/// A list of proxies that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BadProxies {
    /// An entry is something else.
    #[error("\"{0}\" is neither an IP address nor a network such as 10.0.0.0/8")]
    NoNetwork(String),
    /// An entry says one host and means many.
    #[error("\"{0}\" has bits behind its prefix: give the network's first address")]
    BitsBehindPrefix(String),
}

impl TrustedProxies {
    /// The address of the client that `peer` speaks for: the last one in X-Forwarded-For that is no trusted proxy, or
    /// `peer` itself where it is none. What cannot be read ends the walk at the proxy that passed it on.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        let mut entries =
            lines.flat_map(|line| std::str::from_utf8(line.as_bytes()).unwrap_or_default().rsplit(','));
        let mut client = peer;
        while self.contains(client) {
            let Some(before) = entries.next().and_then(address_of) else { break };
            client = before;
        }
        client
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl FromStr for TrustedProxies {
    type Err = BadProxies;

    /// Reads addresses and networks with commas between them.
    fn from_str(text: &str) -> Result<Self, BadProxies> {
        text.split(',').map(|entry| entry.trim().parse()).collect::<Result<_, _>>().map(TrustedProxies)
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= self.prefix_bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differing = own.to_bits() ^ other.to_bits();
                differing.leading_zeros() >= self.prefix_bits
            }
            _ => false,
        }
    }

    fn has_bits_behind_prefix(self) -> bool {
        let (zeros, bits) = match self.address {
            IpAddr::V4(address) => (address.to_bits().trailing_zeros(), 32),
            IpAddr::V6(address) => (address.to_bits().trailing_zeros(), 128),
        };
        zeros + self.prefix_bits < bits
    }

    /// IPv4 in IPv6 as IPv4. Such an address has its 96th bit set, so that a valid prefix is no shorter.
    fn to_canonical(self) -> Network {
        let address = self.address.to_canonical();
        let bits_removed = if address.is_ipv4() && self.address.is_ipv6() { 96 } else { 0 };
        Network { address, prefix_bits: self.prefix_bits.saturating_sub(bits_removed) }
    }
}

impl FromStr for Network {
    type Err = BadProxies;

    fn from_str(text: &str) -> Result<Self, BadProxies> {
        let bad = || BadProxies::NoNetwork(text.to_owned());
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = prefix.map_or(Ok(bits), str::parse).map_err(|_| bad())?;
        if prefix_bits > bits {
            return Err(bad());
        }
        let network = Network { address, prefix_bits };
        if network.has_bits_behind_prefix() {
            return Err(BadProxies::BitsBehindPrefix(text.to_owned()));
        }
        Ok(network.to_canonical())
    }
}

/// An address as proxies write it: alone, or with the port that the client came from.
fn address_of(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let alone = entry.strip_prefix('[').and_then(|entry| entry.strip_suffix(']')).unwrap_or(entry);
    alone.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(trusted: &str, peer: &str, forwarded: &[&'static str]) -> String {
        let trusted: TrustedProxies = trusted.parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        trusted.client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_but_a_trusted_proxy() {
        assert_eq!(client("10.0.0.1", "203.0.113.9", &["198.51.100.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", "10.0.0.2", &["198.51.100.1"]), "10.0.0.2");
        assert_eq!(client("10.0.0.1", "10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("198.51.100.1"));
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(TrustedProxies::default().client(peer, &headers), peer);
    }

    #[test]
    fn what_a_client_puts_before_the_proxies_entries_does_not_count() {
        for (forwarded, expected) in [
            (vec!["192.0.2.1, 198.51.100.1"], "198.51.100.1"),
            (vec!["192.0.2.1, 198.51.100.1, 10.9.9.9"], "198.51.100.1"),
            (vec!["192.0.2.1", "198.51.100.1,10.9.9.9", " 2001:db8::7 "], "198.51.100.1"),
            (vec!["10.1.1.1, 198.51.100.1"], "198.51.100.1"),
            (vec!["198.51.100.1:4711"], "198.51.100.1"),
            (vec!["[2001:db9::1]:443"], "2001:db9::1"),
            (vec!["[2001:db9::1]"], "2001:db9::1"),
            // Nobody else is named.
            (vec![], "10.0.0.1"),
            (vec!["10.3.3.3, 10.2.2.2"], "10.3.3.3"),
            // What cannot be read hides what stands before it.
            (vec!["198.51.100.1, unknown"], "10.0.0.1"),
            (vec!["198.51.100.1, unknown, 10.2.2.2"], "10.2.2.2"),
        ] {
            assert_eq!(
                client("10.0.0.0/8, 2001:db8::/32", "10.0.0.1", &forwarded),
                expected,
                "{forwarded:?}"
            );
        }
    }

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        for (network, address, is_held) in [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("::ffff:10.0.0.0/104", "10.1.2.3", true),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "203.0.113.9", false),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.0", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let trusted: TrustedProxies = network.parse().unwrap();
            assert_eq!(trusted.contains(address.parse().unwrap()), is_held, "{network} {address}");
        }
    }

    #[test]
    fn what_is_no_list_of_networks_is_refused_by_name() {
        for text in
            ["proxy", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.1,", "10.0.0.1 10.0.0.2", "10.0.0.1:80"]
        {
            let error = text.parse::<TrustedProxies>().unwrap_err();
            assert!(matches!(error, BadProxies::NoNetwork(_)), "{text}: {error}");
        }
        let error = "::1, 10.0.0.1/8".parse::<TrustedProxies>().unwrap_err();
        assert_eq!(error, BadProxies::BitsBehindPrefix("10.0.0.1/8".to_owned()));
    }
}
