//! `augur train`: makes a model of a labelled file.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use learning::{LeftOut, TrainOptions, TrainedModel};
use scoring::Algorithm;
use serde_json::json;

use super::Global;
use super::models::{METRICS_HEADER, metrics_lines};
use crate::output::{print_json, print_line, progress};

/// Train a model on customers of whom it is known who left
///
/// Quality is measured by cross-validation, on customers that the model had not seen. The same file,
/// options and program give the same model.
#[derive(Args)]
pub struct Arguments {
    /// What to train
    #[arg(long, value_enum)]
    algorithm: AlgorithmChoice,
    /// The customers, with a column that tells who left, such as Churn
    #[arg(long, value_name = "CSV")]
    data: PathBuf,
    /// The model's directory; a model that is there is replaced once the new one is complete
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The model's name [default: the algorithm's]
    #[arg(long)]
    name: Option<String>,
    /// Parts of the cross-validation
    #[arg(long, value_name = "N", default_value_t = 5)]
    folds: u32,
    /// Seed of everything random
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// A customer counts as leaving from this probability on
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    threshold: f64,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum AlgorithmChoice {
    /// Logistic regression
    Logistic,
    /// A linear support vector machine
    Svm,
    /// A random forest
    #[value(alias = "random-forest")]
    RandomForest,
    /// Gradient-boosted oblivious trees in CatBoost's format
    Catboost,
}

impl From<AlgorithmChoice> for Algorithm {
    fn from(choice: AlgorithmChoice) -> Self {
        match choice {
            AlgorithmChoice::Logistic => Self::Logistic,
            AlgorithmChoice::Svm => Self::Svm,
            AlgorithmChoice::RandomForest => Self::RandomForest,
            AlgorithmChoice::Catboost => Self::Catboost,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let mut options = TrainOptions::new(arguments.algorithm.into());
    options.folds = arguments.folds;
    options.seed = arguments.seed;
    options.threshold = arguments.threshold;
    if let Some(name) = &arguments.name {
        options.name.clone_from(name);
    }
    let bar = progress(Some(u64::from(arguments.folds) + 1), "fits");
    let trained =
        learning::train(&arguments.data, &options, &|progress| bar.set_position(progress.fits_done as u64));
    bar.finish_and_clear();
    let trained = trained.with_context(|| format!("cannot train on {}", arguments.data.display()))?;
    trained.write(&arguments.out)?;
    report(&trained, arguments, global)
}

fn report(trained: &TrainedModel, arguments: &Arguments, global: &Global) -> Result<()> {
    let manifest = trained.manifest();
    if global.json {
        let left_out: Vec<_> = trained
            .left_out()
            .iter()
            .map(|LeftOut { column, reason }| json!({ "column": column, "reason": format!("{reason:?}").to_lowercase() }))
            .collect();
        return print_json(&json!({
            "directory": arguments.out,
            "manifest": manifest,
            "fold_aucs": trained.fold_aucs(),
            "left_out": left_out,
        }));
    }
    print_line(&format!(
        "{} in {}: {} features, {} bytes",
        manifest.name,
        arguments.out.display(),
        manifest.schema.features.len(),
        trained.model_file().len()
    ))?;
    for LeftOut { column, reason } in trained.left_out() {
        print_line(&format!("  column {column} is no feature ({})", format!("{reason:?}").to_lowercase()))?;
    }
    print_line(METRICS_HEADER)?;
    metrics_lines(&manifest.metrics).iter().try_for_each(|line| print_line(line))
}
