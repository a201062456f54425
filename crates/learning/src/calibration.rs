//! From scores to probabilities, fitted on scores of customers that the scoring model was not trained on.
//!
//! Three kinds of strictly increasing maps, from the stiffest to the most pliant: a sigmoid (Platt,
//! "Probabilistic Outputs for Support Vector Machines", 1999), a beta map (Kull, Silva Filho and Flach,
//! "Beta calibration", 2017) and a monotone spline. All of them are linear in their parameters on the scale
//! of log-odds, and fitted by the same likelihood with the same bounds, so that none can turn a ranking
//! round.

mod likelihood;
mod spline;

use rayon::prelude::*;
use scoring::Calibration;
use serde::{Deserialize, Serialize};

use crate::folds;
use crate::samples::Matrix;
use likelihood::Likelihood;

/// Every slope must be at least this, so that calibration never turns a ranking round. Scores that say
/// nothing, or the opposite of the truth, get this one: nearly the same probability for everybody.
const SLOPE_MIN: f64 = 1e-3;
/// Parts of the cross-validation that chooses a method.
const FOLDS: usize = 10;
/// With fewer leavers or stayers than this in a part there is no telling which method is better.
const FOLD_CLASS_MIN: usize = 2;
/// From the simplest on.
const METHODS: [CalibrationMethod; 3] =
    [CalibrationMethod::Platt, CalibrationMethod::Beta, CalibrationMethod::Spline];

/// The kind of map from scores to probabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// The one with the least log loss in cross-validation; a simpler one where the difference is noise.
    #[default]
    Auto,
    /// A sigmoid: two parameters.
    Platt,
    /// A beta map, which may bend differently for low and for high scores: three parameters.
    Beta,
    /// A monotone spline through up to eight points.
    Spline,
}

/// The calibration of this kind under which the outcomes are likeliest. `seed` only matters for
/// [`CalibrationMethod::Auto`].
pub(crate) fn fit(method: CalibrationMethod, scores: &[f64], labels: &[bool], seed: u64) -> Calibration {
    match method {
        CalibrationMethod::Auto => choose(scores, labels, seed),
        CalibrationMethod::Platt => platt(scores, labels),
        CalibrationMethod::Beta => beta(scores, labels),
        // Where the scores have no room for a spline, they have room for a sigmoid.
        CalibrationMethod::Spline => spline::fit(scores, labels).unwrap_or_else(|| platt(scores, labels)),
    }
}

/// The calibration of the simplest kind that is no worse than the best one by more than one standard error
/// of the difference of their log losses in cross-validation: the rule of Breiman and others,
/// "Classification and Regression Trees" (1984), section 3.4.3, for pairs.
pub(crate) fn choose(scores: &[f64], labels: &[bool], seed: u64) -> Calibration {
    let positives = labels.iter().filter(|&&label| label).count();
    if positives.min(labels.len() - positives) < FOLDS * FOLD_CLASS_MIN {
        return platt(scores, labels);
    }
    let losses = METHODS.map(|method| unseen_losses(method, scores, labels, seed));
    let total = |losses: &[f64]| losses.iter().sum::<f64>();
    let least = losses.iter().min_by(|left, right| total(left).total_cmp(&total(right)));
    let is_as_good = |losses: &Vec<f64>| least.is_none_or(|least| !is_clearly_worse(losses, least));
    let method = METHODS.iter().zip(&losses).find(|(_, losses)| is_as_good(losses));
    fit(method.map_or(CalibrationMethod::Platt, |(method, _)| *method), scores, labels, seed)
}

/// Each customer's log loss under the calibration fitted on the other parts.
fn unseen_losses(method: CalibrationMethod, scores: &[f64], labels: &[bool], seed: u64) -> Vec<f64> {
    let fold_of = folds::stratified(labels, FOLDS, seed);
    let calibration_without = |fold: usize| {
        let others = (0..labels.len()).filter(|&row| fold_of[row] != fold);
        let (scores, labels): (Vec<f64>, Vec<bool>) = others.map(|row| (scores[row], labels[row])).unzip();
        fit(method, &scores, &labels, seed)
    };
    let calibrations: Vec<Calibration> = (0..FOLDS).into_par_iter().map(calibration_without).collect();
    let loss = |((&score, &label), &fold): ((&f64, &bool), &usize)| {
        let log_odds = calibrations[fold].log_odds(score);
        softplus(if label { -log_odds } else { log_odds })
    };
    scores.iter().zip(labels).zip(&fold_of).map(loss).collect()
}

/// Whether the mean difference is more than its standard error.
fn is_clearly_worse(losses: &[f64], least: &[f64]) -> bool {
    let rows = losses.len() as f64;
    let differences: Vec<f64> = losses.iter().zip(least).map(|(one, other)| one - other).collect();
    let mean = differences.iter().sum::<f64>() / rows;
    let squares: f64 = differences.iter().map(|difference| (difference - mean).powi(2)).sum();
    mean > (squares / (rows - 1.0) / rows).sqrt()
}

fn platt(scores: &[f64], labels: &[bool]) -> Calibration {
    let features = Matrix { rows: scores.len(), width: 1, values: scores.to_vec() };
    let found = Likelihood::new(&features, labels, 0.0).maximum();
    Calibration::Platt { slope: found[0], offset: found[1] }
}

