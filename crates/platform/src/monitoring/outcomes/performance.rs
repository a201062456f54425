//! How true a model's predictions turned out to be, for one tenant: by version and by month.

use super::db;
use crate::monitoring::Costs;
use crate::monitoring::{db as monitoring_db, settings};
use crate::{Access, Error, ModelId, ModelVersionId, Platform, TenantId, TenantTx};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use scoring::Metrics;
use scoring::monitoring::{Area, CalibrationBin, Concept, Judged};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// The newest predictions with outcomes that are counted, at most.
const PREDICTIONS_MAX: i64 = 1000;

/// Everything that is known of a model's predictions.
#[derive(Clone, Debug)]
pub struct Performance {
    /// The model.
    pub model: ModelId,
    /// Its name.
    pub model_name: String,
    /// What acting costs and brings, where the tenant has said so.
    pub costs: Option<Costs>,
    /// Versions with outcomes, the one with the newest prediction first.
    pub versions: Vec<VersionPerformance>,
    /// Months of predictions with outcomes, oldest first.
    pub months: Vec<MonthPerformance>,
}

/// One version.
#[derive(Clone, Debug)]
pub struct VersionPerformance {
    /// The version.
    pub id: ModelVersionId,
    /// Its label.
    pub version: String,
    /// What was measured of all its predictions.
    pub figures: Figures,
    /// The same of those held out as control; nothing where nobody was.
    pub control: Option<Figures>,
    /// What was measured at its training.
    pub training: Training,
    /// What has become of that.
    pub concept: Concept,
}

/// One version's predictions of one month.
#[derive(Clone, Debug)]
pub struct MonthPerformance {
    /// The first day of the month in which the predictions were made.
    pub month: NaiveDate,
    /// The version's label.
    pub version: String,
    /// What was measured.
    pub figures: Figures,
}

/// What was measured at a version's training.
#[derive(Clone, Copy, Debug, Default)]
pub struct Training {
    /// The area under the ROC curve.
    pub auc: Option<f64>,
    /// The lower end of its 95 % interval.
    pub auc_low: Option<f64>,
    /// The upper end.
    pub auc_high: Option<f64>,
    /// The area under the precision-recall curve.
    pub average_precision: Option<f64>,
    /// At the threshold.
    pub precision: Option<f64>,
    /// At the threshold.
    pub recall: Option<f64>,
    /// The mean squared error of the probabilities.
    pub brier: Option<f64>,
    /// The expected calibration error.
    pub calibration_error: Option<f64>,
}

/// What outcomes say of predictions.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Customers whose outcome is known.
    pub rows: u64,
    /// Those who left.
    pub leavers: u64,
    /// Those whom the threshold flagged.
    pub flagged: u64,
    /// The area under the ROC curve with DeLong's 95 % interval; nothing where nobody or everybody left.
    pub auc: Option<Area>,
    /// The area under the precision-recall curve.
    pub average_precision: Option<f64>,
    /// The share of those flagged who left.
    pub precision: Option<f64>,
    /// The share of those who left that was flagged.
    pub recall: Option<f64>,
    /// The share of those who left that is among the riskiest tenth.
    pub captured_in_riskiest_tenth: Option<f64>,
    /// The mean probability.
    pub mean_probability: Option<f64>,
    /// The mean squared error of the probabilities.
    pub brier: Option<f64>,
    /// The expected calibration error.
    pub calibration_error: Option<f64>,
    /// Ten bins of about equal count.
    pub calibration: Vec<CalibrationBin>,
    /// What contacting everybody flagged would have earned, in minor units: each leaver caught stays with the
    /// success rate and is worth a customer's value, and everybody flagged costs a contact.
    pub value: Option<i64>,
}

/// A prediction with outcomes.
pub(crate) struct KnownPrediction {
    pub(crate) version: ModelVersionId,
    pub(super) version_label: String,
    pub(crate) predicted_at: DateTime<Utc>,
    pub(crate) judged: Judged,
    pub(super) control: Judged,
}

