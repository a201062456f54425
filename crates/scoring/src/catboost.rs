//! CatBoost's JSON format, as far as it can be served exactly: numbers, categories by one-hot questions
//! and by target statistics (CTR), symmetric trees and others.
//!
//! The n-th input of the manifest is the feature with `flat_feature_index` n. Numbers are compared as
//! `f32`, as CatBoost does. The input of a categorical feature is the [`category_hash`] of its value, and
//! [`UNKNOWN_HASH`] for a value that the model has not met.

mod columns;
mod ctr;
mod engine;
mod explain;
mod hash;
mod import;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::model::ModelError;

pub(crate) use columns::Column;
pub(crate) use engine::CatBoost;
pub(crate) use explain::explainer;
pub use hash::category_hash;
pub use import::import;

/// Stands for the hash of a value that is not listed: no hash is negative.
pub const UNKNOWN_HASH: f64 = -1.0;

/// The parts of the file that decide the score. Other keys are kept where they are needed to refuse what
/// cannot be served.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CatBoostFile {
    /// The features.
    pub features_info: FeaturesInfo,
    /// Free-form; the official library wants the loss function and the classes in it.
    #[serde(default)]
    pub model_info: Value,
    /// Symmetric trees: none in a model of others.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub oblivious_trees: Vec<ObliviousTree>,
    /// Trees of the grow policies Lossguide and Depthwise: none in a model of symmetric ones.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<FreeTree>,
    /// The counts behind target statistics, by [`Ctr::identifier`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ctr_data: BTreeMap<String, CtrTable>,
    /// `score = scale * (sum of leaves) + bias`, written as `[scale, [bias]]`.
    #[serde(deserialize_with = "scale_and_bias")]
    pub scale_and_bias: (f64, Vec<f64>),
}

/// The features of a model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FeaturesInfo {
    /// Numbers.
    #[serde(default, deserialize_with = "list")]
    pub float_features: Vec<FloatFeature>,
    /// The strings behind hashes; only where the model was saved together with a pool.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub cat_features_hash: Vec<CategoryString>,
    /// Categories.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub categorical_features: Vec<CategoricalFeature>,
    /// Texts: refused where there are any.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub text_features: Vec<Value>,
    /// Embeddings: refused where there are any.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub embedding_features: Vec<Value>,
    /// Target statistics.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub ctrs: Vec<Ctr>,
}

/// A category's value and its [`category_hash`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryString {
    /// Of `value`.
    pub hash: u32,
    /// As the model was given it.
    pub value: String,
}

/// One category.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CategoricalFeature {
    /// Its name; may be empty.
    #[serde(default)]
    pub feature_id: String,
    /// Its position among the categories.
    pub feature_index: usize,
    /// Its position among all features, which is that of the manifest's input.
    pub flat_feature_index: usize,
    /// The hashes that one-hot questions ask for, as signed numbers.
    #[serde(default, deserialize_with = "list", skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<i32>,
}

/// One target statistic: a number made of one category or several together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ctr {
    /// Ascending.
    pub borders: Vec<f64>,
    /// `Borders`, `Buckets`, `BinarizedTargetMeanValue`, `Counter` or `FeatureFreq`.
    pub ctr_type: String,
    /// What is taken together.
    pub elements: Vec<CtrElement>,
    /// The key of its counts in [`CatBoostFile::ctr_data`].
    pub identifier: String,
    /// The prior's weight (the key is spelled so).
    pub prior_denomerator: f32,
    /// The prior's share.
    pub prior_numerator: f32,
    /// What the shifted statistic is multiplied with.
    pub scale: f32,
    /// What is added to the statistic.
    pub shift: f32,
    /// Which class of the target, where there are several.
    #[serde(default)]
    pub target_border_idx: usize,
}

/// One part of a target statistic's combination.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "combination_element", rename_all = "snake_case")]
pub enum CtrElement {
    /// The value of a category.
    CatFeatureValue {
        /// [`CategoricalFeature::feature_index`].
        cat_feature_index: usize,
    },
    /// Whether a category has this value.
    CatFeatureExactValue {
        /// [`CategoricalFeature::feature_index`].
        cat_feature_index: usize,
        /// A hash, as a signed number.
        value: i32,
    },
    /// Whether a number is above a border.
    FloatFeature {
        /// [`FloatFeature::feature_index`].
        float_feature_index: usize,
        /// One of the feature's borders.
        border: f64,
    },
}

/// Counts of the training data behind target statistics.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct CtrTable {
    /// What a `Counter` divides by.
    #[serde(default)]
    pub counter_denominator: i64,
    /// Entries of a hash (a string of digits, 2^64 - 1 where the entry is empty) and numbers.
    pub hash_map: Vec<Value>,
    /// The length of an entry.
    pub hash_stride: usize,
}

