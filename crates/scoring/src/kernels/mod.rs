//! The innermost loops: plain numbers in, plain numbers out, no names, no files, no errors but those of
//! construction.

mod oblivious;
mod trees;

pub(crate) use oblivious::{ObliviousTree, ObliviousTrees};
pub(crate) use trees::{TreeNode, Trees};
