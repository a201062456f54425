//! What a tenant can be told, in ids and figures: nothing of a file's customers, names or cells.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

/// A kind of event, by the name that endpoints subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EventType {
    /// A result can be downloaded.
    PredictionSucceeded,
    /// A prediction failed, and its order was refunded.
    PredictionFailed,
    /// A training has made a version of a model.
    TrainingSucceeded,
    /// A training failed, and its order was refunded.
    TrainingFailed,
    /// Customers or probabilities have moved away from what the model was trained on.
    DriftDetected,
    /// A version of a model came to a stage.
    VersionPromoted,
    /// A debit took the balance below the tenant's threshold.
    BalanceLow,
    /// A result will soon be erased.
    ResultExpiring,
    /// Somebody pressed the button that tests an endpoint; nobody subscribes to it.
    Test,
}

impl EventType {
    /// Every kind that can be subscribed to.
    pub const SUBSCRIBED: [EventType; 8] = [
        EventType::PredictionSucceeded,
        EventType::PredictionFailed,
        EventType::TrainingSucceeded,
        EventType::TrainingFailed,
        EventType::DriftDetected,
        EventType::VersionPromoted,
        EventType::BalanceLow,
        EventType::ResultExpiring,
    ];

    /// The kind's name.
    pub fn as_str(self) -> &'static str {
        match self {
            EventType::PredictionSucceeded => "prediction.succeeded",
            EventType::PredictionFailed => "prediction.failed",
            EventType::TrainingSucceeded => "training.succeeded",
            EventType::TrainingFailed => "training.failed",
            EventType::DriftDetected => "drift.detected",
            EventType::VersionPromoted => "version.promoted",
            EventType::BalanceLow => "balance.low",
            EventType::ResultExpiring => "result.expiring",
            EventType::Test => "webhook.test",
        }
    }

    /// The kind of this name, among those that can be subscribed to.
    pub fn of(name: &str) -> Option<EventType> {
        EventType::SUBSCRIBED.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Something that has happened.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Event {
    /// A result can be downloaded.
    PredictionSucceeded(PredictionSucceeded),
    /// A prediction failed, and its order was refunded.
    PredictionFailed(PredictionFailed),
    /// A training has made a version of a model.
    TrainingSucceeded(TrainingSucceeded),
    /// A training failed, and its order was refunded.
    TrainingFailed(TrainingFailed),
    /// Customers or probabilities have moved.
    DriftDetected(DriftDetected),
    /// A version of a model came to a stage.
    VersionPromoted(VersionPromoted),
    /// A debit took the balance below the threshold.
    BalanceLow(BalanceLow),
    /// A result will soon be erased.
    ResultExpiring(ResultExpiring),
    /// A test.
    Test(TestEvent),
}

/// A result can be downloaded.
#[derive(Clone, Debug, Serialize)]
pub struct PredictionSucceeded {
    /// The prediction.
    pub prediction_id: Uuid,
    /// Its order.
    pub order_id: Uuid,
    /// `succeeded`.
    pub status: &'static str,
    /// Customers in the file.
    pub rows: u64,
    /// Those who could not be scored.
    pub rows_skipped: u64,
    /// Those who stay.
    pub stays: u64,
    /// Those who leave.
    pub leaves: u64,
    /// The mean of their probabilities of leaving.
    pub mean_churn_probability: f64,
}

/// A prediction failed, and its order was refunded.
#[derive(Clone, Debug, Serialize)]
pub struct PredictionFailed {
    /// The prediction.
    pub prediction_id: Uuid,
    /// Its order.
    pub order_id: Uuid,
    /// `failed`.
    pub status: &'static str,
    /// The stable word of what went wrong; the message, which may quote the file, is at the prediction.
    pub error_code: String,
}

/// A training has made a version of a model.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingSucceeded {
    /// The training.
    pub training_id: Uuid,
    /// Its order, where it was ordered.
    pub order_id: Option<Uuid>,
    /// `succeeded`.
    pub status: &'static str,
    /// The model.
    pub model_id: Uuid,
    /// The version that was made.
    pub model_version_id: Uuid,
    /// Its name.
    pub version: String,
    /// The area under the ROC curve on customers held out, from 0 to 1.
    pub auc: Option<f64>,
}

