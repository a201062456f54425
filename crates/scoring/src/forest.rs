//! The random forest engine: the mean of all trees' leaves.

use serde::{Deserialize, Serialize};

use crate::block::{Block, ROWS, Source};
use crate::model::ModelError;

/// The value of [`ForestFile::format`].
pub const FORMAT: &str = "augur-forest-1";

/// The model file: all trees in flat arrays.
///
/// A reference to a node is its index where it is not negative, and `-1 - leaf` where it is a leaf. A
/// node's children come after it, so that no walk can go round in circles. The score is the log-odds of
/// the mean of the leaves, one from each tree.
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

/// A forest whose references were all checked, with a node's parts side by side.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    sources: Vec<Source>,
    roots: Vec<i32>,
    nodes: Vec<Node>,
    leaves: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Node {
    threshold: f64,
    input: usize,
    left: i32,
    right: i32,
}

impl Forest {
    pub(crate) fn read(file: &[u8], sources: &[Source]) -> Result<Forest, ModelError> {
        let file: ForestFile = serde_json::from_slice(file)
            .map_err(|error| invalid(format!("the model file is no forest: {error}")))?;
        if file.format != FORMAT {
            return Err(ModelError::Unsupported(format!("the format {:?} is not {FORMAT}", file.format)));
        }
        check(&file, sources)?;
        let nodes = file.inputs.iter().zip(&file.thresholds).zip(file.left.iter().zip(&file.right)).map(
            |((&input, &threshold), (&left, &right))| Node {
                threshold,
                input: usize::from(input),
                left,
                right,
            },
        );
        Ok(Forest {
            sources: sources.to_vec(),
            nodes: nodes.collect(),
            roots: file.roots,
            leaves: file.leaves,
        })
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        let mut inputs = vec![0.0; self.sources.len() * ROWS];
        for (source, column) in self.sources.iter().zip(inputs.chunks_exact_mut(ROWS)) {
            source.read(block, column);
        }
        let trees = self.roots.len() as f64;
        for (row, score) in scores.iter_mut().enumerate() {
            let sum: f64 = self.roots.iter().map(|&root| self.leaf(root, &inputs, row)).sum();
            let mean = (sum / trees).clamp(MEAN_MIN, 1.0 - MEAN_MIN);
            *score = (mean / (1.0 - mean)).ln();
        }
    }

    fn leaf(&self, root: i32, inputs: &[f64], row: usize) -> f64 {
        let mut reference = root;
        while let Ok(node) = usize::try_from(reference) {
            let node = &self.nodes[node];
            let is_left = inputs[node.input * ROWS + row] <= node.threshold;
            reference = if is_left { node.left } else { node.right };
        }
        self.leaves[leaf_index(reference)]
    }
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
    if sources.iter().any(|source| matches!(source, Source::Number { missing, .. } if missing.is_nan())) {
        return Err(invalid("an input has no number that stands for missing".to_owned()));
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
