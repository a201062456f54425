//! SQL of runs and their lines.

use super::{Gathered, Line, RetrainingStart, Run, RunStatus, SkipReason, Trigger};
use crate::{Error, ModelId, ModelVersionId, RetrainingRunId, TenantId, TrainingId, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::HashMap;
use uuid::Uuid;

/// A run about to be written.
pub(super) struct NewRun<'a> {
    pub(super) id: RetrainingRunId,
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    pub(super) trigger: Trigger,
    pub(super) source: &'a str,
    pub(super) round: i32,
    pub(super) actor: Option<UserId>,
    pub(super) skipped: Option<SkipReason>,
    pub(super) outcomes_known: u64,
}

/// What has come of a cause so far.
pub(super) struct LastRun {
    pub(super) round: i32,
    pub(super) reason: Option<SkipReason>,
    pub(super) outcomes_known: u64,
    pub(super) created_at: DateTime<Utc>,
}

/// A run that a process works at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claimed {
    pub(super) id: RetrainingRunId,
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    pub(super) actor: Option<UserId>,
}

/// A prediction with known outcomes whose customers are still kept.
#[derive(Clone, Debug)]
/// A run whose training has ended.
pub(super) struct EndedRun {
    pub(super) id: RetrainingRunId,
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    pub(super) trigger: Trigger,
    pub(super) actor: Option<UserId>,
    pub(super) version: Option<ModelVersionId>,
    pub(super) error_code: Option<String>,
}

pub(super) async fn select_last_of(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    trigger: Trigger,
    source: &str,
) -> Result<Option<LastRun>, Error> {
    let row = sqlx::query!(
        r#"SELECT round, reason, outcomes_known, created_at FROM retraining_runs
           WHERE tenant_id = $1 AND model_id = $2 AND trigger = $3 AND source = $4
           ORDER BY round DESC LIMIT 1"#,
        tenant.0,
        model.0,
        trigger.as_str(),
        source
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(LastRun {
            round: row.round,
            reason: row.reason.map(|reason| decoded(Value::String(reason))).transpose()?,
            outcomes_known: row.outcomes_known.unsigned_abs(),
            created_at: row.created_at,
        })
    })
    .transpose()
}

pub(super) async fn has_open_run(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<bool, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM retraining_runs WHERE tenant_id = $1 AND model_id = $2
                          AND status IN ('triggered', 'training')) AS "is_open!""#,
        tenant.0,
        model.0
    )
    .fetch_one(connection)
    .await?)
}

/// False where the trigger has fired before, or another run of the model is at work.
pub(super) async fn insert_run(connection: &mut PgConnection, run: &NewRun<'_>) -> Result<bool, Error> {
    let status = if run.skipped.is_some() { RunStatus::Skipped } else { RunStatus::Triggered };
    let inserted = sqlx::query!(
        r#"INSERT INTO retraining_runs (id, tenant_id, model_id, trigger, source, round, actor_user_id, status,
                  reason, outcomes_known)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING"#,
        run.id.0,
        run.tenant.0,
        run.model.0,
        run.trigger.as_str(),
        run.source,
        run.round,
        run.actor.map(|actor| actor.0),
        status.as_str(),
        run.skipped.map(SkipReason::as_str),
        count(run.outcomes_known)
    )
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

