//! The settings of an installation, by name: which variables there are, what they default to and
//! which values are refused. README.md and .env.example describe them all.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use chrono::TimeDelta;
use platform::accounts::Email;
use platform::config::{DatabaseConfig, LimitsConfig, SourcesConfig, TrackingConfig, WebhooksConfig};
use platform::jobs::Places;
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use crate::environment::Environment;

const SECRET_BYTES_MIN: usize = 32;
/// Less than the time after which a delivery is given up whatever becomes of it.
const WEBHOOK_RETRY_SECONDS_MAX: u64 = 10 * 86_400;
/// What RabbitMQ is installed with: nobody may reach such a broker over a network.
const DEFAULT_BROKER_LOGIN: (&str, &str) = ("guest", "guest");

/// Where the database is, where one is configured.
pub fn database(environment: &Environment) -> Result<Option<DatabaseConfig>> {
    let Some(url) = environment.secret("DATABASE_URL")? else { return Ok(None) };
    let mut database = database_at(environment, url)?;
    database.app_url = environment.secret("DATABASE_URL_APP")?;
    database.system_url = environment.secret("DATABASE_URL_SYSTEM")?;
    Ok(Some(database))
}

/// The settings of a database whose URL is known.
pub fn database_at(environment: &Environment, url: SecretString) -> Result<DatabaseConfig> {
    Ok(DatabaseConfig {
        url,
        app_url: None,
        system_url: None,
        app_connections_max: environment.parsed("DATABASE_CONNECTIONS_APP")?.unwrap_or(24),
        system_connections_max: environment.parsed("DATABASE_CONNECTIONS_SYSTEM")?.unwrap_or(12),
    })
}

/// The platform's settings over a database and an object store.
pub fn platform(
    environment: &Environment,
    database: DatabaseConfig,
    storage_url: String,
    encryption_secret: Option<SecretString>,
) -> Result<platform::Config> {
    let defaults = LimitsConfig::default();
    let seconds = |name: &str, default: TimeDelta| -> Result<TimeDelta> {
        Ok(environment.parsed::<u32>(name)?.map_or(default, |seconds| TimeDelta::seconds(seconds.into())))
    };
    let days = |name: &str, default: TimeDelta| -> Result<TimeDelta> {
        Ok(environment.parsed::<u32>(name)?.map_or(default, |days| TimeDelta::days(days.into())))
    };
    Ok(platform::Config {
        database,
        storage_url,
        redis_url: environment.secret("REDIS_URL")?,
        currency: environment.text("CURRENCY").map(str::to_owned),
        limits: LimitsConfig {
            upload_bytes_max: environment.parsed("UPLOAD_BYTES_MAX")?.unwrap_or(defaults.upload_bytes_max),
            jobs_queued_max: environment.parsed("JOBS_QUEUED_MAX")?.unwrap_or(defaults.jobs_queued_max),
            jobs_queued_per_tenant_max: environment
                .parsed("JOBS_QUEUED_PER_TENANT_MAX")?
                .unwrap_or(defaults.jobs_queued_per_tenant_max),
            retention: seconds("RETENTION_SECONDS", days("RETENTION_DAYS", defaults.retention)?)?,
            scores_retention: days("SCORES_RETENTION_DAYS", defaults.scores_retention)?,
            deadline: seconds("PREDICTION_DEADLINE_SECONDS", defaults.deadline)?,
            invariant_interval: seconds("INVARIANT_INTERVAL_SECONDS", defaults.invariant_interval)?,
            session_lifetime: days("SESSION_DAYS", defaults.session_lifetime)?,
        },
        webhooks: webhooks(environment)?,
        sources: SourcesConfig { allow_private: environment.flag("SOURCES_ALLOW_PRIVATE")? },
        tracking: tracking(environment)?,
        encryption_secret,
    })
}

