//! XGBoost's own JSON (`save_model("model.json")`), as far as it can be served exactly: `binary:logistic`
//! with trees (`gbtree`) that ask for numbers.
//!
//! Each field says whether the official library (3.2 was tried, with each key left out in turn) insists on
//! its key. All of them are written, so that a file of ours loads there.

mod engine;
mod explain;
mod import;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::model::ModelError;

pub(crate) use engine::Xgboost;
pub(crate) use explain::explainer;
pub use import::import;

/// The only objective whose score is the log-odds of two classes and is served.
pub const OBJECTIVE: &str = "binary:logistic";

/// The only booster that is served.
pub const BOOSTER: &str = "gbtree";

/// What [`XgboostTree::parents`] has for a root.
pub const NO_PARENT: i32 = i32::MAX;

/// A whole model. [`XgboostFile::new`] makes one that the official library loads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostFile {
    /// Insisted on.
    pub learner: XgboostLearner,
    /// Of the library whose format this is; not insisted on, but decides how older files are read.
    #[serde(default = "version")]
    pub version: Vec<u32>,
}

/// Everything below the key `learner`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostLearner {
    /// Insisted on, may be empty. `best_iteration` is written by early stopping, `scikit_learn` by the
    /// estimators of that style; see [`XgboostFile::trees_used`].
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Not insisted on, and may be empty; where it is not, the library refuses to predict for columns of
    /// other names. A name must not contain `[`, `]` or `<`.
    #[serde(default)]
    pub feature_names: Vec<String>,
    /// Not insisted on, and may be empty: `float`, `int`, `i` (indicator), `q` (quantity), `c` (category).
    #[serde(default)]
    pub feature_types: Vec<String>,
    /// Insisted on.
    pub gradient_booster: XgboostBooster,
    /// Insisted on.
    pub learner_model_param: XgboostModelParameters,
    /// Insisted on.
    pub objective: XgboostObjective,
}

/// The trees and their kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostBooster {
    /// Insisted on.
    pub model: XgboostModel,
    /// Insisted on: [`BOOSTER`].
    pub name: String,
}

/// Everything below `gradient_booster.model`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostModel {
    /// Values of categories, since version 3.1. Not insisted on, but whole where it is there.
    #[serde(default)]
    pub cats: XgboostCategories,
    /// Insisted on.
    pub gbtree_model_param: XgboostTreeCounts,
    /// For each iteration its first tree, and last the number of trees. Not insisted on, but without it
    /// the library cannot predict with fewer iterations.
    #[serde(default)]
    pub iteration_indptr: Vec<usize>,
    /// Insisted on: the class of each tree, 0 for two classes.
    #[serde(default)]
    pub tree_info: Vec<i32>,
    /// Insisted on.
    pub trees: Vec<XgboostTree>,
}

/// Values of categories: all empty in a model of numbers, and the library insists on all three.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct XgboostCategories {
    /// One per feature in a model with categories.
    pub enc: Vec<Value>,
    /// Where each feature's values begin.
    pub feature_segments: Vec<i32>,
    /// The order of the values.
    pub sorted_idx: Vec<i32>,
}

/// Counts, as strings like every parameter of the format.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostTreeCounts {
    /// Trees of one iteration; not insisted on.
    #[serde(default = "one")]
    pub num_parallel_tree: String,
    /// Insisted on, and must be the number of trees.
    pub num_trees: String,
}

/// Everything below `learner_model_param`, as strings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostModelParameters {
    /// Insisted on: the probability (not the log-odds) that every sum starts from, such as `[5E-1]`; a
    /// plain `5E-1` before version 3.1 and still understood.
    pub base_score: String,
    /// Not insisted on.
    #[serde(default = "one")]
    pub boost_from_average: String,
    /// Insisted on: `0` for two classes.
    #[serde(default = "zero")]
    pub num_class: String,
    /// Insisted on.
    pub num_feature: String,
    /// Not insisted on.
    #[serde(default = "one")]
    pub num_target: String,
}

/// What was minimised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct XgboostObjective {
    /// Insisted on: [`OBJECTIVE`].
    pub name: String,
    /// Not insisted on: `{"scale_pos_weight": "1"}`, which does not change the score.
    #[serde(default)]
    pub reg_loss_param: BTreeMap<String, String>,
}

