//! SQL of the trainings.

use super::{Training, TrainingWork};
use crate::erasures::Reason;
use crate::jobs::Claim;
use crate::{Error, ModelId, ModelVersionId, OrderId, TenantId, TrainingId};
use chrono::{DateTime, TimeDelta, Utc};
use ledger::Money;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// A training about to be written.
pub(super) struct NewTraining<'a> {
    pub(super) id: TrainingId,
    pub(super) tenant: TenantId,
    pub(super) order: OrderId,
    pub(super) model_name: &'a str,
    pub(super) version_number: i32,
    pub(super) algorithm: &'a str,
    pub(super) parameters: Value,
    pub(super) prediction_price: Money,
    pub(super) file_name: &'a str,
    pub(super) input_bytes: u64,
    pub(super) input_sha256: &'a [u8],
    pub(super) rows_total: u64,
    pub(super) rows_max: u64,
    pub(super) fits_total: u64,
    pub(super) retention: TimeDelta,
}

/// What a training's success writes.
pub(super) struct Ended<'a> {
    pub(super) version: ModelVersionId,
    pub(super) attempt: i32,
    pub(super) metrics: &'a Value,
    pub(super) data: &'a Value,
    pub(super) code_version: &'a str,
    pub(super) train_ms: u64,
}

struct Row {
    id: Uuid,
    tenant_id: Uuid,
    order_id: Uuid,
    price: i64,
    prediction_price: i64,
    model_name: String,
    version_number: i32,
    algorithm: String,
    parameters: Value,
    file_name: String,
    input_bytes: i64,
    input_sha256: Vec<u8>,
    rows_total: i64,
    status: String,
    fits_done: i64,
    fits_total: i64,
    model_id: Option<Uuid>,
    model_version_id: Option<Uuid>,
    metrics: Option<Value>,
    data: Option<Value>,
    code_version: Option<String>,
    train_ms: Option<i64>,
    error: Option<Value>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    erased: bool,
}

impl TryFrom<Row> for Training {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Training {
            id: TrainingId(row.id),
            tenant: TenantId(row.tenant_id),
            order: OrderId(row.order_id),
            price: Money::from_minor_units(row.price)?,
            prediction_price: Money::from_minor_units(row.prediction_price)?,
            model_name: row.model_name,
            version: row.version_number,
            algorithm: row.algorithm,
            parameters: row.parameters,
            file_name: row.file_name,
            input_bytes: row.input_bytes.unsigned_abs(),
            input_sha256: row.input_sha256,
            rows: row.rows_total.unsigned_abs(),
            status: decoded(Value::String(row.status))?,
            fits_done: row.fits_done.unsigned_abs(),
            fits_total: row.fits_total.unsigned_abs(),
            model: row.model_id.map(ModelId),
            model_version: row.model_version_id.map(ModelVersionId),
            metrics: row.metrics.map(decoded).transpose()?,
            data: row.data,
            code_version: row.code_version,
            train_ms: row.train_ms.map(i64::unsigned_abs),
            error: row.error.map(decoded).transpose()?,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
            erased: row.erased,
        })
    }
}

