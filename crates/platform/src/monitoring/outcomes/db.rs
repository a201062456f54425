//! SQL of outcomes.

use super::join::{Candidate, JoinedOne};
use super::performance::KnownPrediction;
use super::{KeptModel, OutcomeUpload, Target};
use crate::monitoring::second_look::Subject;
use crate::{Error, ModelId, ModelVersionId, OutcomeUploadId, PredictionId, TenantId};
use chrono::{DateTime, Utc};
use scoring::Metrics;
use scoring::monitoring::Judged;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A file of outcomes about to be written.
pub(super) struct NewUpload<'a> {
    pub(super) id: OutcomeUploadId,
    pub(super) tenant: TenantId,
    pub(super) file_name: &'a str,
    pub(super) sha256: &'a [u8],
    pub(super) model: ModelId,
    pub(super) prediction: Option<PredictionId>,
    pub(super) report: Value,
}

struct UploadRow {
    id: Uuid,
    file_name: String,
    model_id: Uuid,
    model_name: String,
    prediction_id: Option<Uuid>,
    report: Value,
    created_at: DateTime<Utc>,
}

impl TryFrom<UploadRow> for OutcomeUpload {
    type Error = Error;

    fn try_from(row: UploadRow) -> Result<Self, Error> {
        Ok(OutcomeUpload {
            id: OutcomeUploadId(row.id),
            file_name: row.file_name,
            model: ModelId(row.model_id),
            model_name: row.model_name,
            prediction: row.prediction_id.map(PredictionId),
            report: serde_json::from_value(row.report).map_err(Error::internal)?,
            created_at: row.created_at,
        })
    }
}

/// Predictions with kept scores that outcomes may be joined to, newest first.
pub(super) async fn select_candidates(
    connection: &mut PgConnection,
    tenant: TenantId,
    target: Target,
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Candidate>, Error> {
    let (model, prediction) = match target {
        Target::Model(model) => (Some(model.0), None),
        Target::Prediction(prediction) => (None, Some(prediction.0)),
    };
    let rows = sqlx::query!(
        r#"SELECT s.prediction_id, s.model_id, s.model_version_id, v.version, s.predicted_at, s.attempt,
                  s.key_column, (v.manifest ->> 'threshold')::float8 AS "threshold!",
                  o.upload_id AS "upload_id?"
           FROM prediction_scores s JOIN model_versions v ON v.id = s.model_version_id
           LEFT JOIN prediction_outcomes o ON o.prediction_id = s.prediction_id
           WHERE s.tenant_id = $1 AND s.erased_at IS NULL AND s.expires_at > now()
             AND (s.prediction_id = $3 OR (s.model_id = $2 AND s.predicted_at >= $4))
           ORDER BY s.prediction_id DESC LIMIT $5"#,
        tenant.0,
        model,
        prediction,
        since,
        most
    )
    .fetch_all(connection)
    .await?;
    let candidates = rows.into_iter().map(|row| Candidate {
        prediction: PredictionId(row.prediction_id),
        tenant,
        model: ModelId(row.model_id),
        version: ModelVersionId(row.model_version_id),
        version_label: row.version,
        threshold: row.threshold,
        predicted_at: row.predicted_at,
        attempt: row.attempt,
        key_column: row.key_column,
        upload: row.upload_id.map(OutcomeUploadId),
    });
    Ok(candidates.collect())
}

/// The models of predictions with kept scores, the one with the newest first.
pub(super) async fn select_kept_models(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<KeptModel>, Error> {
    let rows = sqlx::query!(
        r#"SELECT newest.model_id AS "model_id!", m.name, newest.key_column AS "key_column!"
           FROM (SELECT DISTINCT ON (model_id) model_id, key_column, prediction_id FROM prediction_scores
                 WHERE tenant_id = $1 AND erased_at IS NULL AND expires_at > now()
                 ORDER BY model_id, prediction_id DESC) newest
           JOIN models m ON m.id = newest.model_id ORDER BY newest.prediction_id DESC"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    let models = rows.into_iter().map(|row| KeptModel {
        id: ModelId(row.model_id),
        name: row.name,
        key_column: row.key_column,
    });
    Ok(models.collect())
}

/// What outcomes of a prediction lie where: the column that tells its customers apart, and the last file.
pub(super) async fn select_known_file(
    connection: &mut PgConnection,
    tenant: TenantId,
    prediction: PredictionId,
) -> Result<Option<(String, OutcomeUploadId)>, Error> {
    let row = sqlx::query!(
        r#"SELECT s.key_column, o.upload_id
           FROM prediction_outcomes o JOIN prediction_scores s ON s.prediction_id = o.prediction_id
           WHERE o.tenant_id = $1 AND o.prediction_id = $2 AND s.erased_at IS NULL"#,
        tenant.0,
        prediction.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (row.key_column, OutcomeUploadId(row.upload_id))))
}

