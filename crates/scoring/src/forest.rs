//! The random forest engine: the mean of all trees' leaves.

use serde::{Deserialize, Serialize};

use crate::bins::{Beyond, BinColumn, Binning, MissingBin, Precision, count_matrix};
use crate::block::{Block, ROWS, Source};
use crate::catboost::Column;
use crate::kernels::{TreeNode, Trees};
use crate::model::ModelError;
use crate::shap::{Attribution, TreeExplainer, WeighedNode, WeighedTree};

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
        let file = parse(file)?;
        check(&file, sources)?;
        let thresholds = thresholds(&file, sources.len());
        let columns = columns(sources, &thresholds)?;
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
            *score = log_odds(*score / self.tree_count);
        }
    }
}

/// The log-odds of a mean of leaves.
pub(crate) fn log_odds(mean: f64) -> f64 {
    let mean = mean.clamp(MEAN_MIN, 1.0 - MEAN_MIN);
    (mean / (1.0 - mean)).ln()
}

/// The trees as they are explained: shares of leavers, each tree's divided by the number of trees.
///
/// `customers` has the number of training's customers in each leaf.
pub(crate) fn explainer(
    file: &[u8],
    sources: &[Source],
    customers: &[u32],
    attribution: &Attribution,
) -> Result<TreeExplainer, ModelError> {
    let file = parse(file)?;
    if customers.len() != file.leaves.len() {
        return Err(ModelError::Unsupported("its manifest does not keep its leaves' customers".to_owned()));
    }
    let thresholds = thresholds(&file, sources.len());
    let columns = columns(sources, &thresholds)?.into_iter().map(Column::Bins).collect();
    let nodes = nodes(&file, &thresholds);
    let trees: Vec<WeighedTree> =
        file.roots.iter().map(|&root| weighed(root, &nodes, &file, customers)).collect();
    TreeExplainer::new(columns, 0.0, &[], &trees, attribution)
}

/// One tree of the arrays, with arrays of its own.
fn weighed(root: i32, nodes: &[TreeNode], file: &ForestFile, customers: &[u32]) -> WeighedTree {
    let scale = 1.0 / file.roots.len() as f64;
    let mut tree = WeighedTree::default();
    let (mut order, mut places) = (Vec::new(), vec![root]);
    while let Some(reference) = places.pop() {
        if let Ok(place) = usize::try_from(reference) {
            order.push(place);
            places.extend([nodes[place].right, nodes[place].left]);
        }
    }
    let own: std::collections::HashMap<usize, i32> =
        order.iter().enumerate().map(|(own, &place)| (place, own as i32)).collect();
    let refer = |reference: i32, tree: &mut WeighedTree| match usize::try_from(reference) {
        Ok(place) => own[&place],
        Err(_) => {
            let leaf = !reference as usize;
            tree.leaves.push((scale * file.leaves[leaf], f64::from(customers[leaf])));
            -(tree.leaves.len() as i32)
        }
    };
    tree.root = refer(root, &mut tree);
    for &place in &order {
        let TreeNode { column, bin, left, right } = nodes[place];
        let player = tree.player(vec![usize::from(column)]);
        let (left, right) = (refer(left, &mut tree), refer(right, &mut tree));
        tree.questions.push((column, bin));
        let question = tree.questions.len() - 1;
        tree.nodes.push(WeighedNode { question, player, left, right, weight: 0.0 });
    }
    tree.weigh();
    tree
}

fn parse(file: &[u8]) -> Result<ForestFile, ModelError> {
    let file: ForestFile = serde_json::from_slice(file)
        .map_err(|error| invalid(format!("the model file is no forest: {error}")))?;
    if file.format != FORMAT {
        return Err(ModelError::Unsupported(format!("the format {:?} is not {FORMAT}", file.format)));
    }
    Ok(file)
}

fn columns(sources: &[Source], thresholds: &[Vec<f64>]) -> Result<Vec<BinColumn>, ModelError> {
    let columns = sources.iter().zip(thresholds);
    columns.map(|(source, thresholds)| BinColumn::new(source, thresholds, BINNING)).collect()
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
