//! The random forest engine: the mean of all trees' leaves.

use serde::{Deserialize, Serialize};

use crate::bins::{Beyond, BinColumn, Binning, MissingBin, Precision, count_matrix};
use crate::block::{Block, ROWS, Source};
use crate::kernels::{TreeNode, Trees};
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

/// A forest whose inputs are bins.
#[derive(Debug, Clone)]
pub(crate) struct Forest {
    columns: Vec<BinColumn>,
    trees: Trees,
    tree_count: f64,
}

/// scikit-learn goes left where `input <= threshold`. No missing number gets this far.
const BINNING: Binning =
    Binning { beyond: Beyond::Above, precision: Precision::F64, missing: MissingBin::Lowest };

impl Forest {
    pub(crate) fn read(file: &[u8], sources: &[Source]) -> Result<Forest, ModelError> {
        let file: ForestFile = serde_json::from_slice(file)
            .map_err(|error| invalid(format!("the model file is no forest: {error}")))?;
        if file.format != FORMAT {
            return Err(ModelError::Unsupported(format!("the format {:?} is not {FORMAT}", file.format)));
        }
        check(&file, sources)?;
        let thresholds = thresholds(&file, sources.len());
        let columns = sources.iter().zip(&thresholds);
        let columns = columns.map(|(source, thresholds)| BinColumn::new(source, thresholds, BINNING));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let trees = Trees::new(sources.len(), &file.roots, &nodes(&file, &thresholds), &file.leaves)?;
        Ok(Forest { columns, trees, tree_count: file.roots.len() as f64 })
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        let mut bins = vec![0; self.columns.len() * ROWS];
        for (column, bins) in self.columns.iter().zip(bins.as_chunks_mut().0) {
            column.read(block, bins);
        }
        self.score_bins(&bins, scores);
    }

    /// The same of up to [`ROWS`] rows of inputs that are made already. Always possible.
    pub(crate) fn score_inputs(&self, matrix: &[f64], scores: &mut [f64; ROWS]) -> bool {
        let mut bins = vec![0; self.columns.len() * ROWS];
        count_matrix(self.columns.iter().enumerate(), self.columns.len(), matrix, &mut bins);
        self.score_bins(&bins, scores);
        true
    }

    fn score_bins(&self, bins: &[u16], scores: &mut [f64; ROWS]) {
        scores.fill(0.0);
        self.trees.add(bins, scores);
        for score in scores {
            let mean = (*score / self.tree_count).clamp(MEAN_MIN, 1.0 - MEAN_MIN);
            *score = (mean / (1.0 - mean)).ln();
        }
    }
}

/// Per input, the thresholds that the forest compares it with: ascending, each once.
fn thresholds(file: &ForestFile, inputs: usize) -> Vec<Vec<f64>> {
    let mut thresholds = vec![Vec::new(); inputs];
    for (&input, &threshold) in file.inputs.iter().zip(&file.thresholds) {
        thresholds[usize::from(input)].push(threshold);
    }
    for thresholds in &mut thresholds {
        thresholds.sort_by(f64::total_cmp);
        thresholds.dedup();
    }
    thresholds
}

/// `input <= threshold k` is `bin <= k`.
fn nodes(file: &ForestFile, thresholds: &[Vec<f64>]) -> Vec<TreeNode> {
    let children = file.left.iter().zip(&file.right);
    let questions = file.inputs.iter().zip(&file.thresholds);
    questions
        .zip(children)
        .map(|((&column, &threshold), (&left, &right))| {
            let thresholds = &thresholds[usize::from(column)];
            // `BinColumn` lets no more thresholds through than a u16 counts.
            let bin = thresholds.partition_point(|&other| other < threshold) as u16;
            TreeNode { column, bin, left, right }
        })
        .collect()
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
    Ok(())
}

fn invalid(message: String) -> ModelError {
    ModelError::Invalid(message)
}
