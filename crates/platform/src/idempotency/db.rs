//! SQL of the idempotency keys.

use crate::{Error, error::violated_constraint};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn try_lock(connection: &mut PgConnection, scope: Uuid, key: &str) -> Result<bool, Error> {
    let name = format!("{scope}:{key}");
    Ok(sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "locked!""#, name)
        .fetch_one(connection)
        .await?)
}

pub(super) async fn select(
    connection: &mut PgConnection,
    scope: Uuid,
    key: &str,
) -> Result<Option<(Vec<u8>, serde_json::Value)>, Error> {
    let row = sqlx::query!(
        "SELECT request_hash, answer FROM idempotency_keys WHERE scope = $1 AND key = $2",
        scope,
        key
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.request_hash, row.answer)))
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    scope: Uuid,
    key: &str,
    request_hash: &[u8],
    answer: &serde_json::Value,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO idempotency_keys (scope, key, request_hash, answer) VALUES ($1, $2, $3, $4)",
        scope,
        key,
        request_hash,
        answer
    )
    .execute(connection)
    .await
    .map_err(|error| match violated_constraint(&error) {
        Some("idempotency_keys_pkey") => Error::IdempotencyInFlight,
        _ => error.into(),
    })?;
    Ok(())
}

pub(super) async fn delete_old(connection: &mut PgConnection) -> Result<(), Error> {
    sqlx::query!("DELETE FROM idempotency_keys WHERE created_at < now() - interval '2 days'")
        .execute(connection)
        .await?;
    Ok(())
}
