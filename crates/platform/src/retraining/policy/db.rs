//! SQL of policies, and of what sets their runs off.

use super::{Policy, PolicyChange};
use crate::tenancy::Writer;
use crate::{Error, ModelId, ModelVersionId, ServiceId, TenantId, UserId};
use chrono::{DateTime, Utc};
use ledger::Money;
use scoring::Metrics;
use sqlx::PgConnection;
use uuid::Uuid;

/// What there is to look at.
pub(in crate::retraining) struct Standing {
    /// The newest file of outcomes.
    pub(in crate::retraining) upload: Option<Uuid>,
    /// The newest drift.
    pub(in crate::retraining) event: Option<Uuid>,
    /// When the last run that trained was set off.
    pub(in crate::retraining) last_started_at: Option<DateTime<Utc>>,
    /// How many outcomes were known then.
    pub(in crate::retraining) outcomes_at_last: u64,
}

struct PolicyRow {
    tenant_id: Uuid,
    model_id: Uuid,
    user_id: Uuid,
    service_id: Uuid,
    is_active: bool,
    on_drift: bool,
    auc_min: Option<f64>,
    auc_loss_max: Option<f64>,
    outcomes_min: Option<i64>,
    every_hours: Option<i32>,
    quiet_hours: i32,
    hold_out: f64,
    price_max: i64,
    month_price_max: i64,
    auto_promote: bool,
    due_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<PolicyRow> for Policy {
    type Error = Error;

    fn try_from(row: PolicyRow) -> Result<Self, Error> {
        Ok(Policy {
            model: ModelId(row.model_id),
            tenant: TenantId(row.tenant_id),
            author: UserId(row.user_id),
            terms: PolicyChange {
                is_active: row.is_active,
                service: ServiceId(row.service_id),
                price_max: Money::from_minor_units(row.price_max)?,
                month_price_max: Money::from_minor_units(row.month_price_max)?,
                on_drift: row.on_drift,
                auc_min: row.auc_min,
                auc_loss_max: row.auc_loss_max,
                outcomes_min: row.outcomes_min.map(i64::unsigned_abs),
                every_hours: row.every_hours.map(i32::unsigned_abs),
                quiet_hours: row.quiet_hours.unsigned_abs(),
                hold_out: row.hold_out,
                auto_promote: row.auto_promote,
            },
            due_at: row.due_at,
            updated_at: row.updated_at,
        })
    }
}

pub(in crate::retraining) async fn upsert_policy(
    connection: &mut PgConnection,
    writer: Writer,
    model: ModelId,
    change: &PolicyChange,
) -> Result<(), Error> {
    let hours = |hours: u32| i32::try_from(hours).unwrap_or(i32::MAX);
    sqlx::query!(
        r#"INSERT INTO retraining_policies (tenant_id, model_id, user_id, service_id, is_active, on_drift, auc_min,
                  auc_loss_max, outcomes_min, every_hours, quiet_hours, hold_out, price_max, month_price_max,
                  auto_promote, due_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                   now() + $10::integer * interval '1 hour')
           ON CONFLICT ON CONSTRAINT retraining_policies_pkey DO UPDATE
           SET user_id = excluded.user_id, service_id = excluded.service_id, is_active = excluded.is_active,
               on_drift = excluded.on_drift, auc_min = excluded.auc_min, auc_loss_max = excluded.auc_loss_max,
               outcomes_min = excluded.outcomes_min, every_hours = excluded.every_hours,
               quiet_hours = excluded.quiet_hours, hold_out = excluded.hold_out, price_max = excluded.price_max,
               month_price_max = excluded.month_price_max, auto_promote = excluded.auto_promote,
               due_at = excluded.due_at, look_at = now(), updated_at = now()"#,
        writer.tenant().0,
        model.0,
        writer.user().0,
        change.service.0,
        change.is_active,
        change.on_drift,
        change.auc_min,
        change.auc_loss_max,
        change.outcomes_min.map(count),
        change.every_hours.map(hours),
        hours(change.quiet_hours),
        change.hold_out,
        change.price_max.minor_units(),
        change.month_price_max.minor_units(),
        change.auto_promote
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(crate) async fn select_policy(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Option<Policy>, Error> {
    Ok(select_policies(connection, tenant, Some(model), false).await?.pop())
}

/// The same, locked to the transaction's end: causes are looked for and runs asked for one after the other.
pub(in crate::retraining) async fn lock_policy(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Option<Policy>, Error> {
    Ok(select_policies(connection, tenant, Some(model), true).await?.pop())
}

/// A tenant's policies, of one model or all.
pub(crate) async fn select_policies(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: Option<ModelId>,
    is_locked: bool,
) -> Result<Vec<Policy>, Error> {
    if is_locked {
        sqlx::query!(
            "SELECT model_id FROM retraining_policies WHERE tenant_id = $1 AND model_id = $2 FOR UPDATE",
            tenant.0,
            model.map(|model| model.0)
        )
        .fetch_optional(&mut *connection)
        .await?;
    }
    sqlx::query_as!(
        PolicyRow,
        r#"SELECT tenant_id, model_id, user_id, service_id, is_active, on_drift, auc_min, auc_loss_max,
                  outcomes_min, every_hours, quiet_hours, hold_out, price_max, month_price_max, auto_promote,
                  due_at, updated_at
           FROM retraining_policies WHERE tenant_id = $1 AND ($2::uuid IS NULL OR model_id = $2)
           ORDER BY model_id"#,
        tenant.0,
        model.map(|model| model.0)
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Policy::try_from)
    .collect()
}

/// Policies for which something is new, or whose time has come.
pub(in crate::retraining) async fn select_due(
    connection: &mut PgConnection,
    most: i64,
) -> Result<Vec<(TenantId, ModelId)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT p.tenant_id, p.model_id FROM retraining_policies p
           WHERE p.is_active AND (p.look_at <= now()
               OR EXISTS (SELECT FROM outcome_uploads u WHERE u.tenant_id = p.tenant_id
                          AND u.model_id = p.model_id
                          AND (p.seen_upload_id IS NULL OR u.id > p.seen_upload_id))
               OR EXISTS (SELECT FROM drift_events e WHERE e.tenant_id = p.tenant_id
                          AND e.model_id = p.model_id AND e.cleared_at IS NULL
                          AND (p.seen_event_id IS NULL OR e.id > p.seen_event_id)))
           ORDER BY p.look_at LIMIT $1"#,
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (TenantId(row.tenant_id), ModelId(row.model_id))).collect())
}

pub(in crate::retraining) async fn select_standing(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Standing, Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT id FROM outcome_uploads WHERE tenant_id = $1 AND model_id = $2
                   ORDER BY id DESC LIMIT 1) AS "upload",
                  (SELECT id FROM drift_events WHERE tenant_id = $1 AND model_id = $2
                   ORDER BY id DESC LIMIT 1) AS "event",
                  last.created_at AS "last_started_at?", last.outcomes_known AS "outcomes_known?"
           FROM (SELECT) AS one LEFT JOIN LATERAL (
               SELECT created_at, outcomes_known FROM retraining_runs
               WHERE tenant_id = $1 AND model_id = $2 AND training_id IS NOT NULL
               ORDER BY id DESC LIMIT 1) last ON true"#,
        tenant.0,
        model.0
    )
    .fetch_one(connection)
    .await?;
    Ok(Standing {
        upload: row.upload,
        event: row.event,
        last_started_at: row.last_started_at,
        outcomes_at_last: row.outcomes_known.unwrap_or(0).unsigned_abs(),
    })
}

