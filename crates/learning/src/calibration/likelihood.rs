//! The likeliest log-odds that are a sum of increasing functions of a score, each with a slope that is not
//! too small.
//!
//! Newton's method with projection onto the bounds: Bertsekas, "Projected Newton Methods for Optimization
//! Problems with Simple Constraints" (1982). Targets are those of Platt (1999).

use super::{SLOPE_MIN, softplus};
use crate::cholesky;
use crate::samples::Matrix;

const STEPS_MAX: usize = 100;
/// The gradient's greatest entry at the end, per customer.
const TOLERANCE: f64 = 1e-12;

/// What is maximised, as a loss that is minimised.
pub(super) struct Likelihood<'a> {
    /// A column for each slope.
    features: &'a Matrix,
    targets: Vec<f64>,
    /// Half its product with the squared differences of neighbouring slopes is added to the loss.
    roughness: f64,
}

impl Likelihood<'_> {
    pub(super) fn new<'a>(features: &'a Matrix, labels: &[bool], roughness: f64) -> Likelihood<'a> {
        let positives = labels.iter().filter(|&&label| label).count() as f64;
        let negatives = labels.len() as f64 - positives;
        // Not quite 1 and 0, as if one more customer of each kind had been seen.
        let (high, low) = ((positives + 1.0) / (positives + 2.0), 1.0 / (negatives + 2.0));
        let targets = labels.iter().map(|&label| if label { high } else { low }).collect();
        Likelihood { features, targets, roughness }
    }

    /// The slopes, each at least [`SLOPE_MIN`], and behind them the offset.
    pub(super) fn maximum(&self) -> Vec<f64> {
        let width = self.features.width;
        let mut now = vec![1.0; width];
        now.push(0.0);
        let mut loss = self.loss(&now);
        for _ in 0..STEPS_MAX {
            let (gradient, hessian) = self.derivatives(&now);
            // A slope at its bound that would go below it stays.
            let is_free = |index: usize| index == width || now[index] > SLOPE_MIN || gradient[index] < 0.0;
            let free: Vec<usize> = (0..=width).filter(|&index| is_free(index)).collect();
            let steepest = free.iter().map(|&index| gradient[index].abs()).fold(0.0, f64::max);
            if steepest <= TOLERANCE * self.targets.len() as f64 {
                break;
            }
            let Some(direction) = direction(&free, &gradient, &hessian) else { break };
            let Some((next, next_loss)) = self.search(&now, loss, &gradient, &direction) else { break };
            (now, loss) = (next, next_loss);
        }
        now
    }

    /// Goes along the direction as far as the loss falls enough; nothing where it falls no more.
    fn search(&self, now: &[f64], loss: f64, gradient: &[f64], direction: &[f64]) -> Option<(Vec<f64>, f64)> {
        let width = self.features.width;
        let mut length = 1.0;
        while length > 1e-10 {
            let mut next: Vec<f64> =
                now.iter().zip(direction).map(|(value, step)| value - length * step).collect();
            next[..width].iter_mut().for_each(|slope| *slope = slope.max(SLOPE_MIN));
            let promised: f64 =
                now.iter().zip(&next).zip(gradient).map(|((from, to), entry)| entry * (from - to)).sum();
            let next_loss = self.loss(&next);
            if next_loss < loss && next_loss <= loss - 1e-4 * promised {
                return Some((next, next_loss));
            }
            length /= 2.0;
        }
        None
    }

    fn log_odds(&self, row: usize, parameters: &[f64]) -> f64 {
        let slopes = self.features.row(row).iter().zip(parameters);
        slopes.map(|(feature, slope)| feature * slope).sum::<f64>() + parameters[self.features.width]
    }

    fn loss(&self, parameters: &[f64]) -> f64 {
        let cross_entropy = |(row, target): (usize, &f64)| {
            let log_odds = self.log_odds(row, parameters);
            softplus(log_odds) - target * log_odds
        };
        let slopes = &parameters[..self.features.width];
        let bends: f64 = slopes.windows(2).map(|pair| (pair[0] - pair[1]).powi(2)).sum();
        self.targets.iter().enumerate().map(cross_entropy).sum::<f64>() + 0.5 * self.roughness * bends
    }

    /// The gradient, and the Hessian row after row in a square.
    fn derivatives(&self, parameters: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let width = self.features.width;
        let size = width + 1;
        let (mut gradient, mut hessian) = (vec![0.0; size], vec![0.0; size * size]);
        let mut row_with_one = vec![1.0; size];
        for (row, target) in self.targets.iter().enumerate() {
            row_with_one[..width].copy_from_slice(self.features.row(row));
            let probability = 1.0 / (1.0 + (-self.log_odds(row, parameters)).exp());
            let (error, weight) = (probability - target, probability * (1.0 - probability));
            for (index, feature) in row_with_one.iter().enumerate() {
                gradient[index] += error * feature;
                for (entry, other) in hessian[index * size..][..=index].iter_mut().zip(&row_with_one) {
                    *entry += weight * feature * other;
                }
            }
        }
        for index in 1..width {
            let bend = self.roughness * (parameters[index] - parameters[index - 1]);
            gradient[index] += bend;
            gradient[index - 1] -= bend;
            hessian[index * size + index] += self.roughness;
            hessian[(index - 1) * size + index - 1] += self.roughness;
            hessian[index * size + index - 1] -= self.roughness;
        }
        (gradient, hessian)
    }
}