/// The next version's number under a name. Held to the transaction's end, so that two trainings of one model
/// accepted at once do not get the same.
pub(super) async fn next_version(
    connection: &mut PgConnection,
    tenant: TenantId,
    model_name: &str,
) -> Result<i32, Error> {
    let name = format!("{tenant} {model_name}");
    sqlx::query_scalar!(r#"SELECT pg_advisory_xact_lock(hashtextextended($1, 2))::text AS "held""#, name)
        .fetch_one(&mut *connection)
        .await?;
    Ok(sqlx::query_scalar!(
        r#"SELECT coalesce(max(version_number), 0) + 1 AS "next!" FROM trainings
           WHERE tenant_id = $1 AND model_name = $2"#,
        tenant.0,
        model_name
    )
    .fetch_one(connection)
    .await?)
}

pub(super) async fn insert(connection: &mut PgConnection, new: NewTraining<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO trainings (id, tenant_id, order_id, model_name, version_number, algorithm, parameters,
                  prediction_price, file_name, input_bytes, input_sha256, rows_total, rows_max, fits_total,
                  status, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'queued',
                   now() + $15::float8 * interval '1 second')"#,
        new.id.0,
        new.tenant.0,
        new.order.0,
        new.model_name,
        new.version_number,
        new.algorithm,
        new.parameters,
        new.prediction_price.minor_units(),
        new.file_name,
        count(new.input_bytes),
        new.input_sha256,
        count(new.rows_total),
        count(new.rows_max),
        count(new.fits_total),
        new.retention.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: TrainingId,
) -> Result<Option<Training>, Error> {
    Ok(select_some(connection, tenant, Uuid::max(), Some(id), None, 1).await?.pop())
}

/// Trainings of one tenant, newest first.
pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Training>, Error> {
    select_some(connection, tenant, before, None, None, rows).await
}

/// Trainings whose versions are of one model, newest first.
pub(super) async fn select_of_model(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    rows: i64,
) -> Result<Vec<Training>, Error> {
    select_some(connection, tenant, Uuid::max(), None, Some(model), rows).await
}

async fn select_some(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    id: Option<TrainingId>,
    model: Option<ModelId>,
    rows: i64,
) -> Result<Vec<Training>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT t.id, t.tenant_id, t.order_id, o.price, t.prediction_price, t.model_name, t.version_number,
                  t.algorithm, t.parameters, t.file_name, t.input_bytes, t.input_sha256, t.rows_total, t.status,
                  t.fits_done, t.fits_total, v.model_id AS "model_id?", t.model_version_id, t.metrics, t.data,
                  t.code_version, t.train_ms, t.error, t.created_at, t.started_at, t.finished_at, t.expires_at,
                  t.erased_at IS NOT NULL AS "erased!"
           FROM trainings t JOIN orders o ON o.id = t.order_id
           LEFT JOIN model_versions v ON v.id = t.model_version_id
           WHERE t.tenant_id = $1 AND t.id < $2 AND ($3::uuid IS NULL OR t.id = $3)
             AND ($4::uuid IS NULL OR v.model_id = $4)
           ORDER BY t.id DESC LIMIT $5"#,
        tenant.0,
        before,
        id.map(|id| id.0),
        model.map(|model| model.0),
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Training::try_from)
    .collect()
}

pub(super) async fn select_attempt(
    connection: &mut PgConnection,
    id: TrainingId,
) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar!("SELECT result_attempt FROM trainings WHERE id = $1", id.0)
        .fetch_optional(connection)
        .await?
        .flatten())
}

pub(super) async fn select_work(
    connection: &mut PgConnection,
    claim: &Claim,
) -> Result<Option<TrainingWork>, Error> {
    let row = sqlx::query!(
        r#"SELECT t.id, t.model_name, t.version_number, t.parameters, t.input_sha256, r.rows_new AS "rows_new?"
           FROM trainings t LEFT JOIN retraining_runs r ON r.training_id = t.id
           WHERE t.id = $1 AND t.tenant_id = $2"#,
        claim.subject,
        claim.tenant.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(TrainingWork {
        training: TrainingId(row.id),
        model_name: row.model_name,
        version: row.version_number,
        request: decoded(row.parameters)?,
        input_sha256: row
            .input_sha256
            .try_into()
            .map_err(|_| Error::Internal("a hash has 32 bytes".to_owned()))?,
        held_out_rows: row.rows_new.map(i64::unsigned_abs),
    }))
}

pub(super) async fn start(connection: &mut PgConnection, id: TrainingId) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE trainings SET status = 'running', fits_done = 0, started_at = coalesce(started_at, now())
           WHERE id = $1"#,
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn requeue(connection: &mut PgConnection, id: TrainingId) -> Result<(), Error> {
    sqlx::query!("UPDATE trainings SET status = 'queued', fits_done = 0 WHERE id = $1", id.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn update_progress(
    connection: &mut PgConnection,
    id: TrainingId,
    fits_done: u64,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE trainings SET fits_done = $2 WHERE id = $1 AND status = 'running'",
        id.0,
        count(fits_done)
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn succeed(
    connection: &mut PgConnection,
    id: TrainingId,
    ended: Ended<'_>,
) -> Result<Option<OrderId>, Error> {
    let order = sqlx::query_scalar!(
        r#"UPDATE trainings SET status = 'succeeded', finished_at = now(), fits_done = fits_total,
                  model_version_id = $2, result_attempt = $3, metrics = $4, data = $5, code_version = $6,
                  train_ms = $7
           WHERE id = $1 AND status IN ('queued', 'running') RETURNING order_id"#,
        id.0,
        ended.version.0,
        ended.attempt,
        ended.metrics,
        ended.data,
        ended.code_version,
        count(ended.train_ms)
    )
    .fetch_optional(connection)
    .await?;
    Ok(order.map(OrderId))
}

pub(super) async fn fail(
    connection: &mut PgConnection,
    id: TrainingId,
    error: &Value,
) -> Result<Option<OrderId>, Error> {
    let order = sqlx::query_scalar!(
        r#"UPDATE trainings SET status = 'failed', finished_at = now(), error = $2
           WHERE id = $1 AND status IN ('queued', 'running') RETURNING order_id"#,
        id.0,
        error
    )
    .fetch_optional(connection)
    .await?;
    Ok(order.map(OrderId))
}

pub(super) async fn select_expired(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<TrainingId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM trainings
           WHERE expires_at <= now() AND erased_at IS NULL AND status IN ('succeeded', 'failed')
           ORDER BY expires_at LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(TrainingId).collect())
}

pub(super) async fn select_erasing(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    most: i64,
) -> Result<Vec<TrainingId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM trainings WHERE erased_at IS NOT NULL AND objects_gone_at IS NULL
             AND ($2::uuid IS NULL OR tenant_id = $2)
           ORDER BY erased_at LIMIT $1"#,
        most,
        tenant.map(|tenant| tenant.0)
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(TrainingId).collect())
}

