//! The random forest engine: the mean of all trees' leaves.

use serde::{Deserialize, Serialize};

use crate::block::{Block, ROWS, Source};
use crate::model::ModelError;

/// The value of [`ForestFile::format`].
pub const FORMAT: &str = "augur-forest-1";

/// The model file: all trees in flat arrays.
///
/// A reference to a node is its index where it is not negative, and `-1 - leaf` where it is a leaf. A
/// node's children come after it, so that no walk can go round in circles, and no node is the child of
/// two. The score is the log-odds of the mean of the leaves, one from each tree.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForestFile {
    /// [`FORMAT`].
    pub format: String,
    /// Each tree's first node.
    pub roots: Vec<i32>,
    /// Per node, the input (of the manifest's list) that it asks for.
    pub inputs: Vec<u16>,
    /// Per node: left where `input <= threshold`, else right.
    pub thresholds: Vec<f64>,
    /// Per node, where to go on the left.
    pub left: Vec<i32>,
    /// Per node, where to go on the right.
    pub right: Vec<i32>,
    /// Per leaf, the share of leavers in it, 0 to 1.
    pub leaves: Vec<f64>,
}

/// The mean of the leaves is kept this far from 0 and 1, where log-odds have no number.
const MEAN_MIN: f64 = 1e-9;

/// A forest whose values are bins: `input <= threshold k` is `bin <= k`, where the bin is the number of
/// the input's thresholds that are below the value.
///
/// The nodes of a tree lie side by side, level by level, a node's right child behind its left one. A leaf
/// leads to itself, so that all rows of a block can go down a tree in step.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    columns: Vec<Column>,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// By node; of no meaning where the node is no leaf.
    values: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Column {
    source: Source,
    /// Ascending, each once.
    thresholds: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Tree {
    root: u32,
    depth: usize,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    input: u16,
    /// Right where the row's bin is greater.
    bin: u16,
    left: u32,
}

/// No row's bin is greater.
const LEAF_BIN: u16 = u16::MAX;

impl Forest {
    pub(crate) fn read(file: &[u8], sources: &[Source]) -> Result<Forest, ModelError> {
        let file: ForestFile = serde_json::from_slice(file)
            .map_err(|error| invalid(format!("the model file is no forest: {error}")))?;
        if file.format != FORMAT {
            return Err(ModelError::Unsupported(format!("the format {:?} is not {FORMAT}", file.format)));
        }
        check(&file, sources)?;
        let mut forest = Forest {
            columns: columns(&file, sources)?,
            trees: Vec::with_capacity(file.roots.len()),
            nodes: Vec::new(),
            values: Vec::new(),
        };
        file.roots.iter().for_each(|&root| forest.add_tree(&file, root));
        Ok(forest)
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        let mut values = [0.0; ROWS];
        let mut bins = vec![0u16; self.columns.len() * ROWS];
        for (column, bins) in self.columns.iter().zip(bins.chunks_exact_mut(ROWS)) {
            column.source.read(block, &mut values);
            for (bin, value) in bins.iter_mut().zip(values) {
                // `columns` lets no more thresholds through than a u16 counts.
                *bin = column.thresholds.partition_point(|&threshold| threshold < value) as u16;
            }
        }
        scores.fill(0.0);
        for tree in &self.trees {
            let mut places = [tree.root; ROWS];
            for _ in 0..tree.depth {
                for (row, place) in places.iter_mut().enumerate() {
                    let node = self.nodes[*place as usize];
                    let bin = bins[usize::from(node.input) * ROWS + row];
                    *place = node.left + u32::from(bin > node.bin);
                }
            }
            for (score, place) in scores.iter_mut().zip(places) {
                *score += self.values[place as usize];
            }
        }
        let trees = self.trees.len() as f64;
        for score in scores {
            let mean = (*score / trees).clamp(MEAN_MIN, 1.0 - MEAN_MIN);
            *score = (mean / (1.0 - mean)).ln();
        }
    }

    /// Lays a tree's nodes out, level by level.
    fn add_tree(&mut self, file: &ForestFile, root: i32) {
        let first = self.nodes.len();
        let mut level = vec![root];
        let mut depth = 0;
        let mut begin = first;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (place, &reference) in level.iter().enumerate() {
                let left = (begin + level.len() + next.len()) as u32;
                match usize::try_from(reference) {
                    Ok(node) => {
                        let input = file.inputs[node];
                        let thresholds = &self.columns[usize::from(input)].thresholds;
                        let bin = thresholds.partition_point(|&threshold| threshold < file.thresholds[node]);
                        self.nodes.push(Node { input, bin: bin as u16, left });
                        self.values.push(0.0);
                        next.extend([file.left[node], file.right[node]]);
                    }
                    Err(_) => {
                        self.nodes.push(Node { input: 0, bin: LEAF_BIN, left: (begin + place) as u32 });
                        self.values.push(file.leaves[leaf_index(reference)]);
                    }
                }
            }
            begin += level.len();
            depth += usize::from(!next.is_empty());
            level = next;
        }
        self.trees.push(Tree { root: first as u32, depth });
    }
}

