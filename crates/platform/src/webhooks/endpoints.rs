//! The endpoints of a tenant: made, looked at, changed, tested.

use super::deliveries::{self, Delivery};
use super::secret::Secret;
use super::{Event, EventType, TestEvent, announcing, db, parse_target};
use crate::audit_log;
use crate::idempotency::{self, Idempotency, Replayable};
use crate::tenancy::Writer;
use crate::{Access, Error, List, Page, Platform, TenantId, TenantTx, WebhookId};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};

/// How many endpoints a tenant has at most.
const ENDPOINTS_MAX: i64 = 20;

const DESCRIPTION_CHARACTERS_MAX: usize = 200;

/// For how long the secret before goes on signing beside a new one.
const ROTATION_OVERLAP: TimeDelta = TimeDelta::hours(24);

/// What sealed secrets are bound to.
pub(super) const SECRET_PURPOSE: &str = "webhook secret";

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledReason {
    /// Its owner wanted so.
    Owner,
    /// It answered 410: it is gone.
    Gone,
    /// All attempts at a delivery have failed, and none at any other was taken meanwhile.
    Failing,
}

impl DisabledReason {
    /// The reason as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            DisabledReason::Owner => "owner",
            DisabledReason::Gone => "gone",
            DisabledReason::Failing => "failing",
        }
    }

    pub(super) fn of(name: &str) -> Result<DisabledReason, Error> {
        [DisabledReason::Owner, DisabledReason::Gone, DisabledReason::Failing]
            .into_iter()
            .find(|reason| reason.as_str() == name)
            .ok_or_else(|| Error::Internal(format!("no endpoint is disabled for {name}")))
    }
}

/// Where a tenant wants to be told what has happened.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where events are sent.
    pub url: String,
    /// What its owner calls it.
    pub description: String,
    /// Which events it is told of.
    pub events: Vec<EventType>,
    /// Until when the secret before the last rotation signs as well.
    pub previous_secret_until: Option<DateTime<Utc>>,
    /// Since when every attempt has failed; none while the last one was taken.
    pub failing_since: Option<DateTime<Utc>>,
    /// Since when and why it is told nothing.
    pub disabled: Option<(DateTime<Utc>, DisabledReason)>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// A new endpoint.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Where events are to be sent.
    pub url: String,
    /// What its owner calls it; may be empty.
    pub description: String,
    /// The names of the events.
    pub events: Vec<String>,
}

/// What is to change about an endpoint; what is not given stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Another address.
    pub url: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Other events.
    pub events: Option<Vec<String>>,
    /// Whether it is told nothing.
    pub disabled: Option<bool>,
}

/// An endpoint and its new secret, which is shown once.
pub struct WithSecret {
    /// The endpoint.
    pub endpoint: Endpoint,
    /// What signs; only sealed here.
    pub secret: SecretString,
}

/// Makes an endpoint.
///
/// # Errors
/// [`Error::Invalid`] on `url`, `description` or `events`; `too_many_webhooks`.
pub async fn create(platform: &Platform, access: &Access, new: NewEndpoint) -> Result<WithSecret, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let mut endpoint = Endpoint {
        id: WebhookId::new(),
        tenant: writer.tenant(),
        url: checked_url(platform, &new.url)?,
        description: checked_description(&new.description)?,
        events: checked_events(&new.events)?,
        previous_secret_until: None,
        failing_since: None,
        disabled: None,
        created_at: Utc::now(),
    };
    if db::count(tx.connection(), writer.tenant()).await? >= ENDPOINTS_MAX {
        let message = format!("there are {ENDPOINTS_MAX} webhooks already, and no more than that");
        return Err(Error::conflict("too_many_webhooks", message));
    }
    let secret = Secret::generate();
    let sealed = platform.encryption.seal(SECRET_PURPOSE, endpoint.id.0, secret.bytes())?;
    endpoint.created_at = db::insert(tx.connection(), &endpoint, &sealed).await?;
    write_event(&mut tx, access, writer, "webhook.created", endpoint.id, Value::Null).await?;
    tx.commit().await?;
    Ok(WithSecret { endpoint, secret: secret.shown() })
}

/// One endpoint.
pub async fn get(platform: &Platform, access: &Access, id: WebhookId) -> Result<Endpoint, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    select(&mut tx, tenant, id).await
}

/// The tenant's endpoints, newest first.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Endpoint>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let endpoints =
        db::select_page(tx.connection(), tenant, page.before_id("webhooks")?, page.rows()).await?;
    Ok(page.cut("webhooks", endpoints, |endpoint| *endpoint.id.0.as_bytes()))
}

