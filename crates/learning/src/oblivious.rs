//! Grows one oblivious tree: a tree that asks the same question everywhere on a level, so that a leaf is
//! the bits of its answers (Kohavi and Li, "Oblivious Decision Trees, Graphs, and Top-Down Pruning", 1995;
//! Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", 2018).

use crate::bins::Column;
use crate::random::Random;

/// Is the bin of this column greater than the border's place?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) column: usize,
    pub(crate) border: usize,
}

/// The first and second derivative of the loss, of one row or summed over many.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Slope {
    /// The negative gradient: where to go.
    pub(crate) push: f64,
    /// The curvature: how soon to stop.
    pub(crate) hessian: f64,
}

/// How a tree grows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    pub(crate) depth: usize,
    /// The L2 penalty on leaves.
    pub(crate) leaf_penalty: f64,
    /// The share of rows that a tree looks at for its questions (Friedman, "Stochastic gradient
    /// boosting", 2002).
    pub(crate) row_share: f64,
    /// The share of columns that a level looks at.
    pub(crate) column_share: f64,
}

/// The questions of the next tree, best first. Fewer than wanted where no more help, perhaps none.
pub(crate) fn grow(
    columns: &[Column],
    slopes: &[Slope],
    growth: Growth,
    random: &mut Random,
) -> Vec<Question> {
    let rows: Vec<usize> = (0..slopes.len()).filter(|_| random.chance(growth.row_share)).collect();
    let slopes: Vec<Slope> = rows.iter().map(|&row| slopes[row]).collect();
    let bins: Vec<Vec<u8>> =
        columns.iter().map(|column| rows.iter().map(|&row| column.bins[row]).collect()).collect();
    let mut leaves = vec![0usize; rows.len()];
    let mut questions = Vec::with_capacity(growth.depth);
    let mut histogram = Vec::new();
    let mut gain_now = leaf_gain(slopes.iter().copied().sum(), growth.leaf_penalty);
    for level in 0..growth.depth {
        let mut best: Option<(f64, Question)> = None;
        for (column, bins) in bins.iter().enumerate() {
            if columns[column].borders.is_empty() || !random.chance(growth.column_share) {
                continue;
            }
            fill(&mut histogram, columns[column].borders.len() + 1, level, bins, &leaves, &slopes);
            let (gain, border) = best_border(&histogram, 1 << level, growth.leaf_penalty);
            if best.is_none_or(|(best_gain, _)| gain > best_gain) {
                best = Some((gain, Question { column, border }));
            }
        }
        // A question that was asked already, or that parts nothing, gains nothing.
        let Some((gain, question)) = best.filter(|(gain, _)| *gain > gain_now * (1.0 + 1e-12)) else {
            if best.is_some() {
                break;
            }
            continue;
        };
        gain_now = gain;
        for (leaf, &bin) in leaves.iter_mut().zip(&bins[question.column]) {
            *leaf |= usize::from(usize::from(bin) > question.border) << questions.len();
        }
        questions.push(question);
    }
    questions
}

/// The leaf of every row.
pub(crate) fn leaves(columns: &[Column], questions: &[Question], rows: usize) -> Vec<usize> {
    let mut leaves = vec![0; rows];
    for (level, question) in questions.iter().enumerate() {
        for (leaf, &bin) in leaves.iter_mut().zip(&columns[question.column].bins) {
            *leaf |= usize::from(usize::from(bin) > question.border) << level;
        }
    }
    leaves
}

/// What a leaf gains at its best value: that of Newton's step, push / (hessian + penalty).
fn leaf_gain(sum: Slope, penalty: f64) -> f64 {
    sum.push * sum.push / (sum.hessian + penalty)
}

/// Sums slopes by bin, and within a bin by leaf.
fn fill(
    histogram: &mut Vec<Slope>,
    bin_count: usize,
    level: usize,
    bins: &[u8],
    leaves: &[usize],
    slopes: &[Slope],
) {
    histogram.clear();
    histogram.resize(bin_count << level, Slope::default());
    for ((&bin, &leaf), slope) in bins.iter().zip(leaves).zip(slopes) {
        let cell = &mut histogram[(usize::from(bin) << level) | leaf];
        cell.push += slope.push;
        cell.hessian += slope.hessian;
    }
}

/// The border whose question gains most over all leaves, and what it gains.
fn best_border(histogram: &[Slope], leaf_count: usize, penalty: f64) -> (f64, usize) {
    let mut totals = vec![Slope::default(); leaf_count];
    for bin in histogram.chunks_exact(leaf_count) {
        totals.iter_mut().zip(bin).for_each(|(total, cell)| *total = *total + *cell);
    }
    let mut below = vec![Slope::default(); leaf_count];
    let mut best = (f64::NEG_INFINITY, 0);
    let bins = histogram.len() / leaf_count;
    for (border, bin) in histogram.chunks_exact(leaf_count).take(bins - 1).enumerate() {
        let mut gain = 0.0;
        for ((below, cell), total) in below.iter_mut().zip(bin).zip(&totals) {
            *below = *below + *cell;
            let above = Slope { push: total.push - below.push, hessian: total.hessian - below.hessian };
            gain += leaf_gain(*below, penalty) + leaf_gain(above, penalty);
        }
        if gain > best.0 {
            best = (gain, border);
        }
    }
    best
}

impl std::ops::Add for Slope {
    type Output = Slope;

    fn add(self, other: Slope) -> Slope {
        Slope { push: self.push + other.push, hessian: self.hessian + other.hessian }
    }
}

impl std::iter::Sum for Slope {
    fn sum<I: Iterator<Item = Slope>>(slopes: I) -> Slope {
        slopes.fold(Slope::default(), |sum, slope| sum + slope)
    }
}

#[cfg(test)]
mod tests {
    use super::{Growth, Question, Slope, grow, leaves};
    use crate::bins::bin;
    use crate::random::Random;
    use crate::samples::Matrix;

    const ALL: Growth = Growth { depth: 3, leaf_penalty: 0.1, row_share: 1.0, column_share: 1.0 };

    #[test]
    fn the_best_questions_come_first_and_no_useless_one_at_all() {
        // The second column decides alone whether to go up or down, the first how far.
        let values = vec![0.0, 1.0, 1.0, 1.0, 0.0, 5.0, 1.0, 5.0];
        let matrix = Matrix { rows: 4, width: 2, values };
        let push = [-1.0, -3.0, 1.0, 3.0].map(|push| Slope { push, hessian: 0.25 });
        let columns = bin(&matrix, 254);
        let questions = grow(&columns, &push, ALL, &mut Random::new(1));
        assert_eq!(questions, [Question { column: 1, border: 0 }, Question { column: 0, border: 0 }]);
        assert_eq!(leaves(&columns, &questions, 4), [0b00, 0b10, 0b01, 0b11]);
    }
}
