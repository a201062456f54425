//! `augur train`: makes a model of a labelled file.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use learning::{DataOptions, LeftOut, Progress, Range, Search, ThresholdAim, TrainOptions, TrainedModel};
use scoring::Algorithm;
use serde_json::{Value, json};

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
    /// A customer counts as leaving from this probability on
    #[arg(long, value_name = "P", default_value_t = 0.5)]
    threshold: f64,
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
    /// A single decision tree
    #[value(alias = "decision-tree")]
    DecisionTree,
    /// Gradient-boosted oblivious trees in CatBoost's format
    Catboost,
    /// Gradient-boosted trees in XGBoost's format
    Xgboost,
    /// A neural network of fully connected layers
    Mlp,
}

impl From<AlgorithmChoice> for Algorithm {
    fn from(choice: AlgorithmChoice) -> Self {
        match choice {
            AlgorithmChoice::Logistic => Self::Logistic,
            AlgorithmChoice::Svm => Self::Svm,
            AlgorithmChoice::RandomForest => Self::RandomForest,
            AlgorithmChoice::DecisionTree => Self::DecisionTree,
            AlgorithmChoice::Catboost => Self::Catboost,
            AlgorithmChoice::Xgboost => Self::Xgboost,
            AlgorithmChoice::Mlp => Self::Mlp,
        }
    }
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let options = options(arguments)?;
    let stopped = interrupted()?;
    let bar = progress(Some(0), "fits");
    let watch = |now: Progress| {
        bar.set_length(now.fits_total as u64);
        bar.set_position(now.fits_done as u64);
        !stopped.load(Ordering::Relaxed)
    };
    let trained = learning::train(&arguments.data, &options, &watch);
    bar.finish_and_clear();
    let trained = trained.with_context(|| format!("cannot train on {}", arguments.data.display()))?;
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
    options.threshold = ThresholdAim::Fixed(arguments.threshold);
    options.settings = arguments.settings.iter().cloned().collect();
    options.search = search(&arguments.choices, arguments.tries)?;
    if let Some(name) = &arguments.name {
        options.name.clone_from(name);
    }
    Ok(options)
}

fn search(choices: &[(String, Range)], tries: Option<usize>) -> Result<Search> {
    if choices.is_empty() {
        return Ok(Search::None);
    }
    if let Some(tries) = tries {
        return Ok(Search::Random { tries, space: choices.iter().cloned().collect() });
    }
    let list = |(name, range): &(String, Range)| match range {
        Range::OneOf(values) => Ok((name.clone(), values.clone())),
        _ => bail!("--try {name}: a range needs --tries N; give a list of values to try them all"),
    };
    Ok(Search::Grid(choices.iter().map(list).collect::<Result<_>>()?))
}

/// Raised at the first Ctrl-C: what is being fitted is finished, and nothing is written. A second one ends
/// the process at once; the model's directory is not there before it is complete.
fn interrupted() -> Result<Arc<AtomicBool>> {
    let stopped = Arc::new(AtomicBool::new(false));
    let raised = stopped.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::spawn(move || {
        runtime.block_on(async {
            if tokio::signal::ctrl_c().await.is_err() {
                return;
            }
            raised.store(true, Ordering::Relaxed);
            if tokio::signal::ctrl_c().await.is_ok() {
                std::process::exit(130);
            }
        });
    });
    Ok(stopped)
}

/// `NAME=VALUE`, the value as in JSON or else a text.
fn parse_setting(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value_of(value)))
}

/// `NAME=A,B,C` or `NAME=LOW..HIGH`.
fn parse_choice(text: &str) -> Result<(String, Range), String> {
    let (name, values) = text.split_once('=').ok_or("it must be NAME=VALUES")?;
    let Some((low, high)) = values.split_once("..") else {
        return Ok((name.to_owned(), Range::OneOf(list_of(values))));
    };
    let range = match (value_of(low), value_of(high)) {
        (Value::Number(low), Value::Number(high)) => match (low.as_i64(), high.as_i64()) {
            (Some(low), Some(high)) if low <= high => Some(Range::Whole(low, high)),
            _ => low
                .as_f64()
                .zip(high.as_f64())
                .filter(|(low, high)| low <= high)
                .map(|(low, high)| Range::Between(low, high)),
        },
        _ => None,
    };
    Ok((name.to_owned(), range.ok_or("a range is LOW..HIGH, two numbers")?))
}

/// Values between commas; a comma inside of brackets parts nothing.
fn list_of(text: &str) -> Vec<Value> {
    let mut depth = 0;
    let parts = text.split(|letter| {
        depth += i32::from(letter == '[') - i32::from(letter == ']');
        letter == ',' && depth == 0
    });
    parts.map(value_of).collect()
}

fn value_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
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
    print_line(METRICS_HEADER)?;
    metrics_lines(&manifest.metrics).iter().try_for_each(|line| print_line(line))?;
    if let Some(held_out) = &trained.quality().held_out {
        print_line(&format!("quality on the {} customers held out", held_out.rows))?;
        metrics_lines(&held_out.metrics).iter().try_for_each(|line| print_line(line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use learning::Range;
    use serde_json::{Value, json};

    use super::{parse_choice, parse_setting, search};

    #[test]
    fn settings_and_choices_are_read_as_people_write_them() {
        assert_eq!(parse_setting("depth=4"), Ok(("depth".to_owned(), json!(4))));
        assert_eq!(parse_setting("missing=zero"), Ok(("missing".to_owned(), json!("zero"))));
        let values = |text: &str| parse_choice(text).map(|(_, range)| range);
        assert_eq!(values("depth=3,4"), Ok(Range::OneOf(vec![json!(3), json!(4)])));
        assert_eq!(values("hidden=[32],[64,16]"), Ok(Range::OneOf(vec![json!([32]), json!([64, 16])])));
        assert_eq!(values("depth=2..6"), Ok(Range::Whole(2, 6)));
        assert_eq!(values("rate=0.01..0.2"), Ok(Range::Between(0.01, 0.2)));
        for text in ["depth", "depth=6..2", "depth=a..b"] {
            assert!(parse_choice(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_needs_random_tries() {
        let range = [("depth".to_owned(), Range::Whole(2, 6))];
        assert!(search(&range, None).is_err());
        assert!(search(&range, Some(3)).is_ok());
        let list = [("depth".to_owned(), Range::OneOf(vec![Value::from(1)]))];
        assert!(search(&list, None).is_ok());
    }
}
