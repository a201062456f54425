//! SQL of the deliveries of webhooks.

use super::{Attempt, Delivery, DeliveryStatus};
use crate::ids::first_id_at;
use crate::{Error, TenantId, WebhookDeliveryId, WebhookId};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

/// What is to be delivered.
pub(in crate::webhooks) struct NewDelivery<'a> {
    pub(in crate::webhooks) tenant: TenantId,
    pub(in crate::webhooks) event: Uuid,
    pub(in crate::webhooks) kind: &'a str,
    pub(in crate::webhooks) subject: Uuid,
    pub(in crate::webhooks) payload: &'a str,
    pub(in crate::webhooks) replay_of: Option<WebhookDeliveryId>,
}

/// What is needed to send.
pub(in crate::webhooks) struct Due {
    pub(in crate::webhooks) endpoint: WebhookId,
    pub(in crate::webhooks) event: Uuid,
    pub(in crate::webhooks) kind: String,
    pub(in crate::webhooks) payload: String,
    pub(in crate::webhooks) url: String,
    pub(in crate::webhooks) is_disabled: bool,
    pub(in crate::webhooks) secret: Vec<u8>,
    /// While it still signs.
    pub(in crate::webhooks) previous_secret: Option<Vec<u8>>,
}

/// How far a delivery is.
pub(in crate::webhooks) struct Tried {
    pub(in crate::webhooks) endpoint: WebhookId,
    pub(in crate::webhooks) kind: String,
    /// Attempts so far.
    pub(in crate::webhooks) attempts: usize,
    pub(in crate::webhooks) first_attempt_at: Option<DateTime<Utc>>,
}

/// Whether an attempt was the last.
#[derive(Clone, Copy)]
pub(in crate::webhooks) enum Ended {
    Succeeded,
    Failed,
    Not { delay: TimeDelta },
}

struct Row {
    id: Uuid,
    endpoint_id: Uuid,
    event_id: Uuid,
    kind: String,
    payload: String,
    replay_of: Option<Uuid>,
    status: String,
    attempts: Value,
    next_attempt_at: Option<DateTime<Utc>>,
    response_status: Option<i32>,
    response_body: Option<String>,
    error: Option<String>,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl Row {
    fn into_delivery(self) -> Result<Delivery, Error> {
        let attempts: Vec<Attempt> = serde_json::from_value(self.attempts).map_err(Error::internal)?;
        let status: DeliveryStatus =
            serde_json::from_value(Value::String(self.status)).map_err(Error::internal)?;
        Ok(Delivery {
            id: WebhookDeliveryId(self.id),
            endpoint: WebhookId(self.endpoint_id),
            event: self.event_id,
            kind: self.kind,
            payload: self.payload,
            replay_of: self.replay_of.map(WebhookDeliveryId),
            status,
            attempts,
            next_attempt_at: self.next_attempt_at,
            response_status: self.response_status.and_then(|status| u16::try_from(status).ok()),
            response_body: self.response_body,
            error: self.error,
            created_at: self.created_at,
            finished_at: self.finished_at,
        })
    }
}

/// Writes one delivery for each endpoint, and returns those that were not there before.
pub(in crate::webhooks) async fn insert(
    connection: &mut PgConnection,
    new: &NewDelivery<'_>,
    to: &[(WebhookDeliveryId, WebhookId)],
) -> Result<Vec<WebhookDeliveryId>, Error> {
    let ids: Vec<Uuid> = to.iter().map(|(id, _)| id.0).collect();
    let endpoints: Vec<Uuid> = to.iter().map(|(_, endpoint)| endpoint.0).collect();
    let inserted = sqlx::query_scalar!(
        r#"INSERT INTO webhook_deliveries (id, tenant_id, endpoint_id, event_id, type, subject_id, payload,
                                           replay_of, next_attempt_at)
           SELECT id, $3, endpoint_id, $4, $5, $6, $7, $8, now()
           FROM unnest($1::uuid[], $2::uuid[]) AS new (id, endpoint_id)
           ON CONFLICT DO NOTHING RETURNING id"#,
        &ids,
        &endpoints,
        new.tenant.0,
        new.event,
        new.kind,
        new.subject,
        new.payload,
        new.replay_of.map(|delivery| delivery.0)
    )
    .fetch_all(connection)
    .await?;
    Ok(inserted.into_iter().map(WebhookDeliveryId).collect())
}

pub(super) async fn select(
    connection: &mut PgConnection,
    tenant: TenantId,
    id: WebhookDeliveryId,
) -> Result<Option<Delivery>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, endpoint_id, event_id, type AS kind, payload, replay_of, status, attempts,
                  next_attempt_at, response_status, response_body, error, created_at, finished_at
           FROM webhook_deliveries WHERE tenant_id = $1 AND id = $2"#,
        tenant.0,
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_delivery)
    .transpose()
}

/// The deliveries to an endpoint, or to all of a tenant's, newest first.
pub(crate) async fn select_page(
    connection: &mut PgConnection,
    tenant: TenantId,
    endpoint: Option<WebhookId>,
    before: Uuid,
    rows: i64,
) -> Result<Vec<Delivery>, Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, endpoint_id, event_id, type AS kind, payload, replay_of, status, attempts,
                  next_attempt_at, response_status, response_body, error, created_at, finished_at
           FROM webhook_deliveries
           WHERE tenant_id = $1 AND ($2::uuid IS NULL OR endpoint_id = $2) AND id < $3
           ORDER BY id DESC LIMIT $4"#,
        tenant.0,
        endpoint.map(|endpoint| endpoint.0),
        before,
        rows
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_delivery)
    .collect()
}