fn beta(scores: &[f64], labels: &[bool]) -> Calibration {
    let arms = |&score: &f64| [-softplus(-score), softplus(score)];
    let features = Matrix { rows: scores.len(), width: 2, values: scores.iter().flat_map(arms).collect() };
    let found = Likelihood::new(&features, labels, 0.0).maximum();
    Calibration::Beta { rise: found[0], fall: found[1], offset: found[2] }
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use scoring::Calibration;

    use super::{CalibrationMethod, METHODS, SLOPE_MIN, choose, fit};
    use crate::random::Random;

    fn sigmoid(log_odds: f64) -> f64 {
        1.0 / (1.0 + (-log_odds).exp())
    }

    /// Scores, and outcomes with these log-odds.
    fn drawn(rows: usize, log_odds: impl Fn(f64) -> f64) -> (Vec<f64>, Vec<bool>) {
        let mut random = Random::new(1);
        let scores: Vec<f64> = (0..rows).map(|_| 1.5 * random.normal()).collect();
        let labels = scores.iter().map(|&score| random.chance(sigmoid(log_odds(score)))).collect();
        (scores, labels)
    }

    fn mean_gap(found: &Calibration, scores: &[f64], log_odds: impl Fn(f64) -> f64) -> f64 {
        let gap = |&score: &f64| (found.probability(score) - sigmoid(log_odds(score))).abs();
        scores.iter().map(gap).sum::<f64>() / scores.len() as f64
    }

    #[test]
    fn every_method_finds_a_sigmoid() {
        let truth = |score: f64| 2.0 * score - 1.0;
        let (scores, labels) = drawn(20_000, truth);
        for method in METHODS {
            let found = fit(method, &scores, &labels, 1);
            assert!(mean_gap(&found, &scores, truth) < 0.01, "{found:?}");
        }
        let found = choose(&scores, &labels, 1);
        assert!(matches!(found, Calibration::Platt { .. }), "{found:?}");
        let mean = scores.iter().map(|&score| found.probability(score)).sum::<f64>() / 20_000.0;
        let share = labels.iter().filter(|&&label| label).count() as f64 / 20_000.0;
        assert!((mean - share).abs() < 1e-3);
    }

    #[test]
    fn a_beta_map_is_found_and_chosen() {
        let made = Calibration::Beta { rise: 0.3, fall: 2.0, offset: -0.5 };
        let truth = |score: f64| made.log_odds(score);
        let (scores, labels) = drawn(20_000, truth);
        let found = choose(&scores, &labels, 1);
        assert!(matches!(found, Calibration::Beta { .. }), "{found:?}");
        assert!(mean_gap(&found, &scores, truth) < 0.01, "{found:?}");
    }

    #[test]
    fn a_map_with_steps_gets_a_spline() {
        let truth = |score: f64| 1.5 * (2.5 * score).sin() + 2.5 * score;
        let (scores, labels) = drawn(20_000, truth);
        let found = choose(&scores, &labels, 1);
        assert!(matches!(found, Calibration::Spline { .. }), "{found:?}");
        let stiff = fit(CalibrationMethod::Platt, &scores, &labels, 1);
        assert!(mean_gap(&found, &scores, truth) < 0.5 * mean_gap(&stiff, &scores, truth), "{found:?}");
    }

    #[test]
    fn no_method_ever_changes_a_ranking() {
        for turned in [1.0, -1.0, 0.0] {
            let (scores, labels) = drawn(2_000, |score| turned * 3.0 * score.powi(3));
            for method in METHODS {
                let found = fit(method, &scores, &labels, 1);
                for step in -8_000..8_000 {
                    let score = f64::from(step) / 1e3;
                    let (low, high) = (found.log_odds(score), found.log_odds(score + 1e-9));
                    assert!(high - low >= 0.9e-9 * SLOPE_MIN, "{found:?} at {score}");
                    let next = found.log_odds(score.next_up());
                    assert!(next >= low - 1e-13 * low.abs().max(1.0), "{found:?} at {score}");
                }
            }
        }
    }

    #[test]
    fn scores_without_room_still_get_an_increasing_map() {
        let labels = [true, true, false, false, false];
        for scores in [[1.0, 2.0, 3.0, 4.0, 5.0], [7.0; 5], [7.0, 7.0, 7.0, 7.0, 7.000_000_000_000_001]] {
            for method in [CalibrationMethod::Auto].into_iter().chain(METHODS) {
                let found = fit(method, &scores, &labels, 1);
                let rise = found.log_odds(1.0) - found.log_odds(0.0);
                assert!(rise >= SLOPE_MIN * 0.999 && rise.is_finite(), "{found:?}");
            }
        }
        for method in METHODS {
            let parted = fit(method, &[5.0, 4.0, -3.0, -4.0, -5.0], &labels, 1);
            assert!(parted.log_odds(1.0).is_finite() && parted.probability(5.0) > 0.6, "{parted:?}");
        }
    }

    #[test]
    fn the_choice_is_seeded() {
        let (scores, labels) = drawn(500, |score| score);
        assert_eq!(choose(&scores, &labels, 4), choose(&scores, &labels, 4));
    }
}