/// One float feature.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FloatFeature {
    /// Ascending; `None` (JSON null) where no tree asks for the feature.
    #[serde(default)]
    pub borders: Option<Vec<f64>>,
    /// Its name; may be empty.
    #[serde(default)]
    pub feature_id: String,
    /// Its position among the float features.
    pub feature_index: usize,
    /// Its position among all features, which is that of the manifest's input.
    pub flat_feature_index: usize,
    /// Whether the training data had missing values in it; where they had none, `AsTrue` is as `AsIs`.
    #[serde(default)]
    pub has_nans: bool,
    /// `AsIs`, `AsFalse` (a missing value is below every border) or `AsTrue` (above).
    #[serde(default)]
    pub nan_value_treatment: NanValueTreatment,
}

/// What a missing value is in a comparison with a border.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NanValueTreatment {
    /// NaN is greater than nothing.
    #[default]
    AsIs,
    /// Below every border.
    AsFalse,
    /// Above every border.
    AsTrue,
}

/// One tree. Bit k of the leaf's index is the answer of split k.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ObliviousTree {
    /// `None` (JSON null) in a tree of one leaf.
    #[serde(default)]
    pub splits: Option<Vec<Split>>,
    /// 2 to the power of the number of splits.
    pub leaf_values: Vec<f64>,
    /// Rows of the training data in each leaf; not used for scoring.
    #[serde(default)]
    pub leaf_weights: Vec<f64>,
}

/// A node of a tree that is not symmetric: a question with two answers, or a leaf.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FreeTree {
    /// Where the answer is no.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Box<FreeTree>>,
    /// Where it is yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Box<FreeTree>>,
    /// The question; nothing at a leaf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
    /// A leaf's answer; a list of them in a model of several scores.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// Rows of the training data in a leaf; not used for scoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// One question: is the number greater than the border, or is the category's value this one?
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Split {
    /// One of the feature's borders; 0 where a category is asked for.
    #[serde(default)]
    pub border: f64,
    /// [`FloatFeature::feature_index`]; 0 where a category is asked for.
    #[serde(default)]
    pub float_feature_index: usize,
    /// The position among the borders of all numbers in their order, then the values of all categories,
    /// then the borders of all target statistics.
    #[serde(default)]
    pub split_index: usize,
    /// `FloatFeature`, `OneHotFeature` or `OnlineCtr`.
    #[serde(default)]
    pub split_type: String,
    /// [`CategoricalFeature::feature_index`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cat_feature_index: Option<usize>,
    /// A hash, as a signed number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<i32>,
}

impl CatBoostFile {
    /// Reads a file and refuses what could not be scored exactly.
    pub fn read(file: &[u8]) -> Result<CatBoostFile, ModelError> {
        let file: CatBoostFile = serde_json::from_slice(file).map_err(|error| {
            ModelError::Invalid(format!("the model file is not CatBoost's JSON: {error}"))
        })?;
        let features = &file.features_info;
        let refusals = [
            (!features.text_features.is_empty(), "it has text features"),
            (!features.embedding_features.is_empty(), "it has embedding features"),
            (file.oblivious_trees.is_empty() && file.trees.is_empty(), "it has no trees"),
            (
                !file.oblivious_trees.is_empty() && !file.trees.is_empty(),
                "it has symmetric trees and others at once",
            ),
            (file.scale_and_bias.1.len() != 1, "it has not one score per customer but several"),
        ];
        if let Some((_, reason)) = refusals.iter().find(|(refused, _)| *refused) {
            return Err(ModelError::Unsupported((*reason).to_owned()));
        }
        match file.loss() {
            Some(loss) if !matches!(loss.as_str(), "Logloss" | "CrossEntropy") => {
                Err(ModelError::Unsupported(format!(
                    "its loss is {loss}, whose score is no log-odds of two classes"
                )))
            }
            _ => Ok(file),
        }
    }

    /// The name of the loss function, where the file tells it.
    fn loss(&self) -> Option<String> {
        let parameters = self.model_info.get("params")?;
        // Some versions of the library write the parameters as a string of JSON.
        let parsed = parameters.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let loss = parsed.as_ref().unwrap_or(parameters).get("loss_function")?;
        loss.get("type").unwrap_or(loss).as_str().map(str::to_owned)
    }
}

/// Files have null in place of an empty list.
fn list<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Older files have `[scale, bias]` in place of `[scale, [bias]]`.
fn scale_and_bias<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(f64, Vec<f64>), D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Bias {
        One(f64),
        Many(Vec<f64>),
    }
    let (scale, bias) = <(f64, Bias)>::deserialize(deserializer)?;
    Ok(match bias {
        Bias::One(bias) => (scale, vec![bias]),
        Bias::Many(biases) => (scale, biases),
    })
}
