//! Gradient boosting of trees that grow node by node, in XGBoost's own JSON format (Chen and Guestrin,
//! "XGBoost: A Scalable Tree Boosting System", 2016).
//!
//! What is missing goes the way that gained more for those who miss it in the training.

use rayon::prelude::*;
use scoring::xgboost::XgboostFile;
use serde::{Deserialize, Serialize};

use crate::bins::{self, Column};
use crate::boosting::bias;
use crate::bundles::CELLS_MAX;
use crate::error::Error;
use crate::learner::Fit;
use crate::random::Random;
use crate::rows;
use crate::samples::Samples;
use crate::slopes::Slope;
use crate::stopping::{Stopping, log_loss};
use crate::tree::{Grower, Growth, Node, leaf};
use crate::xgboost_file;

/// How an ensemble grows. XGBoost's own names are in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) trees: usize,
    /// (eta)
    pub(crate) learning_rate: f64,
    /// The most questions from a root to a leaf (`max_depth`).
    pub(crate) depth: usize,
    /// The most borders of an input (`max_bin`).
    pub(crate) borders_max: usize,
    /// The L2 penalty on leaves (lambda).
    pub(crate) leaf_penalty: f64,
    /// What a split must gain for each leaf that it adds. `XGBoost` does not halve the gain, so
    /// that its gamma is twice this.
    pub(crate) leaf_price: f64,
    /// The least hessian of a leaf (`min_child_weight`).
    pub(crate) leaf_weight_min: f64,
    /// The share of rows that a tree looks at (subsample).
    pub(crate) row_share: f64,
    /// The share of columns that a tree looks at (`colsample_bytree`).
    pub(crate) column_share: f64,
    /// Trees without a better loss on the customers kept for stopping, before the end; 0 never stops.
    pub(crate) patience: usize,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample.
    fn default() -> Parameters {
        Parameters {
            trees: 300,
            learning_rate: 0.03,
            depth: 2,
            borders_max: 128,
            leaf_penalty: 1.0,
            leaf_price: 0.0,
            leaf_weight_min: 1.0,
            row_share: 0.6,
            column_share: 0.4,
            patience: 0,
        }
    }
}

/// Deeper trees than this have more leaves than customers are ever given.
const DEPTH_MAX: usize = 24;

pub(crate) fn fit(fit: Fit, parameters: &Parameters) -> Result<XgboostFile, Error> {
    parameters.check()?;
    let base = bias(fit.samples)?;
    let columns = bins::bin(&fit.samples.matrix, parameters.borders_max);
    // Inside the pool from here on, so that no node has to wait for its threads to wake up.
    let trees = rayon::scope(|_| boost(fit, parameters, &columns, base));
    Ok(xgboost_file::file(&columns, fit.inputs, &trees, base))
}

impl Parameters {
    fn check(&self) -> Result<(), Error> {
        let is_share = |share: f64| share > 0.0 && share <= 1.0;
        let is_amount = |amount: f64| amount >= 0.0 && amount.is_finite();
        let problems = [
            (!(1..=DEPTH_MAX).contains(&self.depth), format!("depth must be 1 to {DEPTH_MAX}")),
            (self.trees == 0, "trees must be at least 1".to_owned()),
            (
                !(1..=bins::BORDERS_MAX).contains(&self.borders_max),
                format!("borders_max must be 1 to {}", bins::BORDERS_MAX),
            ),
            (
                ![self.leaf_penalty, self.leaf_price, self.leaf_weight_min].into_iter().all(is_amount),
                "leaf_penalty, leaf_price and leaf_weight_min must not be negative".to_owned(),
            ),
            (
                ![self.learning_rate, self.row_share, self.column_share].into_iter().all(is_share),
                "learning_rate, row_share and column_share must be above 0 and at most 1".to_owned(),
            ),
        ];
        let problem = problems.into_iter().find(|(is_wrong, _)| *is_wrong);
        problem.map_or(Ok(()), |(_, message)| Err(Error::Options(message)))
    }
}

/// A grown tree, with the answer of each node that is a leaf: as `f32`, as the file has it.
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    pub(crate) answers: Vec<f32>,
    /// Before the learning rate.
    pub(crate) steps: Vec<f32>,
}

