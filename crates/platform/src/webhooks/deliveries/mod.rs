//! What endpoints were told, and what came of it.

pub(crate) mod db;

use super::announcing;
use crate::idempotency::{self, Idempotency, Replayable};
use crate::{Access, Error, List, Page, Platform, TenantId, TenantTx, WebhookDeliveryId, WebhookId};
use chrono::{DateTime, Utc};
use db::NewDelivery;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// How many deliveries of a tenant may wait before tests and replays are refused. Events are told all the
/// same.
const PENDING_MAX: i64 = 1000;

/// Where a delivery is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits for its next attempt, or one is under way.
    Pending,
    /// The receiver answered 2xx.
    Succeeded,
    /// No attempt was taken, and none follows.
    Failed,
}

/// One attempt at a delivery.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Attempt {
    /// When it began.
    pub at: DateTime<Utc>,
    /// How long it took.
    pub duration_ms: u32,
    /// The status of the reply, where there was one.
    pub status: Option<u16>,
    /// A stable word for why there was none, or not all of it.
    pub error: Option<String>,
}

/// Something that an endpoint is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id.
    pub id: WebhookDeliveryId,
    /// Whom it is for.
    pub endpoint: WebhookId,
    /// The event, as the header `webhook-id` names it.
    pub event: Uuid,
    /// The event's type.
    pub kind: String,
    /// The body.
    pub payload: String,
    /// The delivery that it repeats.
    pub replay_of: Option<WebhookDeliveryId>,
    /// Where it is in its life.
    pub status: DeliveryStatus,
    /// What was tried, the first attempt first.
    pub attempts: Vec<Attempt>,
    /// When it is tried next.
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// The status of the last reply.
    pub response_status: Option<u16>,
    /// The beginning of the last reply, as text.
    pub response_body: Option<String>,
    /// A stable word for what went wrong the last time.
    pub error: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What an endpoint was told, newest first.
pub async fn list(
    platform: &Platform,
    access: &Access,
    endpoint: WebhookId,
    page: &Page,
) -> Result<List<Delivery>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    super::db::select(tx.connection(), tenant, endpoint).await?.ok_or(Error::NotFound("webhook"))?;
    let before = page.before_id("webhook_deliveries")?;
    let deliveries = db::select_page(tx.connection(), tenant, Some(endpoint), before, page.rows()).await?;
    Ok(page.cut("webhook_deliveries", deliveries, |delivery| *delivery.id.0.as_bytes()))
}

/// One delivery.
pub async fn get(platform: &Platform, access: &Access, id: WebhookDeliveryId) -> Result<Delivery, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    select(&mut tx, tenant, id).await
}

/// Sends again what a delivery sent, under the same event's id, as a delivery of its own.
///
/// # Errors
/// `webhook_disabled`; `too_many_deliveries` where too many wait already; the idempotency errors.
pub async fn replay(
    platform: &Platform,
    access: &Access,
    id: WebhookDeliveryId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Delivery>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let replayed = replay_in(&mut tx, id, idempotency).await;
    tx.finish(replayed).await
}

async fn replay_in(
    tx: &mut TenantTx,
    id: WebhookDeliveryId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Delivery>, Error> {
    let tenant = tx.writer()?.tenant();
    if let Some(answer) = idempotency::take(tx.connection(), tenant.0, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    let first = select(tx, tenant, id).await?;
    let endpoint = super::db::select(tx.connection(), tenant, first.endpoint).await?;
    if endpoint.ok_or(Error::NotFound("webhook"))?.disabled.is_some() {
        return Err(Error::conflict("webhook_disabled", "the webhook is disabled; enable it first"));
    }
    refuse_where_full(tx.connection(), tenant).await?;
    let again = NewDelivery {
        tenant,
        event: first.event,
        kind: &first.kind,
        subject: db::select_subject(tx.connection(), id).await?,
        payload: &first.payload,
        replay_of: Some(first.replay_of.unwrap_or(id)),
    };
    let new = WebhookDeliveryId::new();
    db::insert(tx.connection(), &again, &[(new, first.endpoint)]).await?;
    announcing::queue(tx.connection(), tenant, new, first.event).await?;
    let delivery = select(tx, tenant, new).await?;
    idempotency::keep(tx.connection(), tenant.0, idempotency, &delivery).await?;
    Ok(Replayable::first(delivery))
}

/// Refuses a test or a replay where too much waits.
pub(super) async fn refuse_where_full(connection: &mut PgConnection, tenant: TenantId) -> Result<(), Error> {
    if db::count_pending(connection, tenant, PENDING_MAX).await? >= PENDING_MAX {
        let message = format!("{PENDING_MAX} deliveries wait already; try again when they have ended");
        return Err(Error::conflict("too_many_deliveries", message));
    }
    Ok(())
}

pub(super) async fn select(
    tx: &mut TenantTx,
    tenant: TenantId,
    id: WebhookDeliveryId,
) -> Result<Delivery, Error> {
    db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("delivery"))
}
