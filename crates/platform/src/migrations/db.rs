//! SQL of the schema's versions.

use crate::Error;
use sqlx::PgConnection;

/// The newest migration that the oldest program knows which can serve on this schema. None where
/// the schema is older than this rule.
pub(super) async fn select_oldest_program(connection: &mut PgConnection) -> Result<Option<i64>, Error> {
    let value = sqlx::query_scalar!("SELECT value FROM settings WHERE name = 'oldest_program_migration'")
        .fetch_optional(connection)
        .await?;
    value.map(|value| value.parse().map_err(Error::internal)).transpose()
}

/// How long a migration waits for a lock: behind one that waits, the traffic waits too.
pub(super) async fn limit_lock_waits(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("SELECT set_config('lock_timeout', '5s', false)").fetch_one(connection).await?;
    Ok(())
}
