//! SQL of the customers whose outcomes are known, and of those whom a version has learned from.

use crate::{Error, ModelId, ModelVersionId, OutcomeUploadId, PredictionId, TenantId, TrainingId};
use chrono::{DateTime, Utc};
use scoring::Dialect;
use serde_json::Value;
use sqlx::PgConnection;

pub(in crate::retraining) struct Source {
    pub(in crate::retraining) prediction: PredictionId,
    pub(in crate::retraining) upload: OutcomeUploadId,
    pub(in crate::retraining) key_column: String,
    pub(in crate::retraining) dialect: Dialect,
    pub(in crate::retraining) predicted_at: DateTime<Utc>,
}

/// The training that made the version in production.
pub(in crate::retraining) struct Made {
    pub(in crate::retraining) training: TrainingId,
    pub(in crate::retraining) parameters: Value,
    pub(in crate::retraining) is_kept: bool,
    pub(in crate::retraining) created_at: DateTime<Utc>,
}

/// Predictions with known outcomes whose customers are still kept, newest first.
pub(in crate::retraining) async fn select_sources(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    most: i64,
) -> Result<Vec<Source>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.prediction_id, o.upload_id, s.key_column, p.dialect, o.predicted_at
           FROM prediction_outcomes o JOIN prediction_scores s ON s.prediction_id = o.prediction_id
           JOIN predictions p ON p.id = o.prediction_id
           WHERE o.tenant_id = $1 AND o.model_id = $2 AND s.erased_at IS NULL AND s.expires_at > now()
             AND p.erased_at IS NULL AND p.status = 'succeeded'
           ORDER BY o.prediction_id DESC LIMIT $3"#,
        tenant.0,
        model.0,
        most
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Source {
                prediction: PredictionId(row.prediction_id),
                upload: OutcomeUploadId(row.upload_id),
                key_column: row.key_column,
                dialect: serde_json::from_value(row.dialect).map_err(Error::internal)?,
                predicted_at: row.predicted_at,
            })
        })
        .collect()
}

pub(in crate::retraining) async fn select_made(
    connection: &mut PgConnection,
    version: ModelVersionId,
) -> Result<Option<Made>, Error> {
    let row = sqlx::query!(
        r#"SELECT id, parameters, erased_at IS NULL AS "is_kept!", created_at
           FROM trainings WHERE model_version_id = $1"#,
        version.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Made {
        training: TrainingId(row.id),
        parameters: row.parameters,
        is_kept: row.is_kept,
        created_at: row.created_at,
    }))
}
