//! Looking at predictions and reading their results.

use super::{Prediction, PredictionFilter, PredictionStatus, db};
use crate::objects::result_path;
use crate::{Access, AdminTx, Error, List, Page, Platform, PredictionId, TenantId, TenantTx};
use bytes::Bytes;
use chrono::Utc;
use futures::{StreamExt, stream::BoxStream};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

/// How many predictions a page looks through for what its filter wants.
const SEARCHED_MAX: i64 = 12_000;

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

/// The predictions of the caller's tenant, newest first. With a filter, a page looks through a bounded
/// part of them: it can hold fewer than wanted, or none, and be continued nevertheless.
pub async fn list(
    platform: &Platform,
    access: &Access,
    filter: &PredictionFilter,
    page: &Page,
) -> Result<List<Prediction>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    list_in(tx.connection(), "predictions", Some(tenant), filter, page).await
}

/// The predictions of all tenants, for administrators; else as [`list`].
pub async fn list_all(
    platform: &Platform,
    access: &Access,
    filter: &PredictionFilter,
    page: &Page,
) -> Result<List<Prediction>, Error> {
    let mut tx = AdminTx::begin(platform, access).await?;
    list_in(tx.connection(), "all_predictions", None, filter, page).await
}

async fn list_in(
    connection: &mut PgConnection,
    name: &'static str,
    tenant: Option<TenantId>,
    filter: &PredictionFilter,
    page: &Page,
) -> Result<List<Prediction>, Error> {
    let before = page.before_id(name)?;
    let position = |prediction: &Prediction| *prediction.id.0.as_bytes();
    if *filter == PredictionFilter::default() {
        let predictions = db::select_page(connection, tenant, before, None, page.rows()).await?;
        return Ok(page.cut(name, predictions, position));
    }
    let searched = db::select_searched(connection, tenant, before, SEARCHED_MAX).await?;
    let floor = searched.last().filter(|_| searched.len() as i64 == SEARCHED_MAX).map(|last| last.id);
    // Here and not in the database, which without a locale knows the cases of ASCII letters alone.
    let wanted = filter.file_name.as_ref().map(|text| text.to_lowercase());
    let found: Vec<Uuid> = searched
        .iter()
        .filter(|one| filter.status.is_none_or(|status| status.as_str() == one.status))
        .filter(|one| wanted.as_ref().is_none_or(|text| one.file_name.to_lowercase().contains(text)))
        .map(|one| one.id)
        .take(page.limit as usize + 1)
        .collect();
    let predictions = db::select_page(connection, tenant, before, Some(&found), page.rows()).await?;
    Ok(page.cut_searched(name, predictions, position, floor))
}

/// The result of a prediction of the caller's tenant.
///
/// # Errors
/// `prediction_not_ready`; `prediction_failed`; [`Error::Gone`] once it expired or was deleted.
pub async fn result(platform: &Platform, access: &Access, id: PredictionId) -> Result<ResultDownload, Error> {
    let (prediction, located) = locate(platform, access, id).await?;
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

/// A prediction of the caller's tenant whose result may be read now, and where that lies.
pub(super) async fn locate(
    platform: &Platform,
    access: &Access,
    id: PredictionId,
) -> Result<(Prediction, db::LocatedResult), Error> {
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
    Ok((prediction, located))
}

/// It may have been erased since it was looked up; else it should be there.
pub(super) async fn why_missing(platform: &Platform, access: &Access, id: PredictionId) -> Error {
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
