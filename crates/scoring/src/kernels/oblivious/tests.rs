//! Every level beside the portable one, and that beside plain sums.

use super::{ObliviousTree, ObliviousTrees};
use crate::block::ROWS;
use crate::kernels::Level;

#[test]
fn a_leaf_is_the_bits_of_the_answers() {
    let trees = [
        ObliviousTree { splits: vec![(1, 300), (0, 0)], leaves: vec![1.0, 2.0, 4.0, 8.0] },
        ObliviousTree { splits: Vec::new(), leaves: vec![0.25] },
    ];
    for level in Level::all() {
        let trees = ObliviousTrees::at(level, 2, &trees).unwrap();
        let mut bins = [0; 2 * ROWS];
        for (row, (first, second)) in [(0, 0), (0, 301), (1, 300), (7, 65_535)].into_iter().enumerate() {
            (bins[row], bins[ROWS + row]) = (first, second);
        }
        let mut scores = [0.5; ROWS];
        trees.add(&bins, &mut scores);
        assert_eq!(scores[..5], [1.75, 2.75, 4.75, 8.75, 1.75]);
    }
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

/// Numbers that look random and are the same each time (Marsaglia, "Xorshift RNGs", 2003).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit
    }

    fn around_zero(&mut self, largest: f64) -> f64 {
        (self.below(2_000_001) as f64 / 1e6 - 1.0) * largest
    }
}

/// The ensemble and the bins of a block: `bins_max` bins at most in each of `columns`.
fn ensemble(
    numbers: &mut Numbers,
    trees: usize,
    depth_max: usize,
    columns: usize,
    bins_max: usize,
    largest: f64,
) -> (Vec<ObliviousTree>, Vec<u16>) {
    let trees = (0..trees).map(|_| {
        let depth = numbers.below(depth_max + 1);
        let splits = (0..depth).map(|_| (numbers.below(columns) as u16, numbers.below(bins_max) as u16));
        let splits = splits.collect();
        ObliviousTree { splits, leaves: (0..1 << depth).map(|_| numbers.around_zero(largest)).collect() }
    });
    let trees = trees.collect();
    let bins = (0..columns * ROWS).map(|_| numbers.below(bins_max + 1) as u16).collect();
    (trees, bins)
}

fn plain(trees: &[ObliviousTree], bins: &[u16], row: usize) -> f64 {
    let leaf = |tree: &ObliviousTree| {
        let bits = tree.splits.iter().enumerate();
        let bit = |(level, &(column, bin)): (usize, &(u16, u16))| {
            usize::from(bins[usize::from(column) * ROWS + row] > bin) << level
        };
        tree.leaves[bits.map(bit).sum::<usize>()]
    };
    trees.iter().map(leaf).sum()
}

#[test]
fn every_level_gives_the_bits_of_the_portable_one_and_that_the_plain_sum() {
    let mut numbers = Numbers(7);
    let shapes = [
        (1, 0, 1, 1, 0.1),
        (3, 6, 1, 2, 0.1),
        (500, 6, 40, 254, 0.3),
        (1100, 6, 7, 255, 0.3),
        (50, 6, 200, 256, 2.0),
        (40, 16, 30, 65_535, 0.5),
        (90, 8, 30, 600, 100.0),
        (300, 6, 3, 1, 1e-3),
    ];
    for (trees, depth_max, columns, bins_max, largest) in shapes {
        let (trees, bins) = ensemble(&mut numbers, trees, depth_max, columns, bins_max, largest);
        let mut portable = [0.125; ROWS];
        ObliviousTrees::at(Level::Portable, columns, &trees).unwrap().add(&bins, &mut portable);
        for (row, score) in portable.iter().enumerate() {
            let expected = 0.125 + plain(&trees, &bins, row);
            assert!((score - expected).abs() < 1e-12, "{depth_max} {columns}: {score} is not {expected}");
        }
        for level in Level::all() {
            let mut scores = [0.125; ROWS];
            ObliviousTrees::at(level, columns, &trees).unwrap().add(&bins, &mut scores);
            assert_eq!(scores, portable, "{level:?} {depth_max} {columns}");
        }
    }
}

#[test]
fn leaves_of_very_different_sizes_are_as_exact_as_floats() {
    let sizes = [1e9, 1e-9, 3.0, 0.0];
    let trees: Vec<ObliviousTree> =
        sizes.iter().map(|size| ObliviousTree { splits: vec![(0, 0)], leaves: vec![-size, *size] }).collect();
    let bins: Vec<u16> = (0..ROWS).map(|row| (row % 2) as u16).collect();
    for level in Level::all() {
        let mut scores = [0.0; ROWS];
        ObliviousTrees::at(level, 1, &trees).unwrap().add(&bins, &mut scores);
        let largest = sizes.iter().sum::<f64>();
        assert!((scores[1] - largest).abs() <= largest * f64::EPSILON, "{level:?} {}", scores[1]);
        assert_eq!(scores[0], -scores[1]);
    }
}
