//! SQL of what is taken to an MLflow server.

use crate::ids::first_id_at;
use crate::jobs::Claim;
use crate::registry::Stage;
use crate::{Error, TenantId, TrainingId};
use chrono::{DateTime, Utc};
use scoring::Manifest;
use sqlx::PgConnection;
use uuid::Uuid;

/// The version that a line of the history is about.
pub(super) struct Found {
    pub(super) training: TrainingId,
    /// The attempt whose files count.
    pub(super) attempt: i32,
    pub(super) manifest: Manifest,
    pub(super) stage: Stage,
}

/// Lines of the history since a moment that no job takes to the server yet, the oldest first.
pub(super) async fn select_new(
    connection: &mut PgConnection,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(Uuid, TenantId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT h.id, h.tenant_id FROM model_history h
           WHERE h.id >= $1 AND h.action <> 'refused'
             AND EXISTS (SELECT FROM trainings t WHERE t.model_version_id = h.version_id)
             AND NOT EXISTS (SELECT FROM jobs j WHERE j.kind = 'export' AND j.subject_id = h.id)
           ORDER BY h.id LIMIT $2"#,
        first_id_at(since),
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, TenantId(row.tenant_id))).collect())
}

pub(super) async fn select_work(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Option<Found>, Error> {
    let row = sqlx::query!(
        r#"SELECT t.id, t.result_attempt AS "attempt!", v.manifest, v.stage
           FROM model_history h JOIN model_versions v ON v.id = h.version_id
           JOIN trainings t ON t.model_version_id = v.id
           WHERE h.id = $1 AND h.tenant_id = $2 AND t.result_attempt IS NOT NULL"#,
        claim.subject,
        claim.tenant.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let stage = Stage::ALL.into_iter().find(|stage| stage.as_str() == row.stage);
    Ok(Some(Found {
        training: TrainingId(row.id),
        attempt: row.attempt,
        manifest: serde_json::from_value(row.manifest).map_err(Error::internal)?,
        stage: stage.ok_or_else(|| Error::Internal(format!("there is no stage {}", row.stage)))?,
    }))
}
