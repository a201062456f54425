//! The metrics of one part of the customers.

use std::collections::BTreeMap;

use scoring::Metrics;
use serde::{Deserialize, Serialize};

use super::rounded;
use crate::intervals;
use crate::metrics::{self, Auc};
use crate::threshold::is_flagged;

/// How well a part of the customers is predicted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Customers in it.
    pub rows: u64,
    /// Those who left.
    pub positives: u64,
    /// At the model's threshold.
    pub metrics: Metrics,
    /// 95 % intervals, lower end and upper, under the names of the metrics. The area under the curve has
    /// DeLong's, the shares have Wilson's, and the others a bootstrap's.
    pub intervals: BTreeMap<String, [f64; 2]>,
    /// What the threshold makes of them.
    pub confusion: Confusion,
}

/// Customers by what the model said at its threshold and what they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Flagged, and they left.
    pub true_positives: u64,
    /// Flagged, but they stayed.
    pub false_positives: u64,
    /// Not flagged, but they left.
    pub false_negatives: u64,
    /// Not flagged, and they stayed.
    pub true_negatives: u64,
}

impl Confusion {
    /// Counts; `threshold` is flagged itself.
    pub(crate) fn count(probabilities: &[f64], labels: &[bool], threshold: f64) -> Confusion {
        let count = |flagged: bool, left: bool| {
            let cells = probabilities.iter().zip(labels);
            cells.filter(|(p, label)| is_flagged(**p, threshold) == flagged && **label == left).count() as u64
        };
        Confusion {
            true_positives: count(true, true),
            false_positives: count(true, false),
            false_negatives: count(false, true),
            true_negatives: count(false, false),
        }
    }

    /// Customers whom the threshold flags as leaving.
    #[must_use]
    pub fn flagged(&self) -> u64 {
        self.true_positives + self.false_positives
    }
}

/// A metric with its name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NamedMetric {
    /// As in a manifest, such as `average_precision`.
    pub key: &'static str,
    /// In words.
    pub label: &'static str,
    /// What was measured.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
}

/// The metrics that were measured, the most telling first, with such intervals as there are.
#[must_use]
pub fn named_metrics(metrics: &Metrics, intervals: &BTreeMap<String, [f64; 2]>) -> Vec<NamedMetric> {
    let all = [
        ("auc", "ROC AUC", metrics.auc),
        ("average_precision", "Average precision", metrics.average_precision),
        ("recall", "Recall", metrics.recall),
        ("precision", "Precision", metrics.precision),
        ("f1", "F1", metrics.f1),
        ("accuracy", "Accuracy", metrics.accuracy),
        ("lift_at_10", "Lift at 10 %", metrics.lift_at_10),
        ("calibration_error", "Calibration error", metrics.calibration_error),
        ("brier", "Brier score", metrics.brier),
        ("log_loss", "Log loss", metrics.log_loss),
    ];
    let known = all.into_iter().filter_map(|(key, label, value)| {
        Some(NamedMetric { key, label, value: value?, interval: intervals.get(key).copied() })
    });
    known.collect()
}

impl Figures {
    /// The metrics that were measured, the most telling first.
    #[must_use]
    pub fn named(&self) -> Vec<NamedMetric> {
        named_metrics(&self.metrics, &self.intervals)
    }

    /// There must be leavers and stayers.
    pub(crate) fn measure(probabilities: &[f64], labels: &[bool], threshold: f64) -> Figures {
        let metrics = rounded_metrics(metrics::measure(probabilities, labels, threshold));
        Figures {
            rows: labels.len() as u64,
            positives: labels.iter().filter(|&&label| label).count() as u64,
            intervals: intervals::of(probabilities, labels, threshold, &metrics),
            metrics,
            confusion: Confusion::count(probabilities, labels, threshold),
        }
    }

    fn set_auc(&mut self, auc: Auc) {
        let [area, low, high] = [auc.area, auc.low, auc.high].map(rounded);
        self.metrics = Metrics { auc: Some(area), auc_low: Some(low), auc_high: Some(high), ..self.metrics };
        self.intervals.insert("auc".to_owned(), [low, high]);
    }
}

fn rounded_metrics(metrics: Metrics) -> Metrics {
    let round = |metric: Option<f64>| metric.map(rounded);
    Metrics {
        auc: round(metrics.auc),
        auc_low: round(metrics.auc_low),
        auc_high: round(metrics.auc_high),
        average_precision: round(metrics.average_precision),
        brier: round(metrics.brier),
        log_loss: round(metrics.log_loss),
        calibration_error: round(metrics.calibration_error),
        f1: round(metrics.f1),
        precision: round(metrics.precision),
        recall: round(metrics.recall),
        accuracy: round(metrics.accuracy),
        lift_at_10: round(metrics.lift_at_10),
    }
}

/// All customers together, with the mean of the folds' areas under the curve, and each fold.
pub(crate) fn by_fold(
    probabilities: &[f64],
    labels: &[bool],
    fold_of: &[usize],
    threshold: f64,
) -> (Figures, Vec<Figures>) {
    let folds = fold_of.iter().max().map_or(0, |last| last + 1);
    let part = |fold: usize| -> (Vec<f64>, Vec<bool>) {
        let rows = (0..labels.len()).filter(|&row| fold_of[row] == fold);
        rows.map(|row| (probabilities[row], labels[row])).unzip()
    };
    let parts: Vec<_> = (0..folds).map(part).collect();
    let areas: Vec<Auc> = parts.iter().map(|(scores, labels)| Auc::measure(scores, labels)).collect();
    let mut all = Figures::measure(probabilities, labels, threshold);
    all.set_auc(Auc::mean(&areas));
    let measure =
        |(probabilities, labels): &(Vec<f64>, Vec<bool>)| Figures::measure(probabilities, labels, threshold);
    (all, parts.iter().map(measure).collect())
}
