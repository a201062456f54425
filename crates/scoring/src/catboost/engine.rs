//! The engine for CatBoost's trees: features become bins, trees compare bins.
//!
//! Here the file is checked and compiled; [`crate::bins`] and [`crate::kernels`] do the work.

use super::columns::{Column, Columns};
use super::{CatBoostFile, FreeTree, ObliviousTree, Split};
use crate::bins::count_matrix;
use crate::block::{Block, ROWS, Source};
use crate::kernels::{self, ObliviousTrees, TreeNode, Trees};
use crate::manifest::Input;
use crate::model::ModelError;

/// The deepest tree that CatBoost makes.
const DEPTH_MAX: usize = 16;

/// An ensemble of trees.
#[derive(Debug, Clone)]
pub(crate) struct CatBoost {
    bias: f64,
    /// How many inputs a row has.
    width: usize,
    /// The places of the float features among them, whose columns come first.
    floats: Vec<usize>,
    columns: Vec<Column>,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    Symmetric(ObliviousTrees),
    Free(Trees),
}

impl CatBoost {
    pub(crate) fn new(
        file: &CatBoostFile,
        inputs: &[Input],
        sources: &[Source],
    ) -> Result<CatBoost, ModelError> {
        let mut columns = Columns::new(file, inputs, sources)?;
        let (scale, biases) = &file.scale_and_bias;
        if !scale.is_finite() || biases.iter().any(|bias| !bias.is_finite()) {
            return Err(invalid("the scale or the bias is not finite"));
        }
        let shape = if file.trees.is_empty() {
            let trees = file.oblivious_trees.iter().map(|tree| compile(tree, *scale, &mut columns));
            let trees = trees.collect::<Result<Vec<_>, _>>()?;
            Shape::Symmetric(ObliviousTrees::new(columns.len(), &trees)?)
        } else {
            let mut flat = Flat { scale: *scale, ..Flat::default() };
            for tree in &file.trees {
                let root = flat.add(tree, 0, &mut columns)?;
                flat.roots.push(root);
            }
            Shape::Free(Trees::new(columns.len(), &flat.roots, &flat.nodes, &flat.leaves)?)
        };
        let floats = file.features_info.float_features.iter().map(|feature| feature.flat_feature_index);
        Ok(CatBoost {
            bias: biases.iter().sum(),
            width: inputs.len(),
            floats: floats.collect(),
            columns: columns.made(),
            shape,
        })
    }

    pub(crate) fn score(&self, block: &Block, scores: &mut [f64; ROWS]) {
        self.add(&Column::read_all(&self.columns, block), scores);
    }

    /// The same of up to [`ROWS`] rows of inputs that are made already; false where the trees ask for more
    /// than the float features.
    pub(crate) fn score_inputs(&self, matrix: &[f64], scores: &mut [f64; ROWS]) -> bool {
        let columns = self.columns.iter().filter_map(|column| match column {
            Column::Bins(column) => Some(column),
            Column::Combination(_) => None,
        });
        let mut bins = vec![0; self.columns.len() * ROWS];
        count_matrix(self.floats.iter().copied().zip(columns), self.width, matrix, &mut bins);
        self.add(&bins, scores);
        self.floats.len() == self.columns.len()
    }

    fn add(&self, bins: &[u16], scores: &mut [f64; ROWS]) {
        scores.fill(self.bias);
        match &self.shape {
            Shape::Symmetric(trees) => trees.add(bins, scores),
            Shape::Free(trees) => trees.add(bins, scores),
        }
    }
}

/// A symmetric tree with the places of its questions, and with the scale folded into its leaves.
fn compile(
    tree: &ObliviousTree,
    scale: f64,
    columns: &mut Columns,
) -> Result<kernels::ObliviousTree, ModelError> {
    let splits = tree.splits.as_deref().unwrap_or_default();
    if splits.len() > DEPTH_MAX {
        return Err(too_deep());
    }
    let splits = splits.iter().map(|split| columns.question(split)).collect::<Result<_, _>>()?;
    Ok(kernels::ObliviousTree { splits, leaves: tree.leaf_values.iter().map(|leaf| scale * leaf).collect() })
}

/// Nested trees laid out in arrays.
#[derive(Default)]
struct Flat {
    /// Folded into the leaves.
    scale: f64,
    roots: Vec<i32>,
    nodes: Vec<TreeNode>,
    leaves: Vec<f64>,
}

impl Flat {
    /// Returns the reference to the tree's first node.
    fn add(&mut self, tree: &FreeTree, depth: usize, columns: &mut Columns) -> Result<i32, ModelError> {
        let Some(split) = &tree.split else {
            let leaf = tree.value.as_f64().filter(|leaf| leaf.is_finite());
            let leaf = leaf.ok_or_else(|| invalid("a leaf is not one finite number"))?;
            self.leaves.push(self.scale * leaf);
            return Ok(-reference(self.leaves.len())?);
        };
        let (Some(left), Some(right)) = (&tree.left, &tree.right) else {
            return Err(invalid("a question has not two answers"));
        };
        if depth == DEPTH_MAX {
            return Err(too_deep());
        }
        let place = self.nodes.len();
        self.nodes.push(self.node(split, columns)?);
        self.nodes[place].left = self.add(left, depth + 1, columns)?;
        self.nodes[place].right = self.add(right, depth + 1, columns)?;
        reference(place)
    }

    /// A node whose children are not known yet.
    fn node(&self, split: &Split, columns: &mut Columns) -> Result<TreeNode, ModelError> {
        let (column, bin) = columns.question(split)?;
        Ok(TreeNode { column, bin, left: 0, right: 0 })
    }
}

fn reference(place: usize) -> Result<i32, ModelError> {
    i32::try_from(place).map_err(|_| ModelError::Unsupported("it has too many nodes".to_owned()))
}

fn too_deep() -> ModelError {
    ModelError::Unsupported(format!("a tree is deeper than {DEPTH_MAX} levels"))
}

fn invalid(message: &str) -> ModelError {
    ModelError::Invalid(message.to_owned())
}
