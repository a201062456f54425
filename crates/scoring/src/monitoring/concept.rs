//! Whether customers still behave as they did: outcomes against what was measured at the training.

use serde::{Deserialize, Serialize};

use super::judged::Judged;
use super::significance::normal_tail;
use crate::manifest::Metrics;

/// Fewer customers than this, or leavers, or stayers, tell nothing.
const ROWS_MIN: u64 = 200;
const SIDE_MIN: u64 = 20;
/// A loss counts where chance alone would bring it about less often than this.
const SIGNIFICANCE: f64 = 0.01;
/// And only where it matters: so much of the area under the curve,
const AREA_LOST_MIN: f64 = 0.02;
/// or so much more calibration error than at the training.
const CALIBRATION_LOST_MIN: f64 = 0.03;
/// The width of a 95 % interval in standard errors.
const INTERVAL_WIDTH: f64 = 2.0 * 1.959_963_984_540_054;

/// What has become of a model's quality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Concept {
    /// How much less the area under the curve is than at the training; negative where it is more.
    pub auc_lost: Option<f64>,
    /// The chance of such a loss in customers who behave as those of the training did: the two areas with their
    /// standard errors, one-sided.
    pub auc_p_value: Option<f64>,
    /// The chance of such outcomes where the probabilities are true (Spiegelhalter's test).
    pub calibration_p_value: Option<f64>,
    /// How much more the calibration error is than at the training.
    pub calibration_lost: Option<f64>,
    /// Whether the order of the customers is worse than at the training, beyond chance.
    pub is_performance_lost: bool,
    /// Whether the probabilities are no longer true, beyond chance.
    pub is_calibration_lost: bool,
}

impl Concept {
    /// Compares outcomes with the metrics of a manifest.
    #[must_use]
    pub fn of(judged: &Judged, training: &Metrics) -> Concept {
        let leavers = judged.leavers();
        let is_enough = judged.rows() >= ROWS_MIN && leavers.min(judged.rows() - leavers) >= SIDE_MIN;
        let (mut auc_lost, mut auc_p_value) = (None, None);
        if let (Some(now), Some(then)) = (judged.auc(), training.auc) {
            let width = training.auc_low.zip(training.auc_high).map_or(0.0, |(low, high)| high - low);
            let error = (now.error.powi(2) + (width / INTERVAL_WIDTH).powi(2)).sqrt();
            auc_lost = Some(then - now.area);
            auc_p_value = (error > 0.0).then(|| normal_tail((then - now.area) / error));
        }
        let calibration_p_value = judged.spiegelhalter().map(|test| test.p_value);
        let calibration_lost =
            judged.calibration_error().map(|now| now - training.calibration_error.unwrap_or(0.0));
        let is_rare = |chance: Option<f64>| chance.is_some_and(|chance| chance < SIGNIFICANCE);
        let is_much = |lost: Option<f64>, least: f64| lost.is_some_and(|lost| lost >= least);
        Concept {
            auc_lost,
            auc_p_value,
            calibration_p_value,
            calibration_lost,
            is_performance_lost: is_enough && is_rare(auc_p_value) && is_much(auc_lost, AREA_LOST_MIN),
            is_calibration_lost: is_enough
                && is_rare(calibration_p_value)
                && is_much(calibration_lost, CALIBRATION_LOST_MIN),
        }
    }

    /// Whether customers no longer behave as they did.
    #[must_use]
    pub fn is_drift(&self) -> bool {
        self.is_performance_lost || self.is_calibration_lost
    }
}

#[cfg(test)]
mod tests {
    use super::Concept;
    use crate::manifest::Metrics;
    use crate::monitoring::Judged;

    /// Customers of whom `share` in a hundred left, at each of ten probabilities.
    fn judged(rows: u32, share: impl Fn(u32) -> u32) -> Judged {
        let mut judged = Judged::default();
        for row in 0..rows {
            let tenth = row % 10;
            judged.add(tenth * 100_000 + 50_000, row / 10 % 100 < share(tenth), 0.5);
        }
        judged
    }

    #[test]
    fn a_loss_is_told_where_it_is_beyond_chance_and_matters() {
        let honest = judged(10_000, |tenth| tenth * 10 + 5);
        let auc = honest.auc().unwrap();
        let training = Metrics {
            auc: Some(auc.area),
            auc_low: Some(auc.low),
            auc_high: Some(auc.high),
            calibration_error: Some(0.01),
            ..Metrics::default()
        };
        assert!(!Concept::of(&honest, &training).is_drift());
        let blurred = Concept::of(&judged(10_000, |tenth| 30 + tenth * 4), &training);
        assert!(blurred.is_performance_lost && blurred.is_calibration_lost, "{blurred:?}");
        // The order holds, the probabilities do not.
        let halved = Concept::of(&judged(10_000, |tenth| tenth * 5), &training);
        assert!(halved.is_calibration_lost && halved.calibration_lost > Some(0.1), "{halved:?}");
        assert!(!Concept::of(&judged(150, |_| 50), &training).is_drift(), "too few");
    }
}
