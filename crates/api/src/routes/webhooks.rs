//! Being told what has happened.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use ledger::Money;
use platform::webhooks::{self, Settings, deliveries};
use platform::{WebhookDeliveryId, WebhookId};

use super::webhook_shapes::{
    Delivery, Webhook, WebhookChange, WebhookRequest, WebhookSettings, WebhookWithSecret,
};
use super::{IdempotencyHeader, Listed, Replayed};
use crate::extract::{Caller, Id, JsonBody, KeyedEmpty, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// List webhooks
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "list_webhooks",
    params(PageQuery),
    responses((status = 200, description = "Where events are sent, newest first", body = Listed<Webhook>)),
)]
pub async fn list(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Webhook>>, Problem> {
    let endpoints = webhooks::list(&api.platform, &access, &query.page()?).await?;
    Ok(Json(Listed::new(endpoints, Webhook::from)))
}

/// Make a webhook
///
/// Events are sent as POST requests with JSON, `{type, timestamp, data}`, signed after Standard Webhooks: the
/// header `webhook-signature` holds `v1,` and the base64 of HMAC-SHA256 over `webhook-id`, `webhook-timestamp`
/// and the body, with dots between, under the bytes that the secret holds behind `whsec_` in base64. Refuse what
/// is older than five minutes, and what you were told before: an event may arrive more than once, under the same
/// `webhook-id`. Answer 2xx within ten seconds. Anything else is tried again over about three days; 410 disables
/// the webhook.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "Webhooks", operation_id = "create_webhook",
    request_body = WebhookRequest,
    responses(
        (status = 201, description = "The webhook, and its secret, shown this once", body = WebhookWithSecret),
        (status = 409, description = "`too_many_webhooks`: there are 20 already"),
    ),
)]
pub async fn create(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<WebhookRequest>,
) -> Result<(StatusCode, Json<WebhookWithSecret>), Problem> {
    let made = webhooks::create(&api.platform, &access, body.into()).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// One webhook
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "get_webhook",
    params(("id" = Uuid, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook", body = Webhook),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookId>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(webhooks::get(&api.platform, &access, id).await?.into()))
}

/// Change a webhook
///
/// What waits for it is sent to where it leads now.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "update_webhook",
    params(("id" = Uuid, Path, description = "The webhook's id")),
    request_body = WebhookChange,
    responses(
        (status = 200, description = "The webhook as it is now", body = Webhook),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn update(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookId>,
    JsonBody(body): JsonBody<WebhookChange>,
) -> Result<Json<Webhook>, Problem> {
    Ok(Json(webhooks::update(&api.platform, &access, id, body.into()).await?.into()))
}

/// Delete a webhook
///
/// What waits for it is not sent, and its deliveries are forgotten.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "Webhooks", operation_id = "delete_webhook",
    params(("id" = Uuid, Path, description = "The webhook's id")),
    responses((status = 204, description = "Deleted"), (status = 404, description = "`not_found`")),
)]
pub async fn delete(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookId>,
) -> Result<StatusCode, Problem> {
    webhooks::delete(&api.platform, &access, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Change the secret of a webhook
///
/// For a day messages carry two signatures, the new secret's and that of the one before, so that the receiver can
/// change over.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate-secret", tag = "Webhooks", operation_id = "rotate_webhook_secret",
    params(("id" = Uuid, Path, description = "The webhook's id")),
    responses(
        (status = 200, description = "The webhook, and its new secret, shown this once", body = WebhookWithSecret),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn rotate_secret(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookId>,
) -> Result<Json<WebhookWithSecret>, Problem> {
    Ok(Json(webhooks::rotate_secret(&api.platform, &access, id).await?.into()))
}

/// Test a webhook
///
/// Sends it an event of type `webhook.test`, once, also where it is disabled. The delivery tells what came of it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/test", tag = "Webhooks", operation_id = "test_webhook",
    params(("id" = Uuid, Path, description = "The webhook's id"), IdempotencyHeader),
    responses(
        (status = 202, description = "The delivery, on its way", body = Delivery),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`too_many_deliveries`, `idempotency_key_in_flight`"),
    ),
)]
pub async fn test(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookId>,
    KeyedEmpty(key): KeyedEmpty,
) -> Result<Replayed<Delivery>, Problem> {
    let sent = webhooks::test(&api.platform, &access, id, key.as_ref()).await?;
    Ok(Replayed { status: StatusCode::ACCEPTED, body: sent.value.into(), replayed: sent.replayed })
}

/// List the deliveries to a webhook
///
/// Those of the last 30 days, or as long as this installation keeps them.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "Webhooks", operation_id = "list_webhook_deliveries",
    params(("id" = Uuid, Path, description = "The webhook's id"), PageQuery),
    responses(
        (status = 200, description = "What it was told, newest first", body = Listed<Delivery>),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn deliveries(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookId>,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Delivery>>, Problem> {
    let deliveries = deliveries::list(&api.platform, &access, id, &query.page()?).await?;
    Ok(Json(Listed::new(deliveries, Delivery::from)))
}

/// One delivery
#[utoipa::path(
    get, path = "/api/v1/webhook-deliveries/{id}", tag = "Webhooks", operation_id = "get_webhook_delivery",
    params(("id" = Uuid, Path, description = "The delivery's id")),
    responses(
        (status = 200, description = "The delivery", body = Delivery),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn delivery(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookDeliveryId>,
) -> Result<Json<Delivery>, Problem> {
    Ok(Json(deliveries::get(&api.platform, &access, id).await?.into()))
}

/// Send a delivery again
///
/// The same body under the same `webhook-id`, as a delivery of its own.
#[utoipa::path(
    post, path = "/api/v1/webhook-deliveries/{id}/replay", tag = "Webhooks",
    operation_id = "replay_webhook_delivery",
    params(("id" = Uuid, Path, description = "The delivery's id"), IdempotencyHeader),
    responses(
        (status = 202, description = "The new delivery, on its way", body = Delivery),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`webhook_disabled`, `too_many_deliveries`, `idempotency_key_in_flight`"),
    ),
)]
pub async fn replay(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<WebhookDeliveryId>,
    KeyedEmpty(key): KeyedEmpty,
) -> Result<Replayed<Delivery>, Problem> {
    let sent = deliveries::replay(&api.platform, &access, id, key.as_ref()).await?;
    Ok(Replayed { status: StatusCode::ACCEPTED, body: sent.value.into(), replayed: sent.replayed })
}

/// What you have said of your events
#[utoipa::path(
    get, path = "/api/v1/webhook-settings", tag = "Webhooks", operation_id = "get_webhook_settings",
    responses((status = 200, description = "The settings", body = WebhookSettings)),
)]
pub async fn settings(
    State(api): State<Api>,
    Caller(access): Caller,
) -> Result<Json<WebhookSettings>, Problem> {
    Ok(Json(webhooks::settings(&api.platform, &access).await?.into()))
}

/// Say below which balance you want to be told
#[utoipa::path(
    put, path = "/api/v1/webhook-settings", tag = "Webhooks", operation_id = "put_webhook_settings",
    request_body = WebhookSettings,
    responses((status = 200, description = "The settings as they are now", body = WebhookSettings)),
)]
pub async fn change_settings(
    State(api): State<Api>,
    Caller(access): Caller,
    JsonBody(body): JsonBody<WebhookSettings>,
) -> Result<Json<WebhookSettings>, Problem> {
    let wrong = || Problem::invalid_field("balance_low_threshold", "A threshold is 1 or more.");
    let threshold =
        body.balance_low_threshold.map(Money::from_minor_units).transpose().map_err(|_| wrong())?;
    let settings = Settings { balance_low_threshold: threshold };
    Ok(Json(webhooks::change_settings(&api.platform, &access, settings).await?.into()))
}

impl From<Settings> for WebhookSettings {
    fn from(settings: Settings) -> WebhookSettings {
        WebhookSettings { balance_low_threshold: settings.balance_low_threshold.map(Money::minor_units) }
    }
}
