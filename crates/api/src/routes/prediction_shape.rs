//! A prediction as it is on the wire.

use chrono::{DateTime, Utc};
use platform::predictions::{self, PredictionStatus};
use scoring::Summary;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Fault;

/// One scored file.
#[derive(Serialize, ToSchema)]
pub struct Prediction {
    id: Uuid,
    order_id: Uuid,
    model: ModelName,
    file_name: String,
    status: Status,
    progress: Progress,
    /// What came out, once it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PredictionSummary>)]
    summary: Option<Summary>,
    /// Why it failed, once it did. The money is back.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Failure>,
    created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<DateTime<Utc>>,
    /// Until when the input and the result are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime<Utc>>,
    /// Where the result is, while there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    result_url: Option<String>,
}

/// One event of a prediction's stream.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents what is written as lines of text")]
pub struct PredictionEvent {
    /// What kind of event it is.
    #[schema(example = "progress")]
    event: String,
    /// The prediction as it is then, as JSON.
    data: String,
}

/// The model that scores, in the version that it had when the file was accepted.
#[derive(Serialize, ToSchema)]
pub struct ModelName {
    #[schema(example = "logistic")]
    name: String,
    #[schema(example = "1")]
    version: String,
}

/// Where a prediction is in its life.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PredictionStatus)]
pub enum Status {
    /// Accepted; no worker has it.
    Queued,
    /// A worker has it.
    Running,
    /// The result can be read.
    Succeeded,
    /// It says why, and the order is refunded.
    Failed,
}

/// How far it is.
#[derive(Serialize, ToSchema)]
pub struct Progress {
    rows_done: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows_total: Option<u64>,
    /// From 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    share: f64,
}

/// What came out.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents the shape of the engine's summary")]
pub struct PredictionSummary {
    /// Customers in the file.
    rows: u64,
    /// Those who could not be scored, with `on_error=skip`.
    rows_skipped: u64,
    stays: u64,
    leaves: u64,
    mean_churn_probability: f64,
    /// Customers by probability, in 20 equal bins from 0 to 1.
    histogram: Vec<u64>,
    /// Values that the model does not know.
    unknown_categories: Vec<UnknownCategories>,
    /// Why, over all customers, where reasons were bought; the most important feature first.
    effects: Option<Vec<FeatureEffects>>,
}

/// What a feature has to do with the scores of a file's customers.
#[derive(ToSchema)]
#[schema(as = FeatureEffect)]
#[expect(dead_code, reason = "it documents the shape of the engine's summary")]
pub struct FeatureEffects {
    /// The model's name of the feature.
    #[schema(example = "Contract")]
    feature: String,
    /// Whether a company can move it with an offer.
    is_lever: bool,
    /// The mean of its contributions without their signs, in log-odds.
    mean_absolute: f64,
    /// A category's values that customers have, the 50 most frequent at most; none of a number.
    values: Vec<ValueEffects>,
    /// A number's ranges that customers are in, ascending; none of a category.
    ranges: Option<Vec<RangeEffects>>,
}

/// What a value has to do with the scores of those who have it.
#[derive(ToSchema)]
#[schema(as = ValueEffect)]
#[expect(dead_code, reason = "it documents the shape of the engine's summary")]
pub struct ValueEffects {
    #[schema(example = "Month-to-month")]
    value: String,
    customers: u64,
    /// The mean of its contributions, in log-odds; positive towards leaving.
    mean: f64,
}

/// What a range of a number has to do with the scores of those who are in it.
#[derive(ToSchema)]
#[schema(as = RangeEffect)]
#[expect(dead_code, reason = "it documents the shape of the engine's summary")]
pub struct RangeEffects {
    /// Where it begins.
    #[schema(example = 12)]
    from: f64,
    /// Where it ends, which belongs to it. Whoever is below the first range or above the last is in those.
    #[schema(example = 24)]
    to: f64,
    customers: u64,
    /// The mean of its contributions, in log-odds; positive towards leaving.
    mean: f64,
    /// Their standard deviation: what the other features make of it.
    spread: f64,
}

/// Values of a column that the model does not know.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it documents the shape of the engine's summary")]
pub struct UnknownCategories {
    column: String,
    /// Cells that hold one.
    count: u64,
}

/// Why a prediction failed.
#[derive(Serialize, ToSchema)]
#[schema(as = PredictionError)]
pub struct Failure {
    /// A stable word for programs.
    #[schema(example = "not_a_number")]
    code: String,
    message: String,
    /// The places in the file that are at fault.
    errors: Vec<Fault>,
}

impl Prediction {
    /// Where it can be looked at.
    pub fn url(&self) -> String {
        url_of(self.id)
    }
}

impl From<predictions::Prediction> for Prediction {
    fn from(prediction: predictions::Prediction) -> Prediction {
        let is_kept = !prediction.erased && prediction.expires_at > Utc::now();
        let has_result = is_kept && prediction.status == PredictionStatus::Succeeded;
        Prediction {
            id: prediction.id.0,
            order_id: prediction.order.0,
            progress: progress_of(&prediction),
            status: status_of(prediction.status),
            model: ModelName { name: prediction.model_name, version: prediction.model_version },
            file_name: prediction.file_name,
            summary: prediction.summary,
            error: prediction.error.map(Failure::from),
            created_at: prediction.created_at,
            started_at: prediction.started_at,
            finished_at: prediction.finished_at,
            expires_at: is_kept.then_some(prediction.expires_at),
            result_url: has_result.then(|| format!("{}/result", url_of(prediction.id.0))),
        }
    }
}

impl From<predictions::PredictionError> for Failure {
    fn from(error: predictions::PredictionError) -> Failure {
        Failure {
            code: error.code,
            message: error.message,
            errors: error.errors.into_iter().map(Fault::from).collect(),
        }
    }
}

fn url_of(id: Uuid) -> String {
    format!("/api/v1/predictions/{id}")
}

/// A status as it is on the wire.
pub fn status_of(status: PredictionStatus) -> Status {
    match status {
        PredictionStatus::Queued => Status::Queued,
        PredictionStatus::Running => Status::Running,
        PredictionStatus::Succeeded => Status::Succeeded,
        PredictionStatus::Failed => Status::Failed,
    }
}

fn progress_of(prediction: &predictions::Prediction) -> Progress {
    let (rows_done, rows_total) = (prediction.rows_done, prediction.rows_total);
    let share = match (prediction.status, rows_total) {
        (PredictionStatus::Succeeded, _) => 1.0,
        (_, 0) => 0.0,
        // Both are far below 2^53, so that nothing is lost.
        _ => rows_done.min(rows_total) as f64 / rows_total as f64,
    };
    Progress { rows_done, rows_total: Some(rows_total), share }
}