/// One tree in arrays by node; node 0 is the root. The library insists on every key but `split_type`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct XgboostTree {
    /// What each node would answer as a leaf before the learning rate, and a leaf's answer after it; not
    /// used for scoring.
    #[serde(default)]
    pub base_weights: Vec<f32>,
    /// Values of categorical splits, all nodes' in one list: empty in a tree of numbers.
    #[serde(default)]
    pub categories: Vec<i32>,
    /// Nodes that split by categories.
    #[serde(default)]
    pub categories_nodes: Vec<i32>,
    /// Where each of these nodes' values begin.
    #[serde(default)]
    pub categories_segments: Vec<i64>,
    /// How many values each of them has.
    #[serde(default)]
    pub categories_sizes: Vec<i64>,
    /// 1 where a missing value goes left.
    #[serde(deserialize_with = "flags")]
    pub default_left: Vec<u8>,
    /// The tree's position.
    #[serde(default)]
    pub id: i32,
    /// -1 at a leaf.
    pub left_children: Vec<i32>,
    /// Each split's gain; not used for scoring.
    #[serde(default)]
    pub loss_changes: Vec<f32>,
    /// [`NO_PARENT`] at the root; not used for scoring.
    #[serde(default)]
    pub parents: Vec<i32>,
    /// -1 at a leaf.
    pub right_children: Vec<i32>,
    /// A node's threshold: left where `value < threshold`, both `f32`. A leaf's answer, in log-odds.
    pub split_conditions: Vec<f32>,
    /// The feature that a node asks for; 0 at a leaf.
    pub split_indices: Vec<i32>,
    /// 0 for a number, 1 for a category; not insisted on, empty means numbers.
    #[serde(default)]
    pub split_type: Vec<u8>,
    /// The sum of second derivatives at each node; not used for scoring.
    #[serde(default)]
    pub sum_hessian: Vec<f32>,
    /// Insisted on.
    pub tree_param: XgboostTreeParameters,
}

/// A tree's sizes, as strings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct XgboostTreeParameters {
    /// Not insisted on.
    #[serde(default = "zero")]
    pub num_deleted: String,
    /// Insisted on, and must be the model's.
    pub num_feature: String,
    /// Insisted on: the length of the arrays.
    pub num_nodes: String,
    /// Insisted on: `1`, the leaf's one answer (`0` before version 2).
    pub size_leaf_vector: String,
}

impl XgboostFile {
    /// A model of these trees, one per iteration, in the form that the official library writes. Numbers
    /// the trees and fills in their `tree_param`.
    ///
    /// `base_score` is a probability strictly between 0 and 1.
    #[must_use]
    pub fn new(feature_names: Vec<String>, base_score: f32, mut trees: Vec<XgboostTree>) -> XgboostFile {
        let features = feature_names.len().to_string();
        for (place, tree) in trees.iter_mut().enumerate() {
            tree.id = i32::try_from(place).unwrap_or(i32::MAX);
            tree.tree_param = XgboostTreeParameters {
                num_deleted: zero(),
                num_feature: features.clone(),
                num_nodes: tree.left_children.len().to_string(),
                size_leaf_vector: one(),
            };
        }
        let model = XgboostModel {
            cats: XgboostCategories::default(),
            gbtree_model_param: XgboostTreeCounts {
                num_parallel_tree: one(),
                num_trees: trees.len().to_string(),
            },
            iteration_indptr: (0..=trees.len()).collect(),
            tree_info: vec![0; trees.len()],
            trees,
        };
        XgboostFile {
            learner: XgboostLearner {
                attributes: BTreeMap::new(),
                feature_types: vec!["float".to_owned(); feature_names.len()],
                feature_names,
                gradient_booster: XgboostBooster { model, name: BOOSTER.to_owned() },
                learner_model_param: XgboostModelParameters {
                    base_score: format!("[{base_score:E}]"),
                    boost_from_average: one(),
                    num_class: zero(),
                    num_feature: features,
                    num_target: one(),
                },
                objective: XgboostObjective {
                    name: OBJECTIVE.to_owned(),
                    reg_loss_param: BTreeMap::from([("scale_pos_weight".to_owned(), one())]),
                },
            },
            version: version(),
        }
    }

