//! SQL of the predictions.

use super::{Prediction, PredictionOptions, PredictionStatus, ResultFile, Work};
use crate::jobs::Claim;
use crate::{Error, ModelVersionId, OrderId, PredictionId, TenantId};
use chrono::{DateTime, TimeDelta, Utc};
use ledger::Money;
use scoring::{Dialect, Manifest, OnError};
use serde_json::Value;
use sqlx::PgConnection;
use std::ops::Range;
use uuid::Uuid;

/// A prediction about to be written.
pub(super) struct NewPrediction<'a> {
    pub(super) id: PredictionId,
    pub(super) tenant: TenantId,
    pub(super) order: OrderId,
    pub(super) model_version: ModelVersionId,
    pub(super) file_name: &'a str,
    pub(super) on_error: OnError,
    pub(super) options: &'a PredictionOptions,
    pub(super) dialect: Value,
    pub(super) input_bytes: u64,
    pub(super) input_sha256: &'a [u8],
    pub(super) rows_total: u64,
    pub(super) rows_max: u64,
    pub(super) status: PredictionStatus,
    pub(super) retention: TimeDelta,
}

/// Where a result lies and what it must be.
pub(super) struct LocatedResult {
    pub(super) attempt: i32,
    pub(super) bytes: u64,
    pub(super) sha256: Vec<u8>,
    pub(super) delimiter: char,
    pub(super) decimal: char,
}

/// What a search looks at.
pub(super) struct Searched {
    pub(super) id: Uuid,
    pub(super) status: String,
    pub(super) file_name: String,
}

/// Predictions whose files belong to nobody.
pub(super) struct Ownerless {
    /// Those that do not exist; their upload may be under way.
    pub(super) unknown: Vec<PredictionId>,
    /// Those that were erased; a worker that was thought dead may have written since.
    pub(super) erased: Vec<PredictionId>,
}

struct Row {
    id: Uuid,
    tenant_id: Uuid,
    order_id: Uuid,
    price: i64,
    model_name: String,
    model_version: String,
    file_name: String,
    status: String,
    rows_done: i64,
    rows_total: i64,
    summary: Option<Value>,
    error: Option<Value>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    expires_at: DateTime<Utc>,
    erased: bool,
}

impl TryFrom<Row> for Prediction {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Prediction {
            id: PredictionId(row.id),
            tenant: TenantId(row.tenant_id),
            order: OrderId(row.order_id),
            price: Money::from_minor_units(row.price)?,
            model_name: row.model_name,
            model_version: row.model_version,
            file_name: row.file_name,
            status: decoded(Value::String(row.status))?,
            rows_done: row.rows_done.unsigned_abs(),
            rows_total: row.rows_total.unsigned_abs(),
            summary: row.summary.map(decoded).transpose()?,
            error: row.error.map(decoded).transpose()?,
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
            expires_at: row.expires_at,
            erased: row.erased,
        })
    }
}

pub(super) async fn insert(connection: &mut PgConnection, new: NewPrediction<'_>) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO predictions (id, tenant_id, order_id, model_version_id, file_name, on_error, dialect,
                  input_bytes, input_sha256, rows_total, rows_max, status, expires_at, options)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                   now() + $13::float8 * interval '1 second', $14)"#,
        new.id.0,
        new.tenant.0,
        new.order.0,
        new.model_version.0,
        new.file_name,
        encoded(&new.on_error)?,
        new.dialect,
        count(new.input_bytes),
        new.input_sha256,
        count(new.rows_total),
        count(new.rows_max),
        encoded(&new.status)?,
        new.retention.as_seconds_f64(),
        serde_json::to_value(new.options).map_err(Error::internal)?
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PredictionId,
) -> Result<Option<Prediction>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT p.id, p.tenant_id, p.order_id, o.price, m.name AS model_name, v.version AS model_version,
                  p.file_name, p.status, p.rows_done, p.rows_total, p.summary, p.error, p.created_at,
                  p.started_at, p.finished_at, p.expires_at, p.erased_at IS NOT NULL AS "erased!"
           FROM predictions p JOIN model_versions v ON v.id = p.model_version_id
           JOIN models m ON m.id = v.model_id JOIN orders o ON o.id = p.order_id
           WHERE p.tenant_id = $1 AND p.id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Prediction::try_from)
    .transpose()
}

