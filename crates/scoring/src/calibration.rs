//! From a model's score to the probability of leaving.

use serde::{Deserialize, Serialize};

/// Beyond this many log-odds the sigmoid would round to exactly 0 or 1.
const LOG_ODDS_MAX: f64 = 36.0;
/// The points of a spline are at most this far from 0, so that no difference of two overflows.
const POINT_MAX: f64 = 1e6;

/// A strictly increasing map from scores to probabilities, the last step of every engine.
///
/// The score is the linear sum (logistic, SVM), the log-odds of the mean leaf (random forest), or the raw
/// sum of an ensemble's or a network's output. Calibration never changes a ranking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Calibration {
    /// `log-odds = slope * score + offset` (Platt, "Probabilistic Outputs for Support Vector Machines",
    /// 1999).
    Platt {
        /// Greater than 0.
        slope: f64,
        /// Any finite number.
        offset: f64,
    },
    /// `log-odds = rise * ln s - fall * ln(1 - s) + offset` with `s = sigmoid(score)` (Kull, Silva Filho
    /// and Flach, "Beta calibration", 2017).
    Beta {
        /// Not negative; one of `rise` and `fall` is greater than 0.
        rise: f64,
        /// Not negative.
        fall: f64,
        /// Any finite number.
        offset: f64,
    },
    /// A cubic through given points that increases everywhere (Fritsch and Carlson, "Monotone Piecewise
    /// Cubic Interpolation", 1980); a straight line before the first and behind the last.
    Spline {
        /// Ascending scores, two at least.
        scores: Vec<f64>,
        /// The log-odds at each, ascending.
        log_odds: Vec<f64>,
        /// The slope at each, greater than 0.
        slopes: Vec<f64>,
    },
}

impl Calibration {
    /// Leaves a score in log-odds as it is.
    pub const IDENTITY: Calibration = Calibration::Platt { slope: 1.0, offset: 0.0 };

    /// The log-odds for a score.
    #[must_use]
    pub fn log_odds(&self, score: f64) -> f64 {
        match self {
            Calibration::Platt { slope, offset } => slope * score + offset,
            Calibration::Beta { rise, fall, offset } => {
                // ln s = -softplus(-score) and ln(1 - s) = -softplus(score).
                fall * softplus(score) - rise * softplus(-score) + offset
            }
            Calibration::Spline { scores, log_odds, slopes } => spline(scores, log_odds, slopes, score),
        }
    }

    /// The probability for a score: strictly between 0 and 1, increasing from log-odds of -36 to 36 wherever
    /// `f64` can tell two apart, and the same for all log-odds beyond.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        let log_odds = self.log_odds(score).clamp(-LOG_ODDS_MAX, LOG_ODDS_MAX);
        1.0 / (1.0 + (-log_odds).exp())
    }

    /// Says why this is no strictly increasing map, if it is none.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        match self {
            Calibration::Platt { slope, offset } => {
                let is_good = *slope > 0.0 && slope.is_finite() && offset.is_finite();
                is_good.then_some(()).ok_or("the calibration's slope must be greater than 0")
            }
            Calibration::Beta { rise, fall, offset } => {
                let are_finite = rise.is_finite() && fall.is_finite() && offset.is_finite();
                let is_good = are_finite && *rise >= 0.0 && *fall >= 0.0 && rise + fall > 0.0;
                is_good
                    .then_some(())
                    .ok_or("the calibration's rise and fall must not be negative, nor both 0")
            }
            Calibration::Spline { scores, log_odds, slopes } => check_spline(scores, log_odds, slopes)
                .then_some(())
                .ok_or("the calibration's points must ascend, and its slopes be greater than 0"),
        }
    }
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

fn spline(scores: &[f64], log_odds: &[f64], slopes: &[f64], score: f64) -> f64 {
    let after = scores.partition_point(|&other| other <= score);
    let last = scores.len() - 1;
    if after == 0 {
        return log_odds[0] + slopes[0] * (score - scores[0]);
    }
    if after > last {
        return log_odds[last] + slopes[last] * (score - scores[last]);
    }
    let before = after - 1;
    let width = scores[after] - scores[before];
    let t = (score - scores[before]) / width;
    let rise = log_odds[after] - log_odds[before];
    let (begin, end) = (slopes[before] * width, slopes[after] * width);
    // Hermite's cubic in powers of t.
    log_odds[before] + t * (begin + t * ((3.0 * rise - 2.0 * begin - end) + t * (begin + end - 2.0 * rise)))
}

