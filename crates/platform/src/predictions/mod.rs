//! Predictions: a customers' file in, the same file with two more columns out.

mod accept;
pub(crate) mod db;
mod erase;
mod now;
mod options;
mod ranked;
mod rankings;
mod read;
mod settle;
mod what_if;

pub use accept::{Target, Upload, accept, check, inspector};
pub use erase::delete;
pub use now::{Immediate, ScoredCustomer, predict};
pub use options::PredictionOptions;
pub use ranked::{RankedResult, manifest, ranking};
pub use read::{ResultContent, ResultDownload, get, list, list_all, result};
pub use settle::{Outcome, ResultFile, Settled, Work, settle, work};
pub use what_if::{Asked, asked_manifest, what_if};

pub(crate) use rankings::Rankings;

pub(crate) use erase::{erase_expired, erase_marked, erase_orphans};
pub(crate) use settle::{Failed, fail, report_progress, requeue, start};

use crate::{OrderId, PredictionId, TenantId};
use chrono::{DateTime, Utc};
use ledger::Money;
use scoring::{Problem, Summary};
use serde::{Deserialize, Serialize};

/// Where a prediction is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PredictionStatus {
    /// Accepted; no worker has it.
    Queued,
    /// A worker has it.
    Running,
    /// The result can be read.
    Succeeded,
    /// It says why, and the order is refunded.
    Failed,
}

impl PredictionStatus {
    /// The status as it is written everywhere.
    pub fn as_str(self) -> &'static str {
        match self {
            PredictionStatus::Queued => "queued",
            PredictionStatus::Running => "running",
            PredictionStatus::Succeeded => "succeeded",
            PredictionStatus::Failed => "failed",
        }
    }

    /// Whether nothing happens to it any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, PredictionStatus::Succeeded | PredictionStatus::Failed)
    }
}

/// Why a prediction failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PredictionError {
    /// A stable word in snake case.
    pub code: String,
    /// A sentence for the customer.
    pub message: String,
    /// The places in the file that are at fault.
    pub errors: Vec<Problem>,
}

impl PredictionError {
    /// An error without a place.
    pub fn new(code: &str, message: &str) -> PredictionError {
        PredictionError { code: code.to_owned(), message: message.to_owned(), errors: Vec::new() }
    }

    pub(crate) fn attempts_exhausted() -> PredictionError {
        PredictionError::new(
            "attempts_exhausted",
            "scoring failed three times for a reason of ours; the order was refunded",
        )
    }

    pub(crate) fn deadline_passed() -> PredictionError {
        PredictionError::new("deadline_passed", "scoring was not done in time; the order was refunded")
    }
}

impl From<scoring::InputError> for PredictionError {
    fn from(error: scoring::InputError) -> Self {
        PredictionError { code: error.code.to_owned(), message: error.message, errors: error.problems }
    }
}

/// Which predictions are wanted; nothing set wants all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PredictionFilter {
    /// Those with this status.
    pub status: Option<PredictionStatus>,
    /// Those whose file's name contains this text, in whatever case.
    pub file_name: Option<String>,
}

/// One scored file.
#[derive(Clone, Debug)]
pub struct Prediction {
    /// Its id.
    pub id: PredictionId,
    /// Whose it is.
    pub tenant: TenantId,
    /// The order that paid for it.
    pub order: OrderId,
    /// What that order cost.
    pub price: Money,
    /// The model's name.
    pub model_name: String,
    /// The version that it was given when it was accepted.
    pub model_version: String,
    /// What the customer calls the file.
    pub file_name: String,
    /// Where it is in its life.
    pub status: PredictionStatus,
    /// How many rows are done.
    pub rows_done: u64,
    /// How many rows there are.
    pub rows_total: u64,
    /// What came out, once it succeeded.
    pub summary: Option<Summary>,
    /// Why it failed, once it did.
    pub error: Option<PredictionError>,
    /// When it was accepted.
    pub created_at: DateTime<Utc>,
    /// When a worker first took it.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Until when input and result are kept.
    pub expires_at: DateTime<Utc>,
    /// Whether input and result were erased.
    pub erased: bool,
}
