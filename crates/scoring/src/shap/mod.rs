//! Why a customer gets a score: how much of it each feature of the schema is answerable for.
//!
//! Shapley values: with [`Explainer::base`], the contributions of a customer add up to the raw score, before
//! calibration, of [`Model::raw_scores`]. They are in its units, which are log-odds of leaving for every
//! algorithm but the SVM, where they are its margin.
//!
//! - CatBoost, XGBoost: exact, path-dependent ([`trees`]).
//! - Random forest, decision tree: exact in the mean share of leavers, which is what their trees add up;
//!   then, for each customer, multiplied by one factor that makes log-odds of them.
//! - Logistic regression, SVM: exact against the mean inputs of training ([`linear`]).
//! - Neural network: sampled ([`network`]).
//!
//! What an algorithm needs beside its model file ([`Reference`]) is in the manifest. A model that lacks it,
//! or a file without its leaves' weights, scores and is not explained.

mod attribution;
mod cells;
mod column;
mod effects;
mod linear;
mod network;
mod quadrature;
mod trees;
mod vocabulary;
mod words;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(crate) use attribution::Attribution;
pub(crate) use cells::Cells;
pub(crate) use column::ReasonWriter;
pub use column::{REASONS_MAX, ReasonColumns};
pub(crate) use effects::Effects;
pub use effects::{FeatureEffect, RangeEffect, ValueEffect};
use linear::LinearExplainer;
use network::NetworkExplainer;
pub(crate) use trees::{TreeExplainer, WeighedNode, WeighedTree};
pub use words::{Language, Reason, known_lever};
pub(crate) use words::{Words, strongest};

use crate::block::{Block, ROWS};
use crate::catboost::{self, CatBoostFile};
use crate::forest;
use crate::inputs::Inputs;
use crate::manifest::{Algorithm, Manifest};
use crate::model::{Model, ModelError};
use crate::xgboost::{self, XgboostFile};

/// What training's customers were on average: reasons tell how a customer differs from it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    /// The mean of each input; only in manifests of linear models and neural networks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_means: Vec<f64>,
    /// How many customers were in each leaf, in the order of the file's leaves; only in manifests of forests
    /// and decision trees. One text in JSON, which is much shorter.
    #[serde(default, skip_serializing_if = "Vec::is_empty", with = "counts")]
    pub leaf_customers: Vec<u32>,
}

/// Counts as one text with a space between two.
mod counts {
    use super::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(counts: &[u32], serializer: S) -> Result<S::Ok, S::Error> {
        let words: Vec<String> = counts.iter().map(u32::to_string).collect();
        serializer.serialize_str(&words.join(" "))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.split_whitespace().map(|word| word.parse().map_err(serde::de::Error::custom)).collect()
    }
}

/// A model ready to explain.
#[derive(Debug, Clone)]
pub struct Explainer {
    base: f64,
    features: usize,
    engine: Engine,
}

#[derive(Debug, Clone)]
enum Engine {
    Trees(TreeExplainer),
    /// Trees that add up shares.
    Shares(TreeExplainer),
    Linear(LinearExplainer),
    Network(NetworkExplainer),
}

impl Explainer {
    /// # Errors
    ///
    /// [`ModelError::Unsupported`] where the manifest or the file does not keep what reasons need.
    pub(crate) fn new(manifest: &Manifest, inputs: &Inputs, file: &[u8]) -> Result<Explainer, ModelError> {
        let (sources, attribution) = (inputs.sources(), Attribution::new(manifest));
        let means = || means(manifest);
        let engine = match manifest.algorithm {
            Algorithm::Logistic | Algorithm::Svm => {
                Engine::Linear(LinearExplainer::new(file, sources, means()?, &attribution)?)
            }
            Algorithm::Mlp => Engine::Network(NetworkExplainer::new(file, sources, means()?, &attribution)?),
            Algorithm::RandomForest | Algorithm::DecisionTree => {
                let reference = manifest.reference.as_ref().ok_or_else(lacking)?;
                Engine::Shares(forest::explainer(file, sources, &reference.leaf_customers, &attribution)?)
            }
            Algorithm::Catboost => {
                let file = CatBoostFile::read(file)?;
                Engine::Trees(catboost::explainer(&file, &manifest.inputs, sources, &attribution)?)
            }
            Algorithm::Xgboost => {
                let file = XgboostFile::read(file)?;
                Engine::Trees(xgboost::explainer(&file, sources, &attribution)?)
            }
        };
        let base = match &engine {
            Engine::Trees(trees) => trees.base(),
            Engine::Shares(trees) => forest::log_odds(trees.base()),
            Engine::Linear(linear) => linear.base(),
            Engine::Network(network) => network.base(),
        };
        Ok(Explainer { base, features: manifest.schema.features.len(), engine })
    }

