//! SQL of the sources and their intakes.

use super::intakes::{Intake, IntakeReport, IntakeStatus, NewIntake};
use super::{Failure, Source};
use crate::{Error, IntakeId, PredictionId, SourceId, TenantId, TrainingId, UserId};
use chrono::{DateTime, TimeDelta, Utc};
use scoring::Manifest;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

struct SourceRow {
    id: Uuid,
    tenant_id: Uuid,
    name: String,
    place: Value,
    has_credentials: bool,
    policy: Value,
    schedule: Option<Value>,
    user_id: Option<Uuid>,
    next_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

impl TryFrom<SourceRow> for Source {
    type Error = Error;

    fn try_from(row: SourceRow) -> Result<Source, Error> {
        Ok(Source {
            id: SourceId(row.id),
            tenant: TenantId(row.tenant_id),
            name: row.name,
            place: decoded(row.place)?,
            has_credentials: row.has_credentials,
            policy: decoded(row.policy)?,
            schedule: row.schedule.map(decoded).transpose()?,
            user: row.user_id.map(UserId),
            next_at: row.next_at,
            created_at: row.created_at,
        })
    }
}

struct IntakeRow {
    id: Uuid,
    tenant_id: Uuid,
    source_id: Uuid,
    user_id: Uuid,
    request: Value,
    due_at: Option<DateTime<Utc>>,
    status: String,
    report: Option<Value>,
    error: Option<Value>,
    prediction_id: Option<Uuid>,
    training_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
}

impl TryFrom<IntakeRow> for Intake {
    type Error = Error;

    fn try_from(row: IntakeRow) -> Result<Intake, Error> {
        let status = IntakeStatus::ALL.into_iter().find(|status| status.as_str() == row.status);
        Ok(Intake {
            id: IntakeId(row.id),
            tenant: TenantId(row.tenant_id),
            source: SourceId(row.source_id),
            user: UserId(row.user_id),
            request: decoded(row.request)?,
            due_at: row.due_at,
            status: status.ok_or_else(|| Error::Internal(format!("no intake is {}", row.status)))?,
            report: row.report.map(decoded).transpose()?,
            error: row.error.map(decoded).transpose()?,
            prediction: row.prediction_id.map(PredictionId),
            training: row.training_id.map(TrainingId),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}

fn decoded<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}

fn encoded<T: serde::Serialize>(value: &T) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(Error::internal)
}

pub(super) async fn count(connection: &mut PgConnection, tenant: TenantId) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM sources WHERE tenant_id = $1"#, tenant.0)
        .fetch_one(connection)
        .await?)
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    source: &Source,
    credentials: Option<&[u8]>,
) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO sources (id, tenant_id, name, place, credentials, policy)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING created_at"#,
        source.id.0,
        source.tenant.0,
        source.name,
        encoded(&source.place)?,
        credentials,
        encoded(&source.policy)?
    )
    .fetch_one(connection)
    .await?)
}

pub(super) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
) -> Result<Option<Source>, Error> {
    sqlx::query_as!(
        SourceRow,
        r#"SELECT id, tenant_id, name, place, credentials IS NOT NULL AS "has_credentials!", policy, schedule,
                  user_id, next_at, created_at
           FROM sources WHERE tenant_id = $1 AND id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Source::try_from)
    .transpose()
}

pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Source>, Error> {
    sqlx::query_as!(
        SourceRow,
        r#"SELECT id, tenant_id, name, place, credentials IS NOT NULL AS "has_credentials!", policy, schedule,
                  user_id, next_at, created_at
           FROM sources WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Source::try_from)
    .collect()
}

pub(super) async fn select_credentials(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
) -> Result<Option<Vec<u8>>, Error> {
    let found = sqlx::query_scalar!(
        "SELECT credentials FROM sources WHERE tenant_id = $1 AND id = $2",
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.flatten())
}

/// Credentials that are not given stay.
pub(super) async fn update(
    connection: &mut PgConnection,
    source: &Source,
    credentials: Option<Option<&[u8]>>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE sources SET name = $3, place = $4, policy = $5,
                  credentials = CASE WHEN $6 THEN $7 ELSE credentials END
           WHERE tenant_id = $1 AND id = $2"#,
        source.tenant.0,
        source.id.0,
        source.name,
        encoded(&source.place)?,
        encoded(&source.policy)?,
        credentials.is_some(),
        credentials.flatten()
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn set_schedule(connection: &mut PgConnection, source: &Source) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE sources SET schedule = $3, user_id = $4, next_at = $5 WHERE tenant_id = $1 AND id = $2",
        source.tenant.0,
        source.id.0,
        source.schedule.as_ref().map(encoded).transpose()?,
        source.user.map(|user| user.0),
        source.next_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn delete(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: SourceId,
) -> Result<bool, Error> {
    let done = sqlx::query!("DELETE FROM sources WHERE tenant_id = $1 AND id = $2", tenant.0, id.0)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The next source that is due, locked; one that somebody holds is passed over.
pub(super) async fn lock_due(connection: &mut PgConnection) -> Result<Option<Source>, Error> {
    sqlx::query_as!(
        SourceRow,
        r#"SELECT id, tenant_id, name, place, credentials IS NOT NULL AS "has_credentials!", policy, schedule,
                  user_id, next_at, created_at
           FROM sources WHERE next_at <= now() ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED"#
    )
    .fetch_optional(connection)
    .await?
    .map(Source::try_from)
    .transpose()
}

pub(super) async fn set_next(
    connection: &mut PgConnection,
    id: SourceId,
    next_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query!("UPDATE sources SET next_at = $2 WHERE id = $1", id.0, next_at).execute(connection).await?;
    Ok(())
}

pub(super) async fn has_open_intake(connection: &mut PgConnection, id: SourceId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM intakes WHERE source_id = $1 AND status IN ('queued', 'running'))
           AS "open!""#,
        id.0
    )
    .fetch_one(connection)
    .await?)
}

