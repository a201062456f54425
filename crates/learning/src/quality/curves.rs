//! Curves: how good the model is at every threshold, as few points as a picture needs.

use serde::{Deserialize, Serialize};

use super::{Estimate, rounded};
use crate::threshold::is_flagged;

/// The most points of a curve.
const POINTS_MAX: usize = 200;
/// Bins of the calibration curve; the same as those of the calibration error.
const BINS: usize = 10;
/// Steps by which the customers are taken, the riskiest first.
const STEPS: usize = 100;

/// A point of a curve, x before y.
pub type Point = [f64; 2];

/// Curves over all thresholds.
///
/// Customers of equal probability are taken in any order: between them the curves are straight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curves {
    /// Share of the stayers who are flagged, and share of the leavers who are; from (0, 0) to (1, 1).
    pub roc: Vec<Point>,
    /// Recall and precision, the highest threshold first.
    pub precision_recall: Vec<Point>,
    /// Bins of equal count, the lowest probability first.
    pub calibration: Vec<CalibrationBin>,
    /// Share of the customers taken, the riskiest first, and share of the leavers among them.
    pub gain: Vec<Point>,
    /// Share of the customers taken, and how many times more leavers than average are among them.
    pub lift: Vec<Point>,
    /// Where costs were given.
    pub profit: Option<ProfitCurve>,
}

/// Customers with similar probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Customers in it.
    pub rows: u64,
    /// The mean of their probabilities.
    pub mean_probability: f64,
    /// The share of them who left.
    pub left: Estimate,
}

/// What it costs to talk to a customer, and what it brings; all in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// Of contacting one customer.
    pub contact_cost: f64,
    /// Of one leaver who stays after all.
    pub retained_value: f64,
    /// The share of contacted leavers who stay after all.
    pub success_rate: f64,
}

/// What contacting the riskiest customers brings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProfitCurve {
    /// What was assumed.
    pub costs: Costs,
    /// Share of the customers contacted, and the profit for each 1,000 customers of the file.
    pub points: Vec<Point>,
    /// The point of the highest profit.
    pub best: Point,
    /// The point of the model's threshold.
    pub at_threshold: Point,
}

impl Curves {
    pub(crate) fn draw(
        probabilities: &[f64],
        labels: &[bool],
        threshold: f64,
        costs: Option<Costs>,
    ) -> Curves {
        let ranking = Ranking::new(probabilities, labels);
        Curves {
            roc: ranking.roc(),
            precision_recall: ranking.precision_recall(),
            calibration: calibration(probabilities, labels),
            gain: (0..=STEPS).map(|step| ranking.gain(share(step))).collect(),
            lift: (1..=STEPS).map(|step| ranking.lift(share(step))).collect(),
            profit: costs.map(|costs| ranking.profit(costs, threshold)),
        }
    }
}

fn share(step: usize) -> f64 {
    step as f64 / STEPS as f64
}

/// Customers from the highest probability down.
struct Ranking {
    rows: f64,
    positives: f64,
    /// One for each distinct probability, after one at which nobody is taken.
    steps: Vec<Step>,
}

/// Those with at least this probability.
#[derive(Clone, Copy)]
struct Step {
    probability: f64,
    taken: f64,
    hits: f64,
}

impl Ranking {
    fn new(probabilities: &[f64], labels: &[bool]) -> Ranking {
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&left, &right| probabilities[right].total_cmp(&probabilities[left]));
        let mut now = Step { probability: f64::INFINITY, taken: 0.0, hits: 0.0 };
        let mut steps = vec![now];
        for equal in order.chunk_by(|&left, &right| probabilities[left] == probabilities[right]) {
            now.probability = probabilities[equal[0]];
            now.taken += equal.len() as f64;
            now.hits += equal.iter().filter(|&&row| labels[row]).count() as f64;
            steps.push(now);
        }
        Ranking { rows: now.taken, positives: now.hits, steps }
    }

    fn roc(&self) -> Vec<Point> {
        let negatives = self.rows - self.positives;
        let point = |step: &Step| [(step.taken - step.hits) / negatives, step.hits / self.positives];
        thinned(&self.steps).map(point).map(|point| point.map(rounded)).collect()
    }

    fn precision_recall(&self) -> Vec<Point> {
        let point = |step: &Step| [step.hits / self.positives, step.hits / step.taken];
        thinned(&self.steps[1..]).map(point).map(|point| point.map(rounded)).collect()
    }

    /// The leavers among this share of the customers, on average over the orders of equal ones.
    fn hits(&self, share: f64) -> f64 {
        let taken = share * self.rows;
        let above = self.steps.partition_point(|step| step.taken < taken).clamp(1, self.steps.len() - 1);
        let (before, after) = (self.steps[above - 1], self.steps[above]);
        let way = (taken - before.taken) / (after.taken - before.taken);
        before.hits + way.clamp(0.0, 1.0) * (after.hits - before.hits)
    }

    fn gain(&self, share: f64) -> Point {
        [share, self.hits(share) / self.positives].map(rounded)
    }

    fn lift(&self, share: f64) -> Point {
        [share, self.hits(share) / self.positives / share].map(rounded)
    }

    fn profit(&self, costs: Costs, threshold: f64) -> ProfitCurve {
        let profit = |share: f64| {
            let saved = self.hits(share) * costs.success_rate * costs.retained_value;
            let spent = share * self.rows * costs.contact_cost;
            [share, (saved - spent) / self.rows * 1_000.0].map(rounded)
        };
        let points: Vec<Point> = (0..=STEPS).map(|step| profit(share(step))).collect();
        let higher = |best: Point, point: &Point| if point[1] > best[1] { *point } else { best };
        let best = points.iter().fold(points[0], higher);
        let flagged = self.steps.partition_point(|step| is_flagged(step.probability, threshold)) - 1;
        let at_threshold = profit(self.steps[flagged].taken / self.rows);
        ProfitCurve { costs, points, best, at_threshold }
    }
}

