//! How good probabilities are, against what really happened.

use scoring::Metrics;

use crate::threshold::is_flagged;

/// Bins of the calibration error.
pub(crate) const BINS: usize = 10;
/// The share of the highest scores whose lift is measured.
pub(crate) const LIFT_SHARE: f64 = 0.1;
/// Half the width of a 95 % interval, in standard errors.
pub(crate) const HALF_WIDTH: f64 = 1.959_963_984_540_054;

/// Everything that a manifest tells about quality. `threshold` parts leavers from stayers.
///
/// There must be leavers and stayers.
pub(crate) fn measure(probabilities: &[f64], labels: &[bool], threshold: f64) -> Metrics {
    let auc = Auc::measure(probabilities, labels);
    let decisions = Decisions::count(probabilities, labels, threshold);
    let rows = labels.len() as f64;
    let mean = |loss: &dyn Fn(f64, bool) -> f64| {
        probabilities.iter().zip(labels).map(|(&p, &label)| loss(p, label)).sum::<f64>() / rows
    };
    Metrics {
        auc: Some(auc.area),
        auc_low: Some(auc.low),
        auc_high: Some(auc.high),
        average_precision: Some(average_precision(probabilities, labels)),
        brier: Some(mean(&|p, label| (p - f64::from(u8::from(label))).powi(2))),
        log_loss: Some(mean(&log_loss)),
        calibration_error: Some(calibration_error(probabilities, labels)),
        f1: Some(decisions.f1()),
        precision: Some(decisions.precision()),
        recall: Some(decisions.recall()),
        accuracy: Some((decisions.true_positives + decisions.true_negatives) / rows),
        lift_at_10: Some(lift(probabilities, labels, LIFT_SHARE)),
    }
}

/// The area under the ROC curve with its 95 % interval.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Auc {
    pub(crate) area: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    error: f64,
}

impl Auc {
    /// The mean of several areas, measured on different customers.
    pub(crate) fn mean(areas: &[Auc]) -> Auc {
        let count = areas.len() as f64;
        let area = areas.iter().map(|auc| auc.area).sum::<f64>() / count;
        let error = areas.iter().map(|auc| auc.error * auc.error).sum::<f64>().sqrt() / count;
        Auc::with_error(area, error)
    }

    /// The area is the chance that a leaver is above a stayer, ties counting half. Its variance is that of
    /// DeLong, DeLong and Clarke-Pearson (1988), by the ranks of Sun and Xu (2014).
    pub(crate) fn measure(scores: &[f64], labels: &[bool]) -> Auc {
        let (below, above) = placements(scores, labels);
        let (many, few) = (below.len() as f64, above.len() as f64);
        let area = below.iter().sum::<f64>() / many;
        let error = (variance(&below) / many + variance(&above) / few).sqrt();
        Auc::with_error(area, error)
    }

    fn with_error(area: f64, error: f64) -> Auc {
        let end = |side: f64| (area + side * HALF_WIDTH * error).clamp(0.0, 1.0);
        Auc { area, low: end(-1.0), high: end(1.0), error }
    }
}

/// For each leaver the share of stayers below, for each stayer that of leavers above, ties counting half; each
/// in the customers' order.
pub(crate) fn placements(scores: &[f64], labels: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let of = |wanted: bool| {
        let kept = scores.iter().zip(labels).filter(move |(_, label)| **label == wanted);
        kept.map(|(&score, _)| score).collect::<Vec<f64>>()
    };
    let (positives, negatives) = (of(true), of(false));
    let all: Vec<f64> = positives.iter().chain(&negatives).copied().collect();
    let ranks = mid_ranks(&all);
    let (many, few) = (positives.len() as f64, negatives.len() as f64);
    let below = ranks.iter().zip(mid_ranks(&positives)).map(|(all, own)| (all - own) / few);
    let later = ranks[positives.len()..].iter().zip(mid_ranks(&negatives));
    let above = later.map(|(all, own)| 1.0 - (all - own) / many);
    (below.collect(), above.collect())
}

/// Ranks from 1; equal values share the mean of theirs.
fn mid_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&left, &right| values[left].total_cmp(&values[right]));
    let mut ranks = vec![0.0; values.len()];
    let mut begin = 0;
    for equal in order.chunk_by(|&left, &right| values[left] == values[right]) {
        let rank = begin as f64 + (equal.len() + 1) as f64 / 2.0;
        equal.iter().for_each(|&place| ranks[place] = rank);
        begin += equal.len();
    }
    ranks
}

/// The unbiased variance; 0 for a single value, which tells nothing of it.
pub(crate) fn variance(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if values.len() < 2 { 0.0 } else { squares / (values.len() - 1) as f64 }
}

/// Rows from the highest score down.
pub(crate) fn descending(scores: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[right].total_cmp(&scores[left]));
    order
}

/// The negative log-likelihood of one outcome, finite even for a probability of 0 or 1.
pub(crate) fn log_loss(probability: f64, label: bool) -> f64 {
    -if label { probability } else { 1.0 - probability }.max(1e-15).ln()
}

/// The precision at each score's threshold, weighted by the recall gained there.
fn average_precision(scores: &[f64], labels: &[bool]) -> f64 {
    let positives = labels.iter().filter(|&&label| label).count() as f64;
    let (mut taken, mut hits, mut sum) = (0.0, 0.0, 0.0);
    for equal in descending(scores).chunk_by(|&left, &right| scores[left] == scores[right]) {
        let gained = equal.iter().filter(|&&row| labels[row]).count() as f64;
        taken += equal.len() as f64;
        hits += gained;
        sum += gained / positives * hits / taken;
    }
    sum
}

