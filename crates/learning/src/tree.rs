//! Grows trees node by node: regression trees, random forests' trees and XGBoost's are all of this kind.
//!
//! A node is parted where it gains most by XGBoost's regularised objective (Chen and Guestrin, 2016, section
//! 2.2). Without a penalty, with outcomes for slopes and weights for hessians, that is the decrease of the
//! squared error, which for two classes is also that of Gini's impurity. What does not pay for its leaves is
//! pruned from below, which minimises the objective with its price per leaf (minimal cost-complexity pruning,
//! Breiman et al., "Classification and Regression Trees", 1984).

use std::ops::Range;

use rayon::prelude::*;

use crate::bins::Column;
use crate::bundles::{Bundle, CELLS_MAX};
use crate::oblivious::Question;
use crate::random::Random;
use crate::rows::Rows;
use crate::slopes::{Scale, Slope};

/// How a tree grows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    /// The most questions from the root to a leaf.
    pub(crate) depth: usize,
    /// The L2 penalty on leaves.
    pub(crate) leaf_penalty: f64,
    /// What a split must gain for each leaf that it adds.
    pub(crate) leaf_price: f64,
    /// The least hessian of a leaf.
    pub(crate) leaf_weight_min: f64,
    /// Columns that a node looks at, by chance.
    pub(crate) columns_tried: usize,
}

/// A node; its children come after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node {
    /// The sum over its rows.
    pub(crate) slope: Slope,
    /// Nothing at a leaf.
    pub(crate) branch: Option<Branch>,
}

/// Where a node leads to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Branch {
    /// Right where the answer is yes.
    pub(crate) question: Question,
    /// Whether what is missing goes left.
    pub(crate) missing_left: bool,
    /// In the units of the loss.
    pub(crate) gain: f64,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

impl Branch {
    pub(crate) fn is_right(&self, bin: u8, has_missing: bool) -> bool {
        if has_missing && bin == 0 { !self.missing_left } else { usize::from(bin) > self.question.border }
    }
}

/// Grows trees on the same columns.
#[derive(Debug)]
pub(crate) struct Grower<'a> {
    columns: &'a [Column],
    bundles: Vec<Bundle>,
}

/// The leaf, a place among the nodes, of a row whose bin in a column `bin` tells.
pub(crate) fn leaf(nodes: &[Node], columns: &[Column], bin: impl Fn(usize) -> u8) -> usize {
    let mut place = 0;
    while let Some(branch) = nodes[place].branch {
        let column = branch.question.column;
        let is_right = branch.is_right(bin(column), columns[column].has_missing());
        place = if is_right { branch.right } else { branch.left };
    }
    place
}

impl<'a> Grower<'a> {
    /// Bundles have at most as many cells as given, unless one column alone has more.
    pub(crate) fn new(columns: &'a [Column], rows: usize, cells_max: usize) -> Grower<'a> {
        Grower { columns, bundles: Bundle::all(columns, rows, cells_max) }
    }

    /// A tree of these rows; `tried` are the columns it may ask for.
    pub(crate) fn grow(
        &self,
        slopes: &[Slope],
        rows: Vec<u32>,
        tried: Vec<usize>,
        growth: Growth,
        random: &mut Random,
    ) -> Vec<Node> {
        let scale = Scale::fitting(slopes);
        let all = 0..rows.len();
        let rows = Rows::new(rows, slopes, scale);
        let mut growing =
            Growing { grower: self, slopes, rows, scale, tried, growth, random, nodes: Vec::new() };
        growing.add_node(all, 0);
        growing.nodes
    }
}

/// A tree that is being grown.
struct Growing<'a> {
    grower: &'a Grower<'a>,
    slopes: &'a [Slope],
    rows: Rows,
    scale: Scale,
    tried: Vec<usize>,
    growth: Growth,
    random: &'a mut Random,
    nodes: Vec<Node>,
}

/// What a subtree is worth.
struct Worth {
    gain: f64,
    leaves: usize,
}

/// A question with what it gains, in steps.
#[derive(Debug, Clone, Copy)]
struct Split {
    question: Question,
    missing_left: bool,
    gain: f64,
}

