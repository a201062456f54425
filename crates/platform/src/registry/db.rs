//! SQL of models, their versions, stages and history. Row-level security shows a tenant its own and the shared
//! ones, and lets it change its own alone.

use super::{Action, Gate, HistoryEntry, Model, Stage, Version};
use crate::trainings::TrainingMetrics;
use crate::{Error, ModelId, ModelVersionId, ServiceId, TenantId, TrainingId, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use scoring::Manifest;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// How many rows a service of a tenant's own scores at most.
const SERVICE_ROWS_MAX: i64 = 10_000_000;

/// The training that made a version.
pub(super) struct Made {
    pub(super) training: TrainingId,
    pub(super) attempt: i32,
    pub(super) input_sha256: Vec<u8>,
    pub(super) metrics: TrainingMetrics,
    pub(super) erased: bool,
    /// The version whose unseen customers alone it held out, where it was a retraining.
    pub(super) retrained_against: Option<ModelVersionId>,
}

/// A line of the history about to be written.
pub(super) struct NewEntry<'a> {
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    pub(super) version: ModelVersionId,
    pub(super) action: Action,
    pub(super) from_stage: Option<Stage>,
    pub(super) to_stage: Option<Stage>,
    pub(super) champion: Option<ModelVersionId>,
    pub(super) actor: Option<UserId>,
    pub(super) is_forced: bool,
    pub(super) gate: Option<&'a Gate>,
    pub(super) reason: Option<&'a str>,
}

struct VersionRow {
    id: Uuid,
    model_id: Uuid,
    model_name: String,
    version: String,
    stage: String,
    sha256: String,
    manifest: Value,
    training_id: Option<Uuid>,
    prediction_price: Option<i64>,
    created_at: DateTime<Utc>,
}

impl TryFrom<VersionRow> for Version {
    type Error = Error;

    fn try_from(row: VersionRow) -> Result<Self, Error> {
        Ok(Version {
            id: ModelVersionId(row.id),
            model: ModelId(row.model_id),
            model_name: row.model_name,
            label: row.version,
            stage: decoded(Value::String(row.stage))?,
            sha256: row.sha256,
            manifest: decoded(row.manifest)?,
            training: row.training_id.map(TrainingId),
            prediction_price: row.prediction_price.map(Money::from_minor_units).transpose()?,
            created_at: row.created_at,
        })
    }
}

pub(super) async fn upsert_model(
    connection: &mut PgConnection,
    tenant: TenantId,
    name: &str,
) -> Result<ModelId, Error> {
    let id = sqlx::query_scalar!(
        r#"INSERT INTO models (id, tenant_id, name) VALUES ($1, $2, $3)
           ON CONFLICT ON CONSTRAINT models_name_key DO UPDATE SET name = excluded.name RETURNING id"#,
        ModelId::new().0,
        tenant.0,
        name
    )
    .fetch_one(connection)
    .await?;
    Ok(ModelId(id))
}

pub(super) async fn insert_version(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    manifest: &Manifest,
    artifact: &str,
) -> Result<ModelVersionId, Error> {
    let id = ModelVersionId::new();
    sqlx::query!(
        r#"INSERT INTO model_versions (id, model_id, tenant_id, version, sha256, manifest, artifact, stage)
           VALUES ($1, $2, $3, $4, $5, $6, $7, 'development')"#,
        id.0,
        model.0,
        tenant.0,
        manifest.version,
        manifest.sha256,
        serde_json::to_value(manifest).map_err(Error::internal)?,
        artifact
    )
    .execute(connection)
    .await?;
    Ok(id)
}

/// Models whose ids come before one, the newest first; of all or one.
pub(super) async fn select_models(
    connection: &mut PgConnection,
    only: Option<ModelId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Model>, Error> {
    let rows = sqlx::query!(
        r#"SELECT m.id, m.name, m.tenant_id IS NULL AS "is_shared!", m.current_version_id,
                  v.version AS "production_label?", m.created_at, s.id AS "service_id?", s.price AS "price?",
                  (SELECT count(*) FROM model_versions c WHERE c.model_id = m.id) AS "versions!"
           FROM models m LEFT JOIN model_versions v ON v.id = m.current_version_id
           LEFT JOIN LATERAL (SELECT id, price FROM services
                              WHERE services.model_id = m.id AND services.active
                                AND services.tenant_id IS NOT DISTINCT FROM m.tenant_id
                              ORDER BY id LIMIT 1) s ON true
           WHERE m.id < $1 AND ($2::uuid IS NULL OR m.id = $2)
           ORDER BY m.id DESC LIMIT $3"#,
        before,
        only.map(|id| id.0),
        rows
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Model {
                id: ModelId(row.id),
                name: row.name,
                is_shared: row.is_shared,
                production: row.current_version_id.map(ModelVersionId),
                production_label: row.production_label,
                versions: row.versions.unsigned_abs(),
                service: row.service_id.map(ServiceId),
                price: row.price.map(Money::from_minor_units).transpose()?,
                created_at: row.created_at,
            })
        })
        .collect()
}

