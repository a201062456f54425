//! Intakes on the wire.

use chrono::{DateTime, Utc};
use ledger::Money;
use platform::predictions::PredictionOptions;
use platform::sources::{self, Failure};
use platform::{ServiceId, SourceId, trainings};
use scoring::{OnError, TierThresholds};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::files::Finding;
use super::predictions::{LanguageChoice, OnErrorChoice};
use crate::problem::{Fault, Problem};

/// What the options of a request are made with: the risk tiers of the tenant, where they are asked for.
pub struct OrderedBy {
    /// The thresholds of now.
    pub tiers: TierThresholds,
}

/// What is made of a file.
#[derive(Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A prediction.
    Predict,
    /// A training.
    Train,
}

/// What an intake orders.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntakeRequest {
    pub purpose: Purpose,
    /// A line of the price list: of `/services` to predict, of `/training-services` to train.
    #[schema(value_type = Uuid, example = "01980000-0000-7000-8000-000000000001")]
    pub service_id: String,
    /// The most that it may cost, in minor units; whatever the price is where left out.
    #[schema(minimum = 1)]
    pub price_max: Option<i64>,
    /// What becomes of customers who cannot be scored.
    #[schema(inline)]
    pub on_error: Option<OnErrorChoice>,
    /// The column that tells customers apart, for outcomes to be joined later.
    pub key: Option<String>,
    /// As many reasons for each customer, at the service's surcharge.
    #[schema(minimum = 1, maximum = 10)]
    pub explain: Option<u8>,
    /// The language of the reasons.
    #[schema(inline)]
    pub language: Option<LanguageChoice>,
    /// A column with the risk tier.
    pub tiers: Option<bool>,
    /// The model that gets a version by a training; the algorithm's name where left out.
    pub model: Option<String>,
    /// What is asked of a training, under the names of `POST /trainings`, such as `{"algorithm": "logistic"}`.
    #[schema(value_type = Option<Object>)]
    pub training: Option<Value>,
    /// A log of what the customers did, of which features are made first.
    #[serde(default, deserialize_with = "crate::extract::optional_object")]
    pub events: Option<EventLog>,
}

/// Where the events are, and which columns say what. What is counted is always before a moment.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EventLog {
    /// The source that has the events.
    #[schema(value_type = Uuid)]
    source_id: String,
    /// The customers' column that tells them apart.
    #[schema(example = "customerID")]
    key: String,
    /// The events' column that names the customer; the key's name where left out.
    event_key: Option<String>,
    /// The events' column of times.
    #[schema(example = "paid_at")]
    time: String,
    /// The events' column of amounts.
    amount: Option<String>,
    /// The moment before which events count, such as `2026-03-31T00:00+03:00`; that of the intake where left out.
    as_of: Option<String>,
    /// The customers' column of such moments, such as that of the outcome.
    as_of_column: Option<String>,
    /// The offset of times that name none, such as `+03:00`; UTC where left out.
    utc_offset: Option<String>,
}

impl EventLog {
    fn log(self) -> Result<sources::EventLog, Problem> {
        let source = Uuid::parse_str(&self.source_id).map_err(|_| Problem::not_found())?;
        let EventLog { key, event_key, time, amount, as_of, as_of_column, utc_offset, .. } = self;
        let source = SourceId(source);
        Ok(sources::EventLog { source, key, event_key, time, amount, as_of, as_of_column, utc_offset })
    }
}

impl From<sources::EventLog> for EventLog {
    fn from(log: sources::EventLog) -> EventLog {
        let sources::EventLog { source, key, event_key, time, amount, as_of, as_of_column, utc_offset } = log;
        let source_id = source.to_string();
        EventLog { source_id, key, event_key, time, amount, as_of, as_of_column, utc_offset }
    }
}

impl IntakeRequest {
    /// What the platform takes.
    pub fn request(self, by: OrderedBy) -> Result<sources::IntakeRequest, Problem> {
        let service = Uuid::parse_str(&self.service_id).map_err(|_| Problem::not_found())?;
        let wrong = || Problem::invalid_field("price_max", "A price is 1 or more.");
        let price_max = match self.price_max {
            Some(amount) if amount < 1 => return Err(wrong()),
            amount => amount.map(Money::from_minor_units).transpose().map_err(|_| wrong())?,
        };
        let training: Option<trainings::TrainRequest> = match self.training {
            Some(asked) if asked.get("algorithm").is_none() => {
                let said = format!(
                    "Say what is to be trained, such as {{\"algorithm\": \"logistic\"}}, not {asked:.60}."
                );
                return Err(Problem::invalid_field("training", said));
            }
            asked => asked.map(serde_json::from_value).transpose().map_err(|error| {
                Problem::invalid_field("training", format!("This cannot be read: {error}."))
            })?,
        };
        let options = PredictionOptions {
            tiers: self.tiers.filter(|wanted| *wanted).map(|_| by.tiers),
            key: self.key,
            explain: self.explain,
            language: self.language.map(Into::into).unwrap_or_default(),
        };
        Ok(sources::IntakeRequest {
            purpose: match self.purpose {
                Purpose::Predict => sources::Purpose::Predict,
                Purpose::Train => sources::Purpose::Train,
            },
            service: ServiceId(service),
            price_max,
            on_error: match self.on_error {
                None | Some(OnErrorChoice::Fail) => OnError::Fail,
                Some(OnErrorChoice::Skip) => OnError::Skip,
            },
            options,
            model: self.model,
            training,
            events: self.events.map(EventLog::log).transpose()?,
        })
    }
}