/// Newton's direction among the free parameters, 0 for the others.
fn direction(free: &[usize], gradient: &[f64], hessian: &[f64]) -> Option<Vec<f64>> {
    let size = gradient.len();
    let largest = free.iter().map(|&index| hessian[index * size + index]).fold(0.0, f64::max);
    let mut matrix = Vec::with_capacity(free.len() * free.len());
    for &row in free {
        for &column in free {
            // Only the lower triangle is known, and it is all that is read. A little on the diagonal, so
            // that there is a solution where all scores are equal.
            let ridge = if row == column { 1e-12 * largest + 1e-12 } else { 0.0 };
            matrix.push(hessian[row * size + column] + ridge);
        }
    }
    let right: Vec<f64> = free.iter().map(|&index| gradient[index]).collect();
    let solution = cholesky::solve(matrix, &right)?;
    let mut direction = vec![0.0; size];
    free.iter().zip(solution).for_each(|(&index, step)| direction[index] = step);
    Some(direction)
}

#[cfg(test)]
mod tests {
    use super::Likelihood;
    use crate::calibration::SLOPE_MIN;
    use crate::samples::Matrix;

    #[test]
    fn the_gradient_is_zero_but_where_a_slope_is_at_its_bound() {
        // The first column falls with the outcome, so that its slope would be negative.
        let values = vec![3.0, 0.1, 2.0, 0.9, 1.5, 0.3, 1.0, 0.8, 0.2, 0.5, 0.1, 1.4];
        let features = Matrix { rows: 6, width: 2, values };
        let likelihood = Likelihood::new(&features, &[false, false, true, false, true, true], 0.0);
        let found = likelihood.maximum();
        let (gradient, _) = likelihood.derivatives(&found);
        assert_eq!(found[0], SLOPE_MIN);
        assert!(gradient[0] > 0.0 && gradient[1].abs() < 1e-6 && gradient[2].abs() < 1e-6, "{gradient:?}");
    }

    #[test]
    fn a_great_roughness_makes_all_slopes_equal() {
        let values = vec![0.1, 0.0, 1.0, 0.3, 1.0, 0.8, 0.4, 0.0, 1.0, 1.0, 0.9, 0.0];
        let features = Matrix { rows: 6, width: 2, values };
        let found = Likelihood::new(&features, &[false, false, true, true, true, false], 1e9).maximum();
        assert!((found[0] - found[1]).abs() < 1e-6, "{found:?}");
    }
}
