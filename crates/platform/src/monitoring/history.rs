//! Looking at drift: of one prediction, and of a model over time.

use super::{db, settings};
use crate::{Access, Error, List, ModelId, ModelVersionId, Page, Platform, PredictionId, TenantTx};
use chrono::{DateTime, Utc};
use scoring::monitoring::{DriftLevel, DriftReport, Thresholds};
use serde_json::Value;
use uuid::Uuid;

/// One prediction's drift.
#[derive(Clone, Debug)]
pub struct PredictionDrift {
    /// The prediction.
    pub prediction: PredictionId,
    /// Its model.
    pub model: ModelId,
    /// The model's name.
    pub model_name: String,
    /// The version's label.
    pub version: String,
    /// When it was looked at.
    pub created_at: DateTime<Utc>,
    /// What was seen.
    pub report: DriftReport,
    /// The thresholds that hold now, by which it is to be judged.
    pub thresholds: Thresholds,
}

/// One prediction in the history of a model.
#[derive(Clone, Debug)]
pub struct DriftPoint {
    /// The prediction.
    pub prediction: PredictionId,
    /// The version's label.
    pub version: String,
    /// When it was looked at.
    pub created_at: DateTime<Utc>,
    /// Customers with a probability.
    pub rows: u64,
    /// How much they had moved, by the thresholds that held then.
    pub level: DriftLevel,
    /// The greatest index of a feature.
    pub psi_max: f64,
    /// The probability's index.
    pub psi_probability: f64,
    /// What the probabilities promised.
    pub estimated_auc: Option<f64>,
}

/// That drift was raised.
#[derive(Clone, Debug)]
pub struct DriftEvent {
    /// Its id.
    pub id: Uuid,
    /// The version that it was raised for.
    pub model_version: ModelVersionId,
    /// The version's label.
    pub version: String,
    /// `data` where the customers have changed, `concept` where what they do has.
    pub kind: String,
    /// What was seen.
    pub detail: Value,
    /// When.
    pub raised_at: DateTime<Utc>,
    /// When it had gone again.
    pub cleared_at: Option<DateTime<Utc>>,
}

/// How far the customers of a prediction are from those of the training.
///
/// # Errors
/// [`Error::NotFound`]; `drift_not_known` where it is not finished, has failed, was deleted, or its model knows
/// nothing of its training data.
pub async fn of_prediction(
    platform: &Platform,
    access: &Access,
    id: PredictionId,
) -> Result<PredictionDrift, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    let connection = tx.connection();
    crate::predictions::db::select(connection, tenant, id).await?.ok_or(Error::NotFound("prediction"))?;
    let found = db::select_drift(connection, tenant, id).await?;
    let mut drift = found.ok_or_else(|| {
        Error::conflict("drift_not_known", "nothing is known of how the customers of this prediction differ")
    })?;
    drift.thresholds = settings::stored(connection, tenant, drift.model).await?.thresholds;
    Ok(drift)
}

/// The predictions of a model that were looked at, newest first.
pub async fn history(
    platform: &Platform,
    access: &Access,
    model: ModelId,
    page: &Page,
) -> Result<List<DriftPoint>, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    db::select_model_name(tx.connection(), model).await?.ok_or(Error::NotFound("model"))?;
    let before = page.before_id("drift")?;
    let points = db::select_history(tx.connection(), tenant, model, before, page.rows()).await?;
    Ok(page.cut("drift", points, |point| *point.prediction.0.as_bytes()))
}
