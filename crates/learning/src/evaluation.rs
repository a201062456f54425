//! Judges a model on a labelled customer file.

use std::collections::BTreeMap;
use std::path::Path;

use scoring::{Metrics, Model};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::intervals;
use crate::metrics;
use crate::recipe;
use crate::table::Table;
use crate::target;

/// How a model does on a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Customers in the file.
    pub rows: u64,
    /// Those who left.
    pub positives: u64,
    /// At the model's own threshold. On its training file they flatter it: the manifest's are honest.
    pub metrics: Metrics,
    /// 95 % intervals, lower end and upper, under the names of the metrics.
    pub intervals: BTreeMap<String, [f64; 2]>,
}

/// Scores the customers of a labelled file and compares with what they did. The file may be in any known
/// vocabulary and dialect. Its target is the column that the model was trained on where it is there, else
/// the one that is found.
pub fn evaluate(model: &Model, data: &Path) -> Result<Evaluation, Error> {
    let table = Table::read(data)?;
    let labels = target::of_model(&table, model.manifest().training.as_ref())?.labels;
    let dataset = Dataset::read(&table, &model.manifest().schema, labels)?;
    let probabilities = recipe::probabilities(model, &dataset);
    let threshold = model.manifest().threshold;
    let metrics = metrics::measure(&probabilities, &dataset.labels, threshold);
    Ok(Evaluation {
        rows: dataset.rows() as u64,
        positives: dataset.positives() as u64,
        intervals: intervals::of(&probabilities, &dataset.labels, threshold, &metrics),
        metrics,
    })
}