/// Rows that a thread takes at least.
const PART_ROWS: usize = 8192;

fn boost(fit: Fit, parameters: &Parameters, columns: &[Column], base: f64) -> Vec<Tree> {
    let Samples { labels, weights, .. } = fit.samples;
    let mut random = Random::new(fit.seed);
    let grower = Grower::new(columns, labels.len(), (labels.len() / 64).clamp(16, CELLS_MAX));
    let bins: Vec<&[u8]> = columns.iter().map(|column| column.bins.as_slice()).collect();
    let mut scores = vec![base; labels.len()];
    let stop = fit.stop.filter(|_| parameters.patience > 0);
    let mut stop = stop.map(|samples| {
        let scores = vec![base; samples.labels.len()];
        let stopping = Stopping::new(parameters.patience, log_loss(&scores, samples));
        (samples, bins::place(columns, &samples.matrix), scores, stopping)
    });
    let mut trees = Vec::with_capacity(parameters.trees);
    for count in 1..=parameters.trees {
        let outcomes = scores.par_iter().with_min_len(PART_ROWS).zip(labels).zip(weights);
        let slopes: Vec<Slope> =
            outcomes.map(|((&score, &left), &weight)| Slope::log_loss(score, left, weight)).collect();
        let sampled = rows::sample(labels.len(), parameters.row_share, &mut random);
        let tried = sample_columns(columns, parameters.column_share, &mut random);
        let growth = parameters.growth(tried.len());
        let tree = Tree::new(grower.grow(&slopes, sampled, tried, growth, &mut random), parameters);
        tree.add_to(&mut scores, columns, &bins);
        trees.push(tree);
        if let (Some((samples, bins, scores, stopping)), Some(tree)) = (&mut stop, trees.last()) {
            tree.add_to(scores, columns, bins);
            if stopping.is_over(count, log_loss(scores, samples)) {
                break;
            }
        }
    }
    if let Some((.., stopping)) = stop {
        // A file without any tree is none.
        trees.truncate(stopping.best_trees().max(1));
    }
    trees
}

impl Parameters {
    fn growth(&self, columns_tried: usize) -> Growth {
        Growth {
            depth: self.depth,
            leaf_penalty: self.leaf_penalty,
            leaf_price: self.leaf_price,
            leaf_weight_min: self.leaf_weight_min,
            columns_tried,
        }
    }
}

/// The share of the columns that have a border, one at least where there is one.
fn sample_columns(columns: &[Column], share: f64, random: &mut Random) -> Vec<usize> {
    let mut places: Vec<usize> =
        (0..columns.len()).filter(|&place| !columns[place].borders.is_empty()).collect();
    let wanted = (places.len() as f64 * share).round().max(1.0) as usize;
    if wanted < places.len() {
        random.shuffle(&mut places);
        places.truncate(wanted);
    }
    places
}

impl Tree {
    fn new(nodes: Vec<Node>, parameters: &Parameters) -> Tree {
        let steps: Vec<f64> = nodes.iter().map(|node| node.slope.step(parameters.leaf_penalty)).collect();
        let answers = steps.iter().map(|step| (parameters.learning_rate * step) as f32).collect();
        Tree { nodes, answers, steps: steps.into_iter().map(|step| step as f32).collect() }
    }

    /// Moves the scores of rows with these bins by column.
    fn add_to<B: AsRef<[u8]> + Sync>(&self, scores: &mut [f64], columns: &[Column], bins: &[B]) {
        scores.par_iter_mut().with_min_len(PART_ROWS).enumerate().for_each(|(row, score)| {
            let place = leaf(&self.nodes, columns, |column| bins[column].as_ref()[row]);
            *score += f64::from(self.answers[place]);
        });
    }
}

#[cfg(test)]
mod tests {
    use scoring::xgboost::XgboostFile;

    use super::{Parameters, fit};
    use crate::learner::Fit;
    use crate::samples::{Matrix, Samples};
    use crate::stopping::log_loss;