/// A training failed, and its order was refunded.
#[derive(Clone, Debug, Serialize)]
pub struct TrainingFailed {
    /// The training.
    pub training_id: Uuid,
    /// Its order, where it was ordered.
    pub order_id: Option<Uuid>,
    /// `failed`.
    pub status: &'static str,
    /// The stable word of what went wrong.
    pub error_code: String,
}

/// Customers, probabilities or outcomes have moved away from what the model was trained on.
#[derive(Clone, Debug, Serialize)]
pub struct DriftDetected {
    /// The model.
    pub model_id: Uuid,
    /// Its version.
    pub model_version_id: Uuid,
    /// The prediction that showed it, where one did.
    pub prediction_id: Option<Uuid>,
    /// The outcomes that showed it, where they did.
    pub outcome_id: Option<Uuid>,
    /// What was measured, such as `psi` or `auc`.
    pub measure: &'static str,
    /// What came out.
    pub value: f64,
    /// What it should have stayed below, or above.
    pub threshold: f64,
    /// How many features have drifted, where features were measured.
    pub features_drifted: Option<u64>,
}

/// A version of a model came to a stage.
#[derive(Clone, Debug, Serialize)]
pub struct VersionPromoted {
    /// The model.
    pub model_id: Uuid,
    /// The version.
    pub model_version_id: Uuid,
    /// Its name.
    pub version: String,
    /// The stage that it came to: `production`, `testing`, ...
    pub stage: String,
    /// The version that it took the place of, if any.
    pub previous_model_version_id: Option<Uuid>,
    /// Whether this took a promotion back.
    pub is_rollback: bool,
}

/// A debit took the balance below the threshold.
#[derive(Clone, Debug, Serialize)]
pub struct BalanceLow {
    /// The debit.
    pub transaction_id: Uuid,
    /// Its order.
    pub order_id: Uuid,
    /// What is left, in minor units.
    pub balance: i64,
    /// The threshold, in minor units.
    pub threshold: i64,
}

/// A result will soon be erased.
#[derive(Clone, Debug, Serialize)]
pub struct ResultExpiring {
    /// The prediction.
    pub prediction_id: Uuid,
    /// When its result and its file are erased.
    pub expires_at: DateTime<Utc>,
}

/// A test of an endpoint.
#[derive(Clone, Debug, Serialize)]
pub struct TestEvent {
    /// The endpoint that is tested.
    pub webhook_id: Uuid,
}

/// The body of a webhook.
#[derive(Serialize)]
struct Payload<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: DateTime<Utc>,
    data: &'a Event,
}

