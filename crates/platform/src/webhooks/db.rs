//! SQL of the endpoints and the settings of webhooks.

use super::{DisabledReason, Endpoint, EventType};
use crate::{Error, PredictionId, TenantId, WebhookId};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

struct Row {
    id: Uuid,
    tenant_id: Uuid,
    url: String,
    description: String,
    events: Vec<String>,
    previous_secret_until: Option<DateTime<Utc>>,
    failing_since: Option<DateTime<Utc>>,
    disabled_at: Option<DateTime<Utc>>,
    disabled_reason: Option<String>,
    created_at: DateTime<Utc>,
}

impl Row {
    fn into_endpoint(self) -> Result<Endpoint, Error> {
        let disabled = match (self.disabled_at, self.disabled_reason) {
            (Some(at), Some(reason)) => Some((at, DisabledReason::of(&reason)?)),
            _ => None,
        };
        Ok(Endpoint {
            id: WebhookId(self.id),
            tenant: TenantId(self.tenant_id),
            url: self.url,
            description: self.description,
            // A type that this program does not know belongs to a newer one.
            events: self.events.iter().filter_map(|name| EventType::of(name)).collect(),
            previous_secret_until: self.previous_secret_until,
            failing_since: self.failing_since,
            disabled,
            created_at: self.created_at,
        })
    }
}

fn names(events: &[EventType]) -> Vec<String> {
    events.iter().map(|kind| kind.as_str().to_owned()).collect()
}

pub(super) async fn count(connection: &mut PgConnection, tenant: TenantId) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM webhook_endpoints WHERE tenant_id = $1"#,
        tenant.0
    )
    .fetch_one(connection)
    .await?)
}

pub(super) async fn insert(
    connection: &mut PgConnection,
    endpoint: &Endpoint,
    secret: &[u8],
) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar!(
        r#"INSERT INTO webhook_endpoints (id, tenant_id, url, description, events, secret)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING created_at"#,
        endpoint.id.0,
        endpoint.tenant.0,
        endpoint.url,
        endpoint.description,
        &names(&endpoint.events),
        secret
    )
    .fetch_one(connection)
    .await?)
}

pub(crate) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
) -> Result<Option<Endpoint>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, tenant_id, url, description, events, previous_secret_until, failing_since, disabled_at,
                  disabled_reason, created_at
           FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_endpoint)
    .transpose()
}

pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Endpoint>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, tenant_id, url, description, events, previous_secret_until, failing_since, disabled_at,
                  disabled_reason, created_at
           FROM webhook_endpoints WHERE tenant_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"#,
        tenant.0,
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_endpoint)
    .collect()
}

