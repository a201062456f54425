//! What to train, and how.

use std::collections::BTreeMap;

use scoring::Algorithm;
use serde_json::Value;

use crate::calibration::CalibrationMethod;
use crate::error::Error;
use crate::labelled::DataOptions;
use crate::search::Search;
use crate::threshold::ThresholdAim;

const FOLDS_MIN: u32 = 2;
const FOLDS_MAX: u32 = 50;
/// A model must be fitted on at least as many customers as it is judged on.
const HELD_OUT_MAX: f64 = 0.5;

/// What to train.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainOptions {
    /// Which algorithm.
    pub algorithm: Algorithm,
    /// What the columns of the file are, as far as it is said.
    pub data: DataOptions,
    /// The model's name.
    pub name: String,
    /// The version under that name.
    pub version: String,
    /// Folds of the cross-validation.
    pub folds: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// The share of customers that is kept from search and fit, to judge the way that they chose; 0 keeps
    /// none. The model that is handed out is fitted on everybody.
    pub held_out: f64,
    /// Seed of who is held out, where trainings with other seeds are to hold out the same customers; else `seed`.
    pub held_out_seed: Option<u64>,
    /// Where it is said, only of the file's first so many rows anybody is held out, and the share is one of these.
    pub held_out_rows: Option<u64>,
    /// How scores become probabilities.
    pub calibration: CalibrationMethod,
    /// A customer leaves from which probability of leaving on.
    pub threshold: ThresholdAim,
    /// Features that a company can move with an offer; where none is named, those whose names are known.
    pub levers: Vec<String>,
    /// Columns by whose values customers are grouped, to see whether the model treats groups alike; by sex and
    /// senior citizens, where the file tells them, if nothing is said.
    pub groups: Option<Vec<String>>,
    /// Parameters of preparation and algorithm that differ from the usual ones, by name.
    pub settings: BTreeMap<String, Value>,
    /// Other parameters to try; the best by cross-validation are taken.
    pub search: Search,
}

impl TrainOptions {
    /// The usual options: version 1, 5 folds, seed 1, a fifth held out, a threshold of one half, the
    /// algorithm's own name and its usual parameters.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> TrainOptions {
        TrainOptions {
            algorithm,
            data: DataOptions::default(),
            name: name_of(algorithm).to_owned(),
            version: "1".to_owned(),
            folds: 5,
            seed: 1,
            held_out: 0.2,
            held_out_seed: None,
            held_out_rows: None,
            calibration: CalibrationMethod::Auto,
            threshold: ThresholdAim::Fixed(0.5),
            levers: Vec::new(),
            groups: None,
            settings: BTreeMap::new(),
            search: Search::None,
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if !(FOLDS_MIN..=FOLDS_MAX).contains(&self.folds) {
            return Err(Error::Options(format!("folds must be {FOLDS_MIN} to {FOLDS_MAX}")));
        }
        if !(0.0..=HELD_OUT_MAX).contains(&self.held_out) {
            return Err(Error::Options(format!("the share held out must be 0 to {HELD_OUT_MAX}")));
        }
        self.threshold.check()
    }
}

/// The name that manifests and commands have for an algorithm.
pub(crate) fn name_of(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Logistic => "logistic",
        Algorithm::Svm => "svm",
        Algorithm::RandomForest => "random_forest",
        Algorithm::DecisionTree => "decision_tree",
        Algorithm::Catboost => "catboost",
        Algorithm::Xgboost => "xgboost",
        Algorithm::Mlp => "mlp",
    }
}

/// One sentence for the price list.
pub(crate) fn description_of(algorithm: Algorithm) -> &'static str {
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
            "Gradient boosting of oblivious trees, as CatBoost does it: finds how features act together."
        }
        Algorithm::Xgboost => "Gradient boosting of trees that grow level by level, as XGBoost does it.",
        Algorithm::Mlp => "A neural network of fully connected layers.",
    }
}
