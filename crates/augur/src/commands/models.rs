//! `augur models`: shows and compares the models that names find, and takes in models of the official
//! CatBoost and XGBoost.

mod compare;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use learning::quality::NamedMetric;
use learning::{Agreement, Compared};
use scoring::model::MANIFEST_FILE;
use scoring::{Manifest, Model};
use serde_json::{Value, json};

use super::Global;
use crate::model_source::{FoundModel, ModelSource};
use crate::output::{print_json, print_line};

/// Show, compare or import models, or find a model's report
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Compare(compare::Arguments),
    Report(report::Arguments),
    /// Show every model that `--model NAME` finds, with its measured quality
    List {
        /// Look here first
        #[arg(long, value_name = "DIR")]
        models_dir: Option<PathBuf>,
    },
    /// Take in a model that the official CatBoost or XGBoost saved as JSON
    ///
    /// Columns are found by the names of the model's features; `churn_probability` is its probability
    /// of class 1. The model is written to DIR/NAME, and only if it gives the predictions of --expect.
    Import(Import),
}

#[derive(Args)]
struct Import {
    /// The model: CatBoost's save_model(..., format="json", pool=...) or XGBoost's save_model("model.json")
    file: PathBuf,
    /// The model's name here
    #[arg(long)]
    name: String,
    /// Customers to check the model with
    #[arg(long, value_name = "CSV", requires = "expect")]
    check: Option<PathBuf>,
    /// What the official library predicts for them: probabilities or raw values, in the same order
    #[arg(long, value_name = "CSV", requires = "check")]
    expect: Option<PathBuf>,
    /// The greatest difference to accept [default: 1e-9; for XGBoost 1e-6 of probabilities, 1e-5 of raw values]
    #[arg(long, value_name = "NUMBER", requires = "expect")]
    tolerance: Option<f64>,
    /// Where models are kept [default: AUGUR_MODELS_DIR, else models/]
    #[arg(long, value_name = "DIR")]
    models_dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    match &arguments.action {
        Action::Compare(arguments) => compare::run(arguments, global),
        Action::Report(arguments) => report::run(arguments, global),
        Action::List { models_dir } => list(&ModelSource::new(models_dir.as_deref()), global),
        Action::Import(arguments) => import(arguments, global),
    }
}

fn list(source: &ModelSource, global: &Global) -> Result<()> {
    let models = source.list()?;
    if global.json {
        let described: Vec<Value> = models.iter().map(|(name, found)| describe(name, found)).collect();
        return print_json(&described);
    }
    print_line(&format!("{:<20} {:<14} {:<8} {:>20}  {}", "NAME", "ALGORITHM", "VERSION", "AUC", "WHERE"))?;
    for (name, found) in &models {
        let manifest = found.model.manifest();
        print_line(&format!(
            "{:<20} {:<14} {:<8} {:>20}  {}",
            name,
            algorithm(manifest),
            manifest.version,
            quality(manifest),
            place(found)
        ))?;
    }
    Ok(())
}

fn import(arguments: &Import, global: &Global) -> Result<()> {
    let (file, name) = (&arguments.file, &arguments.name);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_plain) {
        bail!("--name {name}: letters, digits, - and _ make a model's name, at most 64 of them");
    }
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let context = || format!("cannot import {}", file.display());
    let manifest = scoring::import(name, &bytes).with_context(context)?;
    let manifest_json = serde_json::to_vec_pretty(&manifest)?;
    // What cannot be scored is refused now, not at the first order.
    let model = Model::from_parts(&manifest_json, &bytes).with_context(context)?;
    let agreement = check(&model, arguments).with_context(context)?;
    let directory = ModelSource::new(arguments.models_dir.as_deref()).directory_for_new().join(name);
    write(&directory, &manifest, &manifest_json, &bytes)
        .with_context(|| format!("cannot write {}", directory.display()))?;
    let found = FoundModel { model, directory: Some(directory) };
    if global.json {
        let mut described = describe(name, &found);
        described["agreement"] = serde_json::to_value(agreement)?;
        return print_json(&described);
    }
    if let Some(agreement) = agreement {
        print_line(&told(&agreement))?;
    }
    print_line(&format!("imported {name} into {}", place(&found)))
}

