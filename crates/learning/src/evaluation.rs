//! Judges a model on a labelled customer file.

use std::path::Path;

use scoring::Model;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::quality::Figures;
use crate::recipe;
use crate::table::Table;
use crate::target;

/// Scores the customers of a labelled file and compares with what they did, at the model's own threshold.
/// The file may be in any known vocabulary and dialect. Its target is the column that the model was trained
/// on where it is there, else the one that is found. On its training file the figures flatter a model: those
/// of its `quality.json` are honest.
pub fn evaluate(model: &Model, data: &Path) -> Result<Figures, Error> {
    let table = Table::read(data)?;
    let labels = target::of_model(&table, model.manifest().training.as_ref())?.labels;
    let dataset = Dataset::read(&table, &model.manifest().schema, labels)?;
    let probabilities = recipe::probabilities(model, &dataset);
    Ok(Figures::measure(&probabilities, &dataset.labels, model.manifest().threshold))
}