pub(super) async fn select_model(connection: &mut PgConnection, id: ModelId) -> Result<Option<Model>, Error> {
    Ok(select_models(connection, Some(id), Uuid::max(), 1).await?.pop())
}

/// Versions before one, the newest first: of a model, without the long parts of their manifests, or of every model of
/// the tenant's own; all or one. A shared model's current version is in production and the
/// others are archived, whatever an older program that shipped them has left in the column.
pub(crate) async fn select_versions(
    connection: &mut PgConnection,
    model: Option<ModelId>,
    only: Option<ModelVersionId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Version>, Error> {
    sqlx::query_as!(
        VersionRow,
        r#"SELECT v.id, v.model_id, m.name AS model_name, v.version,
                  CASE WHEN v.tenant_id IS NOT NULL THEN v.stage
                       WHEN v.id = m.current_version_id THEN 'production' ELSE 'archived' END AS "stage!",
                  v.sha256, CASE WHEN $1::uuid IS NOT NULL AND $2::uuid IS NULL
                                 THEN v.manifest - 'profile' - 'reference' - 'effects'
                                 ELSE v.manifest END AS "manifest!",
                  t.id AS "training_id?", t.prediction_price AS "prediction_price?",
                  v.created_at
           FROM model_versions v JOIN models m ON m.id = v.model_id
           LEFT JOIN trainings t ON t.model_version_id = v.id
           WHERE (v.model_id = $1 OR ($1::uuid IS NULL AND v.tenant_id IS NOT NULL))
             AND ($2::uuid IS NULL OR v.id = $2) AND v.id < $4
           ORDER BY v.id DESC LIMIT $3"#,
        model.map(|model| model.0),
        only.map(|id| id.0),
        rows,
        before
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Version::try_from)
    .collect()
}

pub(super) async fn select_version(
    connection: &mut PgConnection,
    model: ModelId,
    id: ModelVersionId,
) -> Result<Option<Version>, Error> {
    Ok(select_versions(connection, Some(model), Some(id), Uuid::max(), 1).await?.pop())
}

pub(super) async fn select_made(
    connection: &mut PgConnection,
    version: ModelVersionId,
) -> Result<Option<Made>, Error> {
    let row = sqlx::query!(
        r#"SELECT t.id, t.result_attempt AS "attempt!", t.input_sha256, t.metrics AS "metrics!",
                  t.erased_at IS NOT NULL AS "erased!", r.champion_id AS "champion_id?"
           FROM trainings t LEFT JOIN retraining_runs r ON r.training_id = t.id
           WHERE t.model_version_id = $1 AND t.metrics IS NOT NULL"#,
        version.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Made {
        training: TrainingId(row.id),
        attempt: row.attempt,
        input_sha256: row.input_sha256,
        metrics: decoded(row.metrics)?,
        erased: row.erased,
        retrained_against: row.champion_id.map(ModelVersionId),
    }))
}

