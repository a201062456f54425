//! `augur train`: makes a model of a labelled file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result};
use clap::Args;
use learning::{DataOptions, LeftOut, Progress, Range, ThresholdAim, TrainOptions, TrainedModel};
use learning::{parse_choice, parse_setting, search};
use serde_json::{Value, json};
use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::choices::{AlgorithmChoice, CalibrationChoice, ResampleChoice, ThresholdArguments};
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
    /// The column that tells who left [default: found by its name]
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Its value for those who left [default: found by what it says]
    #[arg(long, value_name = "VALUE")]
    positive: Option<String>,
    /// A column that is a feature although its name or cells speak against it (repeatable)
    #[arg(long, value_name = "COLUMN")]
    keep: Vec<String>,
    /// A column that is no feature (repeatable)
    #[arg(long, value_name = "COLUMN")]
    drop: Vec<String>,
    /// A column that a company can move with an offer (repeatable) [default: those whose names are known, such
    /// as Contract]
    #[arg(long = "lever", value_name = "COLUMN")]
    levers: Vec<String>,
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
    /// The share of customers that only judge what was chosen and fitted on the others; 0 for none
    #[arg(long, value_name = "SHARE", default_value_t = 0.2)]
    hold_out: f64,
    /// How scores become probabilities
    #[arg(long, value_enum, default_value_t)]
    calibration: CalibrationChoice,
    #[command(flatten)]
    threshold: ThresholdArguments,
    /// Even the classes out inside the training folds; probabilities are calibrated on customers as they are
    #[arg(long, value_enum, default_value_t)]
    resample: ResampleChoice,
    /// Have leavers together weigh as much as stayers
    #[arg(long)]
    class_weights: bool,
    /// A column by whose values the report tells whether customers are treated alike (repeatable) [default:
    /// sex and senior citizens, where the file tells them]
    #[arg(long = "group", value_name = "COLUMN")]
    groups: Vec<String>,
    /// A parameter of the preparation or the algorithm, such as depth=4 (repeatable)
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    settings: Vec<(String, Value)>,
    /// Values of a parameter to choose from by cross-validation, such as depth=3,4,6 or, with --tries,
    /// learning_rate=0.01..0.2 (repeatable)
    #[arg(long = "try", value_name = "NAME=VALUES", value_parser = parse_choice)]
    choices: Vec<(String, Range)>,
    /// Try so many combinations at random instead of all
    #[arg(long, value_name = "N", requires = "choices")]
    tries: Option<usize>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let options = options(arguments)?;
    TrainedModel::check_place(&arguments.out)?;
    let Interruption { stopped, writing } = interrupted()?;
    let bar = progress(Some(0), "fits");
    let watch = |now: Progress| {
        bar.set_length(now.fits_total as u64);
        bar.set_position(now.fits_done as u64);
        !stopped.load(Ordering::Relaxed)
    };
    let trained = learning::train(&arguments.data, &options, &watch);
    bar.finish_and_clear();
    let trained = trained.with_context(|| format!("cannot train on {}", arguments.data.display()))?;
    writing.store(true, Ordering::SeqCst);
    trained.write(&arguments.out)?;
    report(&trained, arguments, global)
}

fn options(arguments: &Arguments) -> Result<TrainOptions> {
    let mut options = TrainOptions::new(arguments.algorithm.into());
    options.data = DataOptions {
        target: arguments.target.clone(),
        positive: arguments.positive.clone(),
        keep: arguments.keep.clone(),
        drop: arguments.drop.clone(),
    };
    options.folds = arguments.folds;
    options.seed = arguments.seed;
    options.held_out = arguments.hold_out;
    options.threshold = arguments.threshold.aim();
    options.calibration = arguments.calibration.into();
    options.levers.clone_from(&arguments.levers);
    options.groups = Some(arguments.groups.clone()).filter(|groups| !groups.is_empty());
    options.settings = arguments.settings.iter().cloned().collect();
    if let Some(resample) = arguments.resample.value() {
        options.settings.insert("resample".to_owned(), resample.into());
    }
    if arguments.class_weights {
        options.settings.insert("class_weights".to_owned(), true.into());
    }
    options.search = search(&arguments.choices, arguments.tries)?;
    if let Some(name) = &arguments.name {
        options.name.clone_from(name);
    }
    Ok(options)
}

/// What the user's wish to stop means.
struct Interruption {
    /// Raised at the first Ctrl-C or SIGTERM: what is being fitted is finished, and nothing is written. A
    /// second one ends the process at once.
    stopped: Arc<AtomicBool>,
    /// Raised by whoever writes the model: it is short, and a process that ends in it would leave half a
    /// directory, so that it is not ended any more.
    writing: Arc<AtomicBool>,
}

fn interrupted() -> Result<Interruption> {
    let found = Interruption { stopped: Arc::default(), writing: Arc::default() };
    let (stopped, writing) = (found.stopped.clone(), found.writing.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut terminate, mut interrupt) = runtime.block_on(async {
        Ok::<_, std::io::Error>((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
    })?;
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                let is_second = stopped.swap(true, Ordering::SeqCst);
                if is_second && !writing.load(Ordering::SeqCst) {
                    std::process::exit(130);
                }
            }
        });
    });
    Ok(found)
}

fn report(trained: &TrainedModel, arguments: &Arguments, global: &Global) -> Result<()> {
    let manifest = trained.manifest();
    if global.json {
        return print_json(&json!({
            "directory": arguments.out,
            "manifest": manifest,
            "quality": trained.quality(),
            "data": trained.data(),
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
        print_line(&format!("  column {column} is no feature: it {reason}"))?;
    }
    let data = trained.data();
    for (count, what) in [
        (data.duplicates.dropped, "repeat an earlier row and were dropped"),
        (data.duplicates.alike, "are like an earlier one in all features and the outcome"),
        (data.duplicates.contradicting, "are like one with the other outcome in all features"),
    ] {
        if count > 0 {
            print_line(&format!("  {count} rows {what}"))?;
        }
    }
    print_line(METRICS_HEADER)?;
    metrics_lines(&trained.quality().unseen.named()).iter().try_for_each(|line| print_line(line))?;
    let is_threshold_chosen = !matches!(arguments.threshold.aim(), ThresholdAim::Fixed(_));
    if is_threshold_chosen || !arguments.choices.is_empty() {
        print_line(
            "  these customers took part in choosing threshold or parameters; a part held out did not",
        )?;
    }
    if let Some(held_out) = &trained.quality().held_out {
        print_line(&format!("quality on the {} customers held out", held_out.rows))?;
        metrics_lines(&held_out.named()).iter().try_for_each(|line| print_line(line))?;
    }
    Ok(())
}
