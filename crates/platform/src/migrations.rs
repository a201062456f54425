//! The schema and its versions, built into the program.

use crate::Error;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, MigrateError, Migrator},
};
use std::collections::BTreeSet;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// How a database's schema stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// As this program wants it.
    Current,
    /// `augur migrate` has something to do.
    Behind,
    /// A newer program migrated it.
    Ahead,
}

/// Brings the schema of the database up to date.
///
/// # Errors
/// [`Error::Configuration`] where a newer program migrated it, or a migration was edited since.
pub async fn migrate(url: &SecretString) -> Result<(), Error> {
    let mut connection = PgConnection::connect(url.expose_secret()).await?;
    let result = MIGRATOR.run(&mut connection).await;
    connection.close().await.ok();
    result.map_err(|error| match error {
        MigrateError::VersionMissing(version) => Error::Configuration(format!(
            "the database was migrated by a newer version of Augur (it knows migration {version}); use that one"
        )),
        other => Error::Configuration(format!("could not migrate the database: {other}")),
    })
}

/// How the schema of the database stands to this program.
pub async fn schema_state(url: &SecretString) -> Result<SchemaState, Error> {
    let mut connection = PgConnection::connect(url.expose_secret()).await?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await;
    connection.close().await.ok();
    // Without the table of migrations nothing was ever migrated.
    let applied: BTreeSet<i64> =
        applied.unwrap_or_default().iter().map(|migration| migration.version).collect();
    let known: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    Ok(if applied.difference(&known).next().is_some() {
        SchemaState::Ahead
    } else if known.difference(&applied).next().is_some() {
        SchemaState::Behind
    } else {
        SchemaState::Current
    })
}
