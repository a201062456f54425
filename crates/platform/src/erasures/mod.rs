//! Receipts of what was erased: that it was, when and why, and what it was by its hash; nothing of the
//! content. The database lets a receipt be written once and completed once.

pub(crate) mod db;

use crate::{Access, Error, Platform, PredictionId, TenantTx, predictions};
use chrono::{DateTime, Utc};
use sqlx::PgConnection;

/// Why something was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The customer deleted it.
    Deleted,
    /// Its time was over.
    Expired,
    /// The account was closed.
    AccountClosed,
}

/// That a prediction's input and result were erased.
#[derive(Clone, Debug)]
pub struct Receipt {
    /// Of which prediction.
    pub prediction: PredictionId,
    /// Why.
    pub reason: Reason,
    /// The size of the input.
    pub input_bytes: u64,
    /// The SHA-256 of the input.
    pub input_sha256: Vec<u8>,
    /// The size of the result; none where there was no result.
    pub result_bytes: Option<u64>,
    /// The SHA-256 of the result.
    pub result_sha256: Option<Vec<u8>>,
    /// From when on nothing could be read.
    pub requested_at: DateTime<Utc>,
    /// When no copy was left; none while files are still being deleted.
    pub completed_at: Option<DateTime<Utc>>,
}

impl Reason {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Reason::Deleted => "deleted",
            Reason::Expired => "expired",
            Reason::AccountClosed => "account_closed",
        }
    }

    fn parse(word: &str) -> Result<Reason, Error> {
        [Reason::Deleted, Reason::Expired, Reason::AccountClosed]
            .into_iter()
            .find(|reason| reason.as_str() == word)
            .ok_or_else(|| Error::Internal(format!("{word} is no reason to erase")))
    }
}

/// The receipt of a prediction of the caller's tenant.
///
/// # Errors
/// `prediction_not_erased` while its input and result are kept.
pub async fn receipt(platform: &Platform, access: &Access, id: PredictionId) -> Result<Receipt, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    if let Some(receipt) = db::select(tx.connection(), tenant, id).await? {
        return Ok(receipt);
    }
    predictions::db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("prediction"))?;
    Err(Error::conflict("prediction_not_erased", "the input and the result are kept"))
}

/// Marks finished predictions as erased, with a receipt for each; what is erased already stays as it is.
pub(crate) async fn mark(
    connection: &mut PgConnection,
    ids: &[PredictionId],
    reason: Reason,
) -> Result<(), Error> {
    db::mark(connection, ids, reason).await
}
