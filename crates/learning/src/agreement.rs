//! Holds an imported model against predictions that its own library made.

use std::path::Path;

use scoring::{Algorithm, Model, names};
use serde::Serialize;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::table::Table;

/// How far a model is from reference predictions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Customers that were compared.
    pub rows: u64,
    /// What the reference predictions are.
    pub compared: Compared,
    /// The greatest difference.
    pub greatest_difference: f64,
    /// The line of the reference predictions where it is, the header's being 1.
    pub line: u64,
    /// The most that the difference may be.
    pub tolerance: f64,
}

/// What a reference prediction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Compared {
    /// The probability of class 1.
    Probability,
    /// The sum of the trees before it is made a probability (`RawFormulaVal`, `output_margin`).
    LogOdds,
}

impl Agreement {
    /// Whether the model gives the reference predictions.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.greatest_difference <= self.tolerance
    }
}

/// Scores customers and compares with a file of predictions for them, in the same order.
///
/// Both files have a header. Where the predictions have several columns, the one is taken whose name tells
/// that it is a prediction, and predictions are log-odds where that name says so or where one is below 0 or
/// above 1. Without a tolerance it is what the engine promises: 1e-9. XGBoost sums in 32 bits: its
/// probabilities may differ by 1e-6, its log-odds, whose sum loses more the more trees there are, by 1e-5.
pub fn agreement(
    model: &Model,
    customers: &Path,
    predictions: &Path,
    tolerance: Option<f64>,
) -> Result<Agreement, Error> {
    let expected = Expected::read(&Table::read(predictions)?)?;
    let table = Table::read(customers)?;
    if expected.values.len() != table.rows() {
        let (predictions, rows) = (expected.values.len(), table.rows());
        return Err(Error::Data(format!(
            "there are {predictions} predictions for {rows} customers (the first line of each file is its header)"
        )));
    }
    // What the customers did does not matter here.
    let unlabelled = vec![false; table.rows()];
    let dataset = Dataset::read(&table, &model.manifest().schema, unlabelled)?;
    let mut ours = model.raw_scores(table.rows(), &dataset.numbers, &dataset.codes);
    if expected.compared == Compared::Probability {
        ours.iter_mut().for_each(|score| *score = model.manifest().calibration.probability(*score));
    }
    let differences = ours.iter().zip(&expected.values).map(|(ours, theirs)| (ours - theirs).abs());
    let (row, greatest_difference) =
        differences.enumerate().max_by(|left, right| left.1.total_cmp(&right.1)).unwrap_or_default();
    Ok(Agreement {
        rows: table.rows() as u64,
        compared: expected.compared,
        greatest_difference,
        line: expected.lines[row],
        tolerance: tolerance.unwrap_or_else(|| promised(model.manifest().algorithm, expected.compared)),
    })
}

fn promised(algorithm: Algorithm, compared: Compared) -> f64 {
    match (algorithm, compared) {
        (Algorithm::Xgboost, Compared::Probability) => 1e-6,
        (Algorithm::Xgboost, Compared::LogOdds) => 1e-5,
        _ => 1e-9,
    }
}

/// The predictions of a file.
struct Expected {
    compared: Compared,
    values: Vec<f64>,
    lines: Vec<u64>,
}

impl Expected {
    fn read(table: &Table) -> Result<Expected, Error> {
        let column = prediction_column(&table.header)?;
        let mut values = Vec::with_capacity(table.rows());
        for (row, cell) in table.cells(column).enumerate() {
            let number = table.number(cell).filter(|number| !number.is_nan());
            let error = || table.cell_error(row, column, format!("{cell:?} is not a number"));
            values.push(number.ok_or_else(error)?);
        }
        let is_raw = says_raw(&table.header[column]);
        let are_raw = values.iter().any(|value| !(0.0..=1.0).contains(value));
        let compared = if is_raw || are_raw { Compared::LogOdds } else { Compared::Probability };
        Ok(Expected { compared, values, lines: (0..table.rows()).map(|row| table.line(row)).collect() })
    }
}

fn says_raw(name: &str) -> bool {
    ["raw", "margin", "odds"].iter().any(|word| names::key(name).contains(word))
}

fn prediction_column(header: &[String]) -> Result<usize, Error> {
    if header.len() == 1 {
        return Ok(0);
    }
    let is_prediction = |name: &str| {
        says_raw(name) || ["prob", "predict", "score"].iter().any(|word| names::key(name).contains(word))
    };
    let mut found = (0..header.len()).filter(|&column| is_prediction(&header[column]));
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column),
        _ => Err(Error::Data(format!(
            "which of its columns is the prediction? Leave one of {header:?}, or call one of them probability or raw"
        ))),
    }
}
