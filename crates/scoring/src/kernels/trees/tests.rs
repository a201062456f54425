//! Every level and both ways beside plain walks.

use super::{TreeNode, Trees};
use crate::block::ROWS;
use crate::kernels::Level;

#[test]
fn each_tree_adds_the_leaf_that_its_questions_lead_to() {
    let nodes = [
        TreeNode { column: 0, bin: 1, left: 1, right: -2 },
        TreeNode { column: 1, bin: 0, left: -1, right: -3 },
        TreeNode { column: 1, bin: 2, left: -3, right: -4 },
    ];
    for (level, bits_max) in Level::all().into_iter().flat_map(|level| [(level, 0), (level, 12)]) {
        let leaves = [1.0, 2.0, 4.0, 8.0, 16.0];
        let trees = Trees::at(level, bits_max, 2, &[0, 2, -5], &nodes, &leaves).unwrap();
        let mut bins = [0; 2 * ROWS];
        for (row, (first, second)) in [(0, 0), (1, 1), (2, 1), (2, 3), (1, 65_535)].into_iter().enumerate() {
            (bins[row], bins[ROWS + row]) = (first, second);
        }
        let mut scores = [0.5; ROWS];
        trees.add(&bins, &mut scores);
        assert_eq!(scores[..6], [21.5, 24.5, 22.5, 26.5, 28.5, 21.5]);
    }
}

/// Numbers that look random and are the same each time (Marsaglia, "Xorshift RNGs", 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }
}

#[derive(Default)]
struct Ensemble {
    roots: Vec<i32>,
    nodes: Vec<TreeNode>,
    leaves: Vec<f64>,
}

impl Ensemble {
    /// Adds a tree of up to `depth` levels of nodes, some of whose branches end before.
    fn grow(&mut self, numbers: &mut Numbers, depth: usize, columns: usize, bins_max: usize) -> i32 {
        if depth == 0 || numbers.below(8) == 0 {
            self.leaves.push(numbers.below(1_000_001) as f64 / 1e6 - 0.3);
            return -(self.leaves.len() as i32);
        }
        let place = self.nodes.len();
        let (column, bin) = (numbers.below(columns) as u16, numbers.below(bins_max) as u16);
        self.nodes.push(TreeNode { column, bin, left: 0, right: 0 });
        self.nodes[place].left = self.grow(numbers, depth - 1, columns, bins_max);
        self.nodes[place].right = self.grow(numbers, depth - 1, columns, bins_max);
        place as i32
    }

    fn plain(&self, bins: &[u16], row: usize) -> f64 {
        let leaf = |&root: &i32| {
            let mut reference = root;
            while let Ok(node) = usize::try_from(reference) {
                let TreeNode { column, bin, left, right } = self.nodes[node];
                reference = if bins[usize::from(column) * ROWS + row] > bin { right } else { left };
            }
            self.leaves[!reference as usize]
        };
        self.roots.iter().map(leaf).sum()
    }
}

#[test]
fn every_level_gives_the_bits_of_the_portable_one_and_that_the_plain_sum() {
    let mut numbers = Numbers(3);
    let shapes = [
        (1, 0, 1, 1),
        (5, 1, 1, 1),
        (30, 3, 2, 8),
        (31, 3, 2, 9),
        (200, 6, 46, 254),
        (61, 10, 46, 3),
        (17, 12, 200, 5000),
        (6, 14, 20, 65_535),
    ];
    for (trees, depth, columns, bins_max) in shapes {
        let mut ensemble = Ensemble::default();
        for _ in 0..trees {
            let root = ensemble.grow(&mut numbers, depth, columns, bins_max);
            ensemble.roots.push(root);
        }
        let bins: Vec<u16> = (0..columns * ROWS).map(|_| numbers.below(bins_max + 1) as u16).collect();
        let Ensemble { roots, nodes, leaves } = &ensemble;
        let score = |level, bits_max| {
            let mut scores = [0.125; ROWS];
            Trees::at(level, bits_max, columns, roots, nodes, leaves).unwrap().add(&bins, &mut scores);
            scores
        };
        let portable = score(Level::Portable, 12);
        for (row, score) in portable.iter().enumerate() {
            let expected = 0.125 + ensemble.plain(&bins, row);
            assert!((score - expected).abs() < 1e-12, "{depth} {columns} {row}: {score} is not {expected}");
        }
        for level in Level::all() {
            for bits_max in [0, 2, 12] {
                assert_eq!(score(level, bits_max), portable, "{level:?} {bits_max} {depth} {columns}");
            }
        }
    }
}

/// A tree whose left children are leaves, all the way down.
fn chain(depth: i32) -> Ensemble {
    let node = |place: i32| TreeNode {
        column: 0,
        bin: place as u16,
        left: -1 - place,
        right: if place + 1 < depth { place + 1 } else { -1 - depth },
    };
    let leaves = (0..=depth).map(f64::from).collect();
    Ensemble { roots: vec![0], nodes: (0..depth).map(node).collect(), leaves }
}

#[test]
fn a_chain_is_walked_and_an_endless_one_refused() {
    let bins: Vec<u16> = (0..ROWS as u16).collect();
    for (depth, is_walked) in [(3, false), (12, true), (512, true)] {
        let ensemble = chain(depth);
        let Ensemble { roots, nodes, leaves } = &ensemble;
        let trees = Trees::new(1, roots, nodes, leaves).unwrap();
        assert_eq!(trees.deep.is_empty(), !is_walked, "{depth}");
        let mut scores = [0.0; ROWS];
        trees.add(&bins, &mut scores);
        assert!((0..ROWS).all(|row| scores[row] == ensemble.plain(&bins, row)));
    }
    let Ensemble { roots, nodes, leaves } = chain(513);
    assert!(Trees::new(1, &roots, &nodes, &leaves).is_err());
}
