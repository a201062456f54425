//! Gradient boosting of oblivious trees on the log loss, written in CatBoost's JSON format.
//!
//! Each tree is fitted to the slopes of the loss at the scores so far (Friedman, "Greedy function
//! approximation: a gradient boosting machine", 2001); its leaves are Newton steps with an L2 penalty
//! (Chen and Guestrin, "XGBoost: A Scalable Tree Boosting System", 2016), shortened by the learning rate.
//! Boosting is plain, not ordered: there are no target statistics that could leak.

use std::ops::Range;

use rayon::prelude::*;
use scoring::catboost::CatBoostFile;
use serde::{Deserialize, Serialize};

use crate::bins::{self, Column};
use crate::boosting_file;
use crate::error::Error;
use crate::learner::Fit;
use crate::oblivious::{self, DEPTH_MAX, Grower, Growth, Question};
use crate::random::Random;
use crate::samples::Samples;
use crate::slopes::{self, Slope};
use crate::stopping::{Stopping, log_loss};

/// How an ensemble grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) trees: usize,
    pub(crate) learning_rate: f64,
    pub(crate) borders_max: usize,
    pub(crate) depth: usize,
    /// The L2 penalty on leaves.
    pub(crate) leaf_penalty: f64,
    /// Newton steps to each leaf's value.
    pub(crate) leaf_steps: usize,
    /// The share of rows that a tree looks at for its questions.
    pub(crate) row_share: f64,
    /// The share of columns that a level looks at.
    pub(crate) column_share: f64,
    /// Trees without a better loss on the customers kept for stopping, before the end; 0 never stops.
    pub(crate) patience: usize,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample.
    fn default() -> Parameters {
        Parameters {
            trees: 400,
            learning_rate: 0.02,
            borders_max: 128,
            depth: 3,
            leaf_penalty: 5.0,
            leaf_steps: 1,
            row_share: 0.6,
            column_share: 0.25,
            patience: 0,
        }
    }
}

/// A tree that is grown.
#[derive(Debug, Clone)]
pub(crate) struct Tree {
    pub(crate) questions: Vec<Question>,
    /// By leaf, whose bits are the answers.
    pub(crate) values: Vec<f64>,
    /// By leaf, the customers' weights.
    pub(crate) weights: Vec<f64>,
}

pub(crate) fn fit(fit: Fit, parameters: &Parameters) -> Result<CatBoostFile, Error> {
    parameters.check()?;
    let bias = bias(fit.samples)?;
    let columns = bins::bin(&fit.samples.matrix, parameters.borders_max);
    // Inside the pool from here on, so that no level of a tree has to wait for its threads to wake up.
    let trees = rayon::scope(|_| boost(fit, parameters, &columns, bias));
    Ok(boosting_file::file(&columns, fit.inputs, trees, bias))
}

impl Parameters {
    fn check(&self) -> Result<(), Error> {
        let shares = [self.row_share, self.column_share, self.learning_rate];
        let problems = [
            (!(1..=DEPTH_MAX).contains(&self.depth), format!("depth must be 1 to {DEPTH_MAX}")),
            (self.trees == 0, "trees must be at least 1".to_owned()),
            (self.leaf_steps == 0, "leaf_steps must be at least 1".to_owned()),
            (
                !(1..=bins::BORDERS_MAX).contains(&self.borders_max),
                format!("borders_max must be 1 to {}", bins::BORDERS_MAX),
            ),
            (
                self.leaf_penalty.is_nan() || self.leaf_penalty < 0.0,
                "leaf_penalty must not be negative".into(),
            ),
            (
                shares.iter().any(|&share| !(share > 0.0 && share <= 1.0)),
                "learning_rate, row_share and column_share must be above 0 and at most 1".to_owned(),
            ),
        ];
        let problem = problems.into_iter().find(|(is_wrong, _)| *is_wrong);
        problem.map_or(Ok(()), |(_, message)| Err(Error::Options(message)))
    }
}

/// The log-odds of leaving, of all customers alike.
pub(crate) fn bias(samples: &Samples) -> Result<f64, Error> {
    if samples.labels.len() > slopes::ROWS_MAX {
        let message = format!("more than {} customers cannot be learned from at once", slopes::ROWS_MAX);
        return Err(Error::Data(message));
    }
    let all: f64 = samples.weights.iter().sum();
    let left = samples.weights.iter().zip(&samples.labels).filter(|(_, left)| **left);
    let left: f64 = left.map(|(weight, _)| weight).sum();
    if !(left > 0.0 && left < all) {
        return Err(Error::Data("there must be customers who left and customers who stayed".to_owned()));
    }
    Ok((left / (all - left)).ln())
}

/// Customers with their scores so far.
struct Scored<'a> {
    samples: &'a Samples,
    /// By column.
    bins: Vec<&'a [u8]>,
    scores: Vec<f64>,
}

