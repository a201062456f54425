//! `augur models compare`: models side by side, and whether their figures may be compared.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use learning::quality::{NamedMetric, Quality, named_metrics};
use learning::report::{self, Compared};
use scoring::{Manifest, Training};
use serde_json::{Value, json};

use super::algorithm;
use crate::commands::Global;
use crate::model_source::{FoundModel, ModelSource};
use crate::output::{Output, print_json, print_line};

/// Put models side by side: quality with intervals, threshold, size, and what they learned from
///
/// Figures may only be compared where the models were measured on the same customers in the same folds;
/// where they were not, that is said first. `augur evaluate` judges any model on one file.
#[derive(Args)]
pub struct Arguments {
    /// Names or directories of two models or more
    #[arg(required = true, num_args = 2.., value_name = "MODEL")]
    models: Vec<PathBuf>,
    /// Write a page with the models' ROC curves in one picture
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Look here first
    #[arg(long, value_name = "DIR")]
    models_dir: Option<PathBuf>,
}

/// A model and what was measured of it.
struct Candidate {
    name: String,
    found: FoundModel,
    bytes: u64,
    metrics: Vec<NamedMetric>,
    quality: Option<Quality>,
}

impl Candidate {
    fn find(source: &ModelSource, wanted: &Path) -> Result<Candidate> {
        let found = source.find(wanted)?;
        let quality = found.quality()?;
        let metrics = match &quality {
            Some(quality) => quality.unseen.named(),
            None => manifest_metrics(found.model.manifest()),
        };
        let name = wanted.display().to_string();
        Ok(Candidate { name, bytes: found.model_bytes()?, found, metrics, quality })
    }

    fn manifest(&self) -> &Manifest {
        self.found.model.manifest()
    }

    fn training(&self) -> Option<&Training> {
        self.manifest().training.as_ref()
    }
}

/// A model made before qualities were written has the area's interval in its manifest, and no other.
fn manifest_metrics(manifest: &Manifest) -> Vec<NamedMetric> {
    let metrics = &manifest.metrics;
    let area = metrics.auc_low.zip(metrics.auc_high).map(|(low, high)| ("auc".to_owned(), [low, high]));
    named_metrics(metrics, &BTreeMap::from_iter(area))
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let source = ModelSource::new(arguments.models_dir.as_deref());
    let candidates = arguments.models.iter().map(|wanted| Candidate::find(&source, wanted));
    let candidates = candidates.collect::<Result<Vec<Candidate>>>()?;
    if let Some(path) = &arguments.html {
        write_page(&candidates, path)?;
    }
    let is_same_data = report::is_same_data(&candidates.iter().map(Candidate::training).collect::<Vec<_>>());
    if global.json {
        let models: Vec<Value> = candidates.iter().map(describe).collect();
        return print_json(&json!({ "same_data": is_same_data, "models": models }));
    }
    if !is_same_data {
        print_line("measured on different customers or folds: the figures must not be compared")?;
        print_line("(augur evaluate judges each of them on one file)")?;
    }
    table(&candidates).iter().try_for_each(|line| print_line(line))
}