pub(super) async fn insert_intake(
    connection: &mut PgConnection,
    id: IntakeId,
    new: &NewIntake<'_>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO intakes (id, tenant_id, source_id, user_id, request, due_at, error, status, finished_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, CASE WHEN $7::jsonb IS NULL THEN 'queued' ELSE 'skipped' END,
                   CASE WHEN $7::jsonb IS NULL THEN NULL ELSE now() END)"#,
        id.0,
        new.tenant.0,
        new.source.0,
        new.user.0,
        encoded(new.request)?,
        new.due_at,
        new.skipped.map(encoded).transpose()?
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn select_intake(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: IntakeId,
) -> Result<Option<Intake>, Error> {
    sqlx::query_as!(
        IntakeRow,
        r#"SELECT id, tenant_id, source_id, user_id, request, due_at, status, report, error, prediction_id,
                  training_id, created_at, started_at, finished_at
           FROM intakes WHERE tenant_id = $1 AND id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Intake::try_from)
    .transpose()
}

pub(crate) async fn select_intakes(
    connection: &mut PgConnection,
    tenant: TenantId,
    source: Option<SourceId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Intake>, Error> {
    sqlx::query_as!(
        IntakeRow,
        r#"SELECT id, tenant_id, source_id, user_id, request, due_at, status, report, error, prediction_id,
                  training_id, created_at, started_at, finished_at
           FROM intakes
           WHERE tenant_id = $1 AND ($2::uuid IS NULL OR source_id = $2) AND id < $3
           ORDER BY id DESC LIMIT $4"#,
        tenant.0,
        source.map(|source| source.0),
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Intake::try_from)
    .collect()
}

pub(super) async fn start(connection: &mut PgConnection, id: IntakeId) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE intakes SET status = 'running', started_at = coalesce(started_at, now())
           WHERE id = $1 AND finished_at IS NULL"#,
        id.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn requeue(connection: &mut PgConnection, id: IntakeId) -> Result<(), Error> {
    sqlx::query!("UPDATE intakes SET status = 'queued' WHERE id = $1 AND finished_at IS NULL", id.0)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) async fn set_report(
    connection: &mut PgConnection,
    id: IntakeId,
    report: &IntakeReport,
) -> Result<(), Error> {
    sqlx::query!(
        "UPDATE intakes SET report = $2 WHERE id = $1 AND finished_at IS NULL",
        id.0,
        encoded(report)?
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// False where the intake is not under way, or has ordered before. The row stays locked until the commit.
pub(super) async fn attach(
    connection: &mut PgConnection,
    id: IntakeId,
    prediction: Option<PredictionId>,
    training: Option<TrainingId>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE intakes SET prediction_id = $2, training_id = $3
           WHERE id = $1 AND status = 'running' AND prediction_id IS NULL AND training_id IS NULL"#,
        id.0,
        prediction.map(|prediction| prediction.0),
        training.map(|training| training.0)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether it has ordered; its row stays locked, so that it does not while somebody ends it.
pub(super) async fn has_ordered(connection: &mut PgConnection, id: IntakeId) -> Result<bool, Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT prediction_id IS NOT NULL OR training_id IS NOT NULL AS "ordered!"
           FROM intakes WHERE id = $1 FOR UPDATE"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.unwrap_or(false))
}

pub(super) async fn end(
    connection: &mut PgConnection,
    id: IntakeId,
    status: IntakeStatus,
    failure: Option<&Failure>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE intakes SET status = $2, error = $3, finished_at = now()
           WHERE id = $1 AND finished_at IS NULL"#,
        id.0,
        status.as_str(),
        failure.map(encoded).transpose()?
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What the tenant's model of this name says of itself, where one is in production.
pub(super) async fn select_manifest(
    connection: &mut PgConnection,
    tenant: TenantId,
    name: Option<&str>,
) -> Result<Option<Manifest>, Error> {
    sqlx::query_scalar!(
        r#"SELECT v.manifest FROM models m JOIN model_versions v ON v.id = m.current_version_id
           WHERE m.tenant_id = $1 AND m.name = $2"#,
        tenant.0,
        name
    )
    .fetch_optional(connection)
    .await?
    .map(decoded)
    .transpose()
}

pub(super) async fn delete_old(connection: &mut PgConnection, age_min: TimeDelta) -> Result<(), Error> {
    sqlx::query!(
        r#"DELETE FROM intakes WHERE id IN (
               SELECT id FROM intakes WHERE finished_at < now() - $1::float8 * interval '1 second' LIMIT 500)"#,
        age_min.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}
