//! What each feature adds to a sum of leaves, for the rows of a block.
//!
//! [`PathTrees`] goes through the way to every leaf of every tree and is exact for trees of any shape.
//! [`LeafTables`] is for symmetric trees: a row's leaf decides what a tree adds, so that it is looked up.

use super::level::{Level, compiled_for_each_level};
use crate::block::ROWS;

/// Rows that are looked at together, so that what lies between two steps stays in the nearest cache.
const STRIP: usize = 32;
/// Up to this many questions a table has a fixed size, which spares a check for each look-up.
const FIXED_DEPTH: usize = 6;
const FIXED_LEAVES: usize = 1 << FIXED_DEPTH;

/// One tree as the ways to its leaves.
#[derive(Debug, Clone, Default)]
pub(crate) struct PathTree {
    /// Column, and the bin that the row's must exceed for a yes.
    pub(crate) questions: Vec<(u16, u16)>,
    /// The ways to all leaves.
    pub(crate) paths: Vec<Path>,
    /// Of each player of the game: the features that its contribution goes to, and the share of each.
    pub(crate) players: Vec<Vec<(u16, f64)>>,
}

/// The way to one leaf.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    /// The leaf.
    pub(crate) value: f64,
    /// One for each player that is asked for on the way.
    pub(crate) legs: Vec<Leg>,
}

/// What one player has to do with a way.
#[derive(Debug, Clone)]
pub(crate) struct Leg {
    /// Which of the tree's players.
    pub(crate) player: usize,
    /// The share of training's customers who take this player's turns, where nothing is known of it.
    pub(crate) share: f64,
    /// The questions that are asked of it, and the answer that each needs.
    pub(crate) conditions: Vec<(usize, bool)>,
}

/// Places and weights of a quadrature over 0 to 1.
pub(crate) type Quadrature = Vec<(f64, f64)>;

/// An ensemble, explained by going all ways.
#[derive(Debug, Clone)]
pub(crate) struct PathTrees {
    level: Level,
    trees: Vec<PathTree>,
    /// By the number of legs of a path.
    quadratures: Vec<Quadrature>,
}

impl PathTrees {
    /// `quadratures` has one for every number of legs that a path has, from 0.
    pub(crate) fn new(trees: Vec<PathTree>, quadratures: Vec<Quadrature>) -> PathTrees {
        PathTrees { level: Level::best(), trees, quadratures }
    }

    /// Adds each feature's contribution to the raw score of each of the first `count` rows. `bins` holds
    /// [`ROWS`] bins for each column, `contributions` [`ROWS`] numbers for each feature.
    ///
    /// # Panics
    ///
    /// Where there are fewer bins or features than the trees ask for.
    pub(crate) fn add(&self, bins: &[u16], count: usize, contributions: &mut [f64]) {
        let mut space = Space::new(&self.trees, self.quadratures.len());
        for first in (0..count).step_by(STRIP) {
            for tree in &self.trees {
                walk(self.level, tree, &self.quadratures, bins, first, &mut space);
                for (player, added) in tree.players.iter().zip(&space.added) {
                    for &(feature, share) in player {
                        let sums = &mut contributions[usize::from(feature) * ROWS + first..][..STRIP];
                        sums.iter_mut().zip(added).for_each(|(sum, added)| *sum += share * added);
                    }
                }
            }
        }
    }
}

/// What lies between the steps of a walk.
struct Space {
    /// 1 for yes, by question.
    answers: Vec<[f64; STRIP]>,
    /// 1 where the row takes all turns of the leg.
    ones: Vec<[f64; STRIP]>,
    factors: Vec<[f64; STRIP]>,
    before: Vec<[f64; STRIP]>,
    sums: Vec<[f64; STRIP]>,
    /// By player.
    added: Vec<[f64; STRIP]>,
}

impl Space {
    fn new(trees: &[PathTree], legs: usize) -> Space {
        let most = |of: fn(&PathTree) -> usize| vec![[0.0; STRIP]; trees.iter().map(of).max().unwrap_or(0)];
        let of_legs = || vec![[0.0; STRIP]; legs];
        Space {
            answers: most(|tree| tree.questions.len()),
            ones: of_legs(),
            factors: of_legs(),
            before: of_legs(),
            sums: of_legs(),
            added: most(|tree| tree.players.len()),
        }
    }
}