impl Growing<'_> {
    /// Adds the node of these rows and everything below it.
    fn add_node(&mut self, rows: Range<usize>, depth: usize) -> Worth {
        let place = self.nodes.len();
        self.nodes.push(Node { slope: Slope::default(), branch: None });
        let split = if depth < self.growth.depth { self.best(rows.clone()) } else { None };
        let Some(split) = split else {
            self.nodes[place].slope = self.sum(rows);
            return Worth { gain: 0.0, leaves: 1 };
        };
        let Split { question, missing_left, gain } = split;
        let mut branch = Branch { question, missing_left, gain: self.scale.gain(gain), left: 0, right: 0 };
        let column = &self.grower.columns[question.column];
        let has_missing = column.has_missing();
        let middle = self.rows.part(rows.clone(), &column.bins, |bin| branch.is_right(bin, has_missing));
        branch.left = self.nodes.len();
        let left = self.add_node(rows.start..middle, depth + 1);
        branch.right = self.nodes.len();
        let right = self.add_node(middle..rows.end, depth + 1);
        self.nodes[place].slope = self.nodes[branch.left].slope + self.nodes[branch.right].slope;
        let worth = Worth { gain: branch.gain + left.gain + right.gain, leaves: left.leaves + right.leaves };
        if worth.gain <= self.growth.leaf_price * (worth.leaves - 1) as f64 {
            self.nodes.truncate(place + 1);
            return Worth { gain: 0.0, leaves: 1 };
        }
        self.nodes[place].branch = Some(branch);
        worth
    }

    /// The exact sum of slopes, in the order of the rows.
    fn sum(&self, rows: Range<usize>) -> Slope {
        let slopes = self.rows.order[rows].iter().map(|&row| self.slopes[row as usize]);
        slopes.fold(Slope::default(), |sum, slope| sum + slope)
    }

    /// The split that gains most; the first one where several do.
    fn best(&mut self, rows: Range<usize>) -> Option<Split> {
        let mut is_tried = vec![false; self.grower.columns.len()];
        let wanted = self.growth.columns_tried.min(self.tried.len());
        for place in 0..wanted {
            if wanted < self.tried.len() {
                let other = place + self.random.below(self.tried.len() - place);
                self.tried.swap(place, other);
            }
            is_tried[self.tried[place]] = true;
        }
        let (order, slopes) = (&self.rows.order[rows.clone()], &self.rows.slopes[rows]);
        let judge = Judge::new(self.scale, self.growth, slopes.iter().sum());
        let best_of = |bundle: &Bundle| {
            if !bundle.members.iter().any(|member| is_tried[member.column]) {
                return None;
            }
            let mut histogram = [0; CELLS_MAX];
            let histogram = &mut histogram[..bundle.cells];
            bundle.count(order, slopes, histogram);
            let mut best: Option<Split> = None;
            bundle.each_member(histogram, |place, cells| {
                let column = bundle.members[place].column;
                if is_tried[column] {
                    let has_missing = self.grower.columns[column].has_missing();
                    best = better(best, judge.best_border(column, has_missing, cells));
                }
            });
            best
        };
        // A thread gets enough work to be worth waking it up for.
        let bundles_min = PART_ROWS.div_ceil(order.len().max(1));
        let bundles = self.grower.bundles.par_iter().with_min_len(bundles_min);
        bundles.map(best_of).collect::<Vec<_>>().into_iter().fold(None, better)
    }
}

/// Judges how a node may be split.
#[derive(Debug, Clone, Copy)]
struct Judge {
    penalty: f64,
    weight_min: f64,
    /// The packed sum of the node.
    total: i64,
    /// Of the node as a leaf.
    worth: f64,
}

impl Judge {
    fn new(scale: Scale, growth: Growth, total: i64) -> Judge {
        let penalty = scale.hessian_steps(growth.leaf_penalty);
        // A leaf of less than a step would be empty.
        let weight_min = scale.hessian_steps(growth.leaf_weight_min).max(1.0);
        let judge = Judge { penalty, weight_min, total, worth: 0.0 };
        Judge { worth: judge.worth(Scale::steps(total)), ..judge }
    }

    fn worth(&self, sum: Slope) -> f64 {
        sum.push * sum.push / (sum.hessian + self.penalty).max(1.0)
    }

    /// The best border of a column, whose histogram this is.
    fn best_border(&self, column: usize, has_missing: bool, cells: &[i64]) -> Option<Split> {
        let missing = if has_missing { cells[0] } else { 0 };
        let mut best = None;
        let mut below = 0;
        for (border, cell) in cells[..cells.len() - 1].iter().enumerate() {
            below += cell;
            let question = Question { column, border };
            best = better(best, self.split(question, below, missing != 0));
            if missing != 0 && border > 0 {
                let moved = self.split(question, below - missing, true);
                best = better(best, moved.map(|split| Split { missing_left: false, ..split }));
            }
        }
        best
    }

