//! A single decision tree (Breiman et al., "Classification and Regression Trees", 1984), written as a forest of
//! one. For two classes the least squares of outcomes and Gini's impurity find the same tree.

use scoring::forest::ForestFile;
use serde::{Deserialize, Serialize};

use crate::bins;
use crate::bundles::CELLS_MAX;
use crate::error::Error;
use crate::forest::{DEPTH_MAX, binned, outcome};
use crate::forest_file;
use crate::random::Random;
use crate::samples::Samples;
use crate::slopes::Slope;
use crate::tree::{Grower, Growth};

/// How a tree grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    /// The most questions from the root to a leaf.
    pub(crate) depth: usize,
    /// The least customers of a leaf, by weight.
    pub(crate) leaf_rows_min: f64,
    /// How much less impure, of Gini's impurity of all customers together, a split must make them for each
    /// leaf that it adds (`ccp_alpha` in scikit-learn).
    pub(crate) leaf_price: f64,
    /// The most borders of an input.
    pub(crate) borders_max: usize,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample.
    fn default() -> Parameters {
        Parameters { depth: 6, leaf_rows_min: 80.0, leaf_price: 0.0003, borders_max: 254 }
    }
}

pub(crate) fn fit(samples: &Samples, parameters: &Parameters) -> Result<ForestFile, Error> {
    parameters.check()?;
    let columns = binned(samples, parameters.borders_max)?;
    let outcomes = samples.labels.iter().zip(&samples.weights);
    let slopes: Vec<Slope> = outcomes.map(|(&has_left, &weight)| outcome(has_left, weight)).collect();
    let all: f64 = samples.weights.iter().sum();
    let tried: Vec<usize> = (0..columns.len()).filter(|&place| !columns[place].borders.is_empty()).collect();
    let growth = Growth {
        depth: parameters.depth,
        leaf_penalty: 0.0,
        // A gain is half of the squared errors that go, and Gini's impurity twice their mean.
        leaf_price: parameters.leaf_price * all / 4.0,
        leaf_weight_min: parameters.leaf_rows_min,
        columns_tried: tried.len(),
    };
    // There are no more rows than a u32 counts.
    let rows = (0..samples.labels.len() as u32).collect();
    let grower = Grower::new(&columns, samples.labels.len(), CELLS_MAX);
    // Nothing is left to chance where all columns are tried.
    let tree = grower.grow(&slopes, rows, tried, growth, &mut Random::new(0));
    forest_file::file(&columns, &[tree])
}

impl Parameters {
    fn check(&self) -> Result<(), Error> {
        let problems = [
            (!(1..=DEPTH_MAX).contains(&self.depth), format!("depth must be 1 to {DEPTH_MAX}")),
            (
                !(1..=bins::BORDERS_MAX).contains(&self.borders_max),
                format!("borders_max must be 1 to {}", bins::BORDERS_MAX),
            ),
            (!self.leaf_rows_min.is_finite(), "leaf_rows_min must be a number".to_owned()),
            (self.leaf_price.is_nan() || self.leaf_price < 0.0, "leaf_price must not be negative".to_owned()),
        ];
        let problem = problems.into_iter().find(|(is_wrong, _)| *is_wrong);
        problem.map_or(Ok(()), |(_, message)| Err(Error::Options(message)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Parameters, fit};
    use crate::error::Error;
    use crate::samples::{Matrix, Samples};

    const LARGE: Parameters = Parameters { depth: 6, leaf_rows_min: 1.0, leaf_price: 0.0, borders_max: 64 };

    #[test]
    fn a_tree_is_a_forest_of_one_whose_leaves_are_shares() {
        let values = vec![1.0, 1.0, 1.0, 2.0, 2.0, 2.0];
        let labels = vec![false, false, true, true, true, false];
        let mut samples = Samples::new(Matrix { rows: 6, width: 1, values }, labels);
        let file = fit(&samples, &LARGE).unwrap();
        assert_eq!((file.roots, file.left, file.right), (vec![0], vec![-1], vec![-2]));
        assert_eq!((file.thresholds, file.leaves), (vec![1.5], vec![0.333333, 0.666667]));
        samples.weights[2] = 2.0;
        assert_eq!(fit(&samples, &LARGE).unwrap().leaves, [0.5, 0.666667]);
        // Gini's impurity falls by 1/18, from 1/2 to 4/9.
        samples.weights[2] = 1.0;
        let leaves = |leaf_price| fit(&samples, &Parameters { leaf_price, ..LARGE }).unwrap().leaves.len();
        assert_eq!((leaves(0.0555), leaves(0.0556)), (2, 1));
        assert_eq!(fit(&samples, &Parameters { leaf_price: 1.0, ..LARGE }).unwrap().roots, [-1]);
    }

    #[test]
    fn gaps_are_refused() {
        let samples = Samples::invented(100, 1);
        assert!(matches!(fit(&samples, &LARGE), Err(Error::Options(_))));
    }
}