fn boost(fit: Fit, parameters: &Parameters, columns: &[Column], bias: f64) -> Vec<Tree> {
    let growth = Growth {
        depth: parameters.depth,
        leaf_penalty: parameters.leaf_penalty,
        row_share: parameters.row_share,
        column_share: parameters.column_share,
    };
    let bins = columns.iter().map(|column| column.bins.as_slice()).collect();
    let mut scored = Scored::new(fit.samples, bins, bias);
    let stop = fit.stop.filter(|_| parameters.patience > 0);
    let stop_bins = stop.map_or_else(Vec::new, |stop| bins::place(columns, &stop.matrix));
    let mut stop = stop.map(|stop| {
        let scored = Scored::new(stop, stop_bins.iter().map(Vec::as_slice).collect(), bias);
        (Stopping::new(parameters.patience, log_loss(&scored.scores, stop)), scored)
    });
    let mut random = Random::new(fit.seed);
    let mut grower = Grower::new(columns, fit.samples.labels.len(), growth);
    let mut slopes = scored.slopes();
    let mut trees = Vec::with_capacity(parameters.trees);
    for _ in 0..parameters.trees {
        let questions = grower.grow(&slopes, &mut random);
        // By chance there may have been no question that helps. A file needs one tree at least.
        if questions.is_empty() && !trees.is_empty() {
            continue;
        }
        let tree = scored.add_tree(questions, &mut slopes, parameters);
        if let Some((stopping, others)) = &mut stop {
            others.add(&tree);
            if stopping.is_over(trees.len() + 1, log_loss(&others.scores, others.samples)) {
                break;
            }
        }
        trees.push(tree);
    }
    if let Some((stopping, _)) = stop {
        // A file without any tree is none.
        trees.truncate(stopping.best_trees().max(1));
    }
    trees
}

/// Rows that one thread takes at a time. Sums are added up by such parts whatever the number of threads, so
/// that they come out the same.
const PART_ROWS: usize = 8192;

impl<'a> Scored<'a> {
    fn new(samples: &'a Samples, bins: Vec<&'a [u8]>, bias: f64) -> Scored<'a> {
        Scored { samples, bins, scores: vec![bias; samples.labels.len()] }
    }

    fn leaves(&self, questions: &[Question], rows: Range<usize>) -> Vec<u16> {
        oblivious::leaves(questions, |column| self.bins[column], rows)
    }

    /// The slopes of the loss at the scores so far.
    fn slopes(&self) -> Vec<Slope> {
        let Samples { labels, weights, .. } = self.samples;
        let rows = self.scores.par_iter().with_min_len(PART_ROWS).zip(labels).zip(weights);
        rows.map(|((&score, &has_left), &weight)| Slope::log_loss(score, has_left, weight)).collect()
    }

    /// The tree of these questions, by which the scores and slopes move on.
    fn add_tree(&mut self, questions: Vec<Question>, slopes: &mut [Slope], parameters: &Parameters) -> Tree {
        let Samples { labels, weights, .. } = self.samples;
        let leaf_count = 1 << questions.len();
        let parts: Vec<Range<usize>> = (0..labels.len())
            .step_by(PART_ROWS)
            .map(|begin| begin..labels.len().min(begin + PART_ROWS))
            .collect();
        let leaves: Vec<Vec<u16>> =
            parts.par_iter().map(|rows| self.leaves(&questions, rows.clone())).collect();
        let sum_part = |(rows, leaves): (&Range<usize>, &Vec<u16>), slopes: &[Slope]| {
            let mut sums = vec![Slope::default(); leaf_count];
            leaves
                .iter()
                .zip(&slopes[rows.clone()])
                .for_each(|(&leaf, &slope)| sums[usize::from(leaf)] += slope);
            sums
        };
        let mut values = vec![0.0; leaf_count];
        for step in 1..=parameters.leaf_steps {
            let by_part: Vec<Vec<Slope>> =
                parts.par_iter().zip(&leaves).map(|part| sum_part(part, slopes)).collect();
            for (leaf, value) in values.iter_mut().enumerate() {
                let sum = by_part.iter().fold(Slope::default(), |sum, part| sum + part[leaf]);
                *value += sum.step(parameters.leaf_penalty);
            }
            // All steps are taken in full; only the whole of them is shortened.
            let is_last = step == parameters.leaf_steps;
            if is_last {
                values.iter_mut().for_each(|value| *value *= parameters.learning_rate);
            }
            let moved = self.scores.par_chunks_mut(PART_ROWS).zip(slopes.par_chunks_mut(PART_ROWS));
            moved.zip(&leaves).zip(&parts).for_each(|(((scores, slopes), leaves), rows)| {
                let outcomes = labels[rows.clone()].iter().zip(&weights[rows.clone()]);
                for (((score, slope), &leaf), (&left, &weight)) in
                    scores.iter_mut().zip(slopes).zip(leaves).zip(outcomes)
                {
                    let moved = *score + values[usize::from(leaf)];
                    *slope = Slope::log_loss(moved, left, weight);
                    if is_last {
                        *score = moved;
                    }
                }
            });
        }
        let mut leaf_weights = vec![0.0; leaf_count];
        for (&leaf, weight) in leaves.iter().flatten().zip(weights) {
            leaf_weights[usize::from(leaf)] += weight;
        }
        Tree { questions, values, weights: leaf_weights }
    }

    /// Moves the scores by a tree.
    fn add(&mut self, tree: &Tree) {
        let leaves = self.leaves(&tree.questions, 0..self.scores.len());
        self.scores.iter_mut().zip(leaves).for_each(|(score, leaf)| *score += tree.values[usize::from(leaf)]);
    }
}

