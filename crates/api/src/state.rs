//! What every handler has at hand.

use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;
use metrics_exporter_prometheus::PrometheusHandle;
use platform::{Access, Credential, Platform, SessionId};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::console::Seals;
use crate::health::{HealthChecks, HealthProbe};
use crate::limits::{FailedLogins, InFlight, Shared, Tries};
use crate::problem::Problem;
use crate::tenants::Tenants;
use crate::tokens::Tokens;

/// Results that are rewritten at once; each holds one of tokio's 512 blocking threads.
const REWRITING_MAX: usize = 64;

/// Exports at once in one process.
const EXPORTS_MAX: usize = 16;

/// The API of one process: the platform, and what speaking HTTP needs besides.
#[derive(Clone)]
pub struct Api(Arc<State>);

/// The parts of [`Api`].
pub struct State {
    pub(crate) platform: Platform,
    pub(crate) config: Config,
    pub(crate) tokens: Tokens,
    /// Seals the console's cookies and forms.
    pub(crate) seals: Seals,
    pub(crate) tenants: Tenants,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) failed_logins: Arc<FailedLogins>,
    /// What-ifs, which cost nothing.
    pub(crate) tries: Tries,
    /// Permits for threads that rewrite results while they are sent.
    pub(crate) rewriting: Arc<Semaphore>,
    /// Permits for exports under way; each holds temporary files.
    pub(crate) exporting: Arc<Semaphore>,
    pub(crate) health: HealthChecks,
    pub(crate) metrics: PrometheusHandle,
    /// Customers that never existed, as CSV.
    pub(crate) sample_customers: Bytes,
    /// Ends event streams when the server stops, so that they do not hold it up.
    pub(crate) stop: CancellationToken,
}

/// What the process knows about itself.
pub struct Operation {
    /// What it measures.
    pub metrics: PrometheusHandle,
    /// Dependencies that the platform does not know of.
    pub probes: Vec<HealthProbe>,
    /// Customers that never existed, as CSV, for those who have no file at hand.
    pub sample_customers: Vec<u8>,
}

impl Api {
    /// An API over `platform`. `stop` ends its background work and its event streams.
    pub fn new(platform: Platform, config: Config, operation: Operation, stop: CancellationToken) -> Api {
        let shared = Shared::new(&platform.cache, stop.clone());
        Api(Arc::new(State {
            platform,
            tokens: Tokens::new(&config.jwt_secret, config.access_token_lifetime),
            seals: Seals::new(&config.jwt_secret),
            tenants: Tenants::default(),
            in_flight: InFlight::new(&config.limits, shared.clone()),
            tries: Tries::new(shared.clone()),
            failed_logins: FailedLogins::new(&config.limits, shared),
            rewriting: Arc::new(Semaphore::new(REWRITING_MAX)),
            exporting: Arc::new(Semaphore::new(EXPORTS_MAX)),
            health: HealthChecks::new(operation.probes),
            metrics: operation.metrics,
            sample_customers: operation.sample_customers.into(),
            stop,
            config,
        }))
    }

    /// What a bearer token proves: an API key by its prefix, else an access token of ours.
    pub(crate) fn credential_of(&self, bearer: &str) -> Option<Credential> {
        if bearer.starts_with(platform::api_keys::API_KEY_PREFIX) {
            return Some(Credential::of_api_key(bearer));
        }
        self.tokens.session_of(bearer).map(|session| Credential::Session(SessionId(session)))
    }

    /// Counts a what-if of the caller's tenant, or tells when to come back.
    pub(crate) async fn count_try(&self, access: &Access) -> Result<(), Problem> {
        let tenant = self.tenants.tenant_of(&self.platform, access).await?;
        Ok(self.tries.count(tenant).await?)
    }

    /// The access of a request whose bearer token is `bearer`.
    pub(crate) fn access_of(&self, bearer: &str, request_id: String) -> Option<Access> {
        self.credential_of(bearer).map(|credential| Access { credential, request_id })
    }
}

impl Deref for Api {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}
