//! Trees whose nodes ask one question each, as those of forests and of depth-wise boosting.

use crate::block::ROWS;
use crate::model::ModelError;

/// A question: is the row's bin in this column greater? A reference is the index of a node where it is
/// not negative, and `-1 - leaf` where it is a leaf.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TreeNode {
    pub(crate) column: u16,
    /// Right where the row's bin is greater than this.
    pub(crate) bin: u16,
    pub(crate) left: i32,
    pub(crate) right: i32,
}

/// The trees, laid out anew.
///
/// The nodes of a tree lie side by side, level by level, a node's right child behind its left one. A leaf
/// leads to itself, so that all rows of a block can go down a tree in step.
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    columns: usize,
    trees: Vec<Tree>,
    nodes: Vec<Node>,
    /// By node; of no meaning where the node is no leaf.
    values: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Tree {
    root: u32,
    depth: usize,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    column: u16,
    bin: u16,
    left: u32,
}

/// No row's bin is greater.
const LEAF_BIN: u16 = u16::MAX;

impl Trees {
    /// Lays out one tree for each root. Refuses references that mean nothing or that might lead a walk
    /// round in circles: a node's children come after it, and no node is the child of two.
    pub(crate) fn new(
        columns: usize,
        roots: &[i32],
        nodes: &[TreeNode],
        leaves: &[f64],
    ) -> Result<Trees, ModelError> {
        check(columns, roots, nodes, leaves.len())?;
        let mut trees =
            Trees { columns, trees: Vec::with_capacity(roots.len()), nodes: Vec::new(), values: Vec::new() };
        for &root in roots {
            trees.add_tree(root, nodes, leaves);
        }
        Ok(trees)
    }

    /// Adds a leaf of each tree to the score of each row. `bins` holds [`ROWS`] bins for each column, one
    /// column after the other.
    ///
    /// # Panics
    ///
    /// Where there are fewer bins.
    pub(crate) fn add(&self, bins: &[u16], scores: &mut [f64; ROWS]) {
        let bins = &bins[..self.columns * ROWS];
        for tree in &self.trees {
            let mut places = [tree.root; ROWS];
            for _ in 0..tree.depth {
                for (row, place) in places.iter_mut().enumerate() {
                    let node = self.nodes[*place as usize];
                    let bin = bins[usize::from(node.column) * ROWS + row];
                    *place = node.left + u32::from(bin > node.bin);
                }
            }
            for (score, place) in scores.iter_mut().zip(places) {
                *score += self.values[place as usize];
            }
        }
    }

    /// Lays a tree's nodes out, level by level.
    fn add_tree(&mut self, root: i32, nodes: &[TreeNode], leaves: &[f64]) {
        let first = self.nodes.len();
        let mut level = vec![root];
        let mut depth = 0;
        let mut begin = first;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (place, &reference) in level.iter().enumerate() {
                match usize::try_from(reference) {
                    Ok(node) => {
                        let TreeNode { column, bin, left, right } = nodes[node];
                        let place_of_left = (begin + level.len() + next.len()) as u32;
                        self.nodes.push(Node { column, bin, left: place_of_left });
                        self.values.push(0.0);
                        next.extend([left, right]);
                    }
                    Err(_) => {
                        self.nodes.push(Node { column: 0, bin: LEAF_BIN, left: (begin + place) as u32 });
                        self.values.push(leaves[leaf_index(reference)]);
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

/// The leaf that a negative reference means: -1 is leaf 0.
fn leaf_index(reference: i32) -> usize {
    (!reference).unsigned_abs() as usize
}

fn check(columns: usize, roots: &[i32], nodes: &[TreeNode], leaves: usize) -> Result<(), ModelError> {
    let invalid = |message: String| Err(ModelError::Invalid(message));
    if let Some(node) = nodes.iter().find(|node| usize::from(node.column) >= columns) {
        return invalid(format!("a node asks for input {} of {columns}", node.column));
    }
    let mut met = vec![false; nodes.len()];
    let references = roots.iter().copied().chain(nodes.iter().flat_map(|node| [node.left, node.right]));
    for node in references.filter_map(|reference| usize::try_from(reference).ok()) {
        if met.get_mut(node).is_some_and(|met| std::mem::replace(met, true)) {
            return invalid(format!("node {node} is the child of two"));
        }
    }
    // `after` is the first node that the reference may mean: a walk only ever goes on to later nodes.
    let is_good = |reference: i32, after: usize| match usize::try_from(reference) {
        Ok(node) => (after..nodes.len()).contains(&node),
        Err(_) => leaf_index(reference) < leaves,
    };
    let children_are_good = nodes
        .iter()
        .enumerate()
        .all(|(place, node)| is_good(node.left, place + 1) && is_good(node.right, place + 1));
    if !children_are_good || !roots.iter().all(|&root| is_good(root, 0)) {
        return invalid("a reference means no node after its own and no leaf".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TreeNode, Trees};
    use crate::block::ROWS;

    #[test]
    fn each_tree_adds_the_leaf_that_its_questions_lead_to() {
        let nodes = [
            TreeNode { column: 0, bin: 1, left: 1, right: -2 },
            TreeNode { column: 1, bin: 0, left: -1, right: -3 },
            TreeNode { column: 1, bin: 2, left: -3, right: -4 },
        ];
        let trees = Trees::new(2, &[0, 2, -5], &nodes, &[1.0, 2.0, 4.0, 8.0, 16.0]).unwrap();
        let mut bins = [0; 2 * ROWS];
        for (row, (first, second)) in [(0, 0), (1, 1), (2, 1), (2, 3), (1, 65_535)].into_iter().enumerate() {
            (bins[row], bins[ROWS + row]) = (first, second);
        }
        let mut scores = [0.5; ROWS];
        trees.add(&bins, &mut scores);
        assert_eq!(scores[..6], [21.5, 24.5, 22.5, 26.5, 28.5, 21.5]);
    }
}