/// Predictions of one tenant, or of all where none is named, newest first; of these ids, where some are
/// named.
pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    before: Uuid,
    only: Option<&[Uuid]>,
    rows: i64,
) -> Result<Vec<Prediction>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT p.id, p.tenant_id, p.order_id, o.price, m.name AS model_name, v.version AS model_version,
                  p.file_name, p.status, p.rows_done, p.rows_total, p.summary, p.error, p.created_at,
                  p.started_at, p.finished_at, p.expires_at, p.erased_at IS NOT NULL AS "erased!"
           FROM predictions p JOIN model_versions v ON v.id = p.model_version_id
           JOIN models m ON m.id = v.model_id JOIN orders o ON o.id = p.order_id
           WHERE ($1::uuid IS NULL OR p.tenant_id = $1) AND p.id < $2
             AND ($3::uuid[] IS NULL OR p.id = ANY($3))
           ORDER BY p.id DESC LIMIT $4"#,
        tenant.map(|tenant| tenant.0),
        before,
        only,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Prediction::try_from)
    .collect()
}

/// What a search looks at, of so many predictions of one tenant or of all, newest first.
pub(super) async fn select_searched(
    connection: &mut PgConnection,
    tenant: Option<TenantId>,
    before: Uuid,
    searched: i64,
) -> Result<Vec<Searched>, Error> {
    Ok(sqlx::query_as!(
        Searched,
        r#"SELECT id, status, file_name FROM predictions
           WHERE ($1::uuid IS NULL OR tenant_id = $1) AND id < $2 ORDER BY id DESC LIMIT $3"#,
        tenant.map(|tenant| tenant.0),
        before,
        searched
    )
    .fetch_all(connection)
    .await?)
}

/// Predictions of all tenants within a range of ids: those in the status, and of the tenants or with the id
/// or an order of that id, and among some ids, where these are given.
pub(crate) async fn select_page_of_all(
    connection: &mut PgConnection,
    status: Option<PredictionStatus>,
    among: Option<&[Uuid]>,
    meant: Option<(&[Uuid], Option<Uuid>)>,
    range: Range<Uuid>,
    rows: i64,
) -> Result<Vec<Prediction>, Error> {
    let (tenants, id) = meant.map_or((None, None), |(tenants, id)| (Some(tenants), id));
    sqlx::query_as!(
        Row,
        r#"SELECT p.id, p.tenant_id, p.order_id, o.price, m.name AS model_name, v.version AS model_version,
                  p.file_name, p.status, p.rows_done, p.rows_total, p.summary, p.error, p.created_at,
                  p.started_at, p.finished_at, p.expires_at, p.erased_at IS NOT NULL AS "erased!"
           FROM predictions p JOIN model_versions v ON v.id = p.model_version_id
           JOIN models m ON m.id = v.model_id JOIN orders o ON o.id = p.order_id
           WHERE p.id >= $1 AND p.id < $2 AND ($3::text IS NULL OR p.status = $3)
             AND ($4::uuid[] IS NULL OR p.tenant_id = ANY($4) OR p.id = $5 OR p.order_id = $5)
             AND ($7::uuid[] IS NULL OR p.id = ANY($7))
           ORDER BY p.id DESC LIMIT $6"#,
        range.start,
        range.end,
        status.as_ref().map(encoded).transpose()?,
        tenants as Option<&[Uuid]>,
        id,
        rows,
        among as Option<&[Uuid]>
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Prediction::try_from)
    .collect()
}