/// The MLflow server, by the names that its own clients know: MLFLOW_TRACKING_URI, and a token or a login.
fn tracking(environment: &Environment) -> Result<Option<TrackingConfig>> {
    let Some(text) = environment.text("MLFLOW_TRACKING_URI") else { return Ok(None) };
    let uri = Url::parse(text).ok().filter(|uri| matches!(uri.scheme(), "http" | "https"));
    let uri =
        uri.ok_or_else(|| anyhow!("MLFLOW_TRACKING_URI={text}: the address of a server is expected"))?;
    let user = environment.text("MLFLOW_TRACKING_USERNAME").map(str::to_owned);
    let login = user.zip(environment.secret("MLFLOW_TRACKING_PASSWORD")?);
    Ok(Some(TrackingConfig { uri, token: environment.secret("MLFLOW_TRACKING_TOKEN")?, login }))
}

/// How webhooks are sent.
fn webhooks(environment: &Environment) -> Result<WebhooksConfig> {
    let mut config = WebhooksConfig {
        allow_private: environment.flag("WEBHOOK_ALLOW_PRIVATE")?,
        ..WebhooksConfig::default()
    };
    if let Some(days) = environment.parsed::<u32>("WEBHOOK_RETENTION_DAYS")? {
        config.delivery_retention = TimeDelta::days(days.into());
    }
    if let Some(text) = environment.text("WEBHOOK_RETRY_SECONDS") {
        let delays: Result<Vec<u32>, _> = text.split(',').map(|part| part.trim().parse::<u32>()).collect();
        let delays = delays.map_err(|error| anyhow!("WEBHOOK_RETRY_SECONDS={text}: {error}"))?;
        let total: u64 = delays.iter().map(|&seconds| u64::from(seconds)).sum();
        if total > WEBHOOK_RETRY_SECONDS_MAX {
            bail!("WEBHOOK_RETRY_SECONDS={text}: together they are longer than ten days");
        }
        config.retry_delays = delays.into_iter().map(|seconds| TimeDelta::seconds(seconds.into())).collect();
    }
    Ok(config)
}

/// What secrets are sealed under that must be readable again: ENCRYPTION_SECRET, else JWT_SECRET, so that
/// the latter can be changed without losing them.
pub fn encryption_secret(environment: &Environment) -> Result<Option<SecretString>> {
    match secret_of_32_bytes(environment, "ENCRYPTION_SECRET")? {
        Some(secret) => Ok(Some(secret)),
        None => jwt_secret(environment),
    }
}

/// The HTTP server's settings.
pub fn api(environment: &Environment, jwt_secret: SecretString) -> Result<api::Config> {
    let mut config = api::Config::new(jwt_secret);
    config.tls = environment.flag("PUBLIC_TLS")?;
    config.trusted_proxies = environment.parsed("TRUSTED_PROXIES")?.unwrap_or_default();
    config.metrics_token = environment.secret("METRICS_TOKEN")?;
    config.support_email = support_email(environment)?;
    if let Some(minutes) = environment.parsed::<u32>("ACCESS_TOKEN_MINUTES")? {
        if minutes < 15 {
            bail!("ACCESS_TOKEN_MINUTES={minutes}: access tokens live 15 minutes at least");
        }
        config.access_token_lifetime = Duration::from_secs(u64::from(minutes) * 60);
    }
    let limits = &mut config.limits;
    set(environment, "UPLOAD_BYTES_MAX", &mut limits.upload_bytes_max)?;
    set(environment, "REQUESTS_IN_FLIGHT_MAX", &mut limits.requests_in_flight_max)?;
    set(environment, "UPLOADS_IN_FLIGHT_MAX", &mut limits.uploads_in_flight_max)?;
    set(environment, "EVENT_STREAMS_MAX", &mut limits.event_streams_max)?;
    set(environment, "FAILED_LOGINS_MAX", &mut limits.failed_logins_max)?;
    set(environment, "CONNECTIONS_MAX", &mut limits.connections_max)?;
    if let Some(minutes) = environment.parsed::<u32>("FAILED_LOGIN_WINDOW_MINUTES")? {
        limits.failed_login_window = Duration::from_secs(u64::from(minutes) * 60);
    }
    if let Some(seconds) = environment.parsed::<u32>("DRAIN_DELAY_SECONDS")? {
        limits.drain_delay = Duration::from_secs(seconds.into());
    }
    if let Some(seconds) = environment.parsed::<u32>("DRAIN_SECONDS")? {
        limits.drain_timeout = Duration::from_secs(seconds.into());
    }
    Ok(config)
}