/// Bins of equal count, as the calibration error takes them.
fn calibration(probabilities: &[f64], labels: &[bool]) -> Vec<CalibrationBin> {
    let rows = labels.len();
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&left, &right| probabilities[right].total_cmp(&probabilities[left]));
    let bin = |bin: usize| {
        let inside = &order[rows * bin / BINS..rows * (bin + 1) / BINS];
        let hits = inside.iter().filter(|&&row| labels[row]).count() as u64;
        let left = Estimate::share(hits, inside.len() as u64)?;
        let sum: f64 = inside.iter().map(|&row| probabilities[row]).sum();
        let mean_probability = rounded(sum / inside.len() as f64);
        Some(CalibrationBin { rows: inside.len() as u64, mean_probability, left })
    };
    (0..BINS).rev().filter_map(bin).collect()
}

/// At most [`POINTS_MAX`] of them, evenly, the first and the last included.
fn thinned<T>(all: &[T]) -> impl Iterator<Item = &T> {
    let kept = all.len().min(POINTS_MAX);
    let last = kept.saturating_sub(1).max(1);
    (0..kept).map(move |place| &all[place * (all.len() - 1) / last])
}

#[cfg(test)]
mod tests {
    use super::{Costs, Curves, POINTS_MAX};
    use crate::metrics;
    use crate::random::Random;

    const SCORES: [f64; 5] = [0.9, 0.5, 0.7, 0.5, 0.1];
    const LABELS: [bool; 5] = [true, true, false, false, false];

    #[test]
    fn curves_are_those_counted_by_hand() {
        let curves = Curves::draw(&SCORES, &LABELS, 0.6, None);
        let third = 0.333333;
        assert_eq!(curves.roc, [[0.0, 0.0], [0.0, 0.5], [third, 0.5], [0.666667, 1.0], [1.0, 1.0]]);
        assert_eq!(curves.precision_recall, [[0.5, 1.0], [0.5, 0.5], [1.0, 0.5], [1.0, 0.4]]);
        // Half-way through the two customers of equal probability lies half of their one leaver.
        assert_eq!(
            [0, 20, 40, 60, 80, 100].map(|step| curves.gain[step][1]),
            [0.0, 0.5, 0.5, 0.75, 1.0, 1.0]
        );
        assert_eq!([19, 59, 99].map(|step| curves.lift[step]), [[0.2, 2.5], [0.6, 1.25], [1.0, 1.0]]);
        assert_eq!(curves.profit, None);
        assert_eq!(curves.calibration.iter().map(|bin| bin.rows).sum::<u64>(), 5);
        assert_eq!((curves.calibration[0].mean_probability, curves.calibration[4].left.value), (0.1, 1.0));
    }

    #[test]
    fn profit_is_what_is_saved_less_what_is_spent() {
        let costs = Costs { contact_cost: 1.0, retained_value: 10.0, success_rate: 0.5 };
        let profit = Curves::draw(&SCORES, &LABELS, 0.6, Some(costs)).profit.unwrap();
        // One customer in five contacted, a leaver: 5 saved and 1 spent. Two: 5 and 2. Four: 10 and 4.
        assert_eq!((profit.points[20], profit.at_threshold), ([0.2, 800.0], [0.4, 600.0]));
        assert_eq!((profit.best, profit.points[100]), ([0.8, 1200.0], [1.0, 1000.0]));
    }

    #[test]
    fn long_curves_are_thinned_and_agree_with_the_metrics() {
        let mut random = Random::new(1);
        let scores: Vec<f64> = (0..2_000).map(|_| random.uniform()).collect();
        let labels: Vec<bool> = scores.iter().map(|&score| random.chance(score * score)).collect();
        let curves = Curves::draw(&scores, &labels, 0.5, None);
        assert_eq!((curves.roc.len(), curves.precision_recall.len()), (POINTS_MAX, POINTS_MAX));
        assert_eq!((curves.roc[0], curves.roc[POINTS_MAX - 1]), ([0.0, 0.0], [1.0, 1.0]));
        let metrics = metrics::measure(&scores, &labels, 0.5);
        let trapezium = |pair: &[[f64; 2]]| (pair[1][0] - pair[0][0]) * (pair[0][1] + pair[1][1]) / 2.0;
        let area: f64 = curves.roc.windows(2).map(trapezium).sum();
        assert!((area - metrics.auc.unwrap()).abs() < 2e-3, "{area}");
        let gap = |bin: &super::CalibrationBin| (bin.mean_probability - bin.left.value).abs() / 10.0;
        let error: f64 = curves.calibration.iter().map(gap).sum();
        assert!((error - metrics.calibration_error.unwrap()).abs() < 1e-6, "{error}");
        assert!((curves.lift[9][1] - metrics.lift_at_10.unwrap()).abs() < 1e-6);
    }
}
