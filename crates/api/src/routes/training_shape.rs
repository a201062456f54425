//! A training as it is on the wire.

use chrono::{DateTime, Utc};
use platform::trainings::{self, TrainingStatus};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::prediction_shape::{Failure, Status, status_of};

/// One training: what was asked for, how far it is, what came out.
#[derive(Serialize, ToSchema)]
pub struct Training {
    id: Uuid,
    order_id: Uuid,
    model: TrainedModel,
    /// What is trained.
    #[schema(example = "logistic")]
    algorithm: String,
    file_name: String,
    status: Status,
    progress: TrainingProgress,
    /// Everything that was asked for, under the names of the parameters.
    #[schema(value_type = Object)]
    parameters: Value,
    data: TrainingData,
    /// Seed of everything random.
    seed: Option<u64>,
    /// What was measured, of all customers, of each fold and of those held out, with 95 % intervals.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    metrics: Option<Value>,
    /// The program that trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_version: Option<String>,
    /// How long the training itself took.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    /// Why it failed, once it did. The money is back.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    /// What a prediction costs with its version, in minor units.
    #[schema(example = 1000)]
    prediction_price: i64,
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
    /// Until when the labelled customers are kept; none once they were erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    /// Where the report is, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    report_url: Option<String>,
}

/// The version that a training makes.
#[derive(Serialize, ToSchema)]
pub struct TrainedModel {
    /// The model, once there is a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[schema(example = "logistic")]
    name: String,
    /// The version's label under that name.
    #[schema(example = "1")]
    version: String,
    /// The version, once there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    version_id: Option<Uuid>,
}

/// How far a training is.
#[derive(Serialize, ToSchema)]
pub struct TrainingProgress {
    fits_done: u64,
    fits_total: u64,
    /// From 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// The labelled customers' fingerprint, and what was made of them.
#[derive(Serialize, ToSchema)]
pub struct TrainingData {
    /// Of the file as it was uploaded.
    sha256: String,
    bytes: u64,
    rows: u64,
    /// Target, features, what was left out and why, and rows that repeat others; once it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    learned: Option<Value>,
}

impl Training {
    /// Where it can be looked at.
    pub fn url(&self) -> String {
        format!("/api/v1/trainings/{}", self.id)
    }
}

impl From<trainings::Training> for Training {
    fn from(training: trainings::Training) -> Training {
        let is_kept = !training.erased && training.expires_at > Utc::now();
        let has_report = training.status == TrainingStatus::Succeeded;
        let share = match training.fits_total {
            0 => 0.0,
            total => training.fits_done.min(total) as f64 / total as f64,
        };
        Training {
            id: training.id.0,
            order_id: training.order.0,
            seed: training.seed(),
            model: TrainedModel {
                id: training.model.map(|model| model.0),
                name: training.model_name,
                version: training.version.to_string(),
                version_id: training.model_version.map(|version| version.0),
            },
            algorithm: training.algorithm,
            file_name: training.file_name,
            status: status_of(training.status),
            progress: TrainingProgress {
                fits_done: training.fits_done,
                fits_total: training.fits_total,
                share,
            },
            parameters: training.parameters,
            data: TrainingData {
                sha256: hex::encode(&training.input_sha256),
                bytes: training.input_bytes,
                rows: training.rows,
                learned: training.data,
            },
            metrics: training.metrics.and_then(|metrics| serde_json::to_value(metrics).ok()),
            code_version: training.code_version,
            seconds: training.train_ms.map(|train_ms| train_ms as f64 / 1000.0),
            error: training.error.map(Failure::from),
            prediction_price: training.prediction_price.minor_units(),
            created_at: training.created_at,
            started_at: training.started_at,
            finished_at: training.finished_at,
            expires_at: is_kept.then_some(training.expires_at),
            report_url: has_report.then(|| format!("/api/v1/trainings/{}/report", training.id)),
        }
    }
}
