//! From scores to probabilities by a sigmoid: Platt, "Probabilistic Outputs for Support Vector Machines"
//! (1999), with the safer targets and Newton's method of Lin, Lin and Weng (2007).
//!
//! Fitted on scores of customers that the scoring model was not trained on.

use scoring::Calibration;

const STEPS_MAX: usize = 100;
/// A slope must be positive, so that calibration never turns a ranking round. Scores that say nothing, or
/// the opposite of the truth, get this one: nearly the same probability for everybody.
const SLOPE_MIN: f64 = 1e-3;

#[derive(Debug, Clone, Copy)]
struct Platt {
    slope: f64,
    offset: f64,
}

impl From<Platt> for Calibration {
    fn from(Platt { slope, offset }: Platt) -> Calibration {
        Calibration::Platt { slope, offset }
    }
}

/// The calibration under which the outcomes are likeliest.
pub(crate) fn fit(scores: &[f64], labels: &[bool]) -> Calibration {
    let positives = labels.iter().filter(|&&label| label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    // Not quite 1 and 0, as if one more customer of each kind had been seen.
    let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
    let targets: Vec<f64> = labels.iter().map(|&label| if label { high } else { low }).collect();
    let start = Platt { slope: 1.0, offset: 0.0 };
    let found = newton(start, scores, &targets, true);
    if found.slope >= SLOPE_MIN {
        return found.into();
    }
    newton(Platt { slope: SLOPE_MIN, offset: 0.0 }, scores, &targets, false).into()
}

/// Newton's method with a line search; with or without the slope.
fn newton(start: Platt, scores: &[f64], targets: &[f64], moves_slope: bool) -> Platt {
    let mut now = start;
    let mut loss = cross_entropy(now, scores, targets);
    for _ in 0..STEPS_MAX {
        let (mut slope_gradient, mut offset_gradient) = (0.0, 0.0);
        // A little on the diagonal, so that there is a solution where all scores are equal.
        let (mut slope_slope, mut slope_offset, mut offset_offset) = (1e-9, 0.0, 1e-9);
        for (&score, target) in scores.iter().zip(targets) {
            let probability = sigmoid(now.slope * score + now.offset);
            let (error, weight) = (probability - target, probability * (1.0 - probability));
            slope_gradient += error * score;
            offset_gradient += error;
            slope_slope += weight * score * score;
            slope_offset += weight * score;
            offset_offset += weight;
        }
        let (slope_step, offset_step) = if moves_slope {
            let determinant = slope_slope * offset_offset - slope_offset * slope_offset;
            let slope = offset_offset * slope_gradient - slope_offset * offset_gradient;
            let offset = slope_slope * offset_gradient - slope_offset * slope_gradient;
            (slope / determinant, offset / determinant)
        } else {
            (0.0, offset_gradient / offset_offset)
        };
        let mut length = 1.0;
        let moved = loop {
            let tried =
                Platt { slope: now.slope - length * slope_step, offset: now.offset - length * offset_step };
            let tried_loss = cross_entropy(tried, scores, targets);
            if tried_loss < loss {
                break Some((tried, tried_loss));
            }
            length /= 2.0;
            if length < 1e-10 {
                break None;
            }
        };
        let Some((better, better_loss)) = moved else { break };
        (now, loss) = (better, better_loss);
    }
    now
}

fn cross_entropy(calibration: Platt, scores: &[f64], targets: &[f64]) -> f64 {
    let entropy = |(score, target): (&f64, &f64)| {
        let log_odds = calibration.slope * score + calibration.offset;
        // ln(1 + e^x) without overflow.
        log_odds.max(0.0) + (-log_odds.abs()).exp().ln_1p() - target * log_odds
    };
    scores.iter().zip(targets).map(entropy).sum()
}

fn sigmoid(log_odds: f64) -> f64 {
    1.0 / (1.0 + (-log_odds).exp())
}

#[cfg(test)]
mod tests {
    use super::{SLOPE_MIN, fit, sigmoid};
    use crate::random::Random;

    #[test]
    fn the_map_that_made_the_outcomes_is_found() {
        let mut random = Random::new(1);
        let scores: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let labels: Vec<bool> =
            scores.iter().map(|score| random.chance(sigmoid(2.0 * score - 1.0))).collect();
        let found = fit(&scores, &labels);
        assert!(
            (found.log_odds(0.0) + 1.0).abs() < 0.1 && (found.log_odds(1.0) - 1.0).abs() < 0.15,
            "{found:?}"
        );
        let mean = scores.iter().map(|&score| found.probability(score)).sum::<f64>() / 20_000.0;
        let share = labels.iter().filter(|&&label| label).count() as f64 / 20_000.0;
        assert!((mean - share).abs() < 1e-3);
    }

    #[test]
    fn the_slope_is_positive_whatever_the_scores() {
        let labels = [true, true, false, false, false];
        for scores in [[1.0, 2.0, 3.0, 4.0, 5.0], [7.0; 5]] {
            let found = fit(&scores, &labels);
            assert!(found.log_odds(1.0) - found.log_odds(0.0) >= SLOPE_MIN * 0.999, "{found:?}");
        }
        let parted = fit(&[5.0, 4.0, -3.0, -4.0, -5.0], &labels);
        assert!(parted.log_odds(1.0).is_finite() && parted.probability(5.0) > 0.6);
    }
}