/// Whom customers write to who want to pay money in: SUPPORT_EMAIL.
fn support_email(environment: &Environment) -> Result<Option<String>> {
    let Some(text) = environment.text("SUPPORT_EMAIL") else { return Ok(None) };
    let email = Email::parse(text);
    let email = email.map_err(|_| anyhow!("SUPPORT_EMAIL={text}: this is not an e-mail address"))?;
    Ok(Some(email.as_str().to_owned()))
}

/// The secret that signs access tokens, where one is configured; a weak one is refused.
pub fn jwt_secret(environment: &Environment) -> Result<Option<SecretString>> {
    secret_of_32_bytes(environment, "JWT_SECRET")
}

fn secret_of_32_bytes(environment: &Environment, name: &str) -> Result<Option<SecretString>> {
    let secret = environment.secret(name)?;
    if let Some(length) = secret.as_ref().map(|secret| secret.expose_secret().len())
        && length < SECRET_BYTES_MIN
    {
        bail!(
            "{name} has {length} bytes; at least {SECRET_BYTES_MIN} are needed \
             (make one with: openssl rand -hex 32)"
        );
    }
    Ok(secret)
}

/// The broker, where one is configured; its default login is refused over a network.
pub fn amqp_url(environment: &Environment) -> Result<Option<SecretString>> {
    let Some(secret) = environment.secret("AMQP_URL")? else { return Ok(None) };
    let url = Url::parse(secret.expose_secret()).context("AMQP_URL is not a URL")?;
    // Without a login in it, a client takes the default one.
    let user = if url.username().is_empty() { DEFAULT_BROKER_LOGIN.0 } else { url.username() };
    let login = (user, url.password().unwrap_or(DEFAULT_BROKER_LOGIN.1));
    if login == DEFAULT_BROKER_LOGIN && !is_loopback(&url) && !is_development(environment) {
        bail!(
            "AMQP_URL uses RabbitMQ's default login guest:guest on another host; \
             give the broker a password (or set AUGUR_ENVIRONMENT=development)"
        );
    }
    Ok(Some(secret))
}

/// The broker, and what the names of this installation's queues begin with: AMQP_NAMESPACE, where
/// several installations share a virtual host.
pub fn broker(environment: &Environment) -> Result<Option<worker::Broker>> {
    let Some(url) = amqp_url(environment)? else { return Ok(None) };
    let namespace = environment.text("AMQP_NAMESPACE").unwrap_or("augur").to_owned();
    Ok(Some(worker::Broker { url: url.expose_secret().to_owned(), namespace }))
}

/// A variable without which a part cannot run.
pub fn required<T>(value: Option<T>, name: &str) -> Result<T> {
    value.with_context(|| format!("{name} (or {name}_FILE) is not set"))
}

/// Where the object store is: STORAGE_URL.
pub fn storage_url(environment: &Environment) -> Option<String> {
    environment.text("STORAGE_URL").map(str::to_owned)
}

/// The address that the API listens on: the chosen one, else AUGUR_LISTEN, else the port 8000 of
/// this machine alone.
pub fn listen(environment: &Environment, chosen: Option<SocketAddr>) -> Result<SocketAddr> {
    let configured = if chosen.is_some() { chosen } else { address(environment, "AUGUR_LISTEN")? };
    Ok(configured.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8000))))
}

/// How many jobs a worker works on at a time: the chosen number, else WORKER_CONCURRENCY, else one
/// for each core.
fn concurrency(environment: &Environment, chosen: Option<u16>) -> Result<u16> {
    let configured = if chosen.is_some() { chosen } else { environment.parsed("WORKER_CONCURRENCY")? };
    let cores = || {
        std::thread::available_parallelism().map_or(1, |cores| u16::try_from(cores.get()).unwrap_or(u16::MAX))
    };
    Ok(configured.unwrap_or_else(cores).max(1))
}

