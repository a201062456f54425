//! Grows oblivious trees: a tree that asks the same question everywhere on a level, so that a leaf is
//! the bits of its answers (Kohavi and Li, "Oblivious Decision Trees, Graphs, and Top-Down Pruning", 1995;
//! Prokhorenkova et al., "CatBoost: unbiased boosting with categorical features", 2018).
//!
//! The rows of a leaf lie side by side. When a question parts a leaf, only the smaller half is counted; the
//! histogram of the other is what is left of their parent's (Ke et al., "LightGBM", 2017).

use std::ops::Range;

use rayon::prelude::*;

use crate::bins::Column;
use crate::bundles::{Bundle, CELLS_MAX};
use crate::random::Random;
use crate::rows::{self, Rows};
use crate::slopes::{Scale, Slope};

/// The most questions of a tree: histograms of 2^9 leaves are the last that are calculated.
pub(crate) const DEPTH_MAX: usize = 10;

/// Is the bin of this column greater than the border's place?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) column: usize,
    pub(crate) border: usize,
}

/// How a tree grows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Growth {
    /// [`DEPTH_MAX`] at most.
    pub(crate) depth: usize,
    /// The L2 penalty on leaves.
    pub(crate) leaf_penalty: f64,
    /// The share of rows that a tree looks at for its questions (Friedman, "Stochastic gradient
    /// boosting", 2002).
    pub(crate) row_share: f64,
    /// The share of columns that a level looks at.
    pub(crate) column_share: f64,
}

/// Grows one tree after the other on the same customers.
pub(crate) struct Grower<'a> {
    columns: &'a [Column],
    growth: Growth,
    bundles: Vec<Counted>,
}

/// A bundle with its histograms of all leaves, one after the other, and the gain of each of its borders.
struct Counted {
    bundle: Bundle,
    histograms: Vec<i64>,
    gains: Vec<f64>,
}

/// What a question parts a leaf into.
struct Halves {
    smaller: Range<usize>,
    /// Whether the smaller one answers no.
    no_is_smaller: bool,
}

/// After so many draws of a tree without any column, each has at least one.
const EMPTY_DRAWS_MAX: usize = 100;

impl<'a> Grower<'a> {
    pub(crate) fn new(columns: &'a [Column], rows: usize, growth: Growth) -> Grower<'a> {
        // A histogram with more cells than a leaf has rows costs more to read than it saves to fill.
        let cells_max = (rows / 64).clamp(16, CELLS_MAX);
        let counted = |bundle: Bundle| {
            let borders = bundle.members.iter().map(|member| member.bins - 1).sum();
            Counted { bundle, histograms: Vec::new(), gains: vec![0.0; borders] }
        };
        let bundles = Bundle::all(columns, rows, cells_max).into_iter().map(counted).collect();
        Grower { columns, growth, bundles }
    }

    /// The questions of the next tree, best first. Fewer than wanted where no more help, perhaps none.
    pub(crate) fn grow(&mut self, slopes: &[Slope], random: &mut Random) -> Vec<Question> {
        let Growth { depth, leaf_penalty, row_share, column_share } = self.growth;
        let scale = Scale::fitting(slopes);
        let penalty = scale.hessian_steps(leaf_penalty);
        let mut rows = Rows::new(rows::sample(slopes.len(), row_share, random), slopes, scale);
        let whole = 0..rows.order.len();
        let mut leaves = vec![whole];
        let mut questions: Vec<Question> = Vec::with_capacity(depth);
        let mut gain_now = gain(Scale::steps(rows.slopes.iter().sum()), penalty);
        self.bundles.par_iter_mut().for_each(|counted| counted.count_all(&rows));
        let mut empty_draws = 0;
        while questions.len() < depth {
            let mut is_tried: Vec<bool> = self.columns.iter().map(|_| random.chance(column_share)).collect();
            if !is_tried.contains(&true) {
                empty_draws += 1;
                // The least share might be drawn for ever.
                if empty_draws > EMPTY_DRAWS_MAX && !is_tried.is_empty() {
                    let column = random.below(is_tried.len());
                    is_tried[column] = true;
                }
            }
            self.bundles.par_iter_mut().for_each(|counted| counted.weigh(&is_tried, penalty));
            let Some((gain, question)) = self.best(&is_tried) else {
                // Of few columns, chance may have left out all.
                if is_tried.contains(&true) || self.bundles.is_empty() {
                    break;
                }
                continue;
            };
            // A question that was asked already, or that parts nothing, gains nothing.
            if gain <= gain_now * (1.0 + 1e-12) {
                break;
            }
            gain_now = gain;
            questions.push(question);
            if questions.len() < depth {
                let bins = &self.columns[question.column].bins;
                let halves = part(&mut rows, &mut leaves, bins, question.border);
                self.bundles.par_iter_mut().for_each(|counted| counted.count_halves(&rows, &halves));
            }
        }
        questions
    }

    /// The question that gains most among the columns that are tried; the first one where several do.
    fn best(&self, is_tried: &[bool]) -> Option<(f64, Question)> {
        let mut best: Option<(f64, Question)> = None;
        for counted in &self.bundles {
            let mut gains = counted.gains.as_slice();
            for member in &counted.bundle.members {
                let (own, others) = gains.split_at(member.bins - 1);
                gains = others;
                if !is_tried[member.column] {
                    continue;
                }
                for (border, &gain) in own.iter().enumerate() {
                    if best.is_none_or(|(best_gain, _)| gain > best_gain) {
                        best = Some((gain, Question { column: member.column, border }));
                    }
                }
            }
        }
        best
    }
}

impl Counted {
    /// The histogram of the only leaf.
    fn count_all(&mut self, rows: &Rows) {
        self.histograms.clear();
        self.histograms.resize(self.bundle.cells, 0);
        self.bundle.count(&rows.order, &rows.slopes, &mut self.histograms);
    }