/// The mean difference between probability and share of leavers, over bins of equal count.
fn calibration_error(probabilities: &[f64], labels: &[bool]) -> f64 {
    let order = descending(probabilities);
    let rows = order.len();
    let difference = |bin: usize| {
        let inside = &order[rows * bin / BINS..rows * (bin + 1) / BINS];
        let gap = inside.iter().map(|&row| probabilities[row] - f64::from(u8::from(labels[row])));
        gap.sum::<f64>().abs()
    };
    (0..BINS).map(difference).sum::<f64>() / rows as f64
}

/// How many times more leavers than average are in this share of the highest scores.
fn lift(scores: &[f64], labels: &[bool], share: f64) -> f64 {
    let taken = ((labels.len() as f64 * share).ceil() as usize).max(1);
    let hits = descending(scores)[..taken].iter().filter(|&&row| labels[row]).count() as f64;
    let average = labels.iter().filter(|&&label| label).count() as f64 / labels.len() as f64;
    hits / taken as f64 / average
}

/// What a threshold makes of the customers.
struct Decisions {
    true_positives: f64,
    false_positives: f64,
    true_negatives: f64,
    false_negatives: f64,
}

impl Decisions {
    fn count(probabilities: &[f64], labels: &[bool], threshold: f64) -> Decisions {
        let count = |leaves: bool, has_left: bool| {
            let cells = probabilities.iter().zip(labels);
            cells.filter(|(p, label)| is_flagged(**p, threshold) == leaves && **label == has_left).count()
                as f64
        };
        Decisions {
            true_positives: count(true, true),
            false_positives: count(true, false),
            true_negatives: count(false, false),
            false_negatives: count(false, true),
        }
    }

    /// 0 where nobody is said to leave.
    fn precision(&self) -> f64 {
        self.true_positives / (self.true_positives + self.false_positives).max(1.0)
    }

    fn recall(&self) -> f64 {
        self.true_positives / (self.true_positives + self.false_negatives).max(1.0)
    }

    fn f1(&self) -> f64 {
        let wrong = self.false_positives + self.false_negatives;
        2.0 * self.true_positives / (2.0 * self.true_positives + wrong).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Auc, calibration_error, lift, measure};

    fn assert_close(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-12, "{found} is not {wanted}");
    }

    /// The example of scikit-learn's documentation.
    const SCORES: [f64; 4] = [0.1, 0.4, 0.35, 0.8];
    const LABELS: [bool; 4] = [false, false, true, true];

    #[test]
    fn metrics_are_those_of_the_textbook() {
        let metrics = measure(&SCORES, &LABELS, 0.5);
        let close = |found: Option<f64>, wanted: f64| assert_close(found.unwrap(), wanted);
        close(metrics.auc, 0.75);
        close(metrics.average_precision, 0.5 + 0.5 * 2.0 / 3.0);
        close(metrics.brier, (0.01 + 0.16 + 0.4225 + 0.04) / 4.0);
        close(metrics.log_loss, -(0.9f64.ln() + 0.6f64.ln() + 0.35f64.ln() + 0.8f64.ln()) / 4.0);
        close(metrics.precision, 1.0);
        close(metrics.recall, 0.5);
        close(metrics.f1, 2.0 / 3.0);
        close(metrics.accuracy, 0.75);
        close(metrics.lift_at_10, 2.0);
    }

    #[test]
    fn ties_count_half_and_the_interval_is_delongs() {
        let auc = Auc::measure(&[0.5, 0.5, 0.5, 0.9], &[true, false, false, true]);
        assert_close(auc.area, 0.75);
        // By hand: the leavers' shares are 0.5 and 1, the stayers' 0.75 and 0.75.
        let error = (0.125f64 / 2.0).sqrt();
        assert_close(auc.low, 0.75 - 1.959_963_984_540_054 * error);
        assert_close(auc.high, 1.0);
        let perfect = Auc::measure(&[0.1, 0.2, 0.8, 0.9], &[false, false, true, true]);
        assert_eq!((perfect.low, perfect.area, perfect.high), (1.0, 1.0, 1.0));
        let mean = Auc::mean(&[auc, perfect]);
        assert_close(mean.area, 0.875);
        assert_close(mean.low, 0.875 - 1.959_963_984_540_054 * error / 2.0);
    }

    #[test]
    fn calibration_error_is_the_mean_gap_of_ten_bins() {
        let probabilities: Vec<f64> = (0..20).map(|row| f64::from(row / 2) / 10.0 + 0.05).collect();
        let all_stay = [false; 20];
        assert_close(calibration_error(&probabilities, &all_stay), 0.5);
        let half_leave: Vec<bool> = (0..20).map(|row| row % 2 == 0).collect();
        assert_close(calibration_error(&probabilities, &half_leave), 0.25);
    }

    #[test]
    fn lift_counts_the_highest_tenth() {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        let labels: Vec<bool> = (0..100).map(|row| row >= 95 || (row < 90 && row % 6 == 0)).collect();
        assert_close(lift(&scores, &labels, 0.1), 0.5 / 0.2);
    }
}
