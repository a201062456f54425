//! What the worker saw when it looked at a finished result once more, and what becomes of it. Nothing here may
//! cost a customer the prediction: what cannot be written is told to the operator and left out.

use super::db;
use super::settings::stored;
use crate::jobs::Claim;
use crate::webhooks::{self, DriftDetected, Event};
use crate::{Error, ModelId, ModelVersionId, PredictionId, TenantId};
use chrono::TimeDelta;
use scoring::monitoring::{DriftLevel, DriftReport, Thresholds};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};

/// An event names at most so many features.
const NAMED_MAX: usize = 10;

/// What was seen of a finished result.
#[derive(Clone, Debug, Default)]
pub struct SecondLook {
    /// How far its customers are from those of the training, where the model knows these.
    pub drift: Option<DriftReport>,
    /// The scores that were kept, where the upload named a key.
    pub scores: Option<KeptScores>,
}

/// Scores that lie in the object store.
#[derive(Clone, Debug)]
pub struct KeptScores {
    /// The column that tells customers apart.
    pub key_column: String,
    /// How many.
    pub rows: u64,
    /// Until when they are kept, from now on.
    pub retention: TimeDelta,
}

/// Which model a look or an outcome was about, and whose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub(super) tenant: TenantId,
    pub(super) model: ModelId,
    pub(super) version: ModelVersionId,
}

/// Writes a look in the transaction of the settlement. A fault of this undoes it alone.
pub(crate) async fn record(
    connection: &mut PgConnection,
    claim: &Claim,
    look: &SecondLook,
) -> Result<(), Error> {
    let mut inner = connection.begin().await?;
    match write(&mut inner, claim, look).await {
        Ok(()) => inner.commit().await?,
        Err(error) if error.is_outage() => return Err(error),
        Err(error) => {
            tracing::error!(%error, prediction_id = %claim.subject, "what was seen of a result was not recorded");
            inner.rollback().await?;
        }
    }
    Ok(())
}

async fn write(connection: &mut PgConnection, claim: &Claim, look: &SecondLook) -> Result<(), Error> {
    let prediction = PredictionId(claim.subject);
    let Some((model, version)) = db::select_model_of(connection, prediction).await? else { return Ok(()) };
    let subject = Subject { tenant: claim.tenant, model, version };
    if let Some(scores) = &look.scores {
        db::insert_scores(connection, subject, prediction, claim.attempt, scores).await?;
    }
    let Some(drift) = &look.drift else { return Ok(()) };
    let thresholds = stored(connection, claim.tenant, model).await?.thresholds;
    let level = drift.level(&thresholds);
    db::insert_drift(connection, subject, prediction, level, drift).await?;
    match level {
        DriftLevel::Major => {
            let (detail, told) = event_of(subject, prediction, drift, &thresholds);
            raise(connection, subject, "data", &detail, told).await
        }
        DriftLevel::Stable => db::clear_event(connection, subject, "data").await,
        DriftLevel::TooFew | DriftLevel::Moderate => Ok(()),
    }
}

/// Raises drift of this kind, and tells of it, unless it is raised already.
pub(super) async fn raise(
    connection: &mut PgConnection,
    subject: Subject,
    kind: &'static str,
    detail: &Value,
    told: DriftDetected,
) -> Result<(), Error> {
    if !db::insert_event(connection, subject, kind, detail).await? {
        return Ok(());
    }
    metrics::counter!("augur_drift_raised_total", "kind" => kind).increment(1);
    tracing::warn!(model_id = %subject.model, kind, "drift was raised");
    webhooks::announce(connection, subject.tenant, &Event::DriftDetected(told)).await
}

/// What moved, most first, for the history and for those who are told. Names of features are the model's own.
fn event_of(
    subject: Subject,
    prediction: PredictionId,
    drift: &DriftReport,
    thresholds: &Thresholds,
) -> (Value, DriftDetected) {
    let mut moved: Vec<_> = drift
        .features
        .iter()
        .filter(|feature| drift.level_of(feature, thresholds) == DriftLevel::Major)
        .collect();
    moved.sort_by(|left, right| right.psi.total_cmp(&left.psi));
    let named =
        moved.iter().take(NAMED_MAX).map(|feature| json!({ "name": feature.name, "psi": feature.psi }));
    let detail = json!({
        "prediction_id": prediction,
        "features": named.collect::<Vec<Value>>(),
        "psi_probability": drift.probability.psi,
        "estimated_auc": drift.estimated_auc.map(|area| area.area),
    });
    let told = DriftDetected {
        model_id: subject.model.0,
        model_version_id: subject.version.0,
        prediction_id: Some(prediction.0),
        outcome_id: None,
        measure: "psi",
        value: drift.psi_max().max(drift.probability.psi),
        threshold: thresholds.major,
        features_drifted: Some(moved.len() as u64),
    };
    (detail, told)
}