fn write_page(candidates: &[Candidate], path: &Path) -> Result<()> {
    let mut compared = Vec::with_capacity(candidates.len());
    for Candidate { name, quality, bytes, .. } in candidates {
        let Some(quality) = quality else {
            bail!("{name} has no curves: no quality.json lies beside its manifest; train it again");
        };
        compared.push(Compared { name, quality, bytes: *bytes });
    }
    let page = report::comparison(&compared)?;
    let mut output = Output::open(Some(path))?;
    output.write_all(page.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    output.finish()
}

fn describe(candidate: &Candidate) -> Value {
    let manifest = candidate.manifest();
    let intervals: BTreeMap<&str, [f64; 2]> =
        candidate.metrics.iter().filter_map(|metric| Some((metric.key, metric.interval?))).collect();
    let values: BTreeMap<&str, f64> =
        candidate.metrics.iter().map(|metric| (metric.key, metric.value)).collect();
    json!({
        "name": candidate.name,
        "algorithm": manifest.algorithm,
        "version": manifest.version,
        "metrics": values,
        "intervals": intervals,
        "threshold": manifest.threshold,
        "features": manifest.schema.features.len(),
        "inputs": manifest.inputs.len(),
        "bytes": candidate.bytes,
        "training": manifest.training,
        "directory": candidate.found.directory,
    })
}

/// The lines of the table: a label, then a column for each model.
fn table(candidates: &[Candidate]) -> Vec<String> {
    let row = |label: &str, cell: &dyn Fn(&Candidate) -> String| {
        let cells = candidates.iter().map(cell).collect::<Vec<_>>();
        (label.to_owned(), cells)
    };
    let training = |cell: &'static dyn Fn(&Training) -> String| {
        move |candidate: &Candidate| candidate.training().map_or_else(|| "not known".to_owned(), cell)
    };
    let mut rows = vec![
        row("", &|candidate| candidate.name.clone()),
        row("algorithm", &|candidate| algorithm(candidate.manifest())),
        row("version", &|candidate| candidate.manifest().version.clone()),
    ];
    let mut known: Vec<NamedMetric> = Vec::new();
    for metric in candidates.iter().flat_map(|candidate| &candidate.metrics) {
        if known.iter().all(|other| other.key != metric.key) {
            known.push(*metric);
        }
    }
    rows.extend(known.iter().map(|metric| row(metric.label, &|candidate| shown(candidate, metric.key))));
    rows.extend([
        row("threshold", &|candidate| candidate.manifest().threshold.to_string()),
        row("features", &|candidate| candidate.manifest().schema.features.len().to_string()),
        row("inputs", &|candidate| candidate.manifest().inputs.len().to_string()),
        row("model file, bytes", &|candidate| candidate.bytes.to_string()),
        row("training file", &training(&|training| training.file_name.clone())),
        row("  SHA-256", &training(&|training| training.sha256.chars().take(12).collect())),
        row("  customers", &training(&|training| training.rows.to_string())),
        row("  folds, seed", &training(&|training| format!("{}, {}", training.folds, training.seed))),
    ]);
    aligned(&rows)
}

fn shown(candidate: &Candidate, key: &str) -> String {
    match candidate.metrics.iter().find(|metric| metric.key == key) {
        None => "not measured".to_owned(),
        Some(NamedMetric { value, interval: None, .. }) => format!("{value:.4}"),
        Some(NamedMetric { value, interval: Some([low, high]), .. }) => {
            format!("{value:.4} ({low:.4}-{high:.4})")
        }
    }
}

/// Columns as wide as their widest cell.
fn aligned(rows: &[(String, Vec<String>)]) -> Vec<String> {
    let width = |cells: &mut dyn Iterator<Item = &String>| {
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let labels = width(&mut rows.iter().map(|(label, _)| label));
    let columns = rows.first().map_or(0, |(_, cells)| cells.len());
    let widths: Vec<usize> =
        (0..columns).map(|column| width(&mut rows.iter().map(|(_, cells)| &cells[column]))).collect();
    let line = |(label, cells): &(String, Vec<String>)| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("  {cell:<width$}"));
        format!("{label:<labels$}{}", cells.collect::<String>()).trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |label: &str, cells: [&str; 2]| (label.to_owned(), cells.map(str::to_owned).to_vec());
        let rows = [row("", ["a", "model"]), row("ROC AUC", ["0.8500 (é)", "1"])];
        assert_eq!(aligned(&rows), ["         a           model", "ROC AUC  0.8500 (é)  1"]);
    }

    #[test]
    fn shipped_models_are_compared_by_name() {
        let source = ModelSource::new(Some(Path::new("/nowhere")));
        let candidates: Vec<Candidate> =
            ["logistic", "svm"].map(|name| Candidate::find(&source, Path::new(name)).unwrap()).into();
        let lines = table(&candidates);
        assert!(lines[0].contains("logistic") && lines[0].contains("svm"), "{lines:?}");
        let area = lines.iter().find(|line| line.starts_with("ROC AUC")).unwrap();
        assert_eq!(area.matches("0.8").count(), 6, "two figures, each with its interval: {area}");
        assert!(candidates.iter().all(|candidate| candidate.bytes > 1_000));
    }
}