    /// Reads a file and refuses what could not be scored exactly.
    pub fn read(file: &[u8]) -> Result<XgboostFile, ModelError> {
        let unreadable = |error| invalid(format!("the model file is not XGBoost's JSON: {error}"));
        // What a booster of another kind looks like is not described above: its name comes first.
        let outline: Outline = serde_json::from_slice(file).map_err(unreadable)?;
        let Named { name: booster } = &outline.learner.gradient_booster;
        let Named { name: objective } = &outline.learner.objective;
        if booster != BOOSTER {
            return Err(unsupported(format!("its booster is {booster:?}, not {BOOSTER:?}")));
        }
        if objective != OBJECTIVE {
            return Err(unsupported(format!("its objective is {objective:?}, not {OBJECTIVE:?}")));
        }
        let read: XgboostFile = serde_json::from_slice(file).map_err(unreadable)?;
        let (learner, trees) = (&read.learner, &read.learner.gradient_booster.model.trees);
        let parameters = &learner.learner_model_param;
        let is_several = |count: &String| !matches!(count.as_str(), "0" | "1");
        let has_categories = |tree: &XgboostTree| {
            !tree.categories_nodes.is_empty() || tree.split_type.iter().any(|&kind| kind != 0)
        };
        let refusals = [
            (is_several(&parameters.num_class), "it has several classes"),
            (is_several(&parameters.num_target), "it has several targets"),
            (
                learner.feature_types.iter().any(|kind| kind == "c") || trees.iter().any(has_categories),
                "it has categorical features (enable_categorical)",
            ),
            (
                trees.iter().any(|tree| is_several(&tree.tree_param.size_leaf_vector)),
                "its leaves have several values",
            ),
            (trees.is_empty(), "it has no trees"),
        ];
        match refusals.iter().find(|(refused, _)| *refused) {
            Some((_, reason)) => Err(unsupported((*reason).to_owned())),
            None => Ok(read),
        }
    }

    /// How many of the trees are summed, counted from the first: all of them, or those up to the best
    /// iteration where an estimator of scikit-learn's style has saved the model after stopping early. So
    /// do the library's own `predict` of a booster and of such an estimator.
    pub fn trees_used(&self) -> Result<usize, ModelError> {
        let learner = &self.learner;
        let model = &learner.gradient_booster.model;
        let best = learner.attributes.get("best_iteration");
        let Some(best) = best.filter(|_| learner.attributes.contains_key("scikit_learn")) else {
            return Ok(model.trees.len());
        };
        let used = best.parse::<usize>().ok().and_then(|best| {
            let after = best.checked_add(1)?;
            match model.iteration_indptr.is_empty() {
                true => after.checked_mul(model.gbtree_model_param.num_parallel_tree.parse().ok()?),
                false => model.iteration_indptr.get(after).copied(),
            }
        });
        used.filter(|used| (1..=model.trees.len()).contains(used))
            .ok_or_else(|| invalid(format!("the best iteration, {best:?}, is none of the model's")))
    }

    /// The log-odds that every sum starts from.
    pub fn base_log_odds(&self) -> Result<f64, ModelError> {
        let text = &self.learner.learner_model_param.base_score;
        let number = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        match number.trim().parse::<f32>() {
            // In f32, as the library does.
            Ok(share) if share > 0.0 && share < 1.0 => Ok(f64::from(-(1.0 / share - 1.0).ln())),
            _ => Err(invalid(format!("the base score {text:?} is not one probability between 0 and 1"))),
        }
    }
}

/// Of a file, only what tells whether the rest can be read.
#[derive(Deserialize)]
struct Outline {
    learner: OutlineLearner,
}

#[derive(Deserialize)]
struct OutlineLearner {
    gradient_booster: Named,
    objective: Named,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}

fn unsupported(message: String) -> ModelError {
    ModelError::Unsupported(message)
}

fn version() -> Vec<u32> {
    vec![3, 2, 0]
}

fn one() -> String {
    "1".to_owned()
}

fn zero() -> String {
    "0".to_owned()
}

/// Files before version 1.6 or so have `true` and `false` in place of 1 and 0.
fn flags<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Number(u8),
        Truth(bool),
    }
    let flags = Vec::<Flag>::deserialize(deserializer)?;
    Ok(flags
        .into_iter()
        .map(|flag| match flag {
            Flag::Number(number) => number,
            Flag::Truth(truth) => u8::from(truth),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::{NO_PARENT, XgboostFile, XgboostTree};

    #[test]
    fn a_file_survives_its_json() {
        let tree = XgboostTree {
            base_weights: vec![0.0, -0.5, 0.25],
            default_left: vec![1, 0, 0],
            left_children: vec![1, -1, -1],
            loss_changes: vec![3.5, 0.0, 0.0],
            parents: vec![NO_PARENT, 0, 0],
            right_children: vec![2, -1, -1],
            split_conditions: vec![0.1, -0.15, 0.075],
            split_indices: vec![1, 0, 0],
            split_type: vec![0; 3],
            sum_hessian: vec![10.0, 4.0, 6.0],
            ..XgboostTree::default()
        };
        let file = XgboostFile::new(vec!["a".to_owned(), "b".to_owned()], 0.3, vec![tree]);
        let json = serde_json::to_vec(&file).unwrap();
        assert_eq!(XgboostFile::read(&json).unwrap(), file);
    }
}
