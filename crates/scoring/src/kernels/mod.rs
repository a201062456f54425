//! The innermost loops: plain numbers in, plain numbers out, no names, no files, no errors but those of
//! construction.

mod dense;
mod level;
mod oblivious;
pub(crate) mod separators;
mod trees;

pub(crate) use dense::{Layer, ROWS_MULTIPLE};
pub(crate) use level::Level;
pub(crate) use oblivious::{ObliviousTree, ObliviousTrees};
pub(crate) use trees::{TreeNode, Trees};