impl Event {
    /// One event of each kind that can be subscribed to, as documentation shows them.
    pub fn examples() -> Vec<Event> {
        let id = |number: u128| Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + number);
        vec![
            Event::PredictionSucceeded(PredictionSucceeded {
                prediction_id: id(1),
                order_id: id(2),
                status: "succeeded",
                rows: 529,
                rows_skipped: 0,
                stays: 389,
                leaves: 140,
                mean_churn_probability: 0.2646,
            }),
            Event::PredictionFailed(PredictionFailed {
                prediction_id: id(1),
                order_id: id(2),
                status: "failed",
                error_code: "invalid_rows".to_owned(),
            }),
            Event::TrainingSucceeded(TrainingSucceeded {
                training_id: id(3),
                order_id: Some(id(2)),
                status: "succeeded",
                model_id: id(4),
                model_version_id: id(5),
                version: "2".to_owned(),
                auc: Some(0.8471),
            }),
            Event::TrainingFailed(TrainingFailed {
                training_id: id(3),
                order_id: Some(id(2)),
                status: "failed",
                error_code: "too_few_rows".to_owned(),
            }),
            Event::DriftDetected(DriftDetected {
                model_id: id(4),
                model_version_id: id(5),
                prediction_id: Some(id(1)),
                outcome_id: None,
                measure: "psi",
                value: 0.31,
                threshold: 0.25,
                features_drifted: Some(3),
            }),
            Event::VersionPromoted(VersionPromoted {
                model_id: id(4),
                model_version_id: id(5),
                version: "2".to_owned(),
                stage: "production".to_owned(),
                previous_model_version_id: Some(id(6)),
                is_rollback: false,
            }),
            Event::BalanceLow(BalanceLow {
                transaction_id: id(7),
                order_id: id(2),
                balance: 99_000,
                threshold: 100_000,
            }),
            Event::ResultExpiring(ResultExpiring {
                prediction_id: id(1),
                expires_at: DateTime::from_timestamp(1_785_585_600, 0).unwrap_or_default(),
            }),
        ]
    }

    /// What kind of event it is.
    pub fn kind(&self) -> EventType {
        match self {
            Event::PredictionSucceeded(_) => EventType::PredictionSucceeded,
            Event::PredictionFailed(_) => EventType::PredictionFailed,
            Event::TrainingSucceeded(_) => EventType::TrainingSucceeded,
            Event::TrainingFailed(_) => EventType::TrainingFailed,
            Event::DriftDetected(_) => EventType::DriftDetected,
            Event::VersionPromoted(_) => EventType::VersionPromoted,
            Event::BalanceLow(_) => EventType::BalanceLow,
            Event::ResultExpiring(_) => EventType::ResultExpiring,
            Event::Test(_) => EventType::Test,
        }
    }

    /// The thing that it happened to.
    pub(crate) fn subject(&self) -> Uuid {
        match self {
            Event::PredictionSucceeded(data) => data.prediction_id,
            Event::PredictionFailed(data) => data.prediction_id,
            Event::TrainingSucceeded(data) => data.training_id,
            Event::TrainingFailed(data) => data.training_id,
            Event::DriftDetected(data) => data.model_id,
            Event::VersionPromoted(data) => data.model_version_id,
            Event::BalanceLow(data) => data.transaction_id,
            Event::ResultExpiring(data) => data.prediction_id,
            Event::Test(data) => data.webhook_id,
        }
    }

    /// The body that tells of it: `{type, timestamp, data}`.
    ///
    /// # Errors
    /// Those of writing JSON, which figures that are no numbers give.
    pub fn payload(&self, at: DateTime<Utc>) -> Result<String, serde_json::Error> {
        serde_json::to_string(&Payload { kind: self.kind().as_str(), timestamp: at, data: self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_name_but_the_test() {
        for kind in EventType::SUBSCRIBED {
            assert_eq!(EventType::of(kind.as_str()), Some(kind));
        }
        assert_eq!(EventType::of("webhook.test"), None);
        assert_eq!(EventType::of("prediction"), None);
    }

    #[test]
    fn every_kind_has_its_example() {
        let kinds: Vec<EventType> = Event::examples().iter().map(Event::kind).collect();
        assert_eq!(kinds, EventType::SUBSCRIBED);
    }

    #[test]
    fn a_payload_has_a_type_a_time_and_the_figures() {
        let prediction_id = Uuid::from_u128(7);
        let event = Event::ResultExpiring(ResultExpiring { prediction_id, expires_at: DateTime::UNIX_EPOCH });
        let payload = event.payload(DateTime::UNIX_EPOCH).unwrap();
        assert_eq!(
            payload,
            r#"{"type":"result.expiring","timestamp":"1970-01-01T00:00:00Z","data":{"prediction_id":"00000000-0000-0000-0000-000000000007","expires_at":"1970-01-01T00:00:00Z"}}"#
        );
        assert_eq!((event.kind(), event.subject()), (EventType::ResultExpiring, prediction_id));
    }
}