fn check_spline(scores: &[f64], log_odds: &[f64], slopes: &[f64]) -> bool {
    let ascends = |values: &[f64]| {
        values.iter().all(|value| value.abs() <= POINT_MAX) && values.windows(2).all(|pair| pair[0] < pair[1])
    };
    let same_length = scores.len() == log_odds.len() && scores.len() == slopes.len();
    if scores.len() < 2 || !same_length || !ascends(scores) || !ascends(log_odds) {
        return false;
    }
    // Fritsch and Carlson: increasing where both end slopes are at most three times the secant's.
    slopes.iter().all(|slope| *slope > 0.0 && slope.is_finite())
        && (1..scores.len()).all(|at| {
            let secant = (log_odds[at] - log_odds[at - 1]) / (scores[at] - scores[at - 1]);
            slopes[at - 1] <= 3.0 * secant * (1.0 + 1e-9) && slopes[at] <= 3.0 * secant * (1.0 + 1e-9)
        })
}

#[cfg(test)]
mod tests {
    use super::Calibration;

    fn maps() -> [Calibration; 3] {
        [
            Calibration::Platt { slope: 0.7, offset: -0.2 },
            Calibration::Beta { rise: 0.6, fall: 1.4, offset: 0.3 },
            Calibration::Spline {
                scores: vec![-2.0, 0.0, 1.0],
                log_odds: vec![-1.5, -0.4, 1.0],
                slopes: vec![0.4, 0.8, 1.1],
            },
        ]
    }

    #[test]
    fn every_map_increases_everywhere_and_survives_its_json() {
        for map in maps() {
            assert_eq!(map.check(), Ok(()));
            let probabilities: Vec<f64> =
                (-4000..4000).map(|step| map.probability(f64::from(step) / 500.0)).collect();
            assert!(probabilities.windows(2).all(|pair| pair[0] < pair[1]), "{map:?}");
            assert!(probabilities.iter().all(|p| *p > 0.0 && *p < 1.0));
            let json = serde_json::to_string(&map).unwrap();
            assert_eq!(serde_json::from_str::<Calibration>(&json).unwrap(), map);
        }
    }

    #[test]
    fn beta_with_equal_arms_is_platt_and_a_spline_goes_through_its_points() {
        let beta = Calibration::Beta { rise: 0.7, fall: 0.7, offset: -0.2 };
        let platt = Calibration::Platt { slope: 0.7, offset: -0.2 };
        for score in [-30.0, -1.0, 0.0, 0.4, 25.0] {
            assert!((beta.log_odds(score) - platt.log_odds(score)).abs() < 1e-12);
        }
        let [_, _, spline] = maps();
        for (score, log_odds) in [(-3.0, -1.9), (-2.0, -1.5), (0.0, -0.4), (1.0, 1.0), (2.0, 2.1)] {
            assert!((spline.log_odds(score) - log_odds).abs() < 1e-12, "{score}");
        }
    }

    #[test]
    fn what_could_turn_a_ranking_round_is_refused() {
        for map in [
            Calibration::Platt { slope: 0.0, offset: 0.0 },
            Calibration::Platt { slope: f64::NAN, offset: 0.0 },
            Calibration::Beta { rise: -0.1, fall: 1.0, offset: 0.0 },
            Calibration::Beta { rise: 0.0, fall: 0.0, offset: 0.0 },
            Calibration::Spline { scores: vec![0.0], log_odds: vec![0.0], slopes: vec![1.0] },
            Calibration::Spline { scores: vec![0.0, 1.0], log_odds: vec![0.0, 0.0], slopes: vec![1.0, 1.0] },
            Calibration::Spline { scores: vec![0.0, 1.0], log_odds: vec![0.0, 1.0], slopes: vec![9.0, 1.0] },
            Calibration::Spline {
                scores: vec![-1e308, 1e308],
                log_odds: vec![0.0, 1.0],
                slopes: vec![1e-309, 1e-309],
            },
            Calibration::Spline {
                scores: vec![0.0, 1.0],
                log_odds: vec![-1e308, 1e308],
                slopes: vec![1.0, 1.0],
            },
        ] {
            assert!(map.check().is_err(), "{map:?}");
        }
    }
}