/// What was looked at is not looked at again before a minute has passed, or something is new.
pub(in crate::retraining) async fn mark_looked(
    connection: &mut PgConnection,
    policy: &Policy,
    standing: &Standing,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE retraining_policies
           SET seen_upload_id = $3, seen_event_id = $4, look_at = now() + interval '1 minute',
               due_at = CASE WHEN due_at <= now() THEN now() + every_hours * interval '1 hour' ELSE due_at END
           WHERE tenant_id = $1 AND model_id = $2"#,
        policy.tenant.0,
        policy.model.0,
        standing.upload,
        standing.event
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(in crate::retraining) async fn select_champion(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Option<ModelVersionId>, Error> {
    let champion = sqlx::query_scalar!(
        "SELECT current_version_id FROM models WHERE id = $2 AND tenant_id = $1",
        tenant.0,
        model.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(champion.flatten().map(ModelVersionId))
}

/// Drift that is raised now for a version.
pub(in crate::retraining) async fn select_drift(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
    version: ModelVersionId,
) -> Result<Vec<(Uuid, String)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT id, kind FROM drift_events
           WHERE tenant_id = $1 AND model_id = $2 AND model_version_id = $3 AND cleared_at IS NULL ORDER BY id"#,
        tenant.0,
        model.0,
        version.0
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.kind)).collect())
}

/// What was measured at a version's training.
pub(in crate::retraining) async fn select_metrics(
    connection: &mut PgConnection,
    version: ModelVersionId,
) -> Result<Metrics, Error> {
    let metrics = sqlx::query_scalar!(
        r#"SELECT coalesce(manifest -> 'metrics', '{}') AS "metrics!" FROM model_versions WHERE id = $1"#,
        version.0
    )
    .fetch_optional(connection)
    .await?;
    metrics.map_or(Ok(Metrics::default()), |metrics| serde_json::from_value(metrics).map_err(Error::internal))
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
