//! CatBoost's trees as they are explained: equal to the library's own ShapValues.
//!
//! The library goes through a symmetric tree from its last question to its first, takes one-hot questions
//! and target statistics of the same categories for one player, and shares the contribution of a combination
//! out among its categories in equal parts; numbers and single values that a combination asks for get
//! nothing of it.

use super::columns::{Column, Columns};
use super::{CatBoostFile, CtrElement, FreeTree, ObliviousTree, Split};
use crate::block::Source;
use crate::manifest::Input;
use crate::model::ModelError;
use crate::shap::{Attribution, TreeExplainer, WeighedNode, WeighedTree};

/// # Errors
///
/// Where the file does not say how many customers were in its leaves.
pub(crate) fn explainer(
    file: &CatBoostFile,
    inputs: &[Input],
    sources: &[Source],
    attribution: &Attribution,
) -> Result<TreeExplainer, ModelError> {
    let mut columns = Columns::new(file, inputs, sources)?;
    let (scale, biases) = &file.scale_and_bias;
    let symmetric = file.oblivious_trees.iter().map(|tree| symmetric(file, tree, *scale, &mut columns));
    let symmetric = symmetric.collect::<Result<Vec<_>, _>>()?;
    let mut others = Vec::with_capacity(file.trees.len());
    for tree in &file.trees {
        let mut free = Free { file, scale: *scale, columns: &mut columns, tree: WeighedTree::default() };
        free.tree.root = free.add(tree)?.0;
        others.push(free.tree);
    }
    let columns: Vec<Column> = columns.made();
    TreeExplainer::new(columns, biases.iter().sum(), &symmetric, &others, attribution)
}

fn symmetric(
    file: &CatBoostFile,
    tree: &ObliviousTree,
    scale: f64,
    columns: &mut Columns,
) -> Result<WeighedTree, ModelError> {
    let splits = tree.splits.as_deref().unwrap_or_default();
    let depth = splits.len();
    let weighs = |weight: &f64| *weight >= 0.0 && weight.is_finite();
    if tree.leaf_weights.len() != 1 << depth || !tree.leaf_weights.iter().all(weighs) {
        return Err(without_weights());
    }
    let mut weighed = WeighedTree { root: if depth == 0 { -1 } else { 0 }, ..WeighedTree::default() };
    weighed.leaves =
        tree.leaf_values.iter().map(|leaf| scale * leaf).zip(tree.leaf_weights.iter().copied()).collect();
    let mut players = Vec::with_capacity(depth);
    for split in splits {
        weighed.questions.push(columns.question(split)?);
        players.push(weighed.player(inputs_of(file, split)?));
    }
    // Level by level from the last question: node `n` of a level has the leaves that begin with its bits.
    for level in 0..depth {
        let (first, next) = ((1 << level) - 1, (1 << (level + 1)) - 1);
        let question = depth - 1 - level;
        for node in 0..1_i32 << level {
            let child = |side: i32| {
                let place = 2 * node + side;
                if level + 1 == depth { -1 - place } else { next + place }
            };
            let leaves = 1 << (depth - level);
            let weights = &tree.leaf_weights[node as usize * leaves..][..leaves];
            debug_assert_eq!(weighed.nodes.len(), (first + node) as usize);
            weighed.nodes.push(WeighedNode {
                question,
                player: players[question],
                left: child(0),
                right: child(1),
                weight: weights.iter().sum(),
            });
        }
    }
    Ok(weighed)
}

/// A tree of any shape on its way into arrays.
struct Free<'a, 'b, 'c> {
    file: &'a CatBoostFile,
    scale: f64,
    columns: &'b mut Columns<'c>,
    tree: WeighedTree,
}

impl Free<'_, '_, '_> {
    /// The reference to the tree's first node, and how many customers came by.
    fn add(&mut self, tree: &FreeTree) -> Result<(i32, f64), ModelError> {
        let (Some(split), Some(left), Some(right)) = (&tree.split, &tree.left, &tree.right) else {
            let weight = tree.weight.filter(|weight| *weight >= 0.0).ok_or_else(without_weights)?;
            let value = tree.value.as_f64().unwrap_or_default();
            self.tree.leaves.push((self.scale * value, weight));
            return Ok((-(self.tree.leaves.len() as i32), weight));
        };
        let player = self.tree.player(inputs_of(self.file, split)?);
        let place = self.tree.nodes.len();
        self.tree.questions.push(self.columns.question(split)?);
        self.tree.nodes.push(WeighedNode { question: place, player, left: 0, right: 0, weight: 0.0 });
        let (left, right) = (self.add(left)?, self.add(right)?);
        let node = &mut self.tree.nodes[place];
        (node.left, node.right, node.weight) = (left.0, right.0, left.1 + right.1);
        Ok((place as i32, left.1 + right.1))
    }
}

/// The places of the features that a question is about, in order.
fn inputs_of(file: &CatBoostFile, split: &Split) -> Result<Vec<usize>, ModelError> {
    let features = &file.features_info;
    let float = |index: usize| {
        let found = features.float_features.iter().find(|feature| feature.feature_index == index);
        found.map(|feature| feature.flat_feature_index)
    };
    let category = |index: usize| {
        let found = features.categorical_features.iter().find(|feature| feature.feature_index == index);
        found.map(|feature| feature.flat_feature_index)
    };
    let found: Option<Vec<usize>> = match split.split_type.as_str() {
        "FloatFeature" => float(split.float_feature_index).map(|input| vec![input]),
        "OneHotFeature" => split.cat_feature_index.and_then(category).map(|input| vec![input]),
        _ => statistic(file, split.split_index).and_then(|elements| {
            let value = |element: &CtrElement| match element {
                CtrElement::CatFeatureValue { cat_feature_index } => Some(*cat_feature_index),
                CtrElement::CatFeatureExactValue { .. } | CtrElement::FloatFeature { .. } => None,
            };
            elements.iter().filter_map(value).map(category).collect()
        }),
    };
    let mut found = found
        .ok_or_else(|| ModelError::Invalid("a tree asks for a feature that is not listed".to_owned()))?;
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// What the target statistic of a question is made of.
fn statistic(file: &CatBoostFile, split_index: usize) -> Option<&[CtrElement]> {
    let features = &file.features_info;
    let floats = features.float_features.iter().map(|feature| feature.borders.iter().flatten().count());
    let values = features.categorical_features.iter().map(|feature| feature.values.len());
    let mut left = split_index.checked_sub(floats.chain(values).sum())?;
    for ctr in &features.ctrs {
        match left.checked_sub(ctr.borders.len()) {
            Some(beyond) => left = beyond,
            None => return Some(&ctr.elements),
        }
    }
    None
}

fn without_weights() -> ModelError {
    ModelError::Unsupported(
        "its file does not say how many customers were in its leaves (leaf_weights), without which there are no reasons"
            .to_owned(),
    )
}
