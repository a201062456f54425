//! What an installation sets, as one struct per concern.

use chrono::TimeDelta;
use secrecy::SecretString;
use url::Url;

/// The whole platform's settings.
pub struct Config {
    /// Where the truth lies.
    pub database: DatabaseConfig,
    /// Where files lie: `file:///directory` or `s3://bucket/prefix`.
    pub storage_url: String,
    /// Redis, where there is one.
    pub redis_url: Option<SecretString>,
    /// ISO 4217 code, fixed at the first start; none takes what is fixed, or `RUB` at the first.
    pub currency: Option<String>,
    /// Times and sizes.
    pub limits: LimitsConfig,
    /// How webhooks are sent.
    pub webhooks: WebhooksConfig,
    /// Where files may be fetched from.
    pub sources: SourcesConfig,
    /// The MLflow server that trained versions are taken to, if any.
    pub tracking: Option<TrackingConfig>,
    /// What secrets are sealed under that must be readable again; without it there are none.
    pub encryption_secret: Option<SecretString>,
}

/// PostgreSQL: the owner of the schema, and the two roles it is used through.
pub struct DatabaseConfig {
    /// The user who owns the schema.
    pub url: SecretString,
    /// Another login for the tenants' role; none takes `url` and sets the role.
    pub app_url: Option<SecretString>,
    /// Another login for the system's role; none takes `url` and sets the role.
    pub system_url: Option<SecretString>,
    /// Connections for tenants' transactions.
    pub app_connections_max: u32,
    /// Connections for logins, jobs and administration.
    pub system_connections_max: u32,
}

/// Bounds that an administrator may move.
#[derive(Clone, Debug)]
pub struct LimitsConfig {
    /// The largest upload, in bytes as sent and as unpacked.
    pub upload_bytes_max: u64,
    /// How long inputs and results are kept.
    pub retention: TimeDelta,
    /// How long scores are kept for outcomes to be joined to, where an upload names a key.
    pub scores_retention: TimeDelta,
    /// How long after its acceptance a prediction fails for good.
    pub deadline: TimeDelta,
    /// How many jobs of all tenants wait or run before further ones are refused.
    pub jobs_queued_max: u32,
    /// How many of them may be one tenant's.
    pub jobs_queued_per_tenant_max: u32,
    /// How often the sweeper checks the invariants.
    pub invariant_interval: TimeDelta,
    /// How long a login lasts without being used.
    pub session_lifetime: TimeDelta,
}

/// An MLflow tracking server.
#[derive(Clone, Debug)]
pub struct TrackingConfig {
    /// Where it is.
    pub uri: Url,
    /// What it is shown as a bearer token.
    pub token: Option<SecretString>,
    /// Else user and password for it.
    pub login: Option<(String, SecretString)>,
}

/// Where files may be fetched from.
#[derive(Clone, Copy, Debug, Default)]
pub struct SourcesConfig {
    /// Whether sources may lie within this machine and network, and be asked by `http:`: where all tenants may see
    /// what lies there, and for tests.
    pub allow_private: bool,
}

/// How webhooks are sent.
#[derive(Clone, Debug)]
pub struct WebhooksConfig {
    /// Whether they may be sent by `http:`, to any port, and within this machine and network: for tests and
    /// development alone.
    pub allow_private: bool,
    /// How long to wait after each failed attempt, before it is made longer or shorter at random; the
    /// attempt after the last of them is the last.
    pub retry_delays: Vec<TimeDelta>,
    /// How long ended deliveries are kept.
    pub delivery_retention: TimeDelta,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        // Each four times the one before, up to half a day: 13 attempts over about three days.
        let seconds = [5, 20, 80, 320, 1_280, 5_120, 20_480, 43_200, 43_200, 43_200, 43_200, 43_200];
        WebhooksConfig {
            allow_private: false,
            retry_delays: seconds.map(TimeDelta::seconds).to_vec(),
            delivery_retention: TimeDelta::days(30),
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        LimitsConfig {
            upload_bytes_max: 2 << 30,
            retention: TimeDelta::days(30),
            scores_retention: TimeDelta::days(400),
            deadline: TimeDelta::hours(1),
            jobs_queued_max: 10_000,
            jobs_queued_per_tenant_max: 1_000,
            invariant_interval: TimeDelta::minutes(5),
            session_lifetime: TimeDelta::days(30),
        }
    }
}
