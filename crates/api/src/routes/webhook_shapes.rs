//! Webhooks on the wire.

use chrono::{DateTime, Utc};
use platform::webhooks::{self, DeliveryStatus, DisabledReason, EndpointChange, EventType, NewEndpoint};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A kind of event.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[schema(example = "prediction.succeeded")]
pub enum EventName {
    /// A result can be downloaded.
    #[serde(rename = "prediction.succeeded")]
    PredictionSucceeded,
    /// A prediction failed, and its order was refunded.
    #[serde(rename = "prediction.failed")]
    PredictionFailed,
    /// A training has made a version of a model.
    #[serde(rename = "training.succeeded")]
    TrainingSucceeded,
    /// A training failed, and its order was refunded.
    #[serde(rename = "training.failed")]
    TrainingFailed,
    /// Customers, probabilities or outcomes have moved away from what the model was trained on.
    #[serde(rename = "drift.detected")]
    DriftDetected,
    /// A version of a model came to a stage.
    #[serde(rename = "version.promoted")]
    VersionPromoted,
    /// A debit took the balance below the tenant's threshold.
    #[serde(rename = "balance.low")]
    BalanceLow,
    /// A result is erased within a day.
    #[serde(rename = "result.expiring")]
    ResultExpiring,
}

impl From<EventName> for EventType {
    fn from(name: EventName) -> EventType {
        match name {
            EventName::PredictionSucceeded => EventType::PredictionSucceeded,
            EventName::PredictionFailed => EventType::PredictionFailed,
            EventName::TrainingSucceeded => EventType::TrainingSucceeded,
            EventName::TrainingFailed => EventType::TrainingFailed,
            EventName::DriftDetected => EventType::DriftDetected,
            EventName::VersionPromoted => EventType::VersionPromoted,
            EventName::BalanceLow => EventType::BalanceLow,
            EventName::ResultExpiring => EventType::ResultExpiring,
        }
    }
}

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where events are sent: `https://`, a host of the public internet, port 443 or 1024 and above.
    #[schema(example = "https://hooks.augur.example/churn", max_length = 2000)]
    url: String,
    /// What you call it.
    #[serde(default)]
    #[schema(example = "our CRM", max_length = 200)]
    description: String,
    /// Which events it is told of.
    #[schema(min_items = 1)]
    events: Vec<EventName>,
}

impl From<WebhookRequest> for NewEndpoint {
    fn from(request: WebhookRequest) -> NewEndpoint {
        NewEndpoint { url: request.url, description: request.description, events: names(&request.events) }
    }
}

/// What is to change; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookChange {
    /// Another address.
    #[schema(example = "https://hooks.augur.example/churn", max_length = 2000)]
    url: Option<String>,
    /// Another description.
    #[schema(max_length = 200)]
    description: Option<String>,
    /// Other events.
    #[schema(min_items = 1)]
    events: Option<Vec<EventName>>,
    /// Whether it is told nothing; `false` enables one that was disabled for whatever reason.
    #[schema(example = false)]
    disabled: Option<bool>,
}

impl From<WebhookChange> for EndpointChange {
    fn from(change: WebhookChange) -> EndpointChange {
        EndpointChange {
            url: change.url,
            description: change.description,
            events: change.events.map(|events| names(&events)),
            disabled: change.disabled,
        }
    }
}

fn names(events: &[EventName]) -> Vec<String> {
    events.iter().map(|&event| EventType::from(event).as_str().to_owned()).collect()
}

/// Where events are sent.
#[derive(Serialize, ToSchema)]
pub struct Webhook {
    id: Uuid,
    #[schema(example = "https://hooks.augur.example/churn")]
    url: String,
    description: String,
    #[schema(value_type = Vec<EventName>)]
    events: Vec<&'static str>,
    /// Whether it is told nothing.
    disabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<DateTime<Utc>>,
    /// `owner`: you disabled it. `gone`: it answered 410. `failing`: every attempt at a delivery failed, over
    /// days, and none at any other was taken meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<WhyDisabled>,
    /// Since when every attempt has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<DateTime<Utc>>,
    /// Until when the secret before the last rotation signs as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_until: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
}

/// Why a webhook is told nothing.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhyDisabled {
    /// Its owner wanted so.
    Owner,
    /// It answered 410.
    Gone,
    /// Nothing was taken for days.
    Failing,
}