    /// The histograms of leaves that were parted, from those of their parents.
    fn count_halves(&mut self, rows: &Rows, halves: &[Halves]) {
        let Counted { bundle, histograms, .. } = self;
        let parents = histograms.len();
        histograms.resize(2 * parents, 0);
        let (noes, yeses) = histograms.split_at_mut(parents);
        let leaves = noes.chunks_exact_mut(bundle.cells).zip(yeses.chunks_exact_mut(bundle.cells));
        for ((no, yes), half) in leaves.zip(halves) {
            let smaller = half.smaller.clone();
            bundle.count(&rows.order[smaller.clone()], &rows.slopes[smaller], yes);
            for (no, yes) in no.iter_mut().zip(yes) {
                let larger = *no - *yes;
                if half.no_is_smaller {
                    *no = std::mem::replace(yes, larger);
                } else {
                    *no = larger;
                }
            }
        }
    }

    /// What every border would gain, summed over all leaves.
    fn weigh(&mut self, is_tried: &[bool], penalty: f64) {
        let Counted { bundle, histograms, gains } = self;
        gains.fill(0.0);
        if !bundle.members.iter().any(|member| is_tried[member.column]) {
            return;
        }
        let mut histogram = [0; CELLS_MAX];
        let histogram = &mut histogram[..bundle.cells];
        for leaf in histograms.chunks_exact(bundle.cells) {
            histogram.copy_from_slice(leaf);
            let total = leaf.iter().sum();
            let mut end = gains.len();
            bundle.each_member(histogram, |place, cells| {
                let begin = end + 1 - cells.len();
                if is_tried[bundle.members[place].column] {
                    add_gains(cells, total, penalty, &mut gains[begin..end]);
                }
                end = begin;
            });
        }
    }
}

/// Parts every leaf by a question: those who answer no keep its number, the others get it with one more bit.
fn part(rows: &mut Rows, leaves: &mut Vec<Range<usize>>, bins: &[u8], border: usize) -> Vec<Halves> {
    let mut halves = Vec::with_capacity(leaves.len());
    let mut yeses = Vec::with_capacity(leaves.len());
    for leaf in leaves.iter_mut() {
        let middle = rows.part(leaf.clone(), bins, |bin| usize::from(bin) > border);
        let (noes, others) = (leaf.start..middle, middle..leaf.end);
        let no_is_smaller = noes.len() <= others.len();
        halves.push(Halves {
            smaller: if no_is_smaller { noes.clone() } else { others.clone() },
            no_is_smaller,
        });
        yeses.push(others);
        *leaf = noes;
    }
    leaves.append(&mut yeses);
    halves
}

/// The leaf of every row.
pub(crate) fn leaves<'a>(
    questions: &[Question],
    bins: impl Fn(usize) -> &'a [u8],
    rows: Range<usize>,
) -> Vec<u16> {
    let mut leaves = vec![0; rows.len()];
    for (level, question) in questions.iter().enumerate() {
        for (leaf, &bin) in leaves.iter_mut().zip(&bins(question.column)[rows.clone()]) {
            *leaf |= u16::from(usize::from(bin) > question.border) << level;
        }
    }
    leaves
}

/// What a leaf gains at its best value: that of Newton's step, push / (hessian + penalty).
fn gain(sum: Slope, penalty: f64) -> f64 {
    sum.push * sum.push / (sum.hessian + penalty).max(1.0)
}

/// Adds what each border gains in one leaf.
fn add_gains(cells: &[i64], total: i64, penalty: f64, gains: &mut [f64]) {
    let mut below = 0;
    for (cell, border_gain) in cells.iter().zip(gains) {
        below += cell;
        let (low, high) = (Scale::steps(below), Scale::steps(total - below));
        let (low_weight, high_weight) = (low.hessian + penalty, high.hessian + penalty);
        // Both leaves' gains over their common denominator: a division costs more than all the rest. Weights
        // are at least one step, so that a leaf without curvature or penalty, which has no slope, gains 0.
        let (low_weight, high_weight) = (low_weight.max(1.0), high_weight.max(1.0));
        *border_gain += (low.push * low.push * high_weight + high.push * high.push * low_weight)
            / (low_weight * high_weight);
    }
}

#[cfg(test)]
mod tests {
    use super::{Grower, Growth, Question, leaves};
    use crate::bins::bin;
    use crate::random::Random;
    use crate::samples::Matrix;
    use crate::slopes::Slope;

    const ALL: Growth = Growth { depth: 3, leaf_penalty: 0.1, row_share: 1.0, column_share: 1.0 };

    #[test]
    fn the_best_questions_come_first_and_no_useless_one_at_all() {
        // The second column decides alone whether to go up or down, the first how far.
        let values = vec![0.0, 1.0, 1.0, 1.0, 0.0, 5.0, 1.0, 5.0];
        let matrix = Matrix { rows: 4, width: 2, values };
        let push = [-1.0, -3.0, 1.0, 3.0].map(|push| Slope { push, hessian: 0.25 });
        let columns = bin(&matrix, 254);
        let questions = Grower::new(&columns, 4, ALL).grow(&push, &mut Random::new(1));
        assert_eq!(questions, [Question { column: 1, border: 0 }, Question { column: 0, border: 0 }]);
        assert_eq!(leaves(&questions, |column| &columns[column].bins, 0..4), [0b00, 0b10, 0b01, 0b11]);
    }
}
