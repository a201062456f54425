//! The random forest engine: the mean of all trees' leaves.

use serde::{Deserialize, Serialize};

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