pub(super) async fn select_result(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PredictionId,
) -> Result<Option<LocatedResult>, Error> {
    let row = sqlx::query!(
        r#"SELECT result_attempt AS "attempt!", result_bytes AS "bytes!", result_sha256 AS "sha256!", dialect
           FROM predictions
           WHERE tenant_id = $1 AND id = $2 AND status = 'succeeded' AND erased_at IS NULL"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let dialect: Dialect = decoded(row.dialect)?;
    Ok(Some(LocatedResult {
        attempt: row.attempt,
        bytes: row.bytes.unsigned_abs(),
        sha256: row.sha256,
        delimiter: dialect.delimiter,
        decimal: dialect.decimal,
    }))
}

/// What the model of a prediction says of itself.
pub(super) async fn select_manifest(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PredictionId,
) -> Result<Option<Manifest>, Error> {
    sqlx::query_scalar!(
        r#"SELECT v.manifest FROM predictions p JOIN model_versions v ON v.id = p.model_version_id
           WHERE p.tenant_id = $1 AND p.id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(decoded)
    .transpose()
}

/// The version that scored a prediction, or will.
pub(super) async fn select_model_version(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: PredictionId,
) -> Result<Option<ModelVersionId>, Error> {
    let version = sqlx::query_scalar!(
        "SELECT model_version_id FROM predictions WHERE tenant_id = $1 AND id = $2",
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(version.map(ModelVersionId))
}

pub(super) async fn select_work(connection: &mut PgConnection, claim: &Claim) -> Result<Option<Work>, Error> {
    let row = sqlx::query!(
        r#"SELECT id, model_version_id, dialect, on_error, options, rows_max, rows_total, input_sha256
           FROM predictions
           WHERE id = $1 AND tenant_id = $2"#,
        claim.subject,
        claim.tenant.0
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Work {
        prediction: PredictionId(row.id),
        model_version: ModelVersionId(row.model_version_id),
        dialect: decoded(row.dialect)?,
        on_error: decoded(Value::String(row.on_error))?,
        options: decoded(row.options)?,
        rows_max: row.rows_max.unsigned_abs(),
        rows_total: row.rows_total.unsigned_abs(),
        input_sha256: row
            .input_sha256
            .try_into()
            .map_err(|_| Error::Internal("a hash has 32 bytes".to_owned()))?,
    }))
}

pub(super) async fn start(connection: &mut PgConnection, id: PredictionId) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE predictions SET status = 'running', rows_done = 0, started_at = coalesce(started_at, now())
           WHERE id = $1"#,
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn requeue(connection: &mut PgConnection, id: PredictionId) -> Result<(), Error> {
    sqlx::query!("UPDATE predictions SET status = 'queued', rows_done = 0 WHERE id = $1", id.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn update_progress(
    connection: &mut PgConnection,
    id: PredictionId,
    rows_done: u64,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE predictions SET rows_done = $2 WHERE id = $1 AND status = 'running'",
        id.0,
        count(rows_done)
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn succeed(
    connection: &mut PgConnection,
    id: PredictionId,
    attempt: i32,
    rows: u64,
    summary: &Value,
    file: &ResultFile,
) -> Result<Option<OrderId>, Error> {
    let order = sqlx::query_scalar!(
        r#"UPDATE predictions SET status = 'succeeded', finished_at = now(), rows_done = $3,
                  summary = $4, result_attempt = $2, result_bytes = $5, result_sha256 = $6
           WHERE id = $1 AND status IN ('queued', 'running') RETURNING order_id"#,
        id.0,
        attempt,
        count(rows),
        summary,
        count(file.bytes),
        file.sha256.as_slice()
    )
    .fetch_optional(connection)
    .await?;
    Ok(order.map(OrderId))
}

pub(super) async fn fail(
    connection: &mut PgConnection,
    id: PredictionId,
    error: &Value,
) -> Result<Option<OrderId>, Error> {
    let order = sqlx::query_scalar!(
        r#"UPDATE predictions SET status = 'failed', finished_at = now(), error = $2
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
) -> Result<Vec<PredictionId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM predictions
           WHERE expires_at <= now() AND erased_at IS NULL AND status IN ('succeeded', 'failed')
           ORDER BY expires_at LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(PredictionId).collect())
}

pub(super) async fn select_erasing(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<PredictionId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM predictions WHERE erased_at IS NOT NULL AND objects_gone_at IS NULL
           ORDER BY erased_at LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(PredictionId).collect())
}

pub(super) async fn select_result_attempt(
    connection: &mut PgConnection,
    id: PredictionId,
) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar!("SELECT result_attempt FROM predictions WHERE id = $1", id.0)
        .fetch_optional(connection)
        .await?
        .flatten())
}

/// Which of these predictions are not to be found at all, and which are erased without a trace left.
pub(super) async fn select_ownerless(
    connection: &mut PgConnection,
    ids: &[PredictionId],
) -> Result<Ownerless, Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"SELECT wanted.id AS "id!", p.id IS NULL AS "unknown!"
           FROM unnest($1::uuid[]) AS wanted (id) LEFT JOIN predictions p ON p.id = wanted.id
           WHERE p.id IS NULL OR p.objects_gone_at IS NOT NULL"#,
        &ids
    )
    .fetch_all(connection)
    .await?;
    let ids = |unknown: bool| {
        rows.iter().filter(|row| row.unknown == unknown).map(|row| PredictionId(row.id)).collect()
    };
    Ok(Ownerless { unknown: ids(true), erased: ids(false) })
}

/// A count as the database keeps it. No file has 2^63 bytes.
fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn decoded<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}

/// The word that a unit variant is written as.
fn encoded<T: serde::Serialize>(value: &T) -> Result<String, Error> {
    match serde_json::to_value(value).map_err(Error::internal)? {
        Value::String(word) => Ok(word),
        other => Err(Error::Internal(format!("{other} is no word"))),
    }
}
