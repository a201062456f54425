//! Models side by side as one HTML file, with their ROC curves in one picture.

use askama::Template;
use scoring::Training;

use super::plot::{Axis, Plot};
use super::{rendered, words};
use crate::error::Error;
use crate::quality::Quality;

/// A model under the name by which it was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Compared<'a> {
    /// The name.
    pub name: &'a str,
    /// What was measured of it.
    pub quality: &'a Quality,
    /// Bytes of its model file.
    pub bytes: u64,
}

/// What the template `comparison.html` shows.
#[derive(Template)]
#[template(path = "comparison.html")]
struct Page {
    is_same_data: bool,
    names: Vec<String>,
    rows: Vec<Row>,
    plots: Vec<Plot>,
}

/// One thing that models have, in each of them.
struct Row {
    label: &'static str,
    /// What it is, and its interval.
    cells: Vec<(String, String)>,
}

/// Whether models were measured on the same customers in the same folds, so that their figures may be
/// compared. Nobody knows what a model without a training was measured on.
#[must_use]
pub fn is_same_data(trainings: &[Option<&Training>]) -> bool {
    let key = |training: &Training| {
        (training.sha256.clone(), training.rows, training.positives, training.folds, training.seed)
    };
    let first = trainings.first().and_then(|training| training.map(key));
    first.is_some() && trainings.iter().all(|training| training.map(key) == first)
}

/// The models side by side, as HTML.
pub fn comparison(models: &[Compared<'_>]) -> Result<String, Error> {
    let trainings: Vec<_> = models.iter().map(|model| model.quality.card.training.as_ref()).collect();
    rendered(&Page {
        is_same_data: is_same_data(&trainings),
        names: models.iter().map(|model| model.name.to_owned()).collect(),
        rows: rows(models),
        plots: vec![roc(models)],
    })
}

fn rows(models: &[Compared<'_>]) -> Vec<Row> {
    let row = |label, cell: &dyn Fn(&Compared<'_>) -> String| Row {
        label,
        cells: models.iter().map(|model| (cell(model), String::new())).collect(),
    };
    let mut rows = vec![
        row("Algorithm", &|model| words::algorithm(model.quality.card.algorithm).to_owned()),
        row("Version", &|model| model.quality.card.version.clone()),
    ];
    rows.extend(metric_rows(models));
    rows.extend([
        row("Threshold", &|model| words::threshold(model.quality.threshold)),
        row("Features", &|model| words::count(model.quality.card.features.len() as u64)),
        row("Model file", &|model| format!("{}\u{202f}kB", words::count(model.bytes.div_ceil(1_000)))),
        row("Customers", &|model| words::count(model.quality.unseen.rows)),
        row("Training file", &|model| {
            let training = model.quality.card.training.as_ref();
            training.map(|training| training.file_name.clone()).unwrap_or_default()
        }),
        row("Its SHA-256", &|model| {
            let training = model.quality.card.training.as_ref();
            training.map(|training| training.sha256.chars().take(12).collect()).unwrap_or_default()
        }),
    ]);
    rows
}

fn metric_rows(models: &[Compared<'_>]) -> Vec<Row> {
    let measured: Vec<_> = models.iter().map(|model| model.quality.unseen.named()).collect();
    let Some(first) = measured.first() else { return Vec::new() };
    let row = |key: &'static str, label| {
        let cell = |named: &Vec<crate::quality::NamedMetric>| match named.iter().find(|one| one.key == key) {
            Some(one) => {
                let show = |value: f64| words::metric(key, value);
                (show(one.value), one.interval.map(|ends| words::interval(ends, show)).unwrap_or_default())
            }
            None => ("\u{2013}".to_owned(), String::new()),
        };
        Row { label, cells: measured.iter().map(cell).collect() }
    };
    first.iter().map(|named| row(named.key, named.label)).collect()
}

/// More lines than colours take the colours again.
const COLOURS: usize = 6;

fn roc(models: &[Compared<'_>]) -> Plot {
    let plot =
        Plot::new("roc", "ROC curves", Axis::share("stayers flagged in vain"), Axis::share("leavers found"))
            .described("The further a curve is above the dashed line of chance, the better.".to_owned())
            .line("chance", "chance", &[[0.0, 0.0], [1.0, 1.0]]);
    models.iter().enumerate().fold(plot, |plot, (place, model)| {
        plot.line(&format!("curve s{}", place % COLOURS + 1), model.name, &model.quality.curves.roc)
    })
}
