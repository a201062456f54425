//! SQL of drift, its settings and the kept scores.

use super::history::{DriftEvent, DriftPoint, PredictionDrift};
use super::second_look::{KeptScores, Subject};
use super::settings::{Costs, Settings};
use crate::{Error, ModelId, ModelVersionId, PredictionId, TenantId};
use ledger::Money;
use scoring::monitoring::{DriftLevel, DriftReport, Thresholds};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// Kept scores that are to go.
pub(super) struct Ended {
    pub(super) prediction: PredictionId,
}

/// The value of an installation's key, which is `value` if it has none yet.
pub(super) async fn insert_or_select_key(
    connection: &mut PgConnection,
    name: &str,
    value: &[u8],
) -> Result<Vec<u8>, Error> {
    sqlx::query!(
        "INSERT INTO installation_keys (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        name,
        value
    )
    .execute(&mut *connection)
    .await?;
    let key = sqlx::query_scalar!("SELECT value FROM installation_keys WHERE name = $1", name);
    Ok(key.fetch_one(connection).await?)
}

/// A model that whoever asks may use.
pub(super) async fn select_model_name(
    connection: &mut PgConnection,
    model: ModelId,
) -> Result<Option<String>, Error> {
    let name = sqlx::query_scalar!("SELECT name FROM models WHERE id = $1", model.0);
    Ok(name.fetch_optional(connection).await?)
}

pub(super) async fn select_model_of(
    connection: &mut PgConnection,
    prediction: PredictionId,
) -> Result<Option<(ModelId, ModelVersionId)>, Error> {
    let row = sqlx::query!(
        r#"SELECT v.model_id, v.id FROM predictions p JOIN model_versions v ON v.id = p.model_version_id
           WHERE p.id = $1"#,
        prediction.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| (ModelId(row.model_id), ModelVersionId(row.id))))
}

