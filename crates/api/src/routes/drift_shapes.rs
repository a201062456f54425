//! How drift is written.

use chrono::{DateTime, Utc};
use platform::monitoring::{DriftEvent, DriftPoint, PredictionDrift};
use scoring::monitoring::{Area, Bin, BinKind, DriftReport, FeatureDrift, Test, Thresholds};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// How the customers of a prediction differ from those that its model learned from.
#[derive(Serialize, ToSchema)]
pub struct Drift {
    prediction_id: Uuid,
    model: DriftModel,
    created_at: DateTime<Utc>,
    /// `too_few` below 200 customers, `stable`, `moderate` or `major`: as much as whatever moved most.
    #[schema(example = "major")]
    level: &'static str,
    thresholds: DriftThresholds,
    /// Customers with a probability.
    rows: u64,
    /// Those whose features were read: of very many, a sample.
    rows_read: u64,
    /// Customers that the model learned from.
    rows_then: u64,
    /// The mean probability of leaving.
    mean_probability: f64,
    /// The same in the training data.
    mean_probability_then: f64,
    /// The area under the ROC curve that the probabilities promise, before any outcome is known. It sees that the
    /// customers have changed, not that their behaviour has. Null for fewer than 100 customers.
    #[schema(required)]
    estimated_auc: Option<Interval>,
    /// What they promised in the training data.
    #[schema(required)]
    estimated_auc_then: Option<f64>,
    /// The probability of leaving.
    probability: Feature,
    /// The model's features.
    features: Vec<Feature>,
}

/// Which version of which model.
#[derive(Serialize, ToSchema)]
pub struct DriftModel {
    id: Uuid,
    #[schema(example = "catboost")]
    name: String,
    #[schema(example = "1")]
    version: String,
}

/// Population stability indices from which on a difference is told.
#[derive(Serialize, ToSchema)]
pub struct DriftThresholds {
    #[schema(example = 0.1)]
    psi_moderate: f64,
    #[schema(example = 0.25)]
    psi_major: f64,
}

/// A figure with its 95 % interval.
#[derive(Serialize, ToSchema)]
pub struct Interval {
    value: f64,
    low: f64,
    high: f64,
}

/// How far one feature has moved.
#[derive(Serialize, ToSchema)]
pub struct Feature {
    #[schema(example = "tenure")]
    name: String,
    #[schema(example = "moderate")]
    level: &'static str,
    /// The population stability index, less what chance alone makes of so many customers.
    psi: f64,
    /// The index itself.
    psi_raw: f64,
    /// What chance alone makes of it.
    psi_by_chance: f64,
    /// `kolmogorov_smirnov` for numbers, `chi_square` for categories and for whether there is a value at all.
    #[schema(example = "kolmogorov_smirnov")]
    test: &'static str,
    statistic: f64,
    /// The chance of such a difference in customers of the training's kind.
    p_value: f64,
    missing_share: f64,
    missing_share_then: f64,
    /// Empty for features that moved little, where a model has very many.
    bins: Vec<FeatureBin>,
}

/// A part of a feature's values, with its share of the customers.
#[derive(Serialize, ToSchema)]
pub struct FeatureBin {
    /// `range`, `value`, `other` (the rarest values together), `unknown` or `missing`.
    #[schema(example = "range")]
    kind: &'static str,
    /// Of a range: above this; missing where it has no lower end.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<f64>,
    /// Of a range: up to this; missing where it has no upper end.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<f64>,
    /// Of a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// In the training data, 0 to 1.
    share_then: f64,
    /// Of these customers, 0 to 1.
    share: f64,
}

/// A prediction in the history of a model.
#[derive(Serialize, ToSchema)]
pub struct DriftHistoryEntry {
    prediction_id: Uuid,
    #[schema(example = "1")]
    version: String,
    created_at: DateTime<Utc>,
    rows: u64,
    /// By the thresholds that held then.
    #[schema(example = "stable")]
    level: &'static str,
    /// The greatest index of a feature.
    psi_max: f64,
    /// The probability's index.
    psi_probability: f64,
    #[schema(required)]
    estimated_auc: Option<f64>,
}

