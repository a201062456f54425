//! The engine for XGBoost's trees: features become bins, trees compare bins.
//!
//! A missing value goes left at some nodes and right at others. So a feature has up to two columns of
//! bins: one in which a missing value is below every threshold, and one in which it is above.
//!
//! Leaves are summed in `f64`. The official library sums in `f32`, so that the two differ by what its
//! rounding loses: some 1e-7 of the sum for each hundred trees.

use std::collections::BTreeMap;

use super::{XgboostFile, XgboostTree, invalid, unsupported};
use crate::bins::{Beyond, BinColumn, Binning, MissingBin, Precision};
use crate::block::{Block, ROWS, Source};
use crate::kernels::{TreeNode, Trees};
use crate::manifest::Input;
use crate::model::ModelError;

/// An ensemble of trees.
#[derive(Debug, Clone)]
pub(crate) struct Xgboost {
    base: f64,
    columns: Vec<BinColumn>,
    trees: Trees,
}

/// A feature and whether its missing values go left.
pub(super) type ColumnKey = (usize, bool);

/// The thresholds that a column is compared with: ascending, each once.
pub(super) struct Thresholds {
    place: u16,
    values: Vec<f32>,
}

impl Xgboost {
    pub(crate) fn new(
        file: &XgboostFile,
        inputs: &[Input],
        sources: &[Source],
    ) -> Result<Xgboost, ModelError> {
        let names = &file.learner.feature_names;
        let are_others = names.iter().ne(inputs.iter().map(|input| &input.name));
        if !names.is_empty() && are_others {
            return Err(invalid("the inputs are not the features of the model".to_owned()));
        }
        let trees = &file.learner.gradient_booster.model.trees[..file.trees_used()?];
        let (thresholds, columns) = columns(trees, sources)?;
        let mut flat = Flat::default();
        for tree in trees {
            flat.add(tree, &thresholds)?;
        }
        let trees = Trees::new(columns.len(), &flat.roots, &flat.nodes, &flat.leaves)?;
        Ok(Xgboost { base: file.base_log_odds()?, columns, trees })
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        let mut bins = vec![0; self.columns.len() * ROWS];
        for (column, bins) in self.columns.iter().zip(bins.as_chunks_mut().0) {
            column.read(block, bins);
        }
        scores.fill(self.base);
        self.trees.add(&bins, scores);
    }
}

/// The columns that these trees ask for, in the order of their keys.
pub(super) fn columns(
    trees: &[XgboostTree],
    sources: &[Source],
) -> Result<(BTreeMap<ColumnKey, Thresholds>, Vec<BinColumn>), ModelError> {
    let mut thresholds = BTreeMap::new();
    for tree in trees {
        check(tree, sources.len())?;
        collect(tree, &mut thresholds);
    }
    let mut columns = Vec::with_capacity(thresholds.len());
    for (&(feature, is_left), thresholds) in &mut thresholds {
        thresholds.place = u16::try_from(columns.len())
            .map_err(|_| unsupported("it asks for too many features".to_owned()))?;
        thresholds.values.sort_by(f32::total_cmp);
        thresholds.values.dedup();
        let missing = if is_left { MissingBin::Lowest } else { MissingBin::Highest };
        let binning = Binning { beyond: Beyond::AtLeast, precision: Precision::F32, missing };
        let borders: Vec<f64> = thresholds.values.iter().map(|&value| f64::from(value)).collect();
        columns.push(BinColumn::new(&sources[feature], &borders, binning)?);
    }
    Ok((thresholds, columns))
}

/// Refuses arrays that do not fit together.
fn check(tree: &XgboostTree, features: usize) -> Result<(), ModelError> {
    let nodes = tree.left_children.len();
    let lengths = [
        tree.right_children.len(),
        tree.default_left.len(),
        tree.split_conditions.len(),
        tree.split_indices.len(),
    ];
    if nodes == 0 || lengths != [nodes; 4] {
        return Err(invalid("the arrays of a tree differ in length or are empty".to_owned()));
    }
    if tree.split_conditions.iter().any(|condition| !condition.is_finite()) {
        return Err(invalid("a threshold or leaf is not finite".to_owned()));
    }
    for node in 0..nodes {
        let is_one_sided = (tree.left_children[node] < 0) != (tree.right_children[node] < 0);
        let is_known = usize::try_from(tree.split_indices[node]).is_ok_and(|feature| feature < features);
        if is_one_sided || !(is_leaf(tree, node) || is_known) {
            return Err(invalid(format!("node {node} of a tree has one child, or asks for no feature")));
        }
    }
    Ok(())
}

pub(super) fn is_leaf(tree: &XgboostTree, node: usize) -> bool {
    tree.left_children[node] < 0
}

fn column_key(tree: &XgboostTree, node: usize) -> ColumnKey {
    // `check` has let no negative index through.
    (tree.split_indices[node].unsigned_abs() as usize, tree.default_left[node] != 0)
}

fn collect(tree: &XgboostTree, thresholds: &mut BTreeMap<ColumnKey, Thresholds>) {
    for node in (0..tree.left_children.len()).filter(|&node| !is_leaf(tree, node)) {
        let empty = || Thresholds { place: 0, values: Vec::new() };
        let column = thresholds.entry(column_key(tree, node)).or_insert_with(empty);
        column.values.push(tree.split_conditions[node]);
    }
}

/// Trees laid out in arrays, a node's children after it.
#[derive(Default)]
struct Flat {
    roots: Vec<i32>,
    nodes: Vec<TreeNode>,
    leaves: Vec<f64>,
}

/// Where the reference to a node goes.
enum Slot {
    Root,
    Left(usize),
    Right(usize),
}

impl Flat {
    /// Follows the tree from its root, as the library may have kept nodes that were pruned.
    fn add(
        &mut self,
        tree: &XgboostTree,
        thresholds: &BTreeMap<ColumnKey, Thresholds>,
    ) -> Result<(), ModelError> {
        let mut met = vec![false; tree.left_children.len()];
        let mut left = vec![(0, Slot::Root)];
        while let Some((node, slot)) = left.pop() {
            let node = usize::try_from(node).ok().filter(|&node| node < met.len());
            let node = node.filter(|&node| !std::mem::replace(&mut met[node], true));
            let node = node.ok_or_else(|| invalid("a tree's children are no tree".to_owned()))?;
            let reference = if is_leaf(tree, node) {
                self.leaves.push(f64::from(tree.split_conditions[node]));
                -reference(self.leaves.len())?
            } else {
                let place = self.nodes.len();
                self.nodes.push(question(tree, node, thresholds));
                left.push((tree.right_children[node], Slot::Right(place)));
                left.push((tree.left_children[node], Slot::Left(place)));
                reference(place)?
            };
            match slot {
                Slot::Root => self.roots.push(reference),
                Slot::Left(parent) => self.nodes[parent].left = reference,
                Slot::Right(parent) => self.nodes[parent].right = reference,
            }
        }
        Ok(())
    }
}

/// A node whose children are not known yet.
pub(super) fn question(
    tree: &XgboostTree,
    node: usize,
    thresholds: &BTreeMap<ColumnKey, Thresholds>,
) -> TreeNode {
    let column = &thresholds[&column_key(tree, node)];
    let bin = column.values.partition_point(|value| *value < tree.split_conditions[node]);
    // `BinColumn` has let no more borders through than a u16 counts.
    TreeNode { column: column.place, bin: bin as u16, left: 0, right: 0 }
}

pub(super) fn reference(place: usize) -> Result<i32, ModelError> {
    i32::try_from(place).map_err(|_| unsupported("it has too many nodes".to_owned()))
}
