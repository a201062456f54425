//! `augur demo-data`: customers that never existed.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use learning::{DemoData, SHIFT_MAX};
use serde_json::json;

use super::Global;
use crate::output::{Output, print_json};

/// Generate realistic customers that never existed, for tests and demonstrations
///
/// The same rows, seed and shift give the same file.
#[derive(Args)]
pub struct Arguments {
    /// How many customers
    #[arg(long, value_name = "N")]
    rows: u64,
    /// Another seed gives other customers of the same population
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Add a column Churn that tells who left
    #[arg(long)]
    labels: bool,
    /// Move the population towards short contracts, higher prices and more leavers; -3 to 3
    #[arg(long, value_name = "X", default_value_t = 0.0, allow_negative_numbers = true)]
    shift: f64,
    /// Write here instead of standard output
    #[arg(short, long, value_name = "CSV")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    if !(-SHIFT_MAX..=SHIFT_MAX).contains(&arguments.shift) {
        bail!("--shift {}: it must be between -{SHIFT_MAX} and {SHIFT_MAX}", arguments.shift);
    }
    let data = DemoData {
        rows: arguments.rows,
        seed: arguments.seed,
        has_labels: arguments.labels,
        shift: arguments.shift,
    };
    let mut output = Output::open(arguments.output.as_deref())?;
    data.write(&mut output)?;
    output.finish()?;
    match &arguments.output {
        Some(path) if global.json => print_json(&json!({ "rows": data.rows, "file": path })),
        _ => Ok(()),
    }
}