    /// The split into a sum on the left and the rest, where both are heavy enough and it gains anything.
    /// Where nothing is missing, what will be is taken for one of the larger half.
    fn split(&self, question: Question, left: i64, has_missing: bool) -> Option<Split> {
        let (low, high) = (Scale::steps(left), Scale::steps(self.total - left));
        if low.hessian < self.weight_min || high.hessian < self.weight_min {
            return None;
        }
        let parts = self.worth(low) + self.worth(high);
        // What is gained by rounding alone is not gained.
        let is_gain = parts > self.worth * (1.0 + 1e-12);
        let missing_left = has_missing || low.hessian >= high.hessian;
        is_gain.then(|| Split { question, missing_left, gain: (parts - self.worth) / 2.0 })
    }
}

/// Rows times bundles that are worth a thread.
const PART_ROWS: usize = 1 << 15;

fn better(best: Option<Split>, other: Option<Split>) -> Option<Split> {
    match (best, other) {
        (Some(best), Some(other)) if other.gain <= best.gain => Some(best),
        (best, None) => best,
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Grower, Growth, Node, leaf};
    use crate::bins::{Column, bin};
    use crate::oblivious::Question;
    use crate::random::Random;
    use crate::samples::{Matrix, Samples};
    use crate::slopes::Slope;

    const DEEP: Growth =
        Growth { depth: 4, leaf_penalty: 0.0, leaf_price: 0.0, leaf_weight_min: 1.0, columns_tried: 9 };

    fn grow(columns: &[Column], slopes: &[Slope], growth: Growth) -> Vec<Node> {
        let (rows, tried) = ((0..slopes.len() as u32).collect(), (0..columns.len()).collect());
        let grower = Grower::new(columns, slopes.len(), 16);
        grower.grow(slopes, rows, tried, growth, &mut Random::new(1))
    }

    #[test]
    fn a_tree_parts_what_it_can_and_prunes_what_does_not_pay() {
        // The first column tells the outcome but for one row, which the second sets apart.
        let values = vec![0.0, 0.0, 0.0, 1.0, 0.0, 2.0, 5.0, 0.0, 5.0, 1.0, 5.0, 2.0];
        let columns = bin(&Matrix { rows: 6, width: 2, values }, 254);
        let slopes = [0.0, 0.0, 1.0, 2.0, 2.0, 2.0].map(|push| Slope { push, hessian: 1.0 });
        let tree = grow(&columns, &slopes, DEEP);
        assert_eq!(tree.len(), 5);
        let branch = tree[0].branch.unwrap();
        assert_eq!(branch.question, Question { column: 0, border: 0 });
        // Half of what the squares of the sums over the counts grow by: 1/3 and 36/3 for 49/6.
        assert!((branch.gain - 25.0 / 12.0).abs() < 1e-6, "{}", branch.gain);
        let shares: Vec<f64> = (0..6)
            .map(|row| tree[leaf(&tree, &columns, |column| columns[column].bins[row])].slope.step(0.0))
            .collect();
        assert_eq!(shares, [0.0, 0.0, 1.0, 2.0, 2.0, 2.0]);
        // The second split gains a third: half of 1 - 1/3.
        let pruned = grow(&columns, &slopes, Growth { leaf_price: 0.34, ..DEEP });
        assert_eq!(pruned.len(), 3);
        assert_eq!(grow(&columns, &slopes, Growth { leaf_price: 0.33, ..DEEP }).len(), 5);
        assert_eq!(grow(&columns, &slopes, Growth { leaf_weight_min: 4.0, ..DEEP }).len(), 1);
    }

    #[test]
    fn what_is_missing_goes_where_it_fits_better() {
        let missing = f64::NAN;
        let values = vec![1.0, 2.0, missing, 1.0, 2.0, missing];
        let columns = bin(&Matrix { rows: 6, width: 1, values }, 254);
        for (like_low, pushes) in
            [(true, [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]), (false, [0.0, 1.0, 1.0, 0.0, 1.0, 1.0])]
        {
            let slopes = pushes.map(|push| Slope { push, hessian: 1.0 });
            let branch = grow(&columns, &slopes, DEEP)[0].branch.unwrap();
            assert_eq!((branch.question.border, branch.missing_left), (1, like_low));
        }
    }

    #[test]
    fn a_tree_is_the_same_on_any_number_of_threads() {
        let samples = Samples::invented(40_000, 3);
        let columns = bin(&samples.matrix, 254);
        let slopes: Vec<Slope> =
            samples.labels.iter().map(|&has_left| Slope::log_loss(-0.3, has_left, 1.0)).collect();
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| format!("{:?}", grow(&columns, &slopes, DEEP)))
        };
        assert_eq!(on(1), on(3));
    }
}
