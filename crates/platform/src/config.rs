//! What an installation sets, as one struct per concern.

use chrono::TimeDelta;
use secrecy::SecretString;

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

impl Default for LimitsConfig {
    fn default() -> Self {
        LimitsConfig {
            upload_bytes_max: 2 << 30,
            retention: TimeDelta::days(30),
            deadline: TimeDelta::hours(1),
            jobs_queued_max: 10_000,
            jobs_queued_per_tenant_max: 1_000,
            invariant_interval: TimeDelta::minutes(5),
            session_lifetime: TimeDelta::days(30),
        }
    }
}
