//! Trains a model: cross-validation for its quality and calibration, then everybody for its weights.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use scoring::{Algorithm, Calibration, Metrics, Training};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::metrics::Auc;
use crate::recipe::{Fitted, Recipe};
use crate::table::Table;
use crate::trained_model::TrainedModel;
use crate::{calibration, features, folds, metrics};

/// Fewer leavers or stayers than this in a fold measure nothing.
const FOLD_CLASS_MIN: usize = 2;
const FOLDS_MIN: u32 = 2;
const FOLDS_MAX: u32 = 50;

/// What to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// Which algorithm.
    pub algorithm: Algorithm,
    /// The model's name.
    pub name: String,
    /// The version under that name.
    pub version: String,
    /// Folds of the cross-validation.
    pub folds: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// A customer leaves where the probability of leaving is at least this.
    pub threshold: f64,
}

impl TrainOptions {
    /// The usual options: version 1, 5 folds, seed 1, a threshold of one half, and the algorithm's own
    /// name.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> TrainOptions {
        let name = match algorithm {
            Algorithm::Logistic => "logistic",
            Algorithm::Svm => "svm",
            Algorithm::RandomForest => "random_forest",
            Algorithm::DecisionTree => "decision_tree",
            Algorithm::Catboost => "catboost",
            Algorithm::Xgboost => "xgboost",
            Algorithm::Mlp => "mlp",
        };
        let (name, version) = (name.to_owned(), "1".to_owned());
        TrainOptions { algorithm, name, version, folds: 5, seed: 1, threshold: 0.5 }
    }

    fn check(&self) -> Result<(), Error> {
        if !(FOLDS_MIN..=FOLDS_MAX).contains(&self.folds) {
            return Err(Error::Options(format!("folds must be {FOLDS_MIN} to {FOLDS_MAX}")));
        }
        if !(0.0..=1.0).contains(&self.threshold) {
            return Err(Error::Options("the threshold must be between 0 and 1".to_owned()));
        }
        Ok(())
    }
}

/// How far a training is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Fits that are done.
    pub fits_done: usize,
    /// Fits altogether: one for each fold and one for everybody.
    pub fits_total: usize,
}