pub(super) async fn insert_line(
    connection: &mut PgConnection,
    tenant: TenantId,
    run: RetrainingRunId,
    kind: RunStatus,
    detail: &Value,
) -> Result<(), Error> {
    sqlx::query!(
        "INSERT INTO retraining_lines (id, tenant_id, run_id, kind, detail) VALUES ($1, $2, $3, $4, $5)",
        Uuid::now_v7(),
        tenant.0,
        run.0,
        kind.as_str(),
        detail
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes a run for a minute that nobody works at.
pub(super) async fn claim(connection: &mut PgConnection) -> Result<Option<Claimed>, Error> {
    let row = sqlx::query!(
        r#"UPDATE retraining_runs SET lease_until = now() + interval '1 minute'
           WHERE id = (SELECT id FROM retraining_runs
                       WHERE status = 'triggered' AND (lease_until IS NULL OR lease_until < now())
                       ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
           RETURNING id, tenant_id, model_id, actor_user_id"#
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Claimed {
        id: RetrainingRunId(row.id),
        tenant: TenantId(row.tenant_id),
        model: ModelId(row.model_id),
        actor: row.actor_user_id.map(UserId),
    }))
}

pub(super) async fn renew(connection: &mut PgConnection, run: RetrainingRunId) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE retraining_runs SET lease_until = now() + interval '1 minute'
           WHERE id = $1 AND status = 'triggered'"#,
        run.0
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a run without a training. False where it is no longer waiting for one.
pub(super) async fn skip(
    connection: &mut PgConnection,
    run: RetrainingRunId,
    reason: SkipReason,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE retraining_runs SET status = 'skipped', reason = $2 WHERE id = $1 AND status = 'triggered'",
        run.0,
        reason.as_str()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts a run's training to work. False where it is no longer waiting for one.
pub(super) async fn start(
    connection: &mut PgConnection,
    start: &RetrainingStart,
    training: TrainingId,
) -> Result<bool, Error> {
    let Gathered { rows_new, rows_again, rows_before } = start.gathered;
    let done = sqlx::query!(
        r#"UPDATE retraining_runs SET status = 'training', training_id = $2, champion_id = $3, rows_new = $4,
                  rows_again = $5, rows_before = $6
           WHERE id = $1 AND status = 'triggered'"#,
        start.run.0,
        training.0,
        start.champion.0,
        count(rows_new),
        count(rows_again),
        count(rows_before)
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends a run whose training has ended. False where that was done before.
pub(super) async fn conclude(
    connection: &mut PgConnection,
    run: RetrainingRunId,
    status: RunStatus,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        "UPDATE retraining_runs SET status = $2 WHERE id = $1 AND status = 'training'",
        run.0,
        status.as_str()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What a model's runs of this calendar month (UTC) have cost, without what was refunded.
pub(super) async fn select_spent(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Money, Error> {
    let spent = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(o.price), 0)::bigint AS "spent!"
           FROM retraining_runs r JOIN trainings t ON t.id = r.training_id JOIN orders o ON o.id = t.order_id
           WHERE r.tenant_id = $1 AND r.model_id = $2 AND o.status <> 'refunded'
             AND o.created_at >= date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'"#,
        tenant.0,
        model.0
    )
    .fetch_one(connection)
    .await?;
    Ok(Money::from_minor_units(spent)?)
}

/// Runs whose trainings have ended.
pub(super) async fn select_ended(connection: &mut PgConnection, most: i64) -> Result<Vec<EndedRun>, Error> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.tenant_id, r.model_id, r.trigger, r.actor_user_id, t.model_version_id AS "version?",
                  t.error ->> 'code' AS error_code
           FROM retraining_runs r JOIN trainings t ON t.id = r.training_id
           WHERE r.status = 'training' AND t.status IN ('succeeded', 'failed') ORDER BY r.id LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(EndedRun {
                id: RetrainingRunId(row.id),
                tenant: TenantId(row.tenant_id),
                model: ModelId(row.model_id),
                trigger: decoded(Value::String(row.trigger))?,
                actor: row.actor_user_id.map(UserId),
                version: row.version.map(ModelVersionId),
                error_code: row.error_code,
            })
        })
        .collect()
}

/// A tenant's runs before one, newest first; of a model or all, one or all.
pub(crate) async fn select_runs(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: Option<ModelId>,
    only: Option<RetrainingRunId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Run>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, model_id, trigger, actor_user_id, status, reason, training_id, champion_id, rows_new,
                  rows_again, rows_before, created_at
           FROM retraining_runs
           WHERE tenant_id = $1 AND ($2::uuid IS NULL OR model_id = $2) AND ($3::uuid IS NULL OR id = $3)
             AND id < $4 ORDER BY id DESC LIMIT $5"#,
        tenant.0,
        model.map(|model| model.0),
        only.map(|only| only.0),
        before,
        rows
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut lines = select_lines(connection, tenant, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let counts = row.rows_new.zip(row.rows_again).zip(row.rows_before);
            Ok(Run {
                id: RetrainingRunId(row.id),
                tenant,
                model: ModelId(row.model_id),
                trigger: decoded(Value::String(row.trigger))?,
                actor: row.actor_user_id.map(UserId),
                status: decoded(Value::String(row.status))?,
                reason: row.reason.map(|reason| decoded(Value::String(reason))).transpose()?,
                training: row.training_id.map(TrainingId),
                gathered: counts.map(|((new, again), before)| Gathered {
                    rows_new: new.unsigned_abs(),
                    rows_again: again.unsigned_abs(),
                    rows_before: before.unsigned_abs(),
                }),
                champion: row.champion_id.map(ModelVersionId),
                lines: lines.remove(&row.id).unwrap_or_default(),
                created_at: row.created_at,
            })
        })
        .collect()
}

async fn select_lines(
    connection: &mut PgConnection,
    tenant: TenantId,
    runs: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Line>>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, run_id, kind, detail, created_at FROM retraining_lines
           WHERE tenant_id = $1 AND run_id = ANY($2) ORDER BY id"#,
        tenant.0,
        runs
    )
    .fetch_all(connection)
    .await?;
    let mut lines: HashMap<Uuid, Vec<Line>> = HashMap::new();
    for row in rows {
        let kind = decoded(Value::String(row.kind))?;
        let line = Line { id: row.id, kind, detail: row.detail, created_at: row.created_at };
        lines.entry(row.run_id).or_default().push(line);
    }
    Ok(lines)
}

/// Nothing sets a closed account's models off any more; what was set off and not paid for is told as skipped.
pub(crate) async fn close(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!("DELETE FROM retraining_policies WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    let skipped = sqlx::query_scalar!(
        r#"UPDATE retraining_runs SET status = 'skipped', reason = $2
           WHERE tenant_id = $1 AND status = 'triggered' RETURNING id"#,
        tenant.0,
        SkipReason::AccountClosed.as_str()
    )
    .fetch_all(&mut *connection)
    .await?;
    for run in skipped {
        let detail = serde_json::json!({ "reason": SkipReason::AccountClosed });
        insert_line(connection, tenant, RetrainingRunId(run), RunStatus::Skipped, &detail).await?;
    }
    Ok(())
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn decoded<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(Error::internal)
}
