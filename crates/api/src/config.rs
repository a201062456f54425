//! What the HTTP server can be told, with the defaults that the contract names.

use std::time::Duration;

use secrecy::SecretString;

use crate::trusted_proxies::TrustedProxies;

/// Everything that may differ between installations.
#[derive(Clone, Debug)]
pub struct Config {
    /// Signs the access tokens; at least 32 bytes.
    pub jwt_secret: SecretString,
    /// How long an access token is good for.
    pub access_token_lifetime: Duration,
    /// The public address is served over TLS by a proxy in front: HSTS is sent.
    pub tls: bool,
    /// Proxies in front, whose X-Forwarded-For is believed.
    pub trusted_proxies: TrustedProxies,
    /// Opens `/metrics` on the public port to whoever sends it as a bearer token.
    pub metrics_token: Option<SecretString>,
    /// Whom customers write to who want to pay money in, where somebody is named.
    pub support_email: Option<String>,
    /// Limits on what clients send and hold.
    pub limits: Limits,
}

/// Limits on what clients send and hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest upload, in bytes as sent.
    pub upload_bytes_max: u64,
    /// How long an upload may stand still.
    pub upload_idle_timeout: Duration,
    /// How long an upload may take altogether.
    pub upload_timeout: Duration,
    /// How long a small body may take from its first to its last byte.
    pub body_timeout: Duration,
    /// Requests of one tenant in flight at once, uploads among them.
    pub requests_in_flight_max: u32,
    /// Uploads of one tenant in flight at once.
    pub uploads_in_flight_max: u32,
    /// Event streams of one tenant open at once, counted apart.
    pub event_streams_max: u32,
    /// Failed logins for one address from one network within the window.
    pub failed_logins_max: u32,
    /// The window in which failed logins are counted.
    pub failed_login_window: Duration,
    /// Connections held open by this process.
    pub connections_max: usize,
    /// How long a connection may take to send its next request's head, and stay idle between requests.
    pub header_read_timeout: Duration,
    /// How long the server goes on taking connections once it has been told to stop, so that a balancer can
    /// see by `/readyz` that it must send no more.
    pub drain_delay: Duration,
    /// How long requests in flight may take to end once the server has been told to stop.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            upload_bytes_max: 2 << 30,
            upload_idle_timeout: Duration::from_secs(20),
            upload_timeout: Duration::from_secs(60 * 60),
            body_timeout: Duration::from_secs(20),
            requests_in_flight_max: 256,
            uploads_in_flight_max: 64,
            event_streams_max: 32,
            failed_logins_max: 10,
            failed_login_window: Duration::from_secs(15 * 60),
            connections_max: 8192,
            header_read_timeout: Duration::from_secs(10),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(25),
        }
    }
}

impl Config {
    /// The defaults, with the one value that has none.
    pub fn new(jwt_secret: SecretString) -> Config {
        Config {
            jwt_secret,
            access_token_lifetime: Duration::from_secs(15 * 60),
            tls: false,
            trusted_proxies: TrustedProxies::default(),
            metrics_token: None,
            support_email: None,
            limits: Limits::default(),
        }
    }
}
