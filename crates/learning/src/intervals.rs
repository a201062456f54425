//! 95 % intervals of the metrics.
//!
//! - The area under the ROC curve: DeLong's, see [`crate::metrics`].
//! - Precision, recall and accuracy are shares: Wilson's (1927).
//! - Average precision, F1, Brier score, log loss and lift: percentiles of the bootstrap, Efron and
//!   Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13, with leavers and stayers drawn
//!   separately, so that every resample has the same share of leavers.
//! - The calibration error: as far to each side as the bootstrap reaches above the measured one, and never
//!   below 0. A resample has the chance of the sample and its own in its bins, so that its error is greater
//!   on average, and percentiles alone would often lie above what was measured.

use std::collections::BTreeMap;

use rayon::prelude::*;
use scoring::Metrics;

use crate::encoding::quantile;
use crate::metrics::{BINS, LIFT_SHARE, descending, log_loss};
use crate::quality::{Confusion, Estimate};
use crate::random::Random;
use crate::threshold::is_flagged;

const RESAMPLES: u64 = 1_000;
const SEED: u64 = 0x6a09_e667_f3bc_c908;

/// The lower and upper end for each metric, under its name in [`Metrics`]. `metrics` are those of the same
/// customers. A precision without anybody flagged has none.
pub(crate) fn of(
    probabilities: &[f64],
    labels: &[bool],
    threshold: f64,
    metrics: &Metrics,
) -> BTreeMap<String, [f64; 2]> {
    let mut intervals = BTreeMap::new();
    if let (Some(low), Some(high)) = (metrics.auc_low, metrics.auc_high) {
        intervals.insert("auc".to_owned(), [low, high]);
    }
    let Confusion { true_positives, false_positives, false_negatives, true_negatives } =
        Confusion::count(probabilities, labels, threshold);
    let shares = [
        ("precision", true_positives, true_positives + false_positives),
        ("recall", true_positives, true_positives + false_negatives),
        ("accuracy", true_positives + true_negatives, labels.len() as u64),
    ];
    for (name, hits, rows) in shares {
        if let Some(share) = Estimate::share(hits, rows) {
            intervals.insert(name.to_owned(), [share.low, share.high]);
        }
    }
    let customers = Customers::new(probabilities, labels, threshold);
    let figures: Vec<Figures> = (0..RESAMPLES)
        .into_par_iter()
        .map_init(|| vec![0; labels.len()], |counts, resample| customers.resample(resample, counts))
        .collect();
    let mut ends = |name: &str, figure: fn(&Figures) -> f64| {
        let mut drawn: Vec<f64> = figures.iter().map(figure).collect();
        drawn.sort_by(f64::total_cmp);
        if let (Some(low), Some(high)) = (quantile(&drawn, 0.025), quantile(&drawn, 0.975)) {
            intervals.insert(name.to_owned(), [low, high]);
        }
    };
    ends("average_precision", |figures| figures.average_precision);
    ends("f1", |figures| figures.f1);
    ends("brier", |figures| figures.brier);
    ends("log_loss", |figures| figures.log_loss);
    ends("lift_at_10", |figures| figures.lift_at_10);
    ends("calibration_error", |figures| figures.calibration_error);
    if let (Some(error), Some(ends)) = (metrics.calibration_error, intervals.get_mut("calibration_error")) {
        let above = (ends[1] - error).max(0.0);
        *ends = [(error - above).max(0.0), error + above];
    }
    intervals.values_mut().flatten().for_each(|end| *end = (*end * 1e6).round() / 1e6);
    intervals
}

/// The metrics of one resample.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Figures {
    average_precision: f64,
    f1: f64,
    brier: f64,
    log_loss: f64,
    calibration_error: f64,
    lift_at_10: f64,
}

/// Customers from the highest probability down, in which order all metrics of a resample are sums.
struct Customers {
    rows: Vec<Row>,
    /// Places of leavers and of stayers.
    leavers: Vec<usize>,
    stayers: Vec<usize>,
}

struct Row {
    probability: f64,
    /// 1 for a leaver, else 0.
    outcome: f64,
    is_flagged: bool,
    /// Whether the next probability is another.
    is_last_of_equals: bool,
    log_loss: f64,
}

