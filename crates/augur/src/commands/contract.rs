//! `augur contract`: holds a file against what a model has learned of its data.

use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scoring::contract::{Contract, Expected, Finding, FindingKind, Freshness, ValuesContract};
use scoring::{CheckReport, Manifest, check_contract};
use serde_json::json;

use super::Global;
use super::predict::{inspect, open};
use crate::model_source::ModelSource;
use crate::output::{print_json, print_line};

/// Hold a file against the data that a model learned from
///
/// Tells numbers out of range, unknown categories, missing values, duplicates and stale data by line and column.
/// Without a file, prints what is expected. Exits with 1 where customers cannot be read, or where something is
/// found that --refuse names.
#[derive(Args)]
pub struct Arguments {
    /// A model's directory or name
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// The customers; - reads standard input
    file: Option<PathBuf>,
    /// Look for the model here first
    #[arg(long, value_name = "DIR")]
    models_dir: Option<PathBuf>,
    /// The column that tells customers apart: none may be there twice
    #[arg(long, value_name = "COLUMN")]
    key: Option<String>,
    /// The column of dates whose newest one says how fresh the file is
    #[arg(long, value_name = "COLUMN", requires = "age_days_max")]
    date: Option<String>,
    /// How many days old the newest date may be
    #[arg(long, value_name = "DAYS", requires = "date")]
    age_days_max: Option<u32>,
    /// What may not be found, separated by commas: out_of_range, unknown_category, missing, duplicates, stale
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = kind)]
    refuse: Vec<FindingKind>,
}

fn kind(text: &str) -> Result<FindingKind, String> {
    let found = FindingKind::ALL.into_iter().find(|kind| kind.as_str() == text);
    found.ok_or_else(|| {
        let known: Vec<&str> = FindingKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("the kinds are {}", known.join(", "))
    })
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let found = ModelSource::new(arguments.models_dir.as_deref()).find(&arguments.model)?;
    let manifest = found.model.manifest();
    let Some(file) = &arguments.file else { return show(manifest, global) };
    let report = check(arguments, manifest, file)?;
    if global.json {
        print_json(&report)?;
    } else {
        tell(&report)?;
    }
    let refused: Vec<&str> = report
        .findings
        .iter()
        .filter(|finding| arguments.refuse.contains(&finding.kind))
        .map(|finding| finding.kind.as_str())
        .collect();
    match () {
        () if report.problem_count > 0 => bail!("{} cells or rows cannot be read", report.problem_count),
        () if !refused.is_empty() => bail!("refused for {}", refused.join(", ")),
        () => Ok(()),
    }
}

fn check(arguments: &Arguments, manifest: &Manifest, path: &Path) -> Result<CheckReport> {
    let mut file = open(path)?;
    let inspection = inspect(&mut file).with_context(|| format!("{} cannot be read", path.display()))?;
    file.rewind()?;
    let freshness = arguments.date.clone().zip(arguments.age_days_max);
    let freshness = freshness.map(|(column, days_max)| Freshness {
        column,
        days_max,
        now: chrono::Utc::now().timestamp(),
    });
    let expected = Expected { key: arguments.key.clone(), freshness };
    let contract = Contract::of(manifest);
    check_contract(&manifest.schema, &contract, &expected, &inspection.dialect, BufReader::new(file))
        .with_context(|| format!("{} does not fit", path.display()))
}

fn tell(report: &CheckReport) -> Result<()> {
    print_line(&format!("{} customers", report.rows))?;
    for problem in &report.problems {
        print_line(&format!("line {}, column {}: {}", problem.line, problem.column, problem.message))?;
    }
    for Finding { kind, column, count, share, message, places } in &report.findings {
        let column = column.as_deref().map(|column| format!(" in {column}")).unwrap_or_default();
        let percent = share * 100.0;
        print_line(&format!("{}{column}: {message} ({count} customers, {percent:.2} %)", kind.as_str()))?;
        for place in places {
            print_line(&format!("  line {}, column {}: {}", place.line, place.column, place.message))?;
        }
    }
    if report.problem_count == 0 && report.findings.is_empty() {
        print_line("as expected")?;
    }
    Ok(())
}

fn show(manifest: &Manifest, global: &Global) -> Result<()> {
    let contract = Contract::of(manifest);
    if global.json {
        return print_json(&json!({ "model": manifest.name, "contract": contract }));
    }
    print_line(&format!("{}, learned from {} customers", manifest.name, contract.rows))?;
    for column in &contract.columns {
        let values = match &column.values {
            ValuesContract::Number { min: Some(min), max: Some(max) } => format!("{min} to {max}"),
            ValuesContract::Number { .. } => "a number".to_owned(),
            ValuesContract::Category { values } => values.join(", "),
        };
        let missing = column.missing_share * 100.0;
        print_line(&format!("{}: {values}; {missing:.1} % without a value", column.name))?;
    }
    Ok(())
}