pub(super) async fn insert_upload(connection: &mut PgConnection, new: NewUpload<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO outcome_uploads (id, tenant_id, file_name, sha256, model_id, prediction_id, report)
           VALUES ($1, $2, $3, $4, $5, $6, $7)"#,
        new.id.0,
        new.tenant.0,
        new.file_name,
        new.sha256,
        new.model.0,
        new.prediction.map(|prediction| prediction.0),
        new.report
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Replaces what is known of a prediction, if that is what the join began with and its scores are kept still.
pub(super) async fn put_known(
    connection: &mut PgConnection,
    upload: OutcomeUploadId,
    joined: &JoinedOne,
) -> Result<bool, Error> {
    let Candidate { prediction, tenant, model, version, predicted_at, upload: before, .. } =
        &joined.candidate;
    let written = sqlx::query!(
        r#"INSERT INTO prediction_outcomes AS known (prediction_id, tenant_id, model_id, model_version_id,
                  predicted_at, upload_id, judged, judged_control)
           SELECT prediction_id, $2, $3, $4, $5, $6, $7, $8 FROM prediction_scores
           WHERE prediction_id = $1 AND erased_at IS NULL FOR SHARE
           ON CONFLICT ON CONSTRAINT prediction_outcomes_pkey DO UPDATE
           SET upload_id = excluded.upload_id, judged = excluded.judged,
               judged_control = excluded.judged_control, updated_at = now()
           WHERE known.upload_id = $9"#,
        prediction.0,
        tenant.0,
        model.0,
        version.0,
        predicted_at,
        upload.0,
        joined.judged.to_bytes(),
        joined.control.to_bytes(),
        before.map(|before| before.0)
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// What is known of each prediction of a version, with when it was made.
pub(super) async fn select_known_of_version(
    connection: &mut PgConnection,
    subject: Subject,
) -> Result<Vec<(DateTime<Utc>, Judged)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT predicted_at, judged FROM prediction_outcomes
           WHERE tenant_id = $1 AND model_id = $2 AND model_version_id = $3
           ORDER BY prediction_id DESC LIMIT 200"#,
        subject.tenant.0,
        subject.model.0,
        subject.version.0
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| Ok((row.predicted_at, decoded(&row.judged)?))).collect()
}

/// What is known of a model's predictions, newest first.
pub(super) async fn select_known(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    most: i64,
) -> Result<Vec<KnownPrediction>, Error> {
    let rows = sqlx::query!(
        r#"SELECT o.model_version_id, v.version, o.predicted_at, o.judged, o.judged_control
           FROM prediction_outcomes o JOIN model_versions v ON v.id = o.model_version_id
           WHERE o.tenant_id = $1 AND o.model_id = $2 ORDER BY o.prediction_id DESC LIMIT $3"#,
        tenant.0,
        model.0,
        most
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(KnownPrediction {
                version: ModelVersionId(row.model_version_id),
                version_label: row.version,
                predicted_at: row.predicted_at,
                judged: decoded(&row.judged)?,
                control: decoded(&row.judged_control)?,
            })
        })
        .collect()
}

/// What was measured at a version's training.
pub(super) async fn select_metrics(
    connection: &mut PgConnection,
    version: ModelVersionId,
) -> Result<Metrics, Error> {
    let metrics = sqlx::query_scalar!(
        r#"SELECT manifest -> 'metrics' AS "metrics" FROM model_versions WHERE id = $1"#,
        version.0
    )
    .fetch_optional(connection)
    .await?
    .flatten();
    metrics.map_or(Ok(Metrics::default()), |metrics| serde_json::from_value(metrics).map_err(Error::internal))
}

pub(super) async fn select_upload(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: OutcomeUploadId,
) -> Result<Option<OutcomeUpload>, Error> {
    sqlx::query_as!(
        UploadRow,
        r#"SELECT u.id, u.file_name, u.model_id, m.name AS model_name, u.prediction_id, u.report, u.created_at
           FROM outcome_uploads u JOIN models m ON m.id = u.model_id WHERE u.tenant_id = $1 AND u.id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(OutcomeUpload::try_from)
    .transpose()
}

/// A tenant's files of outcomes, newest first.
pub(crate) async fn select_uploads(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<OutcomeUpload>, Error> {
    sqlx::query_as!(
        UploadRow,
        r#"SELECT u.id, u.file_name, u.model_id, m.name AS model_name, u.prediction_id, u.report, u.created_at
           FROM outcome_uploads u JOIN models m ON m.id = u.model_id
           WHERE u.tenant_id = $1 AND u.id < $2 ORDER BY u.id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(OutcomeUpload::try_from)
    .collect()
}

fn decoded(bytes: &[u8]) -> Result<Judged, Error> {
    Judged::from_bytes(bytes).ok_or_else(|| Error::Internal("counts of outcomes cannot be read".to_owned()))
}
