//! XGBoost's trees as they are explained. A node's weight is its sum of second derivatives, as in the
//! library's own contributions and in the Python package `shap`.

use std::collections::BTreeMap;

use super::engine::{ColumnKey, Thresholds, columns, is_leaf, question, reference};
use super::{XgboostFile, XgboostTree, invalid, unsupported};
use crate::block::Source;
use crate::catboost::Column;
use crate::model::ModelError;
use crate::shap::{Attribution, TreeExplainer, WeighedNode, WeighedTree};

/// # Errors
///
/// Where the file does not say how heavy its nodes are.
pub(crate) fn explainer(
    file: &XgboostFile,
    sources: &[Source],
    attribution: &Attribution,
) -> Result<TreeExplainer, ModelError> {
    let trees = &file.learner.gradient_booster.model.trees[..file.trees_used()?];
    let (thresholds, columns) = columns(trees, sources)?;
    let weighed = trees.iter().map(|tree| weighed(tree, &thresholds)).collect::<Result<Vec<_>, _>>()?;
    let columns = columns.into_iter().map(Column::Bins).collect();
    TreeExplainer::new(columns, file.base_log_odds()?, &[], &weighed, attribution)
}

fn weighed(
    tree: &XgboostTree,
    thresholds: &BTreeMap<ColumnKey, Thresholds>,
) -> Result<WeighedTree, ModelError> {
    let weighs = |weight: &f32| *weight >= 0.0 && weight.is_finite();
    if tree.sum_hessian.len() != tree.left_children.len() || !tree.sum_hessian.iter().all(weighs) {
        let message =
            "its file does not say how heavy its nodes are (sum_hessian), without which there are no reasons";
        return Err(unsupported(message.to_owned()));
    }
    // Every node that is met gets its reference; a child comes after its parent.
    let (mut weighed, mut open, mut met) = (WeighedTree::default(), vec![0], Vec::new());
    let mut references = vec![None; tree.left_children.len()];
    while let Some(node) = open.pop() {
        let unknown = || invalid("a tree's children are no tree".to_owned());
        let node = usize::try_from(node).ok().filter(|&node| node < references.len()).ok_or_else(unknown)?;
        let weight = f64::from(tree.sum_hessian[node]);
        let made = if is_leaf(tree, node) {
            weighed.leaves.push((f64::from(tree.split_conditions[node]), weight));
            -reference(weighed.leaves.len())?
        } else {
            let asked = question(tree, node, thresholds);
            let player = weighed.player(vec![tree.split_indices[node].unsigned_abs() as usize]);
            let place = weighed.nodes.len();
            weighed.questions.push((asked.column, asked.bin));
            weighed.nodes.push(WeighedNode { question: place, player, left: 0, right: 0, weight });
            met.push(node);
            open.extend([tree.right_children[node], tree.left_children[node]]);
            reference(place)?
        };
        if references[node].replace(made).is_some() {
            return Err(unknown());
        }
    }
    let child = |node: i32| references[node.unsigned_abs() as usize].unwrap_or_default();
    for (place, node) in met.into_iter().enumerate() {
        weighed.nodes[place].left = child(tree.left_children[node]);
        weighed.nodes[place].right = child(tree.right_children[node]);
    }
    weighed.root = references[0].unwrap_or_default();
    Ok(weighed)
}
