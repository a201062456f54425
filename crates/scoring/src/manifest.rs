//! What a model says about itself: the file `manifest.json` beside the model file.
//!
//! Only data and its meaning; [`crate::Model`] reads and checks it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::calibration::Calibration;
use crate::derived::Derived;
use crate::monitoring::Profile;
use crate::pieces::Pieces;
use crate::shap::{FeatureEffect, Reference, known_lever};

/// Everything about one version of a model except its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The model's name, such as `logistic`.
    pub name: String,
    /// Which engine scores it.
    pub algorithm: Algorithm,
    /// The version under that name, such as `1`.
    pub version: String,
    /// One sentence for the price list.
    pub description: String,
    /// The model file's name, beside the manifest, without a directory.
    pub file: String,
    /// SHA-256 of the model file in lower-case hexadecimal digits.
    pub sha256: String,
    /// What is read of a customer.
    pub schema: Schema,
    /// Numbers made of the schema's features.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub derived: Vec<Derived>,
    /// What the model calculates with, in the order in which the model file counts its inputs.
    pub inputs: Vec<Input>,
    /// From the model's score to the probability of leaving.
    pub calibration: Calibration,
    /// A customer leaves where the probability of leaving is at least this.
    pub threshold: f64,
    /// Quality measured by cross-validation; empty for an imported model.
    #[serde(default)]
    pub metrics: Metrics,
    /// What it was trained on; nothing for an imported model.
    #[serde(default)]
    pub training: Option<Training>,
    /// What reasons are measured against; nothing for an imported model and in manifests of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Reference>,
    /// What the customers were like that it was trained on; nothing for an imported model, and in manifests of
    /// earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// The features that a company can move with an offer; where nothing is said, those whose names are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub levers: Option<Vec<String>>,
    /// What each feature has to do with the scores of the customers that it was trained on, the most important
    /// first; nothing for an imported model and in manifests of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<FeatureEffect>,
}

impl Manifest {
    /// What raw scores and contributions are measured in: `log_odds` of leaving, or a `margin`.
    #[must_use]
    pub fn score_unit(&self) -> &'static str {
        if self.algorithm == Algorithm::Svm { "margin" } else { "log_odds" }
    }

    /// Whether a company can move a feature with an offer.
    #[must_use]
    pub fn is_lever(&self, feature: &str) -> bool {
        match &self.levers {
            Some(levers) => levers.iter().any(|lever| lever == feature),
            None => known_lever(feature) == Some(true),
        }
    }
}

/// The engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// Logistic regression; a [`crate::linear::LinearFile`].
    Logistic,
    /// A linear support vector machine; a [`crate::linear::LinearFile`].
    Svm,
    /// A random forest; a [`crate::forest::ForestFile`].
    RandomForest,
    /// A single tree; a [`crate::forest::ForestFile`].
    DecisionTree,
    /// Trees in CatBoost's JSON format; a [`crate::catboost::CatBoostFile`].
    Catboost,
    /// Boosted trees in XGBoost's JSON format; a [`crate::xgboost::XgboostFile`].
    Xgboost,
    /// A neural network of fully connected layers; a [`crate::mlp::MlpFile`].
    Mlp,
}

/// What is read of a customer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns that the model needs. Each must be in a file, under its name or an alias.
    pub features: Vec<Feature>,
    /// Names of columns that tell the outcome: they pass through and are never features.
    #[serde(default)]
    pub outcomes: Vec<String>,
}

/// One column that the model needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Feature {
    /// The model's own name of the column. Names are compared by [`crate::names::key`].
    pub name: String,
    /// Other names under which people send the same column.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Number or category.
    #[serde(flatten)]
    pub kind: FeatureKind,
}

/// What a feature's cells are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FeatureKind {
    /// A number; an empty cell is missing.
    Number,
    /// One of the listed values; an empty cell is missing, any other value unknown.
    Category {
        /// The values; their positions are the codes that [`InputEncoding::Category`] refers to.
        values: Vec<CategoryValue>,
    },
}

/// One value of a category, compared by [`crate::names::key`] as column names are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryValue {
    /// The model's own spelling.
    pub value: String,
    /// Other spellings of the same value.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// One number that the model calculates with, made of one feature or derived number.
///
/// A category becomes ordinal codes by one input, or one-hot columns by one input per value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// The input's name: the feature's for a number, `Feature=Value` for a one-hot column.
    pub name: String,
    /// The name of the [`Feature`] or [`Derived`] number that it is made of.
    pub feature: String,
    /// How.
    #[serde(flatten)]
    pub encoding: InputEncoding,
}

/// How an input is made of its feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "encoding", rename_all = "snake_case")]
pub enum InputEncoding {
    /// The number itself.
    Number {
        /// Stands for a missing number. Without it a missing number stays NaN, which only the engines of
        /// CatBoost and XGBoost understand; the others need it.
        #[serde(default)]
        missing: Option<f64>,
    },
    /// A function of the number: clipped, or bent as a basis function of a spline is.
    Pieces(Pieces),
    /// A number for each value of the category.
    Category {
        /// As long as the feature's list of values, in the same order.
        values: Vec<f64>,
        /// For a value that is not in the list.
        unknown: f64,
        /// For an empty cell.
        missing: f64,
    },
}

/// Quality, measured on customers that the model was not trained on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metrics {
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// Lower end of its 95 % interval.
    pub auc_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub auc_high: Option<f64>,
    /// Area under the precision-recall curve.
    pub average_precision: Option<f64>,
    /// Mean squared error of the probabilities.
    pub brier: Option<f64>,
    /// Mean negative log-likelihood.
    pub log_loss: Option<f64>,
    /// Expected calibration error over 10 bins of equal count.
    pub calibration_error: Option<f64>,
    /// F1 at the threshold.
    pub f1: Option<f64>,
    /// Precision at the threshold.
    pub precision: Option<f64>,
    /// Recall at the threshold.
    pub recall: Option<f64>,
    /// Accuracy at the threshold.
    pub accuracy: Option<f64>,
    /// How many times more leavers than average are in the highest tenth.
    pub lift_at_10: Option<f64>,
}

/// The training data's fingerprint and how it was used. Never a customer's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// The CSV's name, without a directory.
    pub file_name: String,
    /// SHA-256 of the CSV in lower-case hexadecimal digits.
    pub sha256: String,
    /// Customers in it.
    pub rows: u64,
    /// Those who left.
    pub positives: u64,
    /// The column that told who had left; nothing in manifests of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Its value for those who had left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positive: Option<String>,
    /// Whether the user named that value; else all values that say so themselves mean the same.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_positive_named: bool,
    /// Folds of the cross-validation.
    pub folds: u32,
    /// Seed of everything random.
    pub seed: u64,
    /// What was set for preparation and algorithm, by name.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub parameters: Value,
}