/// Locks the model to the transaction's end, and tells which version is in production.
pub(super) async fn lock_production(
    connection: &mut PgConnection,
    model: ModelId,
) -> Result<Option<ModelVersionId>, Error> {
    let current = sqlx::query_scalar!(
        "SELECT current_version_id FROM models WHERE id = $1 AND tenant_id IS NOT NULL FOR UPDATE",
        model.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(current.flatten().map(ModelVersionId))
}

pub(super) async fn set_stage(
    connection: &mut PgConnection,
    version: ModelVersionId,
    stage: Stage,
) -> Result<(), Error> {
    let done = sqlx::query!("UPDATE model_versions SET stage = $2 WHERE id = $1", version.0, stage.as_str())
        .execute(connection)
        .await?;
    expect_one(done.rows_affected())
}

pub(super) async fn set_production(
    connection: &mut PgConnection,
    model: ModelId,
    version: ModelVersionId,
) -> Result<(), Error> {
    let done = sqlx::query!("UPDATE models SET current_version_id = $2 WHERE id = $1", model.0, version.0)
        .execute(connection)
        .await?;
    expect_one(done.rows_affected())
}

/// Row-level security hides what is another's instead of refusing it.
fn expect_one(rows: u64) -> Result<(), Error> {
    if rows == 1 { Ok(()) } else { Err(Error::Internal("a version was not the tenant's to move".to_owned())) }
}

/// Puts a tenant's own model on the tenant's own price list, or changes its price there.
pub(super) async fn upsert_service(
    connection: &mut PgConnection,
    tenant: TenantId,
    version: &Version,
    price: Money,
) -> Result<(), Error> {
    let changed = sqlx::query!(
        r#"UPDATE services SET price = $3, description = $4, active = true
           WHERE model_id = $1 AND tenant_id = $2"#,
        version.model.0,
        tenant.0,
        price.minor_units(),
        version.manifest.description
    )
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() > 0 {
        return Ok(());
    }
    sqlx::query!(
        r#"INSERT INTO services (id, kind, tenant_id, name, model_id, description, price, max_rows,
                                 explain_price)
           -- Reasons cost half a prediction, as they do with the shipped models.
           VALUES ($1, 'prediction', $2, $3, $4, $5, $6, $7, nullif($6::bigint / 2, 0))"#,
        ServiceId::new().0,
        tenant.0,
        version.model_name,
        version.model.0,
        version.manifest.description,
        price.minor_units(),
        SERVICE_ROWS_MAX
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The version that was in production before this one went there the last time.
pub(super) async fn select_predecessor(
    connection: &mut PgConnection,
    model: ModelId,
    version: ModelVersionId,
) -> Result<Option<ModelVersionId>, Error> {
    let champion = sqlx::query_scalar!(
        r#"SELECT champion_id FROM model_history
           WHERE model_id = $1 AND version_id = $2 AND action IN ('promoted', 'rolled_back')
           ORDER BY id DESC LIMIT 1"#,
        model.0,
        version.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(champion.flatten().map(ModelVersionId))
}

pub(super) async fn insert_entry(connection: &mut PgConnection, new: &NewEntry<'_>) -> Result<(), Error> {
    let id = Uuid::now_v7();
    sqlx::query!(
        r#"INSERT INTO model_history (id, tenant_id, model_id, version_id, action, from_stage, to_stage,
                  champion_id, actor_user_id, is_forced, gate)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"#,
        id,
        new.tenant.0,
        new.model.0,
        new.version.0,
        new.action.as_str(),
        new.from_stage.map(Stage::as_str),
        new.to_stage.map(Stage::as_str),
        new.champion.map(|champion| champion.0),
        new.actor.map(|actor| actor.0),
        new.is_forced,
        new.gate.map(serde_json::to_value).transpose().map_err(Error::internal)?
    )
    .execute(&mut *connection)
    .await?;
    if let Some(reason) = new.reason {
        sqlx::query!(
            "INSERT INTO model_history_reasons (history_id, tenant_id, reason) VALUES ($1, $2, $3)",
            id,
            new.tenant.0,
            reason
        )
        .execute(connection)
        .await?;
    }
    Ok(())
}

pub(crate) async fn select_history(
    connection: &mut PgConnection,
    model: Option<ModelId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<HistoryEntry>, Error> {
    let rows = sqlx::query!(
        r#"SELECT h.id, h.model_id, h.version_id, v.version, h.action, h.from_stage, h.to_stage, h.champion_id,
                  c.version AS "champion_label?", h.actor_user_id, r.reason AS "reason?", h.is_forced, h.gate,
                  h.created_at
           FROM model_history h JOIN model_versions v ON v.id = h.version_id
           LEFT JOIN model_versions c ON c.id = h.champion_id
           LEFT JOIN model_history_reasons r ON r.history_id = h.id
           WHERE ($1::uuid IS NULL OR h.model_id = $1) AND h.id < $2 ORDER BY h.id DESC LIMIT $3"#,
        model.map(|model| model.0),
        before,
        rows
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let stage = |word: Option<String>| word.map(|word| decoded(Value::String(word))).transpose();
            Ok(HistoryEntry {
                id: row.id,
                model: ModelId(row.model_id),
                version: ModelVersionId(row.version_id),
                label: row.version,
                action: decoded(Value::String(row.action))?,
                from_stage: stage(row.from_stage)?,
                to_stage: stage(row.to_stage)?,
                champion: row.champion_id.map(ModelVersionId),
                champion_label: row.champion_label,
                actor: row.actor_user_id.map(UserId),
                reason: row.reason,
                is_forced: row.is_forced,
                gate: row.gate.map(decoded).transpose()?,
                created_at: row.created_at,
            })
        })
        .collect()
}

fn decoded<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}
