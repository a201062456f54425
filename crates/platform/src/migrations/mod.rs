//! The schema and its versions, built into the program.
//!
//! A release first expands the schema (`augur migrate`, while the version before it serves), and only
//! a later one contracts it. What a database can serve is written in the database itself.

mod db;

use crate::Error;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection,
    migrate::{Migrate, MigrateError, Migrator},
};
use std::{collections::BTreeSet, time::Duration};

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// How often a migration is tried that did not get its lock beside the traffic.
const TRIES_MAX: u32 = 12;

/// How long it then lets the traffic through.
const TRY_INTERVAL: Duration = Duration::from_secs(1);

/// How a database's schema stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// As this program wants it.
    Current,
    /// `augur migrate` has something to do.
    Behind,
    /// A newer program migrated it, and this one can still serve on it.
    Expanded,
    /// A newer program migrated it, and this one is too old for it.
    Ahead,
}

/// Brings the schema of the database up to date, while an older version may be serving on it.
///
/// # Errors
/// [`Error::Configuration`] where a newer program migrated it, or a migration was edited since.
pub async fn migrate(url: &SecretString) -> Result<(), Error> {
    let mut tries = 1;
    loop {
        let mut connection = PgConnection::connect(url.expose_secret()).await?;
        db::limit_lock_waits(&mut connection).await?;
        let result = MIGRATOR.run(&mut connection).await;
        connection.close().await.ok();
        match result {
            Err(error) if is_lock_timeout(&error) && tries < TRIES_MAX => {
                tracing::info!(tries, "a migration waits for the traffic; trying again");
                tries += 1;
                tokio::time::sleep(TRY_INTERVAL).await;
            }
            result => return result.map_err(explained),
        }
    }
}

fn explained(error: MigrateError) -> Error {
    Error::Configuration(match error {
        MigrateError::VersionMissing(version) => format!(
            "the database was migrated by a newer version of Augur (it knows migration {version}); use that one"
        ),
        other => format!("could not migrate the database: {other}"),
    })
}

/// 55P03 is lock_not_available and 40P01 deadlock_detected in the SQLSTATE table.
fn is_lock_timeout(error: &MigrateError) -> bool {
    let (MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) = error else {
        return false;
    };
    error
        .as_database_error()
        .and_then(|database| database.code())
        .is_some_and(|code| ["55P03", "40P01"].contains(&code.as_ref()))
}

/// How the schema of the database stands to this program.
pub async fn schema_state(url: &SecretString) -> Result<SchemaState, Error> {
    let mut connection = PgConnection::connect(url.expose_secret()).await?;
    let applied = connection.list_applied_migrations(&MIGRATOR.table_name).await;
    // Without the table of migrations nothing was ever migrated.
    let applied: BTreeSet<i64> =
        applied.unwrap_or_default().iter().map(|migration| migration.version).collect();
    let known: BTreeSet<i64> = MIGRATOR.iter().map(|migration| migration.version).collect();
    let state = if known.difference(&applied).next().is_some() {
        SchemaState::Behind
    } else if applied.difference(&known).next().is_none() {
        SchemaState::Current
    } else {
        // Without the rule in it, the schema is one that nobody can vouch for.
        let oldest = db::select_oldest_program(&mut connection).await?.unwrap_or(i64::MAX);
        let newest_known = known.last().copied().unwrap_or_default();
        if newest_known >= oldest { SchemaState::Expanded } else { SchemaState::Ahead }
    };
    connection.close().await.ok();
    Ok(state)
}
