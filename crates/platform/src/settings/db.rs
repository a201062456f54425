//! SQL of the settings.

use crate::Error;
use sqlx::PgPool;

/// The value of a setting, which is `value` if it has none yet.
pub(super) async fn insert_or_select(pool: &PgPool, name: &str, value: &str) -> Result<String, Error> {
    sqlx::query!("INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", name, value)
        .execute(pool)
        .await?;
    Ok(sqlx::query_scalar!("SELECT value FROM settings WHERE name = $1", name).fetch_one(pool).await?)
}