    /// The score that is expected of a customer of whom nothing is known.
    #[must_use]
    pub fn base(&self) -> f64 {
        self.base
    }

    /// The contributions of the block's first `count` rows, [`ROWS`] for each feature. The derived numbers
    /// of the block are set.
    pub(crate) fn explain(&self, block: &Block, count: usize, contributions: &mut Vec<f64>) {
        contributions.clear();
        contributions.resize(self.features * ROWS, 0.0);
        match &self.engine {
            Engine::Trees(trees) => trees.add(block, count, contributions),
            Engine::Linear(linear) => linear.add(block, contributions),
            Engine::Network(network) => network.add(block, count, contributions),
            Engine::Shares(trees) => {
                trees.add(block, count, contributions);
                for row in 0..count {
                    self.to_log_odds(trees.base(), row, contributions);
                }
            }
        }
    }

    /// One factor for all contributions of a row, so that their sum is the difference of the log-odds.
    fn to_log_odds(&self, base_share: f64, row: usize, contributions: &mut [f64]) {
        let sum: f64 = (0..self.features).map(|feature| contributions[feature * ROWS + row]).sum();
        let factor = if sum.abs() < 1e-12 {
            1.0 / (base_share * (1.0 - base_share)).max(1e-9)
        } else {
            (forest::log_odds(base_share + sum) - self.base) / sum
        };
        (0..self.features).for_each(|feature| contributions[feature * ROWS + row] *= factor);
    }
}

/// Contributions of many customers.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// The score that is expected of a customer of whom nothing is known.
    pub base: f64,
    /// How many features the schema has.
    pub features: usize,
    /// One for each feature in the schema's order, row after row.
    pub values: Vec<f64>,
}

impl Contributions {
    /// One customer's.
    #[must_use]
    pub fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.features..][..self.features]
    }
}

impl Model {
    /// What each feature adds to the raw scores of these customers. The arguments are those of
    /// [`Model::score_rows`].
    ///
    /// # Errors
    ///
    /// Where the model cannot be explained, see [`Model::explainer`].
    ///
    /// # Panics
    ///
    /// Where there are fewer numbers or categories than `rows` customers have.
    pub fn contributions(
        &self,
        rows: usize,
        numbers: &[f64],
        categories: &[u32],
    ) -> Result<Contributions, ModelError> {
        let explainer = self.explainer()?;
        let (features, mut of_block) = (explainer.features, Vec::new());
        let mut values = Vec::with_capacity(rows * features);
        self.inputs().each_block(rows, numbers, categories, |_, count, block| {
            explainer.explain(block, count, &mut of_block);
            for row in 0..count {
                values.extend((0..features).map(|feature| of_block[feature * ROWS + row]));
            }
        });
        Ok(Contributions { base: explainer.base, features, values })
    }
}

fn means(manifest: &Manifest) -> Result<&[f64], ModelError> {
    let means = manifest.reference.as_ref().map(|reference| reference.input_means.as_slice());
    means.filter(|means| means.len() == manifest.inputs.len()).ok_or_else(lacking)
}

fn lacking() -> ModelError {
    ModelError::Unsupported(
        "its manifest does not keep what training's customers were on average; train it again for reasons"
            .to_owned(),
    )
}