pub(super) async fn insert_scores(
    connection: &mut PgConnection,
    subject: Subject,
    prediction: PredictionId,
    attempt: i32,
    scores: &KeptScores,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO prediction_scores (prediction_id, tenant_id, model_id, model_version_id, attempt,
                  key_column, rows, predicted_at, expires_at)
           SELECT id, $2, $3, $4, $5, $6, $7, created_at, now() + $8::float8 * interval '1 second'
           FROM predictions WHERE id = $1"#,
        prediction.0,
        subject.tenant.0,
        subject.model.0,
        subject.version.0,
        attempt,
        scores.key_column,
        i64::try_from(scores.rows).unwrap_or(i64::MAX),
        scores.retention.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn insert_drift(
    connection: &mut PgConnection,
    subject: Subject,
    prediction: PredictionId,
    level: DriftLevel,
    drift: &DriftReport,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO prediction_drift (prediction_id, tenant_id, model_id, model_version_id, level, psi_max,
                  psi_probability, estimated_auc, report)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"#,
        prediction.0,
        subject.tenant.0,
        subject.model.0,
        subject.version.0,
        level.as_str(),
        drift.psi_max(),
        drift.probability.psi,
        drift.estimated_auc.map(|area| area.area),
        serde_json::to_value(drift).map_err(Error::internal)?
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether it was not raised before.
pub(super) async fn insert_event(
    connection: &mut PgConnection,
    subject: Subject,
    kind: &str,
    detail: &Value,
) -> Result<bool, Error> {
    let inserted = sqlx::query!(
        r#"INSERT INTO drift_events (id, tenant_id, model_id, model_version_id, kind, detail)
           VALUES ($1, $2, $3, $4, $5, $6)
           ON CONFLICT (tenant_id, model_id, kind) WHERE cleared_at IS NULL DO NOTHING"#,
        Uuid::now_v7(),
        subject.tenant.0,
        subject.model.0,
        subject.version.0,
        kind,
        detail
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn clear_event(
    connection: &mut PgConnection,
    subject: Subject,
    kind: &str,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE drift_events SET cleared_at = now()
           WHERE tenant_id = $1 AND model_id = $2 AND kind = $3 AND cleared_at IS NULL"#,
        subject.tenant.0,
        subject.model.0,
        kind
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn select_settings(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Option<Settings>, Error> {
    let row = sqlx::query!(
        r#"SELECT psi_moderate, psi_major, contact_cost, customer_value, success_rate
           FROM model_monitoring WHERE tenant_id = $1 AND model_id = $2"#,
        tenant.0,
        model.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let costs = match (row.contact_cost, row.customer_value, row.success_rate) {
        (Some(contact_cost), Some(customer_value), Some(success_rate)) => Some(Costs {
            contact_cost: Money::from_minor_units(contact_cost)?,
            customer_value: Money::from_minor_units(customer_value)?,
            success_rate,
        }),
        _ => None,
    };
    let thresholds = Thresholds { moderate: row.psi_moderate, major: row.psi_major };
    Ok(Some(Settings { thresholds, costs }))
}

pub(super) async fn upsert_settings(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    settings: &Settings,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO model_monitoring (tenant_id, model_id, psi_moderate, psi_major, contact_cost,
                  customer_value, success_rate)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT ON CONSTRAINT model_monitoring_pkey DO UPDATE
           SET psi_moderate = excluded.psi_moderate, psi_major = excluded.psi_major,
               contact_cost = excluded.contact_cost, customer_value = excluded.customer_value,
               success_rate = excluded.success_rate, updated_at = now()"#,
        tenant.0,
        model.0,
        settings.thresholds.moderate,
        settings.thresholds.major,
        settings.costs.map(|costs| costs.contact_cost.minor_units()),
        settings.costs.map(|costs| costs.customer_value.minor_units()),
        settings.costs.map(|costs| costs.success_rate)
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn select_events(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    most: i64,
) -> Result<Vec<DriftEvent>, Error> {
    let rows = sqlx::query!(
        r#"SELECT e.id, e.model_version_id, v.version, e.kind, e.detail, e.raised_at, e.cleared_at
           FROM drift_events e JOIN model_versions v ON v.id = e.model_version_id
           WHERE e.tenant_id = $1 AND e.model_id = $2 ORDER BY e.id DESC LIMIT $3"#,
        tenant.0,
        model.0,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DriftEvent {
            id: row.id,
            model_version: ModelVersionId(row.model_version_id),
            version: row.version,
            kind: row.kind,
            detail: row.detail,
            raised_at: row.raised_at,
            cleared_at: row.cleared_at,
        })
        .collect())
}

pub(super) async fn select_drift(
    connection: &mut PgConnection,
    tenant: TenantId,
    prediction: PredictionId,
) -> Result<Option<PredictionDrift>, Error> {
    let row = sqlx::query!(
        r#"SELECT d.model_id, m.name, v.version, d.report, d.created_at
           FROM prediction_drift d JOIN model_versions v ON v.id = d.model_version_id
           JOIN models m ON m.id = d.model_id
           WHERE d.tenant_id = $1 AND d.prediction_id = $2"#,
        tenant.0,
        prediction.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(PredictionDrift {
        prediction,
        model: ModelId(row.model_id),
        model_name: row.name,
        version: row.version,
        created_at: row.created_at,
        report: serde_json::from_value(row.report).map_err(Error::internal)?,
        thresholds: Thresholds::default(),
    }))
}

/// What was seen of a tenant's predictions, newest first.
pub(crate) async fn select_drift_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<PredictionDrift>, Error> {
    let rows = sqlx::query!(
        r#"SELECT d.prediction_id, d.model_id, m.name, v.version, d.report, d.created_at
           FROM prediction_drift d JOIN model_versions v ON v.id = d.model_version_id
           JOIN models m ON m.id = d.model_id
           WHERE d.tenant_id = $1 AND d.prediction_id < $2 ORDER BY d.prediction_id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    let drift = rows.into_iter().map(|row| {
        Ok(PredictionDrift {
            prediction: PredictionId(row.prediction_id),
            model: ModelId(row.model_id),
            model_name: row.name,
            version: row.version,
            created_at: row.created_at,
            report: serde_json::from_value(row.report).map_err(Error::internal)?,
            thresholds: Thresholds::default(),
        })
    });
    drift.collect()
}

/// The models of which something is kept for a tenant.
pub(crate) async fn select_models(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Vec<ModelId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT model_id AS "id!" FROM model_monitoring WHERE tenant_id = $1
           UNION SELECT model_id FROM drift_events WHERE tenant_id = $1
           UNION SELECT model_id FROM prediction_outcomes WHERE tenant_id = $1 ORDER BY 1"#,
        tenant.0
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(ModelId).collect())
}

pub(super) async fn select_history(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<DriftPoint>, Error> {
    let rows = sqlx::query!(
        r#"SELECT d.prediction_id, v.version, d.created_at, (d.report ->> 'rows')::bigint AS "rows!", d.level,
                  d.psi_max, d.psi_probability, d.estimated_auc
           FROM prediction_drift d JOIN model_versions v ON v.id = d.model_version_id
           WHERE d.tenant_id = $1 AND d.model_id = $2 AND d.prediction_id < $3
           ORDER BY d.prediction_id DESC LIMIT $4"#,
        tenant.0,
        model.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(DriftPoint {
                prediction: PredictionId(row.prediction_id),
                version: row.version,
                created_at: row.created_at,
                rows: row.rows.unsigned_abs(),
                level: serde_json::from_value(Value::String(row.level)).map_err(Error::internal)?,
                psi_max: row.psi_max,
                psi_probability: row.psi_probability,
                estimated_auc: row.estimated_auc,
            })
        })
        .collect()
}

/// Nothing of these predictions is kept for the monitoring any more; what lies in the object store goes next.
pub(super) async fn erase_of(connection: &mut PgConnection, ids: &[PredictionId]) -> Result<(), Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!("DELETE FROM prediction_drift WHERE prediction_id = ANY($1)", &ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM prediction_outcomes WHERE prediction_id = ANY($1)", &ids)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        r#"UPDATE prediction_scores SET erased_at = now(), key_column = ''
           WHERE prediction_id = ANY($1) AND erased_at IS NULL"#,
        &ids
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// All of a tenant's that the monitoring keeps.
pub(super) async fn erase_tenant(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!("DELETE FROM prediction_drift WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM drift_events WHERE tenant_id = $1", tenant.0).execute(&mut *connection).await?;
    sqlx::query!("DELETE FROM model_monitoring WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM prediction_outcomes WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM outcome_uploads WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        r#"UPDATE prediction_scores SET erased_at = now(), key_column = ''
           WHERE tenant_id = $1 AND erased_at IS NULL"#,
        tenant.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Scores whose time is over, and those that were erased but may still lie in the object store.
pub(super) async fn select_ended(connection: &mut PgConnection, most: i64) -> Result<Vec<Ended>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT prediction_id FROM prediction_scores
           WHERE gone_at IS NULL AND (erased_at IS NOT NULL OR expires_at <= now()) LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(|id| Ended { prediction: PredictionId(id) }).collect())
}

pub(super) async fn mark_gone(connection: &mut PgConnection, prediction: PredictionId) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE prediction_scores SET erased_at = coalesce(erased_at, now()), gone_at = now(), key_column = ''
           WHERE prediction_id = $1"#,
        prediction.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Which of these predictions keep scores, and of which attempt.
pub(super) async fn select_kept(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(PredictionId, i32)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT prediction_id, attempt FROM prediction_scores
           WHERE prediction_id = ANY($1) AND gone_at IS NULL"#,
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (PredictionId(row.prediction_id), row.attempt)).collect())
}
