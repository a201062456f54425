//! Two models on the same customers, neither of which has learned from them: is the one better than the other?
//!
//! The areas under the ROC curve are compared in pairs, after DeLong, DeLong and Clarke-Pearson, "Comparing the
//! Areas under Two or More Correlated Receiver Operating Characteristic Curves" (1988). The variance of their
//! difference is that of the differences of the customers' placements, which holds the covariance of the two.

use serde::{Deserialize, Serialize};

use crate::metrics::{Auc, HALF_WIDTH, placements, variance};

/// Fewer leavers or stayers than this tell nothing of a difference.
const CLASS_MIN: usize = 5;

/// An area under the ROC curve with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// The area.
    pub auc: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// The mean squared error of the probabilities.
    pub brier: f64,
}

/// A champion and a challenger on the same customers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PairedComparison {
    /// How many customers judged.
    pub rows: u64,
    /// Those who left.
    pub positives: u64,
    /// The version in production.
    pub champion: Area,
    /// The version that is to take its place.
    pub challenger: Area,
    /// The challenger's area less the champion's.
    pub difference: f64,
    /// The lower end of the difference's 95 % interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl PairedComparison {
    /// Compares probabilities of the same customers, in the same order. None where too few left or stayed.
    #[must_use]
    pub fn measure(champion: &[f64], challenger: &[f64], labels: &[bool]) -> Option<PairedComparison> {
        let positives = labels.iter().filter(|&&label| label).count();
        if positives.min(labels.len() - positives) < CLASS_MIN {
            return None;
        }
        let (below, above) = placements(champion, labels);
        let (better_below, better_above) = placements(challenger, labels);
        let minus = |left: &[f64], right: &[f64]| -> Vec<f64> {
            left.iter().zip(right).map(|(left, right)| left - right).collect()
        };
        let (leavers, stayers) = (minus(&better_below, &below), minus(&better_above, &above));
        let difference = leavers.iter().sum::<f64>() / leavers.len() as f64;
        let error =
            (variance(&leavers) / leavers.len() as f64 + variance(&stayers) / stayers.len() as f64).sqrt();
        Some(PairedComparison {
            rows: labels.len() as u64,
            positives: positives as u64,
            champion: Area::measure(champion, labels),
            challenger: Area::measure(challenger, labels),
            difference: rounded(difference),
            low: rounded(difference - HALF_WIDTH * error),
            high: rounded(difference + HALF_WIDTH * error),
        })
    }

    /// The rule of the gate: the whole interval of the difference is above zero.
    #[must_use]
    pub fn is_better(&self) -> bool {
        self.low > 0.0
    }
}

impl Area {
    /// Measures; there must be leavers and stayers.
    #[must_use]
    pub fn measure(probabilities: &[f64], labels: &[bool]) -> Area {
        let area = Auc::measure(probabilities, labels);
        let errors =
            probabilities.iter().zip(labels).map(|(p, &left)| (p - f64::from(u8::from(left))).powi(2));
        let brier = errors.sum::<f64>() / labels.len() as f64;
        let [auc, low, high, brier] = [area.area, area.low, area.high, brier].map(rounded);
        Area { auc, low, high, brier }
    }
}

/// Six decimals, as in every figure of quality.
fn rounded(number: f64) -> f64 {
    (number * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::PairedComparison;
    use crate::random::Random;

    /// Outcomes, and two scores that see them through more or less noise.
    fn customers(rows: usize, noise: [f64; 2], seed: u64) -> (Vec<bool>, Vec<f64>, Vec<f64>) {
        let mut random = Random::new(seed);
        let (mut labels, mut one, mut other) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..rows {
            let left = random.chance(0.3);
            let truth = f64::from(u8::from(left));
            let shared = random.uniform();
            labels.push(left);
            one.push(truth + noise[0] * (shared + random.uniform()));
            other.push(truth + noise[1] * (shared + random.uniform()));
        }
        (labels, one, other)
    }

    #[test]
    fn the_interval_of_a_difference_covers_what_resampling_finds() {
        let (labels, one, other) = customers(600, [1.4, 1.0], 3);
        let found = PairedComparison::measure(&one, &other, &labels).unwrap();
        assert!(found.is_better() && found.difference > 0.0, "{found:?}");
        // The bootstrap over pairs gives nearly the same width.
        let mut random = Random::new(7);
        let mut drawn: Vec<f64> = (0..400)
            .map(|_| {
                let rows: Vec<usize> = (0..labels.len()).map(|_| random.below(labels.len())).collect();
                let pick = |of: &[f64]| rows.iter().map(|&row| of[row]).collect::<Vec<f64>>();
                let picked: Vec<bool> = rows.iter().map(|&row| labels[row]).collect();
                PairedComparison::measure(&pick(&one), &pick(&other), &picked).unwrap().difference
            })
            .collect();
        drawn.sort_by(f64::total_cmp);
        let width = drawn[390] - drawn[10];
        assert!(((found.high - found.low) / width - 1.0).abs() < 0.15, "{found:?} {width}");
    }

    #[test]
    fn equal_and_worse_models_do_not_pass() {
        let (labels, one, other) = customers(400, [1.0, 1.4], 5);
        let same = PairedComparison::measure(&one, &one, &labels).unwrap();
        assert!(!same.is_better() && same.difference == 0.0 && same.low == 0.0);
        assert!(!PairedComparison::measure(&one, &other, &labels).unwrap().is_better());
        let back = PairedComparison::measure(&other, &one, &labels).unwrap();
        assert!(back.is_better() && back.champion.auc < back.challenger.auc);
    }

    #[test]
    fn a_handful_of_leavers_decides_nothing() {
        let labels: Vec<bool> = (0..100).map(|row| row < 4).collect();
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        assert!(PairedComparison::measure(&scores, &scores, &labels).is_none());
    }
}
