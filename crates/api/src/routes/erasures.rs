//! Receipts of what was erased.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use platform::{PredictionId, erasures};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::{Caller, Id};
use crate::problem::Problem;
use crate::state::Api;

/// That the input and the result of a prediction were erased. It holds nothing of their content.
#[derive(Serialize, ToSchema)]
pub struct Erasure {
    prediction_id: Uuid,
    reason: ErasureReason,
    input: ErasedFile,
    /// The result, where there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<ErasedFile>,
    /// From when on nothing could be read.
    requested_at: DateTime<Utc>,
    /// When no copy was left in any store; missing while copies are being deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    completed_at: Option<DateTime<Utc>>,
}

/// A file that is no more.
#[derive(Serialize, ToSchema)]
pub struct ErasedFile {
    #[schema(example = 52_144)]
    bytes: u64,
    /// In hexadecimal digits.
    #[schema(example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    sha256: String,
}

/// Why something was erased.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureReason {
    /// The customer deleted it.
    Deleted,
    /// Its time was over.
    Expired,
    /// The account was closed.
    AccountClosed,
}

impl From<erasures::Receipt> for Erasure {
    fn from(receipt: erasures::Receipt) -> Erasure {
        let reason = match receipt.reason {
            erasures::Reason::Deleted => ErasureReason::Deleted,
            erasures::Reason::Expired => ErasureReason::Expired,
            erasures::Reason::AccountClosed => ErasureReason::AccountClosed,
        };
        let result = receipt.result_bytes.zip(receipt.result_sha256);
        Erasure {
            prediction_id: receipt.prediction.0,
            reason,
            input: ErasedFile { bytes: receipt.input_bytes, sha256: hex::encode(receipt.input_sha256) },
            result: result.map(|(bytes, sha256)| ErasedFile { bytes, sha256: hex::encode(sha256) }),
            requested_at: receipt.requested_at,
            completed_at: receipt.completed_at,
        }
    }
}

/// Receipt of an erasure
///
/// That a prediction's input and result were deleted or have expired, and what they were by size and hash.
#[utoipa::path(
    get, path = "/api/v1/predictions/{id}/erasure", tag = "Predictions", operation_id = "get_erasure",
    params(("id" = Uuid, Path, description = "The prediction's id")),
    responses(
        (status = 200, description = "The receipt", body = Erasure),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`prediction_not_erased`: they are kept"),
    ),
)]
pub async fn get(
    State(api): State<Api>,
    Caller(access): Caller,
    Id(id): Id<PredictionId>,
) -> Result<Json<Erasure>, Problem> {
    Ok(Json(erasures::receipt(&api.platform, &access, id).await?.into()))
}
