//! Deep trees: every row walks its own way, all rows of a block in step.

use super::{TreeNode, leaf_index};
use crate::block::ROWS;
use crate::kernels::level::{Level, compiled_for_each_level};

/// The nodes of a tree lie side by side, level by level, a node's right child behind its left one. A leaf
/// leads to itself.
#[derive(Debug, Clone, Default)]
pub(super) struct WalkedTrees {
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// By node; of no meaning where the node is no leaf.
    values: Vec<i64>,
}

#[derive(Debug, Clone, Copy)]
struct Tree {
    root: u32,
    steps: usize,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    column: u16,
    bin: u16,
    left: u32,
}

/// No row's bin is greater.
const LEAF_BIN: u16 = u16::MAX;

impl WalkedTrees {
    /// `trees` has the references of each tree, level by level.
    pub(super) fn new(trees: &[Vec<Vec<i32>>], nodes: &[TreeNode], leaves: &[i64]) -> WalkedTrees {
        let mut made = WalkedTrees::default();
        for levels in trees {
            made.trees.push(Tree { root: made.nodes.len() as u32, steps: levels.len() - 1 });
            for level in levels {
                let mut next = made.nodes.len() + level.len();
                for &reference in level {
                    let here = made.nodes.len();
                    if let Some(leaf) = leaf_index(reference) {
                        made.nodes.push(Node { column: 0, bin: LEAF_BIN, left: here as u32 });
                        made.values.push(leaves[leaf]);
                    } else {
                        let TreeNode { column, bin, .. } = nodes[reference.unsigned_abs() as usize];
                        made.nodes.push(Node { column, bin, left: next as u32 });
                        made.values.push(0);
                        next += 2;
                    }
                }
            }
        }
        made
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    pub(super) fn add(&self, level: Level, bins: &[u16], sums: &mut [i64; ROWS]) {
        if !self.trees.is_empty() {
            walk(level, self, bins, sums);
        }
    }
}

compiled_for_each_level! {
    fn walk(trees: &WalkedTrees, bins: &[u16], sums: &mut [i64; ROWS]) {
        for tree in &trees.trees {
            let mut places = [tree.root; ROWS];
            for _ in 0..tree.steps {
                for (row, place) in places.iter_mut().enumerate() {
                    let node = trees.nodes[*place as usize];
                    let bin = bins[usize::from(node.column) * ROWS + row];
                    *place = node.left + u32::from(bin > node.bin);
                }
            }
            for (sum, place) in sums.iter_mut().zip(places) {
                *sum += trees.values[place as usize];
            }
        }
    }
}
