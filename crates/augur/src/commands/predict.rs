//! `augur predict`: scores a file with the engine of the service.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use scoring::{
    ExtraColumn, InputError, Inspection, Inspector, Language, Limits, OnError, ReasonColumns, ScoreError,
    ScoreOptions, Summary, TierThresholds, score_csv,
};

use super::Global;
use crate::model_source::ModelSource;
use crate::output::{Output, print_json, progress};

/// The inspector reads this much at a time.
const STEP_BYTES: usize = 256 << 10;

/// Score a file of customers: the same file with `stays` and `churn_probability`
///
/// Commas, semicolons and tabs, UTF-8, UTF-16 and Windows-1251, decimal commas and .csv.gz are
/// understood. The summary goes to standard error; with --json and -o to standard output.
#[derive(Args)]
pub struct Arguments {
    /// A model's directory or name
    #[arg(long, value_name = "MODEL")]
    model: PathBuf,
    /// The customers; - reads standard input
    file: PathBuf,
    /// Write here instead of standard output; the file is replaced when the result is complete
    #[arg(short, long, value_name = "CSV")]
    output: Option<PathBuf>,
    /// Look for the model here first
    #[arg(long, value_name = "DIR")]
    models_dir: Option<PathBuf>,
    /// What to do about customers that cannot be scored
    #[arg(long, value_enum, default_value_t)]
    on_error: OnErrorChoice,
    /// Prefix text cells that a spreadsheet would take for a formula
    #[arg(long)]
    spreadsheet_safe: bool,
    /// Say why: as many reasons for each customer, in columns reason_1, reason_1_contribution, ...
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=i64::from(scoring::REASONS_MAX)))]
    explain: Option<u8>,
    /// The language of the reasons
    #[arg(long, value_enum, default_value_t, requires = "explain")]
    language: LanguageChoice,
    /// Add a column risk_tier: very_high, high, medium or low, by where these begin
    #[arg(long, value_name = "P,P,P", value_parser = tiers)]
    tiers: Option<TierThresholds>,
    /// How many threads score [default: one per processor]
    #[arg(long, value_name = "N")]
    threads: Option<NonZero<usize>>,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum OnErrorChoice {
    /// The whole file fails
    #[default]
    Fail,
    /// They keep their line, and a column says why
    Skip,
}

#[derive(Clone, Copy, Default, ValueEnum)]
enum LanguageChoice {
    /// English
    #[default]
    En,
    /// Russian
    Ru,
}

impl From<LanguageChoice> for Language {
    fn from(choice: LanguageChoice) -> Self {
        match choice {
            LanguageChoice::En => Self::En,
            LanguageChoice::Ru => Self::Ru,
        }
    }
}