impl Customers {
    fn new(probabilities: &[f64], labels: &[bool], threshold: f64) -> Customers {
        let order = descending(probabilities);
        let row = |(place, &row): (usize, &usize)| {
            let (probability, label) = (probabilities[row], labels[row]);
            let next = order.get(place + 1).map(|&next| probabilities[next]);
            Row {
                probability,
                outcome: f64::from(u8::from(label)),
                is_flagged: is_flagged(probability, threshold),
                is_last_of_equals: next != Some(probability),
                log_loss: log_loss(probability, label),
            }
        };
        let rows: Vec<Row> = order.iter().enumerate().map(row).collect();
        let (leavers, stayers) = (0..rows.len()).partition(|&place| rows[place].outcome == 1.0);
        Customers { rows, leavers, stayers }
    }

    /// Draws as many leavers and stayers as there are, with replacement, and measures them. `counts` is
    /// room for how often each was drawn.
    fn resample(&self, resample: u64, counts: &mut [u32]) -> Figures {
        let mut random = Random::new(SEED.wrapping_add(resample));
        counts.fill(0);
        for places in [&self.leavers, &self.stayers] {
            for _ in places {
                counts[places[random.below(places.len())]] += 1;
            }
        }
        self.measure(counts)
    }

    fn measure(&self, counts: &[u32]) -> Figures {
        let (all, leavers) = (self.rows.len() as f64, self.leavers.len() as f64);
        let (mut taken, mut hits, mut gained, mut average_precision) = (0.0, 0.0, 0.0, 0.0);
        let (mut flagged, mut found, mut brier, mut log_loss) = (0.0, 0.0, 0.0, 0.0);
        let mut highest = Highest { room: (all * LIFT_SHARE).ceil().max(1.0), hits: 0.0 };
        let tenth = highest.room;
        let mut bins = Bins { rows: self.rows.len(), bin: 0, filled: 0, gap: 0.0, gaps: 0.0 };
        for (row, &count) in self.rows.iter().zip(counts) {
            let weight = f64::from(count);
            taken += weight;
            gained += weight * row.outcome;
            if row.is_last_of_equals && gained > 0.0 {
                hits += gained;
                average_precision += gained / leavers * hits / taken;
                gained = 0.0;
            }
            if row.is_flagged {
                flagged += weight;
                found += weight * row.outcome;
            }
            brier += weight * (row.probability - row.outcome).powi(2);
            log_loss += weight * row.log_loss;
            highest.add(weight, row.outcome);
            bins.add(count as usize, row.probability - row.outcome);
        }
        Figures {
            average_precision,
            f1: 2.0 * found / (flagged + leavers),
            brier: brier / all,
            log_loss: log_loss / all,
            calibration_error: bins.gaps / all,
            lift_at_10: highest.hits / tenth / (leavers / all),
        }
    }
}

/// Leavers among the first customers, while there is room.
struct Highest {
    room: f64,
    hits: f64,
}

impl Highest {
    fn add(&mut self, weight: f64, outcome: f64) {
        let taken = weight.min(self.room);
        self.room -= taken;
        self.hits += taken * outcome;
    }
}

/// Bins of equal count, filled one after the other.
struct Bins {
    rows: usize,
    bin: usize,
    filled: usize,
    gap: f64,
    gaps: f64,
}

