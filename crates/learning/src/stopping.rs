//! When boosting should end: where more trees make customers who are not learned from no better known.

use crate::samples::Samples;

/// Follows the loss on other customers from tree to tree.
#[derive(Debug, Clone)]
pub(crate) struct Stopping {
    /// Trees without a better loss before the end; 0 never ends early.
    patience: usize,
    best_loss: f64,
    best_trees: usize,
}

impl Stopping {
    /// Before the first tree, at this loss.
    pub(crate) fn new(patience: usize, loss: f64) -> Stopping {
        Stopping { patience, best_loss: loss, best_trees: 0 }
    }

    /// Notes the loss of so many trees, and tells whether it is time to stop.
    pub(crate) fn is_over(&mut self, trees: usize, loss: f64) -> bool {
        if loss < self.best_loss {
            (self.best_loss, self.best_trees) = (loss, trees);
        }
        trees >= self.best_trees + self.patience
    }

    /// How many trees had the least loss.
    pub(crate) fn best_trees(&self) -> usize {
        self.best_trees
    }
}

/// The mean log loss of scores in log-odds, each customer by weight.
pub(crate) fn log_loss(scores: &[f64], samples: &Samples) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for ((&score, &has_left), &weight) in scores.iter().zip(&samples.labels).zip(&samples.weights) {
        let wrong = if has_left { -score } else { score };
        // ln(1 + exp(wrong)) without an overflow.
        sum += weight * (wrong.max(0.0) + (-wrong.abs()).exp().ln_1p());
        weights += weight;
    }
    sum / weights
}

#[cfg(test)]
mod tests {
    use super::{Stopping, log_loss};
    use crate::samples::{Matrix, Samples};

    #[test]
    fn the_best_number_of_trees_is_kept_and_patience_ends() {
        let mut stopping = Stopping::new(2, 0.7);
        let over: Vec<bool> =
            (1..).zip([0.6, 0.5, 0.55, 0.52]).map(|(trees, loss)| stopping.is_over(trees, loss)).collect();
        assert_eq!(over, [false, false, false, true]);
        assert_eq!(stopping.best_trees(), 2);
    }

    #[test]
    fn the_loss_is_that_of_the_weighted_outcomes() {
        let matrix = Matrix { rows: 3, width: 0, values: Vec::new() };
        let samples = Samples { matrix, labels: vec![true, false, true], weights: vec![1.0, 3.0, 0.0] };
        let half = 2f64.ln();
        assert!((log_loss(&[0.0, 0.0, -900.0], &samples) - half).abs() < 1e-15);
        assert!((log_loss(&[-800.0, 0.0, 0.0], &samples) - (800.0 + 3.0 * half) / 4.0).abs() < 1e-12);
    }
}