/// Changes an endpoint.
///
/// # Errors
/// As [`create`].
pub async fn update(
    platform: &Platform,
    access: &Access,
    id: WebhookId,
    change: EndpointChange,
) -> Result<Endpoint, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let mut endpoint = select(&mut tx, writer.tenant(), id).await?;
    if let Some(url) = &change.url {
        endpoint.url = checked_url(platform, url)?;
    }
    if let Some(description) = &change.description {
        endpoint.description = checked_description(description)?;
    }
    if let Some(events) = &change.events {
        endpoint.events = checked_events(events)?;
    }
    match change.disabled {
        Some(true) if endpoint.disabled.is_none() => {
            endpoint.disabled = Some((Utc::now(), DisabledReason::Owner));
        }
        Some(false) => (endpoint.disabled, endpoint.failing_since) = (None, None),
        _ => {}
    }
    db::update(tx.connection(), &endpoint).await?;
    // What the address holds may be a secret of the receiver's: the log says only that it changed.
    let detail = json!({
        "url_changed": change.url.is_some(),
        "events": endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
        "disabled": endpoint.disabled.is_some(),
    });
    write_event(&mut tx, access, writer, "webhook.changed", id, detail).await?;
    tx.commit().await?;
    Ok(endpoint)
}

/// Deletes an endpoint and what it was told.
pub async fn delete(platform: &Platform, access: &Access, id: WebhookId) -> Result<(), Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    if !db::delete(tx.connection(), writer.tenant(), id).await? {
        return Err(Error::NotFound("webhook"));
    }
    write_event(&mut tx, access, writer, "webhook.deleted", id, Value::Null).await?;
    tx.commit().await
}

/// Gives an endpoint a new secret. For a day the one before signs as well.
pub async fn rotate_secret(platform: &Platform, access: &Access, id: WebhookId) -> Result<WithSecret, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let writer = tx.writer()?;
    let secret = Secret::generate();
    let sealed = platform.encryption.seal(SECRET_PURPOSE, id.0, secret.bytes())?;
    if !db::rotate(tx.connection(), writer.tenant(), id, &sealed, ROTATION_OVERLAP).await? {
        return Err(Error::NotFound("webhook"));
    }
    let endpoint = select(&mut tx, writer.tenant(), id).await?;
    write_event(&mut tx, access, writer, "webhook.secret_rotated", id, Value::Null).await?;
    tx.commit().await?;
    Ok(WithSecret { endpoint, secret: secret.shown() })
}

/// Sends an event of its own kind to one endpoint, once, whether or not it is disabled.
///
/// # Errors
/// `too_many_deliveries` where too many wait already; the idempotency errors.
pub async fn test(
    platform: &Platform,
    access: &Access,
    id: WebhookId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Delivery>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tested = test_in(&mut tx, id, idempotency).await;
    tx.finish(tested).await
}

async fn test_in(
    tx: &mut TenantTx,
    id: WebhookId,
    idempotency: Option<&Idempotency>,
) -> Result<Replayable<Delivery>, Error> {
    let tenant = tx.writer()?.tenant();
    if let Some(answer) = idempotency::take(tx.connection(), tenant.0, idempotency).await? {
        return Ok(Replayable::replayed(answer));
    }
    select(tx, tenant, id).await?;
    deliveries::refuse_where_full(tx.connection(), tenant).await?;
    let event = Event::Test(TestEvent { webhook_id: id.0 });
    let sent = announcing::send(tx.connection(), tenant, &event, &[id]).await?;
    let delivery = sent.first().ok_or_else(|| Error::Internal("a test was not sent".to_owned()))?;
    let delivery = deliveries::select(tx, tenant, *delivery).await?;
    idempotency::keep(tx.connection(), tenant.0, idempotency, &delivery).await?;
    Ok(Replayable::first(delivery))
}

async fn select(tx: &mut TenantTx, tenant: TenantId, id: WebhookId) -> Result<Endpoint, Error> {
    db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("webhook"))
}

fn checked_url(platform: &Platform, url: &str) -> Result<String, Error> {
    parse_target(url, platform.webhooks.allow_private).map(String::from)
}

fn checked_description(description: &str) -> Result<String, Error> {
    let description = description.trim();
    let is_long = description.chars().count() > DESCRIPTION_CHARACTERS_MAX;
    if is_long || description.chars().any(char::is_control) {
        return Err(Error::invalid("description", "a description has at most 200 characters on one line"));
    }
    Ok(description.to_owned())
}

/// The events, each once and in one order.
fn checked_events(names: &[String]) -> Result<Vec<EventType>, Error> {
    let kinds: Option<Vec<EventType>> = names.iter().map(|name| EventType::of(name)).collect();
    let Some(mut kinds) = kinds else {
        let known: Vec<&str> = EventType::SUBSCRIBED.iter().map(|kind| kind.as_str()).collect();
        return Err(Error::invalid("events", format!("the events are {}", known.join(", "))));
    };
    if kinds.is_empty() {
        return Err(Error::invalid("events", "choose one or more events"));
    }
    kinds.sort();
    kinds.dedup();
    Ok(kinds)
}

async fn write_event(
    tx: &mut TenantTx,
    access: &Access,
    writer: Writer,
    action: &'static str,
    id: WebhookId,
    detail: Value,
) -> Result<(), Error> {
    let event = audit_log::Event {
        action,
        actor: Some(writer.user()),
        tenant: Some(writer.tenant()),
        subject: Some(id.0),
        detail,
        request_id: Some(&access.request_id),
    };
    audit_log::write(tx.connection(), event).await
}