    const FEW: Parameters = Parameters {
        trees: 60,
        learning_rate: 0.2,
        depth: 3,
        borders_max: 32,
        leaf_penalty: 1.0,
        leaf_price: 0.0,
        leaf_weight_min: 1.0,
        row_share: 0.8,
        column_share: 1.0,
        patience: 0,
    };

    fn fitted(samples: &Samples, stop: Option<&Samples>, parameters: Parameters) -> XgboostFile {
        fit(Fit { samples, stop, inputs: &samples.inputs(), seed: 1 }, &parameters).unwrap()
    }

    fn scores(file: &XgboostFile, matrix: &Matrix) -> Vec<f64> {
        let base = file.learner.learner_model_param.base_score.trim_matches(['[', ']']);
        let base: f64 = base.parse().unwrap();
        let score = |row: usize| {
            let answer = |tree: &scoring::xgboost::XgboostTree| {
                let mut node = 0;
                while tree.left_children[node] >= 0 {
                    let value = matrix.row(row)[tree.split_indices[node] as usize] as f32;
                    let is_left = match value.is_nan() {
                        true => tree.default_left[node] == 1,
                        false => value < tree.split_conditions[node],
                    };
                    let children = if is_left { &tree.left_children } else { &tree.right_children };
                    node = children[node] as usize;
                }
                f64::from(tree.split_conditions[node])
            };
            let trees = &file.learner.gradient_booster.model.trees;
            (base / (1.0 - base)).ln() + trees.iter().map(answer).sum::<f64>()
        };
        (0..matrix.rows).map(score).collect()
    }

    #[test]
    fn the_loss_on_customers_not_seen_falls_and_gaps_are_learned_from() {
        let (samples, others) = (Samples::invented(3_000, 1), Samples::invented(2_000, 2));
        let file = fitted(&samples, None, FEW);
        // That of those who know the chances: 0.2 and 0.8.
        let loss = log_loss(&scores(&file, &others.matrix), &others);
        assert!((0.45..0.53).contains(&loss), "{loss}");
        let filled = Matrix {
            values: others
                .matrix
                .values
                .iter()
                .map(|value| if value.is_nan() { 0.5 } else { *value })
                .collect(),
            ..others.matrix.clone()
        };
        assert!(log_loss(&scores(&file, &filled), &others) > loss + 0.01);
    }

    #[test]
    fn a_customer_of_weight_two_counts_as_two() {
        let mut samples = Samples::invented(600, 5);
        // Few enough values that each has its own bin, however often it occurs.
        samples.matrix.values.iter_mut().for_each(|value| *value = (*value * 8.0).round());
        let parameters = Parameters { row_share: 1.0, trees: 10, ..FEW };
        let mut weighted = samples.clone();
        weighted.weights[..200].fill(2.0);
        let twice = |values: &[f64], width: usize| [values, &values[..200 * width]].concat();
        let matrix = Matrix { rows: 800, width: 3, values: twice(&samples.matrix.values, 3) };
        let repeated = Samples::new(matrix, [&samples.labels[..], &samples.labels[..200]].concat());
        let one = scores(&fitted(&weighted, None, parameters), &samples.matrix);
        let other = scores(&fitted(&repeated, None, parameters), &samples.matrix);
        assert!(one.iter().zip(&other).all(|(one, other)| (one - other).abs() < 1e-4));
        let unweighted = scores(&fitted(&samples, None, parameters), &samples.matrix);
        assert!(one.iter().zip(&unweighted).any(|(one, other)| (one - other).abs() > 0.01));
    }

    #[test]
    fn patience_keeps_the_trees_that_help_others() {
        let (samples, others) = (Samples::invented(300, 1), Samples::invented(1_000, 2));
        let parameters = Parameters { trees: 400, patience: 20, ..FEW };
        let stopped = fitted(&samples, Some(&others), parameters);
        let all = fitted(&samples, Some(&others), Parameters { patience: 0, ..parameters });
        let count = |file: &XgboostFile| file.learner.gradient_booster.model.trees.len();
        assert!(count(&stopped) < 100 && count(&all) == 400, "{}", count(&stopped));
        let loss = |file: &XgboostFile| log_loss(&scores(file, &others.matrix), &others);
        assert!(loss(&stopped) < loss(&all) - 0.05);
    }
}