#[cfg(test)]
mod tests {
    use scoring::catboost::{CatBoostFile, NanValueTreatment, ObliviousTree};

    use super::{Parameters, fit};
    use crate::learner::Fit;
    use crate::samples::{Matrix, Samples};
    use crate::stopping::log_loss;

    const FEW: Parameters = Parameters {
        trees: 60,
        learning_rate: 0.2,
        borders_max: 16,
        depth: 3,
        leaf_penalty: 1.0,
        leaf_steps: 1,
        row_share: 0.8,
        column_share: 1.0,
        patience: 0,
    };

    fn fitted(samples: &Samples, stop: Option<&Samples>, parameters: Parameters, seed: u64) -> CatBoostFile {
        fit(Fit { samples, stop, inputs: &samples.inputs(), seed }, &parameters).unwrap()
    }

    fn scores(file: &CatBoostFile, matrix: &Matrix) -> Vec<f64> {
        let score = |row: usize| {
            // Nothing is less than NaN, which is below all borders here.
            let answer = |(bit, split): (usize, &scoring::catboost::Split)| {
                let value = matrix.row(row)[split.float_feature_index] as f32;
                usize::from(split.border < f64::from(value)) << bit
            };
            let leaf = |tree: &ObliviousTree| {
                tree.leaf_values[tree.splits.iter().flatten().enumerate().map(answer).sum::<usize>()]
            };
            file.scale_and_bias.1[0] + file.oblivious_trees.iter().map(leaf).sum::<f64>()
        };
        (0..matrix.rows).map(score).collect()
    }

    #[test]
    fn what_no_line_can_part_is_learned_with_its_gaps_and_seeded() {
        let (samples, others) = (Samples::invented(3_000, 1), Samples::invented(2_000, 2));
        let file = fitted(&samples, None, FEW, 1);
        let loss = log_loss(&scores(&file, &others.matrix), &others);
        assert!((0.45..0.53).contains(&loss), "{loss}");
        let tenure = &file.features_info.float_features[0];
        assert!(tenure.has_nans && tenure.nan_value_treatment == NanValueTreatment::AsFalse);
        let text = |seed| serde_json::to_string(&fitted(&samples, None, FEW, seed)).unwrap();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }

    #[test]
    fn the_bytes_are_the_same_on_any_number_of_threads() {
        let samples = Samples::invented(30_000, 3);
        let parameters = Parameters { trees: 5, leaf_steps: 3, ..FEW };
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| serde_json::to_string(&fitted(&samples, None, parameters, 1)).unwrap())
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn a_customer_of_weight_two_counts_as_two() {
        let mut samples = Samples::invented(600, 5);
        // Few enough values that each has its own bin, however often it occurs.
        samples.matrix.values.iter_mut().for_each(|value| *value = (*value * 8.0).round());
        let parameters = Parameters { row_share: 1.0, trees: 10, ..FEW };
        let mut weighted = samples.clone();
        weighted.weights[..200].fill(2.0);
        let values = [&samples.matrix.values[..], &samples.matrix.values[..600]].concat();
        let labels = [&samples.labels[..], &samples.labels[..200]].concat();
        let repeated = Samples::new(Matrix { rows: 800, width: 3, values }, labels);
        let of = |samples_: &Samples| scores(&fitted(samples_, None, parameters, 1), &samples.matrix);
        let (one, other, unweighted) = (of(&weighted), of(&repeated), of(&samples));
        assert!(one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-9));
        assert!(one.iter().zip(&unweighted).any(|(one, other)| (one - other).abs() > 0.01));
    }

    #[test]
    fn patience_keeps_the_trees_that_help_others() {
        let (samples, others) = (Samples::invented(300, 1), Samples::invented(1_000, 2));
        let parameters = Parameters { trees: 400, patience: 20, ..FEW };
        let stopped = fitted(&samples, Some(&others), parameters, 1);
        let all = fitted(&samples, Some(&others), Parameters { patience: 0, ..parameters }, 1);
        assert!(stopped.oblivious_trees.len() < 100 && all.oblivious_trees.len() == 400);
        let loss = |file: &CatBoostFile| log_loss(&scores(file, &others.matrix), &others);
        assert!(loss(&stopped) < loss(&all) - 0.05);
    }

    #[test]
    fn more_newton_steps_fit_the_leaves_better() {
        let samples = Samples::invented(500, 1);
        let parameters =
            Parameters { trees: 1, learning_rate: 1.0, leaf_penalty: 0.0, row_share: 1.0, ..FEW };
        let loss = |leaf_steps| {
            let file = fitted(&samples, None, Parameters { leaf_steps, ..parameters }, 1);
            log_loss(&scores(&file, &samples.matrix), &samples)
        };
        assert!(loss(8) < loss(1) - 1e-6);
    }
}
