//! SQL of the export, for what has no list of its own.

use super::{ExportedSession, StoredFiles, TrainingFiles};
use crate::{Error, PredictionId, SessionId, TenantId, TrainingId, UserId};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub(super) async fn select_tenant(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<(String, DateTime<Utc>), Error> {
    let row = sqlx::query!("SELECT name, created_at FROM tenants WHERE id = $1", tenant.0)
        .fetch_optional(connection)
        .await?
        .ok_or(Error::NotFound("tenant"))?;
    Ok((row.name, row.created_at))
}

pub(super) async fn select_sessions(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<ExportedSession>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, user_id, created_at, expires_at, ended_at FROM sessions
           WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ExportedSession {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            created_at: row.created_at,
            expires_at: row.expires_at,
            ended_at: row.ended_at,
        })
        .collect())
}

pub(super) async fn select_files(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<StoredFiles>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, result_attempt FROM predictions
           WHERE tenant_id = $1 AND id < $2 AND erased_at IS NULL ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| StoredFiles { prediction: PredictionId(row.id), result_attempt: row.result_attempt })
        .collect())
}

pub(super) async fn select_training_files(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<TrainingFiles>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, result_attempt, erased_at IS NULL AS "has_customers!" FROM trainings
           WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| TrainingFiles {
            training: TrainingId(row.id),
            has_customers: row.has_customers,
            result_attempt: row.result_attempt,
        })
        .collect())
}