/// Each input with the thresholds that the forest compares it with.
fn columns(file: &ForestFile, sources: &[Source]) -> Result<Vec<Column>, ModelError> {
    let mut thresholds = vec![Vec::new(); sources.len()];
    for (&input, &threshold) in file.inputs.iter().zip(&file.thresholds) {
        thresholds[usize::from(input)].push(threshold);
    }
    let column = |(source, mut thresholds): (&Source, Vec<f64>)| {
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
        if thresholds.len() >= usize::from(LEAF_BIN) {
            let message = format!("an input is compared with {} thresholds", thresholds.len());
            return Err(ModelError::Unsupported(message));
        }
        Ok(Column { source: source.clone(), thresholds })
    };
    sources.iter().zip(thresholds).map(column).collect()
}

/// The leaf that a negative reference means: -1 is leaf 0.
fn leaf_index(reference: i32) -> usize {
    (!reference).unsigned_abs() as usize
}

fn check(file: &ForestFile, sources: &[Source]) -> Result<(), ModelError> {
    let nodes = file.inputs.len();
    if [file.thresholds.len(), file.left.len(), file.right.len()] != [nodes; 3] {
        return Err(invalid("the arrays of nodes differ in length".to_owned()));
    }
    if file.roots.is_empty() {
        return Err(invalid("a forest without a tree".to_owned()));
    }
    if file.leaves.iter().any(|leaf| !(0.0..=1.0).contains(leaf)) {
        return Err(invalid("a leaf is not a share between 0 and 1".to_owned()));
    }
    if file.thresholds.iter().any(|threshold| !threshold.is_finite()) {
        return Err(invalid("a threshold is not finite".to_owned()));
    }
    if let Some(input) = file.inputs.iter().find(|&&input| usize::from(input) >= sources.len()) {
        return Err(invalid(format!("a node asks for input {input} of {}", sources.len())));
    }
    if sources.iter().any(Source::keeps_missing) {
        return Err(invalid("an input has no number that stands for missing".to_owned()));
    }
    let mut met = vec![false; nodes];
    let references = file.roots.iter().chain(&file.left).chain(&file.right);
    for node in references.filter_map(|&reference| usize::try_from(reference).ok()) {
        if met.get_mut(node).is_some_and(|met| std::mem::replace(met, true)) {
            return Err(invalid(format!("node {node} is the child of two")));
        }
    }
    // `after` is the first node that the reference may mean: a walk only ever goes on to later nodes.
    let is_good = |reference: i32, after: usize| match usize::try_from(reference) {
        Ok(node) => (after..nodes).contains(&node),
        Err(_) => leaf_index(reference) < file.leaves.len(),
    };
    let children = file.left.iter().zip(&file.right).enumerate();
    let children_are_good = children
        .into_iter()
        .all(|(node, (&left, &right))| is_good(left, node + 1) && is_good(right, node + 1));
    if !children_are_good || !file.roots.iter().all(|&root| is_good(root, 0)) {
        return Err(invalid("a reference means no node after its own and no leaf".to_owned()));
    }
    Ok(())
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}
