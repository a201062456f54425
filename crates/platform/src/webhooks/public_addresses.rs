//! Resolves names for connections that a tenant asked for: as the system does, without what is not of the public
//! internet. A connection is made to what was resolved and to nothing else, so that a name which led elsewhere when
//! it was looked at leads nowhere now.

use super::is_public;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error as _;
use std::net::{IpAddr, SocketAddr};

/// A name leads to no address that may be connected to.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to no public address")]
struct Refused;

/// The resolver.
pub struct PublicAddresses {
    /// Whether addresses of this machine and this network are taken as well.
    pub allow_private: bool,
}

impl PublicAddresses {
    /// Whether a request failed because of this.
    pub fn has_refused(error: &reqwest::Error) -> bool {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if inner.is::<Refused>() {
                return true;
            }
            cause = inner.source();
        }
        false
    }
}

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let is_allowed = |address: IpAddr| allow_private || is_public(address);
            let allowed: Vec<SocketAddr> = found.filter(|found| is_allowed(found.ip())).collect();
            if allowed.is_empty() {
                return Err(Refused.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
