//! Looking at predictions and reading their results.

use super::{Prediction, PredictionStatus, db};
use crate::objects::result_path;
use crate::{Access, AdminTx, Error, List, Page, Platform, PredictionId, TenantTx};
use bytes::Bytes;
use chrono::Utc;
use futures::{StreamExt, stream::BoxStream};
use sha2::{Digest, Sha256};

/// A result to be sent.
pub struct ResultDownload {
    /// What the customer calls the input.
    pub file_name: String,
    /// The size of the result.
    pub bytes: u64,
    /// What separates its columns.
    pub delimiter: char,
    /// The result itself.
    pub content: ResultContent,
}

/// Where a result's bytes come from.
pub enum ResultContent {
    /// All of them, from Redis.
    Bytes(Bytes),
    /// Piece by piece, from the object store.
    Stream(BoxStream<'static, Result<Bytes, Error>>),
}

/// One prediction of the caller's tenant, as it is now.
pub async fn get(platform: &Platform, access: &Access, id: PredictionId) -> Result<Prediction, Error> {
    let prediction = {
        let mut tx = TenantTx::begin(platform, access).await?;
        let tenant = tx.caller().tenant;
        db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("prediction"))?
    };
    if prediction.status != PredictionStatus::Running {
        return Ok(prediction);
    }
    // Redis is told more often than the database.
    let known = platform.cache.get_progress(id).await.unwrap_or(0).min(prediction.rows_total);
    Ok(Prediction { rows_done: prediction.rows_done.max(known), ..prediction })
}

/// The predictions of the caller's tenant, newest first.
pub async fn list(platform: &Platform, access: &Access, page: &Page) -> Result<List<Prediction>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let before = page.before_id("predictions")?;
    let predictions = db::select_page(tx.connection(), Some(tenant), before, page.rows()).await?;
    Ok(page.cut("predictions", predictions, |prediction| *prediction.id.0.as_bytes()))
}

/// The predictions of all tenants, newest first, for administrators.
pub async fn list_all(platform: &Platform, access: &Access, page: &Page) -> Result<List<Prediction>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    let before = page.before_id("all_predictions")?;
    let predictions = db::select_page(tx.connection(), None, before, page.rows()).await?;
    Ok(page.cut("all_predictions", predictions, |prediction| *prediction.id.0.as_bytes()))
}

/// The result of a prediction of the caller's tenant.
///
/// # Errors
/// `prediction_not_ready`; `prediction_failed`; [`Error::Gone`] once it expired or was deleted.
pub async fn result(platform: &Platform, access: &Access, id: PredictionId) -> Result<ResultDownload, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let prediction = db::select(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("prediction"))?;
    if prediction.erased || (prediction.status.is_terminal() && prediction.expires_at <= Utc::now()) {
        return Err(Error::Gone("the result has expired or was deleted"));
    }
    match prediction.status {
        PredictionStatus::Queued | PredictionStatus::Running => {
            return Err(Error::conflict("prediction_not_ready", "the prediction is not finished"));
        }
        PredictionStatus::Failed => {
            return Err(Error::conflict("prediction_failed", "the prediction failed and has no result"));
        }
        PredictionStatus::Succeeded => {}
    }
    let located =
        db::select_result(tx.connection(), tenant, id).await?.ok_or(Error::NotFound("prediction"))?;
    drop(tx);
    let content = match open(platform, id, &located).await {
        Err(Error::NotFound(_)) => return Err(why_missing(platform, access, id).await),
        opened => opened?,
    };
    Ok(ResultDownload {
        file_name: prediction.file_name,
        bytes: located.bytes,
        delimiter: located.delimiter,
        content,
    })
}

/// It may have been erased since it was looked up; else it should be there.
async fn why_missing(platform: &Platform, access: &Access, id: PredictionId) -> Error {
    match get(platform, access, id).await {
        Ok(prediction) if prediction.erased => Error::Gone("the result has expired or was deleted"),
        Ok(_) => Error::Internal(format!("the result of prediction {id} is missing")),
        Err(error) => error,
    }
}

/// From Redis where it has just these bytes, else from the object store.
async fn open(
    platform: &Platform,
    id: PredictionId,
    located: &db::LocatedResult,
) -> Result<ResultContent, Error> {
    if let Some(bytes) = platform.cache.get_result(id, located.attempt).await {
        if Sha256::digest(&bytes).as_slice() == located.sha256 {
            return Ok(ResultContent::Bytes(bytes));
        }
        tracing::warn!(prediction_id = %id, "Redis holds other bytes than the result; read from the store");
    }
    let reader = platform.objects.reader(&result_path(id, located.attempt)).await?;
    Ok(ResultContent::Stream(reader.into_stream().map(|piece| piece.map_err(Error::from)).boxed()))
}