/// That drift was raised. Each kind is told once, until it has gone.
#[derive(Serialize, ToSchema)]
pub struct RaisedDrift {
    id: Uuid,
    #[schema(example = "1")]
    version: String,
    /// `data` where the customers have changed, `concept` where what they do has.
    #[schema(example = "data")]
    kind: String,
    /// What was seen.
    #[schema(value_type = Object)]
    detail: Value,
    raised_at: DateTime<Utc>,
    /// When it had gone again; null while it lasts.
    #[schema(required)]
    cleared_at: Option<DateTime<Utc>>,
}

impl From<PredictionDrift> for Drift {
    fn from(drift: PredictionDrift) -> Drift {
        let PredictionDrift { prediction, model, model_name, version, created_at, report, thresholds } =
            drift;
        let feature = |one: &FeatureDrift| feature(&report, one, &thresholds);
        Drift {
            prediction_id: prediction.0,
            model: DriftModel { id: model.0, name: model_name, version },
            created_at,
            level: report.level(&thresholds).as_str(),
            thresholds: DriftThresholds { psi_moderate: thresholds.moderate, psi_major: thresholds.major },
            rows: report.rows,
            rows_read: report.rows_read,
            rows_then: report.rows_then,
            mean_probability: report.mean_probability,
            mean_probability_then: report.mean_probability_then,
            estimated_auc: report.estimated_auc.map(Interval::from),
            estimated_auc_then: report.estimated_auc_then,
            probability: feature(&report.probability),
            features: report.features.iter().map(feature).collect(),
        }
    }
}

impl From<Area> for Interval {
    fn from(area: Area) -> Interval {
        Interval { value: area.area, low: area.low, high: area.high }
    }
}

impl From<DriftPoint> for DriftHistoryEntry {
    fn from(point: DriftPoint) -> DriftHistoryEntry {
        DriftHistoryEntry {
            prediction_id: point.prediction.0,
            version: point.version,
            created_at: point.created_at,
            rows: point.rows,
            level: point.level.as_str(),
            psi_max: point.psi_max,
            psi_probability: point.psi_probability,
            estimated_auc: point.estimated_auc,
        }
    }
}

impl From<DriftEvent> for RaisedDrift {
    fn from(event: DriftEvent) -> RaisedDrift {
        let DriftEvent { id, version, kind, detail, raised_at, cleared_at, .. } = event;
        RaisedDrift { id, version, kind, detail, raised_at, cleared_at }
    }
}

fn feature(report: &DriftReport, drift: &FeatureDrift, thresholds: &Thresholds) -> Feature {
    Feature {
        name: drift.name.clone(),
        level: report.level_of(drift, thresholds).as_str(),
        psi: drift.psi,
        psi_raw: drift.psi_raw,
        psi_by_chance: drift.psi_by_chance,
        test: match drift.test {
            Test::KolmogorovSmirnov => "kolmogorov_smirnov",
            Test::ChiSquare => "chi_square",
        },
        statistic: drift.statistic,
        p_value: drift.p_value,
        missing_share: drift.missing_now,
        missing_share_then: drift.missing_then,
        bins: drift.bins.iter().map(bin).collect(),
    }
}

fn bin(bin: &Bin) -> FeatureBin {
    let (kind, from, to, value) = match &bin.kind {
        BinKind::Range { from, to } => ("range", *from, *to, None),
        BinKind::Value { value } => ("value", None, None, Some(value.clone())),
        BinKind::Other => ("other", None, None, None),
        BinKind::Unknown => ("unknown", None, None, None),
        BinKind::Missing => ("missing", None, None, None),
    };
    FeatureBin { kind, from, to, value, share_then: bin.then, share: bin.now }
}
