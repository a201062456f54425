//! What is known of a model as one HTML file: `report.html` beside its manifest.
//!
//! The file needs nothing else: pictures are SVG inside it, there is no script, and its policy forbids the
//! browser to fetch anything. Names out of data are escaped by the templates. It is well-formed XML too, so
//! that a test can read it. The same quality gives the same bytes.

mod comparison;
mod pictures;
mod plot;
mod tables;
mod words;

use askama::Template;

pub use comparison::{Compared, comparison, is_same_data};
pub use words::algorithm as algorithm_name;

use crate::error::Error;
use crate::quality::Quality;
use plot::Plot;
use tables::{
    CalibrationRow, ConfusionTable, Fact, FairnessTable, FeatureRow, FoldTable, ImportanceRow, MetricRow,
    TenthRow,
};

/// The name of this file in a model's directory.
pub const REPORT_FILE: &str = "report.html";

/// What the template `report.html` shows.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    quality: &'a Quality,
    algorithm: &'static str,
    headline: &'static str,
    verdict: Vec<String>,
    how: String,
    threshold: String,
    facts: Vec<Fact>,
    plots: Vec<Plot>,
    tenths: Vec<TenthRow>,
    calibration: Vec<CalibrationRow>,
    confusion: ConfusionTable,
    metrics: Vec<MetricRow>,
    folds: FoldTable,
    importance: Vec<ImportanceRow>,
    fairness: Vec<FairnessTable>,
    card: Vec<Fact>,
    features: Vec<FeatureRow>,
    parameters: Vec<Fact>,
}

/// The report of a model, as HTML.
pub fn html(quality: &Quality) -> Result<String, Error> {
    let page = Page {
        quality,
        algorithm: words::algorithm(quality.card.algorithm),
        headline: words::headline(quality),
        verdict: words::verdict(quality),
        how: words::how_measured(quality),
        threshold: words::threshold(quality.threshold),
        facts: tables::facts(&quality.unseen),
        plots: pictures::all(quality),
        tenths: tables::tenths(quality),
        calibration: tables::calibration(quality),
        confusion: ConfusionTable::new(&quality.unseen.confusion),
        metrics: tables::metrics(quality),
        folds: FoldTable::new(&quality.folds),
        importance: tables::importance(&quality.importance),
        fairness: quality.fairness.iter().map(FairnessTable::new).collect(),
        card: tables::card(quality),
        features: tables::features(&quality.card),
        parameters: tables::parameters(&quality.card),
    };
    rendered(&page)
}

fn rendered(page: &impl Template) -> Result<String, Error> {
    page.render().map_err(|error| Error::Training(format!("the report cannot be written: {error}")))
}

#[cfg(test)]
mod tests;