/// Trains a model on a labelled customer file.
///
/// `progress` is called before the first fit and after each, from any thread.
pub fn train(
    data: &Path,
    options: &TrainOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<TrainedModel, Error> {
    options.check()?;
    let table = Table::read(data)?;
    let (schema, left_out) = features::find(&table)?;
    let dataset = Dataset::read(&table, &schema)?;
    let folds = options.folds as usize;
    let positives = dataset.positives();
    if positives.min(dataset.rows() - positives) < FOLD_CLASS_MIN * folds {
        let message = format!("{folds} folds need {FOLD_CLASS_MIN} leavers and stayers each");
        return Err(Error::Data(message));
    }
    let done = AtomicUsize::new(0);
    let fits_total = folds + 1;
    progress(Progress { fits_done: 0, fits_total });
    let report = || {
        let fits_done = done.fetch_add(1, Ordering::Relaxed) + 1;
        progress(Progress { fits_done, fits_total });
    };
    let recipe = Recipe::new(options.algorithm)?;
    let unseen = cross_validate(&dataset, &recipe, options, &report)?;
    let Fitted { mut manifest, file } = recipe.fit(&dataset, options.seed)?;
    report();
    manifest.name.clone_from(&options.name);
    manifest.version.clone_from(&options.version);
    manifest.description = description(options.algorithm).to_owned();
    manifest.calibration = calibration::fit(&unseen.scores, &dataset.labels);
    manifest.threshold = options.threshold;
    manifest.metrics = rounded(unseen.measure(&dataset.labels, folds, options.threshold));
    manifest.training = Some(Training {
        file_name: table.file_name,
        sha256: table.sha256,
        rows: dataset.rows() as u64,
        positives: positives as u64,
        folds: options.folds,
        seed: options.seed,
        parameters: recipe.learner.parameters()?,
    });
    let fold_aucs = unseen.fold_aucs(&dataset.labels, folds).iter().map(|auc| auc.area).collect();
    Ok(TrainedModel { manifest, file, left_out, fold_aucs })
}

/// Scores of customers by models that had not seen them.
struct Unseen {
    fold_of: Vec<usize>,
    scores: Vec<f64>,
}

fn cross_validate(
    data: &Dataset,
    recipe: &Recipe,
    options: &TrainOptions,
    report: &(dyn Fn() + Sync),
) -> Result<Unseen, Error> {
    let folds = options.folds as usize;
    let fold_of = folds::stratified(&data.labels, folds, options.seed);
    let score_fold = |fold: usize| {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (0..data.rows()).partition(|&row| fold_of[row] == fold);
        let fitted = recipe.fit(&data.select(&outside), options.seed)?;
        let scores = fitted.scores(&data.select(&inside))?;
        report();
        Ok((inside, scores))
    };
    let by_fold = (0..folds).into_par_iter().map(score_fold).collect::<Result<Vec<_>, Error>>()?;
    let mut scores = vec![0.0; data.rows()];
    for (row, score) in by_fold.iter().flat_map(|(rows, scores)| rows.iter().zip(scores)) {
        scores[*row] = *score;
    }
    Ok(Unseen { fold_of, scores })
}

impl Unseen {
    /// The area under the curve is the mean of the folds', because scores of different models are on
    /// different scales. All else is measured on all customers together, each fold calibrated on the
    /// others, so that no customer's outcome has a part in the customer's own probability.
    fn measure(&self, labels: &[bool], folds: usize, threshold: f64) -> Metrics {
        let calibration_without = |fold: usize| -> Calibration {
            let others = (0..labels.len()).filter(|&row| self.fold_of[row] != fold);
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                others.map(|row| (self.scores[row], labels[row])).unzip();
            calibration::fit(&scores, &labels)
        };
        let calibrations: Vec<Calibration> = (0..folds).map(calibration_without).collect();
        let calibrate = |(&fold, &score): (&usize, &f64)| calibrations[fold].probability(score);
        let probabilities: Vec<f64> = self.fold_of.iter().zip(&self.scores).map(calibrate).collect();
        let auc = Auc::mean(&self.fold_aucs(labels, folds));
        Metrics {
            auc: Some(auc.area),
            auc_low: Some(auc.low),
            auc_high: Some(auc.high),
            ..metrics::measure(&probabilities, labels, threshold)
        }
    }

    fn fold_aucs(&self, labels: &[bool], folds: usize) -> Vec<Auc> {
        let auc = |fold: usize| {
            let inside = (0..labels.len()).filter(|&row| self.fold_of[row] == fold);
            let (scores, labels): (Vec<f64>, Vec<bool>) =
                inside.map(|row| (self.scores[row], labels[row])).unzip();
            Auc::measure(&scores, &labels)
        };
        (0..folds).map(auc).collect()
    }
}

/// Six decimals: more would only be noise in the manifest.
fn rounded(mut metrics: Metrics) -> Metrics {
    let numbers = [
        &mut metrics.auc,
        &mut metrics.auc_low,
        &mut metrics.auc_high,
        &mut metrics.average_precision,
        &mut metrics.brier,
        &mut metrics.log_loss,
        &mut metrics.calibration_error,
        &mut metrics.f1,
        &mut metrics.precision,
        &mut metrics.recall,
        &mut metrics.accuracy,
        &mut metrics.lift_at_10,
    ];
    for number in numbers.into_iter().flatten() {
        *number = (*number * 1e6).round() / 1e6;
    }
    metrics
}

/// One sentence for the price list.
fn description(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Logistic => "Logistic regression: the quickest, and easy to explain.",
        Algorithm::Svm => {
            "A linear support vector machine: the widest margin between those who leave and stay."
        }
        Algorithm::RandomForest => {
            "A random forest: hundreds of trees vote, each on its own view of the customers."
        }
        Algorithm::DecisionTree => "A single decision tree: a handful of questions that people can follow.",
        Algorithm::Catboost => {
            "Gradient boosting on oblivious trees, as CatBoost does it: the most accurate."
        }
        Algorithm::Xgboost => "Gradient boosting of deep trees, as XGBoost does it.",
        Algorithm::Mlp => "A neural network of fully connected layers.",
    }
}
