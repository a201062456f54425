//! The story of an order: tenants, users, services, orders, files, predictions, jobs, results.
//!
//! PostgreSQL is the only truth. SQL lives in the `db.rs` of each feature, money in the crate
//! `ledger`, models in the crate `scoring`; nothing here knows HTTP. Locks are taken in one order
//! everywhere: job, prediction, order, account.

pub mod accounts;
pub mod administration;
pub mod api_keys;
pub mod audit_log;
pub mod closing;
pub mod config;
mod encryption;
pub mod erasures;
mod error;
pub mod export;
pub mod failpoints;
pub mod health;
pub mod idempotency;
mod ids;
pub mod invariants;
pub mod jobs;
mod migrations;
pub mod models;
pub mod money;
pub mod monitoring;
pub mod notifications;
pub mod objects;
pub mod orders;
pub mod outlook;
mod page;
mod patience;
pub mod plans;
pub mod predictions;
pub mod registry;
pub mod results;
pub mod retraining;
pub mod risk_tiers;
mod secrets;
pub mod services;
pub mod sessions;
mod settings;
pub mod sources;
pub mod tenancy;
pub mod tracking;
pub mod trainings;
pub mod webhooks;

pub use config::Config;
pub use encryption::Encryption;
pub use error::{Error, FieldProblem};
pub use idempotency::{Idempotency, Replayable};
pub use ids::{
    AccountId, ApiKeyId, IntakeId, JobId, ModelId, ModelVersionId, OrderId, OutcomeUploadId, PlanId,
    PredictionId, RetrainingRunId, ServiceId, SessionId, SourceId, TenantId, TrainingId, TransactionId,
    UserId, WebhookDeliveryId, WebhookId,
};
pub use ledger;
pub use migrations::{SchemaState, migrate, schema_state};
pub use page::{List, Page};
pub use patience::in_time;
pub use tenancy::{Access, AdminTx, Administrator, Caller, Credential, StandingOrder, TenantTx, Writer};

use config::{DatabaseConfig, LimitsConfig, SourcesConfig, TrackingConfig, WebhooksConfig};
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Executor, PgConnection, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::{ops::Deref, str::FromStr, sync::Arc, time::Duration};

/// How long a connection that is given back may take to show that it lives.
const RELEASE_TIME_MAX: Duration = Duration::from_secs(3);

/// Everything that the operations need, shared by all of a process.
#[derive(Clone)]
pub struct Platform(Arc<Parts>);

/// The parts of a [`Platform`].
pub struct Parts {
    /// Connections in the role of the tenants, which row-level security confines.
    pub(crate) app: PgPool,
    /// Connections in the role of the system: logins, jobs, administration.
    pub(crate) system: PgPool,
    /// Files.
    pub objects: objects::Objects,
    /// Redis, if any.
    pub cache: results::Cache,
    /// News from the database.
    pub notifications: notifications::Notifications,
    /// ISO 4217 code of all money here.
    pub currency: String,
    /// Bounds that an administrator may move.
    pub limits: LimitsConfig,
    /// How webhooks are sent.
    pub webhooks: WebhooksConfig,
    /// Where files may be fetched from.
    pub sources: SourcesConfig,
    /// The MLflow server that trained versions are taken to, if any.
    pub tracking: Option<TrackingConfig>,
    /// Seals what must be readable again.
    pub encryption: Encryption,
    pub(crate) passwords: accounts::PasswordHashing,
    pub(crate) loaded_models: models::LoadedModels,
    pub(crate) monitoring_keys: monitoring::Keys,
    pub(crate) past_days: administration::totals::PastDays,
    pub(crate) rankings: predictions::Rankings,
    /// Places for those who plan whom to contact.
    pub(crate) planning: Arc<tokio::sync::Semaphore>,
    pub(crate) timings: outlook::Timings,
}

impl Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Platform {
    /// Connects to a database whose schema is up to date, and opens the object store.
    ///
    /// # Errors
    /// [`Error::Configuration`] where the currency is another than the one fixed at the first start,
    /// or a URL is malformed; [`Error::Unavailable`] where the database does not answer.
    pub async fn connect(config: Config) -> Result<Platform, Error> {
        let (app, system) = connect_pools(&config.database).await?;
        let currency = settings::fix_currency(&system, config.currency.as_deref()).await?;
        Ok(Platform(Arc::new(Parts {
            app,
            system,
            objects: objects::Objects::open(&config.storage_url)?,
            cache: results::Cache::open(config.redis_url.as_ref())?,
            notifications: notifications::Notifications::new(),
            currency,
            limits: config.limits,
            webhooks: config.webhooks,
            sources: config.sources,
            tracking: config.tracking,
            encryption: Encryption::new(config.encryption_secret.as_ref()),
            passwords: accounts::PasswordHashing::new()?,
            loaded_models: models::LoadedModels::default(),
            monitoring_keys: monitoring::Keys::default(),
            past_days: administration::totals::PastDays::default(),
            rankings: predictions::Rankings::default(),
            planning: plans::places(),
            timings: outlook::Timings::default(),
        })))
    }

    /// Closes the connections to the database, once those in use are given back.
    pub async fn close(&self) {
        self.app.close().await;
        self.system.close().await;
    }
}

async fn connect_pools(config: &DatabaseConfig) -> Result<(PgPool, PgPool), Error> {
    let app_url = config.app_url.as_ref().unwrap_or(&config.url);
    let system_url = config.system_url.as_ref().unwrap_or(&config.url);
    let app = pool(app_url, config.app_connections_max, "SET ROLE augur_app").await?;
    let system = pool(system_url, config.system_connections_max, "SET ROLE augur_system").await?;
    Ok((app, system))
}

/// PostgreSQL cannot tell a process that has vanished from one that thinks: without this, the locks of
/// a transaction whose process was cut off stay for hours, and with them its key, or all dispatching.
/// No transaction whose end matters is silent for longer than moments.
/// Nor does any wait for a lock go on once the waiting process has given up.
const END_SILENT_SESSIONS: &str = "SET idle_in_transaction_session_timeout = '15s'; SET lock_timeout = '9s'";

async fn pool(url: &SecretString, connections_max: u32, role: &'static str) -> Result<PgPool, Error> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .map_err(|_| Error::Configuration("DATABASE_URL is not the URL of a PostgreSQL database".to_owned()))?
        .application_name("augur");
    Ok(PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(Duration::from_secs(5))
        .after_connect(move |connection, _| {
            Box::pin(async move {
                connection.execute(role).await?;
                connection.execute(END_SILENT_SESSIONS).await.map(|_| ())
            })
        })
        .after_release(|connection, _| Box::pin(still_answers(connection)))
        .connect_with(options)
        .await?)
}

/// A connection whose other end has vanished must not keep its place in the pool: the pool's own
/// test of what comes back waits for ever. Nor must one come back inside a transaction, which happens
/// where the caller is gone before BEGIN was answered: then the time of the transaction is older than
/// that of the statement.
async fn still_answers(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let question = connection.fetch_one("SELECT now() = statement_timestamp()");
    let answer = tokio::time::timeout(RELEASE_TIME_MAX, question)
        .await
        .unwrap_or_else(|_| Err(sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())))?;
    answer.try_get(0)
}
