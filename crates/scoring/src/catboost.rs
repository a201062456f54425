//! CatBoost's JSON format, as far as it can be served exactly: float features and oblivious trees.
//!
//! The n-th input of the manifest is the float feature with `flat_feature_index` n. Inputs are compared
//! as `f32`, as CatBoost does.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::calibration::Calibration;
use crate::manifest::{Algorithm, Feature, FeatureKind, Input, InputEncoding, Manifest, Metrics, Schema};
use crate::model::{ModelError, checksum};
use crate::vocabulary;

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
    /// Trees that are not oblivious: refused where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trees: Vec<Value>,
    /// `score = scale * (sum of leaves) + bias`, written as `[scale, [bias]]`.
    #[serde(deserialize_with = "scale_and_bias")]
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

impl CatBoostFile {
    /// Reads a file and refuses what could not be scored exactly.
    pub fn read(file: &[u8]) -> Result<CatBoostFile, ModelError> {
        let file: CatBoostFile = serde_json::from_slice(file).map_err(|error| {
            ModelError::Invalid(format!("the model file is not CatBoost's JSON: {error}"))
        })?;
        let features = &file.features_info;
        let refusals = [
            (!features.categorical_features.is_empty(), "it has categorical features"),
            (!features.text_features.is_empty(), "it has text features"),
            (!features.embedding_features.is_empty(), "it has embedding features"),
            (!features.ctrs.is_empty(), "it has target statistics (CTR)"),
            (!file.trees.is_empty(), "its trees are not symmetric"),
            (file.oblivious_trees.is_empty(), "it has no oblivious trees"),
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

/// A manifest for a model that the official library exported as JSON: its columns are its feature names,
/// its probability is that of class 1, and its quality is not known.
pub fn import(name: &str, file: &[u8]) -> Result<Manifest, ModelError> {
    let model = CatBoostFile::read(file)?;
    let mut floats: Vec<&FloatFeature> = model.features_info.float_features.iter().collect();
    floats.sort_by_key(|feature| feature.flat_feature_index);
    if floats.iter().enumerate().any(|(position, feature)| position != feature.flat_feature_index) {
        return Err(ModelError::Unsupported("its features are not all numbers".to_owned()));
    }
    let name_of = |feature: &FloatFeature| match feature.feature_id.as_str() {
        "" => feature.flat_feature_index.to_string(),
        id => id.to_owned(),
    };
    let number = |feature: &&FloatFeature| Feature {
        name: name_of(feature),
        aliases: Vec::new(),
        kind: FeatureKind::Number,
    };
    let input = |feature: &&FloatFeature| Input {
        name: name_of(feature),
        feature: name_of(feature),
        encoding: InputEncoding::Number { missing: None },
    };
    let features: Vec<Feature> = floats.iter().map(number).collect();
    let is_feature = |outcome: &String| features.iter().any(|feature| same(&feature.name, outcome));
    let outcomes = vocabulary::outcomes().into_iter().filter(|outcome| !is_feature(outcome)).collect();
    Ok(Manifest {
        name: name.to_owned(),
        algorithm: Algorithm::Catboost,
        version: "1".to_owned(),
        description: "A model imported from CatBoost.".to_owned(),
        file: "model.json".to_owned(),
        sha256: checksum(file),
        schema: Schema { features, outcomes },
        derived: Vec::new(),
        inputs: floats.iter().map(input).collect(),
        calibration: Calibration::IDENTITY,
        threshold: 0.5,
        metrics: Metrics::default(),
        training: None,
    })
}

fn same(left: &str, right: &str) -> bool {
    crate::names::key(left) == crate::names::key(right)
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