compiled_for_each_level! {
    /// What each player adds in one tree, for a strip of rows.
    ///
    /// On one way the value of a set of players is a product over all of them: 1 or 0 for one in the set
    /// whose own answers are or are not those of the way, and the share of training's customers for one
    /// outside. With every player in the set at random with the chance `t`, the expected value is the
    /// product of `t * one + (1 - t) * share`, and a player's Shapley value is the integral over `t` from
    /// 0 to 1 of that product without its own factor, times `one - share` (Owen, "Multilinear Extensions
    /// of Games", 1972). The integrand is a polynomial, which Gauss and Legendre's quadrature integrates
    /// exactly.
    fn walk(
        tree: &PathTree,
        quadratures: &[Quadrature],
        bins: &[u16],
        first: usize,
        space: &mut Space,
    ) {
        for (answers, &(column, bin)) in space.answers.iter_mut().zip(&tree.questions) {
            let bins = &bins[usize::from(column) * ROWS + first..][..STRIP];
            answers.iter_mut().zip(bins).for_each(|(answer, &other)| *answer = f64::from(u8::from(other > bin)));
        }
        space.added[..tree.players.len()].fill([0.0; STRIP]);
        for Path { value, legs } in &tree.paths {
            for (leg, ones) in legs.iter().zip(&mut space.ones) {
                ones.fill(1.0);
                for &(question, is_yes) in &leg.conditions {
                    let (from, sign) = if is_yes { (0.0, 1.0) } else { (1.0, -1.0) };
                    let answers = &space.answers[question];
                    ones.iter_mut().zip(answers).for_each(|(one, answer)| *one *= from + sign * answer);
                }
            }
            space.sums[..legs.len()].fill([0.0; STRIP]);
            for &(t, weight) in &quadratures[legs.len()] {
                let mut product = [1.0; STRIP];
                for (place, leg) in legs.iter().enumerate() {
                    let outside = (1.0 - t) * leg.share;
                    let (factors, ones) = (&mut space.factors[place], &space.ones[place]);
                    space.before[place] = product;
                    for row in 0..STRIP {
                        factors[row] = outside + t * ones[row];
                        product[row] *= factors[row];
                    }
                }
                let mut product = [weight * value; STRIP];
                for place in (0..legs.len()).rev() {
                    let (sums, before, factors) =
                        (&mut space.sums[place], &space.before[place], &space.factors[place]);
                    for row in 0..STRIP {
                        sums[row] += before[row] * product[row];
                        product[row] *= factors[row];
                    }
                }
            }
            for (place, leg) in legs.iter().enumerate() {
                let (added, sums, ones) =
                    (&mut space.added[leg.player], &space.sums[place], &space.ones[place]);
                for row in 0..STRIP {
                    added[row] += (ones[row] - leg.share) * sums[row];
                }
            }
        }
    }
}

/// A symmetric tree, and what each of its features adds in each leaf.
#[derive(Debug, Clone)]
pub(crate) struct LeafTable {
    /// Column, and the bin that the row's must exceed to set the bit; the first split sets the lowest.
    pub(crate) splits: Vec<(u16, u16)>,
    /// A feature, and a number for each leaf.
    pub(crate) added: Vec<(u16, Vec<f64>)>,
}

/// An ensemble of symmetric trees, explained by adding up tables.
#[derive(Debug, Clone)]
pub(crate) struct LeafTables {
    level: Level,
    /// Up to [`FIXED_DEPTH`] questions deep.
    fixed: Vec<FixedTable>,
    deep: Vec<LeafTable>,
}

#[derive(Debug, Clone)]
struct FixedTable {
    splits: Vec<(u16, u16)>,
    added: Vec<(u16, Box<[f64; FIXED_LEAVES]>)>,
}

impl LeafTables {
    /// Every table has 2 to the power of its questions' number leaves, and at most 16 questions.
    pub(crate) fn new(trees: Vec<LeafTable>) -> LeafTables {
        let (fixed, deep): (Vec<_>, Vec<_>) =
            trees.into_iter().partition(|tree| tree.splits.len() <= FIXED_DEPTH);
        let padded = |numbers: &[f64]| {
            let mut leaves = Box::new([0.0; FIXED_LEAVES]);
            leaves[..numbers.len()].copy_from_slice(numbers);
            leaves
        };
        let fix = |tree: LeafTable| FixedTable {
            added: tree.added.iter().map(|(feature, numbers)| (*feature, padded(numbers))).collect(),
            splits: tree.splits,
        };
        LeafTables { level: Level::best(), fixed: fixed.into_iter().map(fix).collect(), deep }
    }

    /// As [`PathTrees::add`], for all rows of the block.
    pub(crate) fn add(&self, bins: &[u16], contributions: &mut [f64]) {
        add_tables(self.level, &self.fixed, &self.deep, bins, contributions);
    }
}

compiled_for_each_level! {
    fn add_tables(fixed: &[FixedTable], deep: &[LeafTable], bins: &[u16], contributions: &mut [f64]) {
        let mut leaves = [0; ROWS];
        for tree in fixed {
            answer(&tree.splits, bins, &mut leaves);
            for (feature, table) in &tree.added {
                let sums = &mut contributions[usize::from(*feature) * ROWS..][..ROWS];
                for (sum, &leaf) in sums.iter_mut().zip(&leaves) {
                    *sum += table[usize::from(leaf) % FIXED_LEAVES];
                }
            }
        }
        for tree in deep {
            answer(&tree.splits, bins, &mut leaves);
            for (feature, table) in &tree.added {
                let sums = &mut contributions[usize::from(*feature) * ROWS..][..ROWS];
                for (sum, &leaf) in sums.iter_mut().zip(&leaves) {
                    *sum += table[usize::from(leaf)];
                }
            }
        }
    }
}

/// The leaf of each row.
#[inline(always)]
fn answer(splits: &[(u16, u16)], bins: &[u16], leaves: &mut [u16; ROWS]) {
    leaves.fill(0);
    for (level, &(column, bin)) in splits.iter().enumerate() {
        let bit = 1 << level;
        for (leaf, &other) in leaves.iter_mut().zip(&bins[usize::from(column) * ROWS..][..ROWS]) {
            *leaf |= if other > bin { bit } else { 0 };
        }
    }
}
