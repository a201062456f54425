//! What came out of a file, in a few numbers.

use serde::{Deserialize, Serialize};

use crate::model::Model;
use crate::problem::{PROBLEMS_MAX, Problem};
use crate::shap::{Cells, Effects, FeatureEffect};

/// Equal parts of 0 to 1 in a histogram.
const BINS: u32 = 20;
/// Probabilities are added up as whole numbers, so that the sum never depends on the order.
const MILLION: u32 = 1_000_000;

/// The summary of a scored file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// All customers.
    pub rows: u64,
    /// Those that could not be scored.
    pub rows_skipped: u64,
    /// Those who stay.
    pub stays: u64,
    /// Those who leave.
    pub leaves: u64,
    /// The mean over the scored customers.
    pub mean_churn_probability: f64,
    /// Scored customers in 20 equal parts of the probabilities from 0 to 1.
    pub histogram: Vec<u64>,
    /// Columns with values that the model does not know; other columns are not listed.
    pub unknown_categories: Vec<UnknownCategory>,
    /// Why, over all customers, where reasons were asked for; the most important feature first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<FeatureEffect>,
}

/// Customers whose value in one column the model does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCategory {
    /// The column's name in the file.
    pub column: String,
    /// How many customers.
    pub count: u64,
}

/// Counts of a part of a file. Parts are added in the file's order, for the sake of the problems.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    pub(crate) rows: u64,
    pub(crate) skipped: u64,
    leaves: u64,
    millionths: u64,
    histogram: [u64; BINS as usize],
    /// Customers with an unknown value, per category.
    pub(crate) unknown: Vec<u64>,
    /// The first problems of customers that were skipped, [`PROBLEMS_MAX`] at most.
    pub(crate) problems: Vec<Problem>,
    /// Of the reasons.
    pub(crate) effects: Effects,
}

impl Tally {
    /// Counts a scored customer.
    #[inline]
    pub(crate) fn count(&mut self, millionths: u32, leaves: bool) {
        self.rows += 1;
        self.leaves += u64::from(leaves);
        self.millionths += u64::from(millionths);
        let bin = (millionths / (MILLION / BINS)).min(BINS - 1);
        self.histogram[bin as usize] += 1;
    }

    /// Counts a customer that could not be scored.
    pub(crate) fn count_skipped(&mut self) {
        self.rows += 1;
        self.skipped += 1;
    }

    /// Keeps the first problems.
    pub(crate) fn add_problems(&mut self, problems: Vec<Problem>) {
        let room = PROBLEMS_MAX - self.problems.len();
        self.problems.extend(problems.into_iter().take(room));
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.rows += other.rows;
        self.skipped += other.skipped;
        self.leaves += other.leaves;
        self.millionths += other.millionths;
        for (sum, count) in self.histogram.iter_mut().zip(&other.histogram) {
            *sum += count;
        }
        self.unknown.resize(self.unknown.len().max(other.unknown.len()), 0);
        for (sum, count) in self.unknown.iter_mut().zip(&other.unknown) {
            *sum += count;
        }
        self.effects.add(&other.effects);
        self.add_problems(other.problems);
    }

    pub(crate) fn scored(&self) -> u64 {
        self.rows - self.skipped
    }

    pub(crate) fn summary(&self, model: &Model, unknown_categories: Vec<UnknownCategory>) -> Summary {
        let scored = self.scored();
        Summary {
            rows: self.rows,
            rows_skipped: self.skipped,
            stays: scored - self.leaves,
            leaves: self.leaves,
            mean_churn_probability: self.millionths as f64 / f64::from(MILLION) / scored.max(1) as f64,
            histogram: self.histogram.to_vec(),
            unknown_categories,
            effects: self.effects.finish(model.manifest(), &Cells::new(model.manifest(), model.slots())),
        }
    }
}