/// What an intake orders, as it was asked for.
#[derive(Serialize, ToSchema)]
pub struct ShownRequest {
    purpose: Purpose,
    service_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_max: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<u8>,
    tiers: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    training: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<EventLog>,
}

impl From<sources::IntakeRequest> for ShownRequest {
    fn from(request: sources::IntakeRequest) -> ShownRequest {
        ShownRequest {
            purpose: match request.purpose {
                sources::Purpose::Predict => Purpose::Predict,
                sources::Purpose::Train => Purpose::Train,
            },
            service_id: request.service.0,
            price_max: request.price_max.map(Money::minor_units),
            key: request.options.key,
            explain: request.options.explain,
            tiers: request.options.tiers.is_some(),
            model: request.model,
            training: request.training.and_then(|training| serde_json::to_value(training).ok()),
            events: request.events.map(EventLog::from),
        }
    }
}

/// Where an intake is in its life.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntakeStatus {
    /// It waits.
    Queued,
    /// The file is being fetched and checked.
    Running,
    /// The prediction or training is ordered.
    Succeeded,
    /// It says why; nothing was charged.
    Failed,
    /// The schedule left it out, and it says why; nothing was charged.
    Skipped,
}

/// What was found in the file.
#[derive(Serialize, ToSchema)]
pub struct IntakeReport {
    /// Bytes, as they were fetched.
    bytes: u64,
    /// Customers.
    rows: u64,
    /// Rows and cells that cannot be read.
    problem_count: u64,
    /// The first 100 of them.
    problems: Vec<Fault>,
    /// What is otherwise than expected.
    findings: Vec<Finding>,
    /// Events that counted, and those that were not before the moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<EventsSeen>,
}

/// What was seen of the events.
#[derive(Serialize, ToSchema)]
pub struct EventsSeen {
    /// Customers with an event before their moment.
    customers_with_events: u64,
    /// Events that counted.
    events: u64,
    /// Events that were not before their customer's moment.
    events_after: u64,
    /// Events of nobody in the customers' file.
    events_of_others: u64,
}

/// Why there is nothing to show for it.
#[derive(Serialize, ToSchema)]
pub struct IntakeError {
    /// `address_refused`, `connection_failed`, `access_denied`, `not_there`, `query_failed`, `timed_out`,
    /// `too_large`, `missing_columns`, `unreadable_rows`, `contract_out_of_range`, `contract_missing`,
    /// `insufficient_funds`, `price_above_limit`, ...
    #[schema(example = "missing_columns")]
    code: String,
    message: String,
    /// Where in the file.
    errors: Vec<Fault>,
    /// The columns that are missing.
    missing: Vec<String>,
}

impl From<Failure> for IntakeError {
    fn from(failure: Failure) -> IntakeError {
        IntakeError {
            code: failure.code,
            message: failure.message,
            errors: failure.problems.into_iter().map(Fault::from).collect(),
            missing: failure.missing,
        }
    }
}

/// A file fetched from a source, or on its way.
#[derive(Serialize, ToSchema)]
pub struct Intake {
    id: Uuid,
    source_id: Uuid,
    request: ShownRequest,
    /// The moment of the schedule that asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<DateTime<Utc>>,
    status: IntakeStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    report: Option<IntakeReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<IntakeError>,
    /// The prediction that it ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    prediction_id: Option<Uuid>,
    /// The training that it ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    training_id: Option<Uuid>,
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
}

impl From<sources::Intake> for Intake {
    fn from(intake: sources::Intake) -> Intake {
        Intake {
            id: intake.id.0,
            source_id: intake.source.0,
            request: intake.request.into(),
            due_at: intake.due_at,
            status: match intake.status {
                sources::IntakeStatus::Queued => IntakeStatus::Queued,
                sources::IntakeStatus::Running => IntakeStatus::Running,
                sources::IntakeStatus::Succeeded => IntakeStatus::Succeeded,
                sources::IntakeStatus::Failed => IntakeStatus::Failed,
                sources::IntakeStatus::Skipped => IntakeStatus::Skipped,
            },
            report: intake.report.map(|report| IntakeReport {
                bytes: report.bytes,
                rows: report.rows,
                problem_count: report.problem_count,
                problems: report.problems.into_iter().map(Fault::from).collect(),
                findings: report.findings.into_iter().map(Finding::from).collect(),
                events: report.events.map(|seen| EventsSeen {
                    customers_with_events: seen.customers_with_events,
                    events: seen.events,
                    events_after: seen.events_after,
                    events_of_others: seen.events_of_others,
                }),
            }),
            error: intake.error.map(IntakeError::from),
            prediction_id: intake.prediction.map(|prediction| prediction.0),
            training_id: intake.training.map(|training| training.0),
            created_at: intake.created_at,
            started_at: intake.started_at,
            finished_at: intake.finished_at,
        }
    }
}