/// How true a model's predictions for the caller's tenant turned out to be.
pub async fn performance(platform: &Platform, access: &Access, model: ModelId) -> Result<Performance, Error> {
    let mut tx = TenantTx::begin(platform, access).await?;
    let tenant = tx.caller().tenant;
    read(tx.connection(), tenant, model).await
}

/// What is known of the newest of a model's predictions for a tenant.
pub(crate) async fn known(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Vec<KnownPrediction>, Error> {
    db::select_known(connection, tenant, model, PREDICTIONS_MAX).await
}

/// The same for a tenant.
pub(crate) async fn read(
    connection: &mut PgConnection,
    tenant: TenantId,
    model: ModelId,
) -> Result<Performance, Error> {
    let model_name =
        monitoring_db::select_model_name(connection, model).await?.ok_or(Error::NotFound("model"))?;
    let costs = settings::stored(connection, tenant, model).await?.costs;
    let known = db::select_known(connection, tenant, model, PREDICTIONS_MAX).await?;
    let mut months: BTreeMap<(NaiveDate, ModelVersionId), (String, Judged)> = BTreeMap::new();
    let mut versions: Vec<(ModelVersionId, String, Judged, Judged)> = Vec::new();
    for one in &known {
        let month = months.entry((month_of(one.predicted_at), one.version));
        month.or_insert_with(|| (one.version_label.clone(), Judged::default())).1.merge(&one.judged);
        let place = versions.iter().position(|version| version.0 == one.version).unwrap_or_else(|| {
            versions.push((one.version, one.version_label.clone(), Judged::default(), Judged::default()));
            versions.len() - 1
        });
        versions[place].2.merge(&one.judged);
        versions[place].3.merge(&one.control);
    }
    let mut described = Vec::with_capacity(versions.len());
    for (id, version, judged, control) in versions {
        let metrics = db::select_metrics(connection, id).await?;
        described.push(VersionPerformance {
            id,
            version,
            figures: figures(&judged, costs),
            control: (control.rows() > 0).then(|| figures(&control, costs)),
            concept: Concept::of(&judged, &metrics),
            training: training(&metrics),
        });
    }
    let months = months.into_iter().map(|((month, _), (version, judged))| MonthPerformance {
        month,
        version,
        figures: figures(&judged, costs),
    });
    Ok(Performance { model, model_name, costs, versions: described, months: months.collect() })
}

fn month_of(moment: DateTime<Utc>) -> NaiveDate {
    let day = moment.date_naive();
    day.with_day(1).unwrap_or(day)
}

fn figures(judged: &Judged, costs: Option<Costs>) -> Figures {
    Figures {
        rows: judged.rows(),
        leavers: judged.leavers(),
        flagged: judged.flagged(),
        auc: judged.auc(),
        average_precision: judged.average_precision(),
        precision: judged.precision(),
        recall: judged.recall(),
        captured_in_riskiest_tenth: judged.captured_in_riskiest_tenth(),
        mean_probability: judged.mean_probability(),
        brier: judged.brier(),
        calibration_error: judged.calibration_error(),
        calibration: judged.calibration(),
        value: costs.map(|costs| value(judged, costs)),
    }
}

/// A figure for people, not money that moves: hence it may be a rounded product with a share.
fn value(judged: &Judged, costs: Costs) -> i64 {
    let kept = judged.caught() as f64 * costs.success_rate * costs.customer_value.minor_units() as f64;
    let spent = judged.flagged() as f64 * costs.contact_cost.minor_units() as f64;
    (kept - spent).round() as i64
}

fn training(metrics: &Metrics) -> Training {
    Training {
        auc: metrics.auc,
        auc_low: metrics.auc_low,
        auc_high: metrics.auc_high,
        average_precision: metrics.average_precision,
        precision: metrics.precision,
        recall: metrics.recall,
        brier: metrics.brier,
        calibration_error: metrics.calibration_error,
    }
}
