//! The innermost loops: plain numbers in, plain numbers out, no names, no files, no errors but those of
//! construction.

pub(crate) mod cells;
mod contributions;
mod counting;
mod dense;
mod fixed;
mod level;
mod oblivious;
pub(crate) mod separators;
mod trees;

pub(crate) use contributions::{LeafTable, LeafTables, Leg, Path, PathTree, PathTrees, Quadrature};
pub(crate) use counting::{Borders, count_f32, count_f64};
pub(crate) use dense::{Layer, ROWS_MULTIPLE};
pub use level::Level;
pub(crate) use oblivious::{ObliviousTree, ObliviousTrees};
pub(crate) use trees::{TreeNode, Trees};
