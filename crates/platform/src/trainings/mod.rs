//! Trainings: labelled customers in, a version of a tenant's own model out. What pays for them and how they end
//! is as with predictions: an order, a job, a settlement fenced by its attempt, a refund where it fails.

mod accept;
pub(crate) mod db;
mod erase;
mod offers;
mod read;
mod sample;
mod settle;

pub use accept::{Pay, TrainingUpload, accept};
pub use erase::delete;
pub use learning::TrainRequest;
pub use offers::{
    NewTrainingService, TrainingService, TrainingServiceChange, create_service, get_service,
    list_all_services, list_services, update_service,
};
pub use read::{Report, get, list, of_model, report};
pub use sample::sample_customers;
pub use settle::{Learned, Outcome, TrainingWork, settle, work};

pub(crate) use erase::{erase_account, erase_closed, erase_expired, erase_orphans};
pub(crate) use offers::Offer;
pub(crate) use offers::db::select_service as select_offer;
pub(crate) use settle::{Failed, fail, report_progress, requeue, start};

use crate::predictions::{PredictionError, PredictionStatus};
use crate::{ModelId, ModelVersionId, OrderId, TenantId, TrainingId};
use chrono::{DateTime, Utc};
use learning::quality::Figures;
use ledger::Money;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where a training is in its life: the same as a prediction.
pub type TrainingStatus = PredictionStatus;

/// Why a training failed.
pub type TrainingError = PredictionError;

/// What was measured of a training's model, on customers that it had not seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainingMetrics {
    /// From this probability on a customer counts as leaving.
    pub threshold: f64,
    /// All customers of the cross-validation together.
    pub unseen: Figures,
    /// Each fold by itself.
    pub folds: Vec<Figures>,
    /// Customers who had no part in any choice, judged by the same recipe fitted on the others.
    pub held_out: Option<Figures>,
}

/// One training.
#[derive(Clone, Debug)]
pub struct Training {
    /// Its id.
    pub id: TrainingId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The order that paid for it.
    pub order: OrderId,
    /// What that order cost.
    pub price: Money,
    /// What a prediction with its version costs.
    pub prediction_price: Money,
    /// The name of the model that gets a version.
    pub model_name: String,
    /// The version's number under that name.
    pub version: i32,
    /// What is trained.
    pub algorithm: String,
    /// Everything that was asked for.
    pub parameters: Value,
    /// What the customer calls the file; empty once it was erased.
    pub file_name: String,
    /// The size of the file.
    pub input_bytes: u64,
    /// The file's SHA-256.
    pub input_sha256: Vec<u8>,
    /// Rows of the file.
    pub rows: u64,
    /// Where it is in its life.
    pub status: TrainingStatus,
    /// Fits that are done.
    pub fits_done: u64,
    /// Fits altogether.
    pub fits_total: u64,
    /// The model, once it succeeded.
    pub model: Option<ModelId>,
    /// The version that it made, once it succeeded.
    pub model_version: Option<ModelVersionId>,
    /// What was measured, once it succeeded.
    pub metrics: Option<TrainingMetrics>,
    /// What was made of the file, once it succeeded.
    pub data: Option<Value>,
    /// The program that trained, once it succeeded.
    pub code_version: Option<String>,
    /// How long the training itself took, in milliseconds, once it succeeded.
    pub train_ms: Option<u64>,
    /// Why it failed, once it did.
    pub error: Option<TrainingError>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Until when the file is kept.
    pub expires_at: DateTime<Utc>,
    /// Whether the file and what was said of its customers were erased.
    pub erased: bool,
}

impl Training {
    /// The seed of everything random in it.
    pub fn seed(&self) -> Option<u64> {
        self.parameters.get("seed").and_then(Value::as_u64)
    }
}