impl Bins {
    fn add(&mut self, mut count: usize, difference: f64) {
        while count > 0 {
            let end = self.rows * (self.bin + 1) / BINS;
            let taken = count.min(end - self.filled);
            self.gap += taken as f64 * difference;
            self.filled += taken;
            count -= taken;
            if self.filled == end {
                self.gaps += self.gap.abs();
                self.gap = 0.0;
                self.bin += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Customers;
    use crate::intervals;
    use crate::metrics::measure;
    use crate::random::Random;

    /// Probabilities with ties, true of their outcomes.
    fn customers(rows: usize, seed: u64) -> (Vec<f64>, Vec<bool>) {
        let mut random = Random::new(seed);
        let probabilities: Vec<f64> =
            (0..rows).map(|_| (random.uniform().powi(2) * 200.0).round() / 200.0).collect();
        let labels = probabilities.iter().map(|&probability| random.chance(probability)).collect();
        (probabilities, labels)
    }

    #[test]
    fn everybody_drawn_once_gives_the_metrics_themselves() {
        for rows in [7, 100, 1_003] {
            let (probabilities, labels) = customers(rows, 2);
            let wanted = measure(&probabilities, &labels, 0.4);
            let found = Customers::new(&probabilities, &labels, 0.4).measure(&vec![1; rows]);
            for (found, wanted) in [
                (found.average_precision, wanted.average_precision),
                (found.f1, wanted.f1),
                (found.brier, wanted.brier),
                (found.log_loss, wanted.log_loss),
                (found.calibration_error, wanted.calibration_error),
                (found.lift_at_10, wanted.lift_at_10),
            ] {
                assert!((found - wanted.unwrap()).abs() < 1e-12, "{found} is not {wanted:?}");
            }
        }
    }

    #[test]
    fn a_resample_is_measured_as_if_it_were_written_out() {
        let (probabilities, labels) = customers(200, 3);
        let customers = Customers::new(&probabilities, &labels, 0.4);
        let mut counts = vec![0; 200];
        let found = customers.resample(5, &mut counts);
        let drawn = customers.rows.iter().zip(&counts).flat_map(|(row, &count)| {
            std::iter::repeat_n((row.probability, row.outcome == 1.0), count as usize)
        });
        let (drawn, outcomes): (Vec<f64>, Vec<bool>) = drawn.unzip();
        assert_eq!(outcomes.iter().filter(|&&left| left).count(), customers.leavers.len());
        let wanted = measure(&drawn, &outcomes, 0.4);
        assert!((found.average_precision - wanted.average_precision.unwrap()).abs() < 1e-12);
        assert!((found.calibration_error - wanted.calibration_error.unwrap()).abs() < 1e-12);
        assert!((found.lift_at_10 - wanted.lift_at_10.unwrap()).abs() < 1e-12);
        assert!((found.f1 - wanted.f1.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn every_metric_has_an_interval_around_it_with_the_right_width() {
        let (probabilities, labels) = customers(4_000, 4);
        let metrics = measure(&probabilities, &labels, 0.4);
        let found = intervals::of(&probabilities, &labels, 0.4, &metrics);
        let values = serde_json::to_value(&metrics).unwrap();
        let names = values.as_object().unwrap().keys().filter(|name| !name.starts_with("auc_"));
        for name in names {
            let value = values[name].as_f64().unwrap();
            let [low, high] = found[name];
            assert!(low < value && value < high && high - low < (0.5 * value).max(0.05), "{name}: {found:?}");
        }
        // The Brier score is a mean, whose interval is known without resampling; leavers and stayers are
        // drawn separately, so that only the spread among each of them counts.
        let variance = |wanted: bool| {
            let rows = probabilities.iter().zip(&labels).filter(|(_, label)| **label == wanted);
            let errors: Vec<f64> = rows.map(|(p, label)| (p - f64::from(u8::from(*label))).powi(2)).collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            errors.iter().map(|error| (error - mean).powi(2)).sum::<f64>()
        };
        let width = 2.0 * 1.96 * (variance(true) + variance(false)).sqrt() / 4_000.0;
        let [low, high] = found["brier"];
        assert!(((high - low) / width - 1.0).abs() < 0.1, "{} {width}", high - low);
    }

    #[test]
    fn intervals_are_the_same_on_any_number_of_threads() {
        let (probabilities, labels) = customers(300, 5);
        let metrics = measure(&probabilities, &labels, 0.4);
        let with = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| intervals::of(&probabilities, &labels, 0.4, &metrics))
        };
        assert_eq!(with(1), with(3));
    }

    #[test]
    fn a_precision_of_nobody_has_no_interval() {
        let metrics = measure(&[0.1, 0.2, 0.3], &[false, true, false], 0.9);
        let found = intervals::of(&[0.1, 0.2, 0.3], &[false, true, false], 0.9, &metrics);
        assert!(!found.contains_key("precision") && found["recall"][0] == 0.0);
    }
}
