//! Opens the installation that a command works on: the one of DATABASE_URL, else the embedded one of
//! the data directory, beside a running `serve` or alone.

use anyhow::{Context, Result, bail};
use platform::config::DatabaseConfig;
use platform::{Platform, SchemaState};
use secrecy::SecretString;

use crate::commands::Global;
use crate::config::{self, required};
use crate::data_directory::DataDirectory;
use crate::embedded::Embedded;
use crate::environment::Environment;

/// Connections that a command takes for itself, beside those of a running server.
const COMMAND_CONNECTIONS: u32 = 2;

/// A database that answers, and what keeps it running.
pub struct OpenDatabase {
    /// How to reach it.
    pub config: DatabaseConfig,
    /// Where its files are.
    pub storage_url: String,
    /// The private server; none where DATABASE_URL names one.
    embedded: Option<Embedded>,
    /// What secrets are sealed under, where the environment names it.
    encryption_secret: Option<SecretString>,
}

impl OpenDatabase {
    /// Opens the database that the environment or the data directory names.
    pub async fn open(environment: &Environment, global: &Global) -> Result<Self> {
        if let Some(config) = config::database(environment)? {
            let encryption_secret = config::encryption_secret(environment)?;
            let storage_url = match config::storage_url(environment) {
                Some(url) => url,
                None => global.data_directory(environment)?.storage_url()?,
            };
            return Ok(Self { config, storage_url, embedded: None, encryption_secret });
        }
        let directory = global.data_directory(environment)?;
        let embedded = Embedded::attach_or_start(&directory).await?;
        Self::of(environment, &directory, embedded)
    }

    /// The database and the object store of the environment, for the parts that run on their own.
    pub fn configured(environment: &Environment) -> Result<Self> {
        let config = required(config::database(environment)?, "DATABASE_URL")?;
        let storage_url = config::storage_url(environment).context("STORAGE_URL is not set")?;
        let encryption_secret = config::encryption_secret(environment)?;
        Ok(Self { config, storage_url, embedded: None, encryption_secret })
    }

    /// Starts the data directory's database for `serve`.
    pub async fn serve(environment: &Environment, directory: &DataDirectory) -> Result<Self> {
        let embedded = Embedded::serve(directory).await?;
        Self::of(environment, directory, embedded)
    }

    fn of(environment: &Environment, directory: &DataDirectory, embedded: Embedded) -> Result<Self> {
        let storage_url = match config::storage_url(environment) {
            Some(url) => url,
            None => directory.storage_url()?,
        };
        let config = config::database_at(environment, embedded.database_url().into())?;
        let encryption_secret = config::encryption_secret(environment)?;
        Ok(Self { config, storage_url, embedded: Some(embedded), encryption_secret })
    }

    /// The same, with what secrets are sealed under where the environment names nothing.
    pub fn sealed_under(mut self, secret: &SecretString) -> Self {
        self.encryption_secret.get_or_insert_with(|| secret.clone());
        self
    }

    /// Whether the database is the private one.
    pub fn is_embedded(&self) -> bool {
        self.embedded.is_some()
    }
}

/// A platform for a command, and the database below it.
pub struct Installation {
    /// The platform.
    pub platform: Platform,
    embedded: Option<Embedded>,
}

impl Installation {
    /// Opens the installation for a command. The private database is migrated where it is behind;
    /// any other must be current.
    pub async fn open(environment: &Environment, global: &Global) -> Result<Self> {
        let mut database = OpenDatabase::open(environment, global).await?;
        database.config.app_connections_max = COMMAND_CONNECTIONS;
        database.config.system_connections_max = COMMAND_CONNECTIONS;
        if database.is_embedded() {
            migrate_unless_expanded(&database.config).await?;
        }
        Self::connect(environment, database).await
    }

    /// Connects to an open database whose schema is current.
    pub async fn connect(environment: &Environment, database: OpenDatabase) -> Result<Self> {
        let OpenDatabase { config, storage_url, embedded, encryption_secret } = database;
        require_current_schema(&config).await?;
        let config = config::platform(environment, config, storage_url, encryption_secret)?;
        Ok(Self { platform: Platform::connect(config).await?, embedded })
    }

    /// Closes the connections, then stops the private server, if this process started it.
    pub async fn close(self) -> Result<()> {
        self.platform.close().await;
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}

/// Fails where the schema is not the one that this program works with.
pub async fn require_current_schema(config: &DatabaseConfig) -> Result<()> {
    let state = platform::schema_state(&config.url).await.context("the database does not answer")?;
    match state {
        SchemaState::Current => Ok(()),
        SchemaState::Expanded => {
            tracing::info!("a newer version of Augur has expanded the schema; this one can serve on it");
            Ok(())
        }
        SchemaState::Behind => bail!("the database's schema is behind; run: augur migrate"),
        SchemaState::Ahead => bail!("a newer version of Augur migrated the database; use that one"),
    }
}

/// Migrates a schema that is behind; one that a newer version has only expanded is left as it is.
pub async fn migrate_unless_expanded(config: &DatabaseConfig) -> Result<()> {
    if platform::schema_state(&config.url).await? == SchemaState::Expanded {
        return Ok(());
    }
    Ok(platform::migrate(&config.url).await?)
}
