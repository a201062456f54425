//! CatBoost's JSON format, as far as it can be served exactly: float features and oblivious trees.
//!
//! The n-th input of the manifest is the float feature with `flat_feature_index` n. Inputs are compared
//! as `f32`, as CatBoost does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The parts of the file that decide the score. Other keys are kept where they are needed to refuse what
/// cannot be served.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CatBoostFile {
    /// The features.
    pub features_info: FeaturesInfo,
    /// Free-form; the official library wants the loss function and the classes in it.
    #[serde(default)]
    pub model_info: Value,
    /// Nothing in a model of trees that are not oblivious.
    #[serde(default)]
    pub oblivious_trees: Vec<ObliviousTree>,
    /// `score = scale * (sum of leaves) + bias`, written as `[scale, [bias]]`.
    pub scale_and_bias: (f64, Vec<f64>),
}

/// The features of a model.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct FeaturesInfo {
    /// Numbers.
    #[serde(default)]
    pub float_features: Vec<FloatFeature>,
    /// Categories of CatBoost's own: refused where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categorical_features: Vec<Value>,
    /// Texts: refused where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub text_features: Vec<Value>,
    /// Embeddings: refused where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub embedding_features: Vec<Value>,
    /// Target statistics: refused where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ctrs: Vec<Value>,
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
    /// Whether the training data had missing values in it.
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

/// One question: is the feature greater than the border?
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Split {
    /// One of the feature's borders.
    #[serde(default)]
    pub border: f64,
    /// [`FloatFeature::feature_index`].
    #[serde(default)]
    pub float_feature_index: usize,
    /// The position among the borders of all features in their order.
    #[serde(default)]
    pub split_index: usize,
    /// `FloatFeature`; any other is refused.
    #[serde(default)]
    pub split_type: String,
}