/// How many jobs of each kind a worker takes at a time: trainings from TRAINING_CONCURRENCY, else one;
/// deliveries of events from WEBHOOK_CONCURRENCY, else eight; files fetched from INTAKE_CONCURRENCY, else four. None of a kind where it is 0.
pub fn places(environment: &Environment, chosen: Option<u16>) -> Result<Places> {
    Ok(Places {
        predictions: concurrency(environment, chosen)?,
        trainings: environment.parsed("TRAINING_CONCURRENCY")?.unwrap_or(1),
        webhooks: environment.parsed("WEBHOOK_CONCURRENCY")?.unwrap_or(8),
        intakes: environment.parsed("INTAKE_CONCURRENCY")?.unwrap_or(4),
        exports: u16::from(environment.text("MLFLOW_TRACKING_URI").is_some()),
    })
}

/// An address to listen on, from a variable.
pub fn address(environment: &Environment, name: &str) -> Result<Option<SocketAddr>> {
    environment.parsed(name)
}

fn is_development(environment: &Environment) -> bool {
    environment.text("AUGUR_ENVIRONMENT") == Some("development")
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        None => true,
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        // A scheme that the URL standard does not know leaves addresses as names.
        Some(Host::Domain(name)) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}

fn set<T>(environment: &Environment, name: &str, value: &mut T) -> Result<()>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    if let Some(wanted) = environment.parsed(name)? {
        *value = wanted;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::of(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
    }

    #[test]
    fn a_short_secret_is_refused_and_not_repeated() {
        let short = "0123456789abcdef0123456789abcde";
        let error = jwt_secret(&environment(&[("JWT_SECRET", short)])).unwrap_err().to_string();
        assert!(error.contains("31 bytes") && !error.contains(short), "{error}");
        assert!(jwt_secret(&environment(&[("JWT_SECRET", &format!("{short}f"))])).unwrap().is_some());
        assert!(jwt_secret(&environment(&[])).unwrap().is_none());
    }

    #[test]
    fn trusted_proxies_that_cannot_be_read_are_refused_by_name() {
        let configured = |text: &str| api(&environment(&[("TRUSTED_PROXIES", text)]), "secret".into());
        let error = configured("10.0.0.1, proxy").unwrap_err().to_string();
        assert!(error.starts_with("TRUSTED_PROXIES=") && error.contains("\"proxy\""), "{error}");
        let proxies = configured("10.0.0.1, fd00::/8").unwrap().trusted_proxies;
        assert_eq!(proxies, "10.0.0.1,fd00::/8".parse().unwrap());
        assert_eq!(configured("").unwrap().trusted_proxies, api::TrustedProxies::default());
    }

    #[test]
    fn the_address_of_support_is_one_or_is_refused() {
        let configured = |text: &str| api(&environment(&[("SUPPORT_EMAIL", text)]), "secret".into());
        assert!(configured("support").unwrap_err().to_string().starts_with("SUPPORT_EMAIL=support"));
        assert_eq!(configured("it@augur.example").unwrap().support_email.unwrap(), "it@augur.example");
        assert!(configured("").unwrap().support_email.is_none());
    }

    #[test]
    fn the_brokers_default_login_is_refused_over_a_network() {
        for refused in ["amqp://guest:guest@rabbitmq:5672/%2f", "amqp://rabbitmq", "amqps://10.0.0.7:5671/"] {
            assert!(amqp_url(&environment(&[("AMQP_URL", refused)])).is_err(), "{refused}");
            let development = [("AMQP_URL", refused), ("AUGUR_ENVIRONMENT", "development")];
            assert!(amqp_url(&environment(&development)).is_ok(), "{refused}");
        }
        for accepted in [
            "amqp://guest:guest@127.0.0.1:5672/%2f",
            "amqp://localhost",
            "amqp://[::1]/",
            "amqp://augur:long@rabbitmq/",
        ] {
            assert!(amqp_url(&environment(&[("AMQP_URL", accepted)])).is_ok(), "{accepted}");
        }
    }
}