pub(super) async fn select_subject(
    connection: &mut PgConnection,
    id: WebhookDeliveryId,
) -> Result<Uuid, Error> {
    Ok(sqlx::query_scalar!("SELECT subject_id FROM webhook_deliveries WHERE id = $1", id.0)
        .fetch_one(connection)
        .await?)
}

/// How many deliveries of a tenant wait, counted up to `count_max`.
pub(super) async fn count_pending(
    connection: &mut PgConnection,
    tenant: TenantId,
    count_max: i64,
) -> Result<i64, Error> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (
               SELECT FROM webhook_deliveries WHERE tenant_id = $1 AND status = 'pending' LIMIT $2) pending"#,
        tenant.0,
        count_max
    )
    .fetch_one(connection)
    .await?)
}

pub(in crate::webhooks) async fn select_due(
    connection: &mut PgConnection,
    id: WebhookDeliveryId,
) -> Result<Option<Due>, Error> {
    let row = sqlx::query!(
        r#"SELECT d.endpoint_id, d.event_id, d.type AS kind, d.payload, e.url,
                  e.disabled_at IS NOT NULL AS "is_disabled!", e.secret,
                  CASE WHEN e.previous_secret_until > now() THEN e.previous_secret END AS previous_secret
           FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id
           WHERE d.id = $1 AND d.status = 'pending'"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Due {
        endpoint: WebhookId(row.endpoint_id),
        event: row.event_id,
        kind: row.kind,
        payload: row.payload,
        url: row.url,
        is_disabled: row.is_disabled,
        secret: row.secret,
        previous_secret: row.previous_secret,
    }))
}

/// A delivery that has not ended, locked.
pub(in crate::webhooks) async fn lock(
    connection: &mut PgConnection,
    id: WebhookDeliveryId,
) -> Result<Option<Tried>, Error> {
    let row = sqlx::query!(
        r#"SELECT endpoint_id, type AS kind, jsonb_array_length(attempts) AS "attempts!", first_attempt_at
           FROM webhook_deliveries WHERE id = $1 AND status = 'pending' FOR UPDATE"#,
        id.0
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Tried {
        endpoint: WebhookId(row.endpoint_id),
        kind: row.kind,
        attempts: usize::try_from(row.attempts).unwrap_or(usize::MAX),
        first_attempt_at: row.first_attempt_at,
    }))
}

/// Keeps an attempt, and says whether it was the last.
pub(in crate::webhooks) async fn keep_attempt(
    connection: &mut PgConnection,
    id: WebhookDeliveryId,
    attempt: &Attempt,
    reply: &str,
    ended: Ended,
) -> Result<(), Error> {
    let (status, delay) = match ended {
        Ended::Succeeded => ("succeeded", None),
        Ended::Failed => ("failed", None),
        Ended::Not { delay } => ("pending", Some(delay.as_seconds_f64())),
    };
    sqlx::query!(
        r#"UPDATE webhook_deliveries SET status = $2, attempts = attempts || $3::jsonb,
                  next_attempt_at = now() + $4::float8 * interval '1 second',
                  response_status = $5, response_body = $6, error = $7,
                  first_attempt_at = coalesce(first_attempt_at, now()),
                  finished_at = CASE WHEN $4::float8 IS NULL THEN now() END
           WHERE id = $1"#,
        id.0,
        status,
        serde_json::to_value(attempt).map_err(Error::internal)?,
        delay,
        attempt.status.map(i32::from),
        attempt.status.map(|_| reply),
        attempt.error
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a delivery without a further attempt.
pub(in crate::webhooks) async fn fail(
    connection: &mut PgConnection,
    id: WebhookDeliveryId,
    error: &str,
) -> Result<(), Error> {
    sqlx::query!(
        r#"UPDATE webhook_deliveries SET status = 'failed', next_attempt_at = NULL, error = $2,
                  finished_at = now()
           WHERE id = $1 AND status = 'pending'"#,
        id.0,
        error
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes deliveries that ended and are older than this, and their jobs, also those of endpoints that
/// were deleted; some at a time.
pub(in crate::webhooks) async fn delete_old(
    connection: &mut PgConnection,
    age: TimeDelta,
    most: i64,
) -> Result<(), Error> {
    // Ids carry the time that they were made at, and are those of the jobs' subjects.
    let before = first_id_at(Utc::now() - age);
    sqlx::query!(
        r#"DELETE FROM webhook_deliveries WHERE id IN (
               SELECT id FROM webhook_deliveries WHERE id < $1 AND status <> 'pending' ORDER BY id LIMIT $2)"#,
        before,
        most
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        r#"DELETE FROM jobs WHERE id IN (
               SELECT id FROM jobs
               WHERE kind = 'webhook' AND subject_id < $1 AND finished_at IS NOT NULL
               ORDER BY subject_id LIMIT $2)"#,
        before,
        most
    )
    .execute(connection)
    .await?;
    Ok(())
}
