//! How true quality is written.

use chrono::NaiveDate;
use platform::monitoring::outcomes;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::drift_shapes::Interval;

/// What outcomes say of a model's predictions.
#[derive(Serialize, ToSchema)]
pub struct Performance {
    model_id: Uuid,
    #[schema(example = "catboost")]
    model: String,
    /// The one with the newest prediction first.
    versions: Vec<VersionPerformance>,
    /// Oldest first.
    months: Vec<MonthPerformance>,
}

/// One version.
#[derive(Serialize, ToSchema)]
pub struct VersionPerformance {
    id: Uuid,
    #[schema(example = "1")]
    version: String,
    figures: Figures,
    /// Of those held out as control; null where nobody was.
    #[schema(required)]
    control: Option<Figures>,
    training: TrainingFigures,
    concept_drift: ConceptDrift,
}

/// One version's predictions of one month.
#[derive(Serialize, ToSchema)]
pub struct MonthPerformance {
    /// The first day of the month in which the predictions were made.
    #[schema(example = "2026-11-01")]
    month: NaiveDate,
    #[schema(example = "1")]
    version: String,
    figures: Figures,
}

/// What outcomes say. Null where they say nothing, such as without anybody who left.
#[derive(Serialize, ToSchema)]
pub struct Figures {
    /// Customers whose outcome is known.
    rows: u64,
    /// Those who left.
    leavers: u64,
    /// Those whom the model's threshold flagged.
    flagged: u64,
    /// With DeLong's 95 % interval.
    #[schema(required)]
    auc: Option<Interval>,
    #[schema(required)]
    average_precision: Option<f64>,
    #[schema(required)]
    precision: Option<f64>,
    #[schema(required)]
    recall: Option<f64>,
    /// The share of the leavers who were in the riskiest tenth.
    #[schema(required)]
    captured_in_riskiest_tenth: Option<f64>,
    #[schema(required)]
    mean_probability: Option<f64>,
    #[schema(required)]
    brier: Option<f64>,
    #[schema(required)]
    calibration_error: Option<f64>,
    /// Up to ten bins of about equal count, lowest probabilities first.
    calibration: Vec<CalibrationBin>,
    /// What contacting everybody flagged would have earned by the model's costs, in minor units; null without
    /// costs.
    #[schema(required)]
    value: Option<i64>,
}

/// Customers of neighbouring probabilities.
#[derive(Serialize, ToSchema)]
pub struct CalibrationBin {
    rows: u64,
    mean_probability: f64,
    share_left: f64,
}

/// What was measured at the training, on customers that the model had not seen.
#[derive(Serialize, ToSchema)]
pub struct TrainingFigures {
    #[schema(required)]
    auc: Option<f64>,
    #[schema(required)]
    auc_low: Option<f64>,
    #[schema(required)]
    auc_high: Option<f64>,
    #[schema(required)]
    average_precision: Option<f64>,
    #[schema(required)]
    precision: Option<f64>,
    #[schema(required)]
    recall: Option<f64>,
    #[schema(required)]
    brier: Option<f64>,
    #[schema(required)]
    calibration_error: Option<f64>,
}

/// Whether customers still behave as they did.
#[derive(Serialize, ToSchema)]
pub struct ConceptDrift {
    /// The customers' order is worse than at the training, beyond chance.
    is_performance_lost: bool,
    /// The probabilities are no longer true, beyond chance.
    is_calibration_lost: bool,
    #[schema(required)]
    auc_lost: Option<f64>,
    #[schema(required)]
    auc_p_value: Option<f64>,
    #[schema(required)]
    calibration_lost: Option<f64>,
    #[schema(required)]
    calibration_p_value: Option<f64>,
}

impl From<outcomes::Performance> for Performance {
    fn from(performance: outcomes::Performance) -> Performance {
        Performance {
            model_id: performance.model.0,
            model: performance.model_name,
            versions: performance.versions.into_iter().map(VersionPerformance::from).collect(),
            months: performance
                .months
                .into_iter()
                .map(|month| MonthPerformance {
                    month: month.month,
                    version: month.version,
                    figures: month.figures.into(),
                })
                .collect(),
        }
    }
}

impl From<outcomes::VersionPerformance> for VersionPerformance {
    fn from(version: outcomes::VersionPerformance) -> VersionPerformance {
        let outcomes::Training {
            auc,
            auc_low,
            auc_high,
            average_precision,
            precision,
            recall,
            brier,
            calibration_error,
        } = version.training;
        VersionPerformance {
            id: version.id.0,
            version: version.version,
            figures: version.figures.into(),
            control: version.control.map(Figures::from),
            training: TrainingFigures {
                auc,
                auc_low,
                auc_high,
                average_precision,
                precision,
                recall,
                brier,
                calibration_error,
            },
            concept_drift: ConceptDrift {
                is_performance_lost: version.concept.is_performance_lost,
                is_calibration_lost: version.concept.is_calibration_lost,
                auc_lost: version.concept.auc_lost,
                auc_p_value: version.concept.auc_p_value,
                calibration_lost: version.concept.calibration_lost,
                calibration_p_value: version.concept.calibration_p_value,
            },
        }
    }
}

impl From<outcomes::Figures> for Figures {
    fn from(figures: outcomes::Figures) -> Figures {
        Figures {
            rows: figures.rows,
            leavers: figures.leavers,
            flagged: figures.flagged,
            auc: figures.auc.map(Interval::from),
            average_precision: figures.average_precision,
            precision: figures.precision,
            recall: figures.recall,
            captured_in_riskiest_tenth: figures.captured_in_riskiest_tenth,
            mean_probability: figures.mean_probability,
            brier: figures.brier,
            calibration_error: figures.calibration_error,
            calibration: figures
                .calibration
                .into_iter()
                .map(|bin| CalibrationBin {
                    rows: bin.rows,
                    mean_probability: bin.mean_probability,
                    share_left: bin.share_left,
                })
                .collect(),
            value: figures.value,
        }
    }
}
