//! Oblivious trees: the same question everywhere on a level, so that a leaf is the bits of the answers.

use crate::block::ROWS;
use crate::model::ModelError;

/// The deepest tree that CatBoost makes, and the deepest whose leaves a `u16` can count.
pub(crate) const DEPTH_MAX: usize = 16;

/// One tree.
#[derive(Debug, Clone)]
pub(crate) struct ObliviousTree {
    /// Column, and the bin that the row's must exceed to set the bit; the first split sets the lowest.
    pub(crate) splits: Vec<(u16, u16)>,
    /// 2 to the power of the number of splits; finite.
    pub(crate) leaves: Vec<f64>,
}

/// An ensemble.
#[derive(Debug, Clone)]
pub(crate) struct ObliviousTrees {
    columns: usize,
    /// The sum of all trees that ask nothing.
    constant: f64,
    trees: Vec<Tree>,
    leaves: Vec<f64>,
}

#[derive(Debug, Clone)]
struct Tree {
    splits: Vec<(u16, u16)>,
    first_leaf: usize,
}

impl ObliviousTrees {
    /// Refuses trees that are too deep, that ask for a column that there is not, or that have not as many
    /// leaves as answers.
    pub(crate) fn new(columns: usize, trees: &[ObliviousTree]) -> Result<ObliviousTrees, ModelError> {
        let mut ensemble = ObliviousTrees { columns, constant: 0.0, trees: Vec::new(), leaves: Vec::new() };
        for tree in trees {
            check(columns, tree)?;
            if tree.splits.is_empty() {
                ensemble.constant += tree.leaves[0];
                continue;
            }
            ensemble.trees.push(Tree { splits: tree.splits.clone(), first_leaf: ensemble.leaves.len() });
            ensemble.leaves.extend(&tree.leaves);
        }
        Ok(ensemble)
    }

    /// Adds a leaf of each tree to the score of each row. `bins` holds [`ROWS`] bins for each column, one
    /// column after the other.
    ///
    /// # Panics
    ///
    /// Where there are fewer bins.
    pub(crate) fn add(&self, bins: &[u16], scores: &mut [f64; ROWS]) {
        let bins = &bins[..self.columns * ROWS];
        scores.iter_mut().for_each(|score| *score += self.constant);
        for tree in &self.trees {
            let mut leaf = [0u16; ROWS];
            for (level, &(column, border)) in tree.splits.iter().enumerate() {
                let bit = 1u16 << level;
                for (leaf, &bin) in leaf.iter_mut().zip(&bins[usize::from(column) * ROWS..][..ROWS]) {
                    *leaf |= if bin > border { bit } else { 0 };
                }
            }
            let leaves = &self.leaves[tree.first_leaf..][..1 << tree.splits.len()];
            for (score, &leaf) in scores.iter_mut().zip(&leaf) {
                *score += leaves[usize::from(leaf)];
            }
        }
    }
}

fn check(columns: usize, tree: &ObliviousTree) -> Result<(), ModelError> {
    let (depth, leaves) = (tree.splits.len(), tree.leaves.len());
    if depth > DEPTH_MAX {
        return Err(ModelError::Unsupported(format!(
            "a tree is {depth} levels deep, not {DEPTH_MAX} at most"
        )));
    }
    if leaves != 1 << depth {
        return Err(ModelError::Unsupported(format!("a tree of depth {depth} has {leaves} leaf values")));
    }
    if tree.leaves.iter().any(|leaf| !leaf.is_finite()) {
        return Err(ModelError::Invalid("a leaf is not finite".to_owned()));
    }
    if let Some((column, _)) = tree.splits.iter().find(|(column, _)| usize::from(*column) >= columns) {
        return Err(ModelError::Invalid(format!("a tree asks for column {column} of {columns}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{ObliviousTree, ObliviousTrees};
    use crate::block::ROWS;

    #[test]
    fn a_leaf_is_the_bits_of_the_answers() {
        let trees = [
            ObliviousTree { splits: vec![(1, 300), (0, 0)], leaves: vec![1.0, 2.0, 4.0, 8.0] },
            ObliviousTree { splits: Vec::new(), leaves: vec![0.25] },
        ];
        let trees = ObliviousTrees::new(2, &trees).unwrap();
        let mut bins = [0; 2 * ROWS];
        for (row, (first, second)) in [(0, 0), (0, 301), (1, 300), (7, 65_535)].into_iter().enumerate() {
            (bins[row], bins[ROWS + row]) = (first, second);
        }
        let mut scores = [0.5; ROWS];
        trees.add(&bins, &mut scores);
        assert_eq!(scores[..5], [1.75, 2.75, 4.75, 8.75, 1.75]);
    }

    #[test]
    fn trees_that_ask_for_what_is_not_there_are_refused() {
        let good = ObliviousTree { splits: vec![(0, 1)], leaves: vec![1.0, 2.0] };
        assert!(ObliviousTrees::new(1, std::slice::from_ref(&good)).is_ok());
        assert!(ObliviousTrees::new(0, std::slice::from_ref(&good)).is_err());
        for leaves in [vec![1.0], vec![1.0; 3], vec![1.0, f64::NAN]] {
            assert!(ObliviousTrees::new(1, &[ObliviousTree { leaves, ..good.clone() }]).is_err());
        }
        let deep = ObliviousTree { splits: vec![(0, 1); 17], leaves: vec![0.0; 1 << 17] };
        assert!(ObliviousTrees::new(1, &[deep]).is_err());
    }
}