/// From here on nothing of these trainings' customers can be read, nor what the file was called, nor cells
/// quoted in errors.
pub(crate) async fn mark_erased(
    connection: &mut PgConnection,
    ids: &[TrainingId],
    reason: Reason,
) -> Result<(), Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        r#"UPDATE trainings SET erased_at = now(), erase_reason = $2, file_name = '',
                  error = CASE WHEN error IS NULL THEN NULL ELSE jsonb_build_object(
                      'code', error -> 'code', 'message', 'the details were erased', 'errors', '[]'::jsonb) END
           WHERE id = ANY($1) AND erased_at IS NULL AND status IN ('succeeded', 'failed')"#,
        &ids,
        reason.as_str()
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("UPDATE intakes SET report = NULL WHERE training_id = ANY($1) AND report IS NOT NULL", &ids)
        .execute(connection)
        .await?;
    Ok(())
}

/// From here on nothing of a tenant's trainings can be read, and their files go whole: also those of trainings whose
/// customers were erased before, whose models and reports are still there.
pub(super) async fn mark_account_erased(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE trainings SET erased_at = now(), erase_reason = 'account_closed',
                  objects_gone_at = NULL, file_name = '', parameters = jsonb_build_object(
                      'algorithm', parameters -> 'algorithm', 'folds', parameters -> 'folds',
                      'seed', parameters -> 'seed'),
                  metrics = NULL, data = NULL, model_name = id::text,
                  error = CASE WHEN error IS NULL THEN NULL ELSE jsonb_build_object(
                      'code', error -> 'code', 'message', 'the details were erased', 'errors', '[]'::jsonb) END
           WHERE tenant_id = $1 AND status IN ('succeeded', 'failed')
             AND erase_reason IS DISTINCT FROM 'account_closed'"#,
        tenant.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes everything out of a tenant's models that is not an id, an amount or a hash: names, the names of columns and
/// categories, and the words of their history.
pub(super) async fn scrub_account(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!("DELETE FROM model_history_reasons WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        r#"UPDATE services SET name = id::text, description = '', active = false
           WHERE tenant_id = $1 AND name <> id::text"#,
        tenant.0
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("UPDATE models SET name = id::text WHERE tenant_id = $1 AND name <> id::text", tenant.0)
        .execute(&mut *connection)
        .await?;
    // What is left can still be read as a manifest.
    sqlx::query!(
        r#"UPDATE model_versions SET manifest = jsonb_build_object(
                  'name', 'closed', 'algorithm', manifest -> 'algorithm', 'version', version, 'description', '',
                  'file', 'model.json', 'sha256', sha256, 'schema', '{"features": []}'::jsonb,
                  'inputs', '[]'::jsonb, 'calibration', manifest -> 'calibration',
                  'threshold', manifest -> 'threshold')
           WHERE tenant_id = $1 AND manifest ->> 'name' <> 'closed'"#,
        tenant.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn select_erase_reason(
    connection: &mut PgConnection,
    id: TrainingId,
) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar!("SELECT erase_reason FROM trainings WHERE id = $1", id.0)
        .fetch_optional(connection)
        .await?
        .flatten())
}

/// No copy is left.
pub(super) async fn complete_erasure(connection: &mut PgConnection, id: TrainingId) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE trainings SET objects_gone_at = now()
           WHERE id = $1 AND erased_at IS NOT NULL AND objects_gone_at IS NULL"#,
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Which of these trainings are not to be found at all.
pub(super) async fn select_unknown(
    connection: &mut PgConnection,
    ids: &[TrainingId],
) -> Result<Vec<TrainingId>, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let unknown = sqlx::query_scalar!(
        r#"SELECT wanted.id AS "id!" FROM unnest($1::uuid[]) AS wanted (id)
           WHERE NOT EXISTS (SELECT FROM trainings t WHERE t.id = wanted.id)"#,
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(unknown.into_iter().map(TrainingId).collect())
}

/// A count as the database keeps it. No file has 2^63 bytes.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn decoded<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}
