//! `augur evaluate`: judges a model on a labelled file.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use serde_json::json;

use super::Global;
use super::models::{METRICS_HEADER, metrics_lines};
use crate::model_source::ModelSource;
use crate::output::{print_json, print_line};

/// Judge a model on customers of whom it is known who left
///
/// On the file that it was trained on, the figures flatter the model; those of `augur models list` are
/// honest.
#[derive(Args)]
pub struct Arguments {
    /// A model's directory or name
    #[arg(long)]
    model: PathBuf,
    /// The customers, with a column that tells who left, such as Churn
    #[arg(long, value_name = "CSV")]
    data: PathBuf,
    /// Look for the model here first
    #[arg(long, value_name = "DIR")]
    models_dir: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let model = ModelSource::new(arguments.models_dir.as_deref()).find(&arguments.model)?.model;
    let evaluation = learning::evaluate(&model, &arguments.data)
        .with_context(|| format!("cannot judge on {}", arguments.data.display()))?;
    let manifest = model.manifest();
    if global.json {
        return print_json(&json!({
            "model": { "name": manifest.name, "version": manifest.version },
            "rows": evaluation.rows,
            "positives": evaluation.positives,
            "threshold": manifest.threshold,
            "metrics": evaluation.metrics,
            "intervals": evaluation.intervals,
            "confusion": evaluation.confusion,
        }));
    }
    print_line(&format!(
        "{} on {} customers, {} of whom left",
        manifest.name, evaluation.rows, evaluation.positives
    ))?;
    print_line(METRICS_HEADER)?;
    metrics_lines(&evaluation.named()).iter().try_for_each(|line| print_line(line))
}
