//! Writing down who is to be told of an event.

use super::deliveries::db::NewDelivery;
use super::{Event, EventType, db, deliveries};
use crate::jobs::{self, JobKind};
use crate::notifications::JOBS_CHANNEL;
use crate::{Error, TenantId, WebhookDeliveryId, WebhookId};
use chrono::{TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

/// Longer than all attempts at a delivery may take; the last of them ends it.
const DEADLINE: TimeDelta = TimeDelta::days(14);

/// Tells a tenant's endpoints of something, in the transaction in which it happens: one delivery and one
/// job for each endpoint that listens to such events. Works in the tenant's role and in the system's.
/// Whoever holds the lock of an account calls this after everything else.
///
/// # Errors
/// Those of the database alone.
pub async fn announce(connection: &mut PgConnection, tenant: TenantId, event: &Event) -> Result<(), Error> {
    let endpoints = db::select_listening(connection, tenant, event.kind()).await?;
    if endpoints.is_empty() {
        return Ok(());
    }
    send(connection, tenant, event, &endpoints).await?;
    Ok(())
}

/// Tells these endpoints of something. Returns the deliveries, without those that exist already.
pub(super) async fn send(
    connection: &mut PgConnection,
    tenant: TenantId,
    event: &Event,
    endpoints: &[WebhookId],
) -> Result<Vec<WebhookDeliveryId>, Error> {
    let payload = event.payload(Utc::now()).map_err(Error::internal)?;
    let new = NewDelivery {
        tenant,
        event: Uuid::now_v7(),
        kind: event.kind().as_str(),
        subject: event.subject(),
        payload: &payload,
        replay_of: None,
    };
    let to: Vec<_> = endpoints.iter().map(|&endpoint| (WebhookDeliveryId::new(), endpoint)).collect();
    let inserted = deliveries::db::insert(connection, &new, &to).await?;
    for &delivery in &inserted {
        queue(connection, tenant, delivery, new.event).await?;
    }
    Ok(inserted)
}

/// Writes the job that carries a delivery through its attempts.
pub(super) async fn queue(
    connection: &mut PgConnection,
    tenant: TenantId,
    delivery: WebhookDeliveryId,
    event: Uuid,
) -> Result<(), Error> {
    // What the log shows of the job is the id that the receiver sees as well.
    jobs::db::insert(connection, tenant, JobKind::Webhook, delivery.0, DEADLINE, &event.to_string()).await?;
    jobs::db::notify(connection, JOBS_CHANNEL, "").await
}

/// Whether an endpoint that was disabled may be told of this all the same.
pub(super) fn is_told_while_disabled(kind: &str) -> bool {
    kind == EventType::Test.as_str()
}