/// Writes what a change made of an endpoint. One that is enabled again has failed nobody yet.
pub(super) async fn update(connection: &mut PgConnection, endpoint: &Endpoint) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE webhook_endpoints SET url = $3, description = $4, events = $5, disabled_at = $6,
                  disabled_reason = $7, failing_since = $8
           WHERE tenant_id = $1 AND id = $2"#,
        endpoint.tenant.0,
        endpoint.id.0,
        endpoint.url,
        endpoint.description,
        &names(&endpoint.events),
        endpoint.disabled.map(|(at, _)| at),
        endpoint.disabled.map(|(_, reason)| reason.as_str()),
        endpoint.failing_since
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deliveries go with their endpoint; their jobs find nothing to do.
pub(super) async fn delete(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
) -> Result<bool, Error> {
    let done = sqlx::query!("DELETE FROM webhook_endpoints WHERE tenant_id = $1 AND id = $2", tenant.0, id.0)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// The secret takes the place of the one that there was, which goes on signing for a while.
pub(super) async fn rotate(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: WebhookId,
    secret: &[u8],
    overlap: TimeDelta,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE webhook_endpoints SET secret = $3, previous_secret = secret,
                  previous_secret_until = now() + $4::float8 * interval '1 second'
           WHERE tenant_id = $1 AND id = $2"#,
        tenant.0,
        id.0,
        secret,
        overlap.as_seconds_f64()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The endpoints of a tenant that are told of such events.
pub(super) async fn select_listening(
    connection: &mut PgConnection,
    tenant: TenantId,
    kind: EventType,
) -> Result<Vec<WebhookId>, Error> {
    let ids = sqlx::query_scalar!(
        r#"SELECT id FROM webhook_endpoints
           WHERE tenant_id = $1 AND disabled_at IS NULL AND $2 = ANY(events) ORDER BY id"#,
        tenant.0,
        kind.as_str()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(WebhookId).collect())
}

/// Notes whether an attempt was taken: since when none was is what an endpoint is judged by.
pub(super) async fn note_attempt(
    connection: &mut PgConnection,
    endpoint: WebhookId,
    taken: bool,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE webhook_endpoints SET failing_since = CASE WHEN $2 THEN NULL ELSE now() END
           WHERE id = $1 AND (failing_since IS NULL) <> $2"#,
        endpoint.0,
        taken
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Disables an endpoint; with a moment, only where no attempt has been taken since then. True where it was
/// enabled until now.
pub(super) async fn disable(
    connection: &mut PgConnection,
    endpoint: WebhookId,
    reason: DisabledReason,
    failing_since: Option<DateTime<Utc>>,
) -> Result<bool, Error> {
    let done = sqlx::query!(
        r#"UPDATE webhook_endpoints SET disabled_at = now(), disabled_reason = $2
           WHERE id = $1 AND disabled_at IS NULL
             AND ($3::timestamptz IS NULL OR failing_since <= $3)"#,
        endpoint.0,
        reason.as_str(),
        failing_since
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn select_threshold(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<i64>, Error> {
    let threshold = sqlx::query_scalar!(
        "SELECT balance_low_threshold FROM webhook_settings WHERE tenant_id = $1",
        tenant.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(threshold.flatten())
}

/// The threshold of a tenant some endpoint of whom listens.
pub(super) async fn select_threshold_heard(
    connection: &mut PgConnection,
    tenant: TenantId,
) -> Result<Option<i64>, Error> {
    let threshold = sqlx::query_scalar!(
        r#"SELECT balance_low_threshold FROM webhook_settings
           WHERE tenant_id = $1 AND EXISTS (
               SELECT FROM webhook_endpoints
               WHERE tenant_id = $1 AND disabled_at IS NULL AND $2 = ANY(events))"#,
        tenant.0,
        EventType::BalanceLow.as_str()
    )
    .fetch_optional(connection)
    .await?;
    Ok(threshold.flatten())
}

pub(super) async fn upsert_threshold(
    connection: &mut PgConnection,
    tenant: TenantId,
    threshold: Option<i64>,
) -> Result<(), Error> {
    sqlx::query!(
        r#"INSERT INTO webhook_settings (tenant_id, balance_low_threshold) VALUES ($1, $2)
           ON CONFLICT (tenant_id) DO UPDATE SET balance_low_threshold = excluded.balance_low_threshold"#,
        tenant.0,
        threshold
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Results that expire within a time and that some endpoint has yet to be told of.
pub(super) async fn select_expiring(
    connection: &mut PgConnection,
    within: TimeDelta,
    most: i64,
) -> Result<Vec<(PredictionId, TenantId, DateTime<Utc>)>, Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT p.id, p.tenant_id, p.expires_at
           FROM predictions p
           JOIN webhook_endpoints e
             ON e.tenant_id = p.tenant_id AND e.disabled_at IS NULL AND $3 = ANY(e.events)
           WHERE p.erased_at IS NULL AND p.status = 'succeeded' AND p.expires_at > now()
             AND p.expires_at <= now() + $1::float8 * interval '1 second'
             AND NOT EXISTS (
                 SELECT FROM webhook_deliveries d
                 WHERE d.endpoint_id = e.id AND d.subject_id = p.id AND d.type = 'result.expiring'
                   AND d.replay_of IS NULL)
           ORDER BY p.expires_at LIMIT $2"#,
        within.as_seconds_f64(),
        most,
        EventType::ResultExpiring.as_str()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (PredictionId(row.id), TenantId(row.tenant_id), row.expires_at)).collect())
}

/// Nothing of a closed account's webhooks is left, nor of the jobs that would send anything outside.
pub(crate) async fn erase(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    sqlx::query!("DELETE FROM jobs WHERE tenant_id = $1 AND kind IN ('webhook', 'export')", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM webhook_endpoints WHERE tenant_id = $1", tenant.0)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("DELETE FROM webhook_settings WHERE tenant_id = $1", tenant.0).execute(connection).await?;
    Ok(())
}
