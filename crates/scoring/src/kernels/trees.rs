//! Trees whose nodes ask one question each, as those of forests and of depth-wise boosting.
//!
//! Trees of few levels answer all questions for all rows of a block, 256 rows with one instruction
//! ([`bits`]); in deeper ones every row walks its own way ([`walk`]). Leaves are whole numbers
//! ([`super::fixed`]), so that both add up to the same sum on every level of instructions.

mod answers;
mod bits;
mod spread;
mod walk;

use super::fixed::FixedPoint;
use super::level::Level;
use crate::block::ROWS;
use crate::model::ModelError;
use answers::Questions;
use bits::BitTrees;
use walk::WalkedTrees;

/// The deepest tree that is not walked: its leaves' table has this many bits.
const BITS_MAX: usize = 12;
/// A tree whose table would have more places than this for each leaf is walked, too: a chain of questions has
/// few leaves and many places.
const PLACES_PER_LEAF_MAX: usize = 8;
/// The deepest tree. Fully grown trees have less than a hundred levels; a hostile file's chain would make
/// every row take as many steps as it has nodes.
const DEPTH_MAX: usize = 512;

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
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    level: Level,
    columns: usize,
    fixed: FixedPoint,
    questions: Questions,
    shallow: BitTrees,
    deep: WalkedTrees,
}

impl Trees {
    /// Lays out one tree for each root. Refuses references that mean nothing or that might lead a walk
    /// round in circles: a node's children come after it, and no node is the child of two.
    pub(crate) fn new(
        columns: usize,
        roots: &[i32],
        nodes: &[TreeNode],
        leaves: &[f64],
    ) -> Result<Trees, ModelError> {
        Trees::at(Level::best(), BITS_MAX, columns, roots, nodes, leaves)
    }

    fn at(
        level: Level,
        bits_max: usize,
        columns: usize,
        roots: &[i32],
        nodes: &[TreeNode],
        leaves: &[f64],
    ) -> Result<Trees, ModelError> {
        check(columns, roots, nodes, leaves)?;
        let levels: Vec<Vec<Vec<i32>>> =
            roots.iter().map(|&root| levels(root, nodes)).collect::<Result<_, _>>()?;
        let largest = levels.iter().map(|levels| {
            let leaves_here = levels.iter().flatten().filter_map(|&reference| leaf_index(reference));
            leaves_here.fold(0.0, |most, leaf| leaves[leaf].abs().max(most))
        });
        let fixed = FixedPoint::new(largest)?;
        let leaves: Vec<i64> = leaves.iter().map(|&leaf| fixed.round(leaf)).collect();
        let (shallow, deep): (Vec<_>, Vec<_>) =
            levels.into_iter().partition(|levels| levels.len() <= bits_max + 1 && is_bushy(levels));
        let asked = shallow.iter().flatten().flatten();
        let asked = asked.filter_map(|&reference| Some(nodes[usize::try_from(reference).ok()?]));
        let questions = Questions::new(columns, asked);
        Ok(Trees {
            level: level.possible(),
            columns,
            fixed,
            shallow: BitTrees::new(&shallow, nodes, &leaves, &questions),
            deep: WalkedTrees::new(&deep, nodes, &leaves),
            questions,
        })
    }

    /// Adds a leaf of each tree to the score of each row. `bins` holds [`ROWS`] bins for each column, one
    /// column after the other.
    ///
    /// # Panics
    ///
    /// Where there are fewer bins.
    pub(crate) fn add(&self, bins: &[u16], scores: &mut [f64; ROWS]) {
        let bins = &bins[..self.columns * ROWS];
        let mut sums = [0; ROWS];
        self.shallow.add(self.level, &self.questions, bins, &mut sums);
        self.deep.add(self.level, bins, &mut sums);
        for (score, sum) in scores.iter_mut().zip(sums) {
            *score += self.fixed.value(sum);
        }
    }
}

/// The leaf that a negative reference means: -1 is leaf 0.
fn leaf_index(reference: i32) -> Option<usize> {
    usize::try_from(!reference).ok()
}

/// A tree's references, level by level: each has the children of the nodes of the one before, left and
/// right, in their order.
fn levels(root: i32, nodes: &[TreeNode]) -> Result<Vec<Vec<i32>>, ModelError> {
    let mut levels = vec![vec![root]];
    loop {
        let nodes_here = levels.last().into_iter().flatten().filter_map(|&node| usize::try_from(node).ok());
        let next: Vec<i32> = nodes_here.flat_map(|node| [nodes[node].left, nodes[node].right]).collect();
        if next.is_empty() {
            return Ok(levels);
        }
        if levels.len() > DEPTH_MAX {
            return Err(ModelError::Unsupported(format!("a tree is deeper than {DEPTH_MAX} levels")));
        }
        levels.push(next);
    }
}

/// Whether a tree of up to [`BITS_MAX`] levels has leaves enough for a table.
fn is_bushy(levels: &[Vec<i32>]) -> bool {
    let leaves = levels.iter().flatten().filter(|&&reference| reference < 0).count();
    1 << (levels.len() - 1) <= PLACES_PER_LEAF_MAX * leaves
}

fn check(columns: usize, roots: &[i32], nodes: &[TreeNode], leaves: &[f64]) -> Result<(), ModelError> {
    let invalid = |message: String| Err(ModelError::Invalid(message));
    if let Some(node) = nodes.iter().find(|node| usize::from(node.column) >= columns) {
        return invalid(format!("a node asks for input {} of {columns}", node.column));
    }
    if leaves.iter().any(|leaf| !leaf.is_finite()) {
        return invalid("a leaf is not finite".to_owned());
    }
    let mut met = vec![false; nodes.len()];
    let references = roots.iter().copied().chain(nodes.iter().flat_map(|node| [node.left, node.right]));
    for node in references.filter_map(|reference| usize::try_from(reference).ok()) {
        if met.get_mut(node).is_some_and(|met| std::mem::replace(met, true)) {
            return invalid(format!("node {node} is the child of two"));
        }
    }
    // `after` is the first node that the reference may mean: a walk only ever goes on to later nodes.
    let is_good = |reference: i32, after: usize| match leaf_index(reference) {
        Some(leaf) => leaf < leaves.len(),
        None => (after..nodes.len()).contains(&(reference.unsigned_abs() as usize)),
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
mod tests;