impl From<webhooks::Endpoint> for Webhook {
    fn from(endpoint: webhooks::Endpoint) -> Webhook {
        let reason = endpoint.disabled.map(|(_, reason)| match reason {
            DisabledReason::Owner => WhyDisabled::Owner,
            DisabledReason::Gone => WhyDisabled::Gone,
            DisabledReason::Failing => WhyDisabled::Failing,
        });
        Webhook {
            id: endpoint.id.0,
            url: endpoint.url,
            description: endpoint.description,
            events: endpoint.events.iter().map(|kind| kind.as_str()).collect(),
            disabled: endpoint.disabled.is_some(),
            disabled_at: endpoint.disabled.map(|(at, _)| at),
            disabled_reason: reason,
            failing_since: endpoint.failing_since,
            previous_secret_until: endpoint.previous_secret_until.filter(|until| *until > Utc::now()),
            created_at: endpoint.created_at,
        }
    }
}

/// A webhook with its new secret.
#[derive(Serialize, ToSchema)]
pub struct WebhookWithSecret {
    #[serde(flatten)]
    webhook: Webhook,
    /// What its messages are signed with, shown this once.
    #[schema(example = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")]
    secret: String,
}

impl From<webhooks::WithSecret> for WebhookWithSecret {
    fn from(made: webhooks::WithSecret) -> WebhookWithSecret {
        let secret = made.secret.expose_secret().to_owned();
        WebhookWithSecret { webhook: made.endpoint.into(), secret }
    }
}

/// Something that a webhook was told, or is being told.
#[derive(Serialize, ToSchema)]
pub struct Delivery {
    id: Uuid,
    webhook_id: Uuid,
    /// The event, as the header `webhook-id` names it: the same in every attempt and every replay.
    event_id: Uuid,
    #[serde(rename = "type")]
    #[schema(example = "prediction.succeeded")]
    kind: String,
    /// The body.
    #[schema(value_type = Object)]
    payload: Value,
    /// The delivery that this one repeats.
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_of: Option<Uuid>,
    status: Status,
    /// What was tried, the first attempt first.
    attempts: Vec<Attempt>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_attempt_at: Option<DateTime<Utc>>,
    /// The status of the last reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_status: Option<u16>,
    /// The beginning of the last reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    response_body: Option<String>,
    /// What went wrong the last time: `timed_out`, `connection_failed`, `connection_broken`, `address_refused`,
    /// `reply_too_large`, `webhook_disabled`, ...
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
}

/// Where a delivery is in its life.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryStatus)]
pub enum Status {
    /// It waits for its next attempt, or one is under way.
    Pending,
    /// It was answered 2xx.
    Succeeded,
    /// No attempt was taken, and none follows.
    Failed,
}

/// One attempt at a delivery.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
pub struct Attempt {
    at: DateTime<Utc>,
    duration_ms: u32,
    /// The status of the reply, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<webhooks::Delivery> for Delivery {
    fn from(delivery: webhooks::Delivery) -> Delivery {
        Delivery {
            id: delivery.id.0,
            webhook_id: delivery.endpoint.0,
            event_id: delivery.event,
            kind: delivery.kind,
            payload: serde_json::from_str(&delivery.payload).unwrap_or_default(),
            replay_of: delivery.replay_of.map(|first| first.0),
            status: match delivery.status {
                DeliveryStatus::Pending => Status::Pending,
                DeliveryStatus::Succeeded => Status::Succeeded,
                DeliveryStatus::Failed => Status::Failed,
            },
            attempts: delivery.attempts.into_iter().map(Attempt::from).collect(),
            next_attempt_at: delivery.next_attempt_at,
            response_status: delivery.response_status,
            response_body: delivery.response_body,
            error: delivery.error,
            created_at: delivery.created_at,
            finished_at: delivery.finished_at,
        }
    }
}

impl From<webhooks::Attempt> for Attempt {
    fn from(attempt: webhooks::Attempt) -> Attempt {
        Attempt {
            at: attempt.at,
            duration_ms: attempt.duration_ms,
            status: attempt.status,
            error: attempt.error,
        }
    }
}

/// What you have said of your events.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookSettings {
    /// `balance.low` is sent when a debit takes the balance from here or above to below it, in minor units;
    /// null: never.
    #[schema(example = 100_000, minimum = 1)]
    pub balance_low_threshold: Option<i64>,
}