impl From<OnErrorChoice> for OnError {
    fn from(choice: OnErrorChoice) -> Self {
        match choice {
            OnErrorChoice::Fail => Self::Fail,
            OnErrorChoice::Skip => Self::Skip,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let found = ModelSource::new(arguments.models_dir.as_deref()).find(&arguments.model)?;
    let mut file = open(&arguments.file)?;
    let inspection =
        inspect(&mut file).with_context(|| format!("{} cannot be scored", arguments.file.display()))?;
    file.rewind()?;
    let mut output = Output::open(arguments.output.as_deref())?;
    let bar = progress(Some(inspection.rows), "customers");
    let all = ScoreOptions::default();
    let threads = arguments.threads.map_or(all.threads, NonZero::get);
    let tiers = arguments.tiers.map(|thresholds| ExtraColumn::RiskTier(thresholds.column()));
    let reasons = |count| ExtraColumn::Reasons(ReasonColumns { count, language: arguments.language.into() });
    let extra = tiers.into_iter().chain(arguments.explain.map(reasons)).collect();
    let options = ScoreOptions { on_error: arguments.on_error.into(), threads, extra, ..all };
    let score = |writer: &mut dyn Write| {
        score_csv(&found.model, &inspection.dialect, BufReader::new(&file), writer, &options, &mut |rows| {
            bar.set_position(rows);
            true
        })
    };
    let scored = if arguments.spreadsheet_safe {
        score_for_spreadsheets(score, inspection.dialect.delimiter, &mut output)
    } else {
        score(&mut output).map_err(explain)
    };
    bar.finish_and_clear();
    let summary = scored.with_context(|| format!("{} cannot be scored", arguments.file.display()))?;
    output.finish()?;
    report(&summary, arguments, global)
}

/// Three probabilities, such as 0.75,0.5,0.25.
fn tiers(text: &str) -> Result<TierThresholds, String> {
    let millionths = |text: &str| {
        let share = text.trim().parse().ok().filter(|share: &f64| (0.0..=1.0).contains(share))?;
        Some((share * 1e6).round() as u32)
    };
    let thresholds: Option<Vec<u32>> = text.split(',').map(millionths).collect();
    let thresholds = match thresholds.as_deref() {
        Some(&[very_high, high, medium]) => TierThresholds::new(very_high, high, medium),
        _ => None,
    };
    thresholds.ok_or_else(|| "give three probabilities, each below the one before".to_owned())
}

/// Reads standard input into a file of its own: a file is read twice.
pub(super) fn open(path: &Path) -> Result<File> {
    if path == Path::new("-") {
        let mut file = tempfile::tempfile().context("cannot make a temporary file")?;
        io::copy(&mut io::stdin().lock(), &mut file).context("cannot read standard input")?;
        file.rewind()?;
        return Ok(file);
    }
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if !file.metadata()?.is_file() {
        bail!("{} is not a file", path.display());
    }
    Ok(file)
}

/// Finds out how a file is written, over all of it.
pub fn inspect(file: &mut File) -> Result<Inspection> {
    let mut inspector = Inspector::new(Limits { bytes_max: u64::MAX, ..Limits::default() });
    let mut bytes = vec![0; STEP_BYTES];
    loop {
        let count = file.read(&mut bytes)?;
        if count == 0 {
            return inspector.finish().map_err(|error| explain(error.into()));
        }
        inspector.push(&bytes[..count]).map_err(|error| explain(error.into()))?;
    }
}

fn score_for_spreadsheets(
    score: impl FnOnce(&mut dyn Write) -> Result<Summary, ScoreError>,
    delimiter: char,
    output: &mut Output,
) -> Result<Summary> {
    let mut plain = tempfile::tempfile().context("cannot make a temporary file")?;
    let summary = score(&mut io::BufWriter::new(&mut plain)).map_err(explain)?;
    plain.rewind()?;
    scoring::spreadsheet_safe(delimiter, BufReader::new(plain), output)?;
    Ok(summary)
}

/// An error that lists every place it knows.
pub fn explain(error: ScoreError) -> anyhow::Error {
    let ScoreError::Input(InputError { code, message, problems, missing }) = error else {
        return error.into();
    };
    let mut text = format!("{message} [{code}]");
    for name in missing {
        text.push_str(&format!("\n  column {name} is missing"));
    }
    for problem in problems.iter().skip(1) {
        text.push_str(&format!("\n  line {}, column {}: {}", problem.line, problem.column, problem.message));
    }
    anyhow::Error::msg(text)
}

fn report(summary: &Summary, arguments: &Arguments, global: &Global) -> Result<()> {
    // Without -o the rows have standard output to themselves.
    match (global.json, &arguments.output) {
        (true, Some(_)) => print_json(summary),
        (true, None) => {
            eprintln!("{}", serde_json::to_string_pretty(summary)?);
            Ok(())
        }
        (false, _) => {
            eprintln!(
                "{} customers: {} stay, {} leave, {} skipped; mean probability of leaving {:.3}",
                summary.rows,
                summary.stays,
                summary.leaves,
                summary.rows_skipped,
                summary.mean_churn_probability
            );
            for unknown in &summary.unknown_categories {
                eprintln!(
                    "  column {}: {} values that the model does not know",
                    unknown.column, unknown.count
                );
            }
            Ok(())
        }
    }
}