/// Compares with the predictions that were given, if any were.
fn check(model: &Model, arguments: &Import) -> Result<Option<Agreement>> {
    let (Some(customers), Some(predictions)) = (&arguments.check, &arguments.expect) else {
        return Ok(None);
    };
    let agreement = learning::agreement(model, customers, predictions, arguments.tolerance)?;
    if !agreement.holds() {
        bail!("it does not give the predictions of {}: {}", predictions.display(), told(&agreement));
    }
    Ok(Some(agreement))
}

fn told(agreement: &Agreement) -> String {
    let what = match agreement.compared {
        Compared::Probability => "probabilities",
        Compared::LogOdds => "raw values",
    };
    format!(
        "checked {} {what}: the greatest difference is {:.1e} (line {}), at most {:e} is accepted",
        agreement.rows, agreement.greatest_difference, agreement.line, agreement.tolerance
    )
}

/// The first of the lines that show metrics.
pub const METRICS_HEADER: &str = "quality";

/// A metric, its value and its 95 % interval on each line.
pub fn metrics_lines(metrics: &[NamedMetric]) -> Vec<String> {
    let line = |metric: &NamedMetric| {
        let interval = metric.interval.map(|[low, high]| format!("  ({low:.4} to {high:.4})"));
        format!("  {:<20}{:.4}{}", metric.label, metric.value, interval.unwrap_or_default())
    };
    metrics.iter().map(line).collect()
}

/// Writes a model beside its place and moves it there, so that nobody reads half of one.
fn write(directory: &Path, manifest: &Manifest, manifest_json: &[u8], file: &[u8]) -> Result<()> {
    if directory.exists() {
        bail!("it exists already; remove it, or choose another --name");
    }
    let parent = directory.parent().context("it has no parent directory")?;
    fs::create_dir_all(parent)?;
    let unfinished = tempfile::Builder::new().prefix(".import-").tempdir_in(parent)?;
    fs::write(unfinished.path().join(&manifest.file), file)?;
    fs::write(unfinished.path().join(MANIFEST_FILE), manifest_json)?;
    fs::set_permissions(unfinished.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    fs::rename(unfinished.path(), directory)?;
    // There is nothing to remove any more; had the move failed, the unfinished directory would go.
    let _ = unfinished.keep();
    Ok(())
}

fn describe(name: &str, found: &FoundModel) -> Value {
    let manifest = found.model.manifest();
    json!({
        "name": name,
        "algorithm": manifest.algorithm,
        "version": manifest.version,
        "description": manifest.description,
        "sha256": manifest.sha256,
        "threshold": manifest.threshold,
        "metrics": manifest.metrics,
        "features": manifest.schema.features.iter().map(|feature| &feature.name).collect::<Vec<_>>(),
        "directory": found.directory,
    })
}

fn algorithm(manifest: &Manifest) -> String {
    // The names of the algorithms are those of the manifest's JSON.
    serde_json::to_value(manifest.algorithm)
        .ok()
        .and_then(|name| Some(name.as_str()?.to_owned()))
        .unwrap_or_default()
}

fn quality(manifest: &Manifest) -> String {
    let metrics = &manifest.metrics;
    match (metrics.auc, metrics.auc_low, metrics.auc_high) {
        (Some(auc), Some(low), Some(high)) => format!("{auc:.3} ({low:.3}-{high:.3})"),
        (Some(auc), _, _) => format!("{auc:.3}"),
        _ => "not measured".to_owned(),
    }
}

fn place(found: &FoundModel) -> String {
    found
        .directory
        .as_ref()
        .map_or_else(|| "built in".to_owned(), |directory| directory.display().to_string())
}
