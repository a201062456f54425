//! A random forest: many deep trees, each grown on a sample of the customers and each of its nodes on a
//! sample of the inputs (Breiman, "Random Forests", 2001). Their leaves are shares of leavers.

use rayon::prelude::*;
use scoring::forest::ForestFile;
use serde::{Deserialize, Serialize};

use crate::bins::{self, Column};
use crate::error::Error;
use crate::forest_file;
use crate::random::Random;
use crate::samples::Samples;
use crate::slopes::{ROWS_MAX, Slope};
use crate::tree::{Grower, Growth, Node};

/// How a forest grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) trees: usize,
    /// The most questions from a root to a leaf.
    pub(crate) depth: usize,
    /// The least customers of a leaf, by weight and as often as the tree's sample has them.
    pub(crate) leaf_rows_min: f64,
    /// Inputs that are tried at each node.
    pub(crate) inputs_tried: usize,
    /// The most borders of an input.
    pub(crate) borders_max: usize,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample; leaves of many customers keep the file small, too.
    fn default() -> Parameters {
        Parameters { trees: 300, depth: 8, leaf_rows_min: 40.0, inputs_tried: 10, borders_max: 128 }
    }
}

/// Deeper trees than this have more leaves than customers are ever given.
pub(crate) const DEPTH_MAX: usize = 24;
/// Few flags share a byte, because a node looks at few inputs and often has few rows.
const CELLS_MAX: usize = 16;

pub(crate) fn fit(samples: &Samples, parameters: &Parameters, seed: u64) -> Result<ForestFile, Error> {
    parameters.check()?;
    let columns = binned(samples, parameters.borders_max)?;
    let grower = Grower::new(&columns, samples.labels.len(), CELLS_MAX);
    let grow = |tree: usize| grow(samples, &columns, &grower, parameters, seed, tree);
    let trees: Vec<Vec<Node>> = (0..parameters.trees).into_par_iter().map(grow).collect();
    forest_file::file(&columns, &trees)
}

impl Parameters {
    fn check(&self) -> Result<(), Error> {
        let problems = [
            (self.trees == 0, "trees must be at least 1".to_owned()),
            (!(1..=DEPTH_MAX).contains(&self.depth), format!("depth must be 1 to {DEPTH_MAX}")),
            (self.inputs_tried == 0, "inputs_tried must be at least 1".to_owned()),
            (
                !(1..=bins::BORDERS_MAX).contains(&self.borders_max),
                format!("borders_max must be 1 to {}", bins::BORDERS_MAX),
            ),
            (!self.leaf_rows_min.is_finite(), "leaf_rows_min must be a number".to_owned()),
        ];
        let problem = problems.into_iter().find(|(is_wrong, _)| *is_wrong);
        problem.map_or(Ok(()), |(_, message)| Err(Error::Options(message)))
    }
}

/// The columns, none of which may miss a value: the format has no way to go for one.
pub(crate) fn binned(samples: &Samples, borders_max: usize) -> Result<Vec<Column>, Error> {
    if samples.labels.len() > ROWS_MAX {
        return Err(Error::Data(format!("more than {ROWS_MAX} customers cannot be learned from at once")));
    }
    let columns = bins::bin(&samples.matrix, borders_max);
    if columns.iter().any(Column::has_missing) {
        return Err(Error::Options("missing numbers must be filled in for this algorithm".to_owned()));
    }
    Ok(columns)
}

/// The least squares of an outcome: the mean of slopes is the share of leavers.
pub(crate) fn outcome(has_left: bool, weight: f64) -> Slope {
    Slope { push: if has_left { weight } else { 0.0 }, hessian: weight }
}

fn grow(
    samples: &Samples,
    columns: &[Column],
    grower: &Grower,
    parameters: &Parameters,
    seed: u64,
    tree: usize,
) -> Vec<Node> {
    // Each tree has its own numbers, so that it does not matter which thread grows it.
    let mut random = Random::new(seed ^ (tree as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let rows = samples.labels.len();
    let mut drawn = vec![0u32; rows];
    (0..rows).for_each(|_| drawn[random.below(rows)] += 1);
    let outcomes = samples.labels.iter().zip(&samples.weights).zip(&drawn);
    let slopes: Vec<Slope> =
        outcomes.map(|((&has_left, &weight), &drawn)| outcome(has_left, weight * f64::from(drawn))).collect();
    // There are no more rows than a u32 counts.
    let inside = (0..rows as u32).filter(|&row| drawn[row as usize] > 0).collect();
    let tried = (0..columns.len()).filter(|&place| !columns[place].borders.is_empty()).collect();
    let growth = Growth {
        depth: parameters.depth,
        leaf_penalty: 0.0,
        leaf_price: 0.0,
        leaf_weight_min: parameters.leaf_rows_min,
        columns_tried: parameters.inputs_tried,
    };
    grower.grow(&slopes, inside, tried, growth, &mut random)
}

#[cfg(test)]
mod tests {
    use super::{Parameters, fit};
    use crate::random::Random;
    use crate::samples::{Matrix, Samples};

    const SMALL: Parameters =
        Parameters { trees: 12, depth: 4, leaf_rows_min: 3.0, inputs_tried: 1, borders_max: 64 };

    #[test]
    fn a_forest_is_flat_complete_and_seeded() {
        let mut random = Random::new(3);
        let matrix = Matrix { rows: 200, width: 2, values: (0..400).map(|_| random.uniform()).collect() };
        let labels: Vec<bool> = (0..200).map(|row| matrix.row(row)[0] > 0.4).collect();
        let samples = Samples::new(matrix, labels);
        let forest = fit(&samples, &SMALL, 5).unwrap();
        assert_eq!(forest.roots.len(), 12);
        assert_eq!(forest.leaves.len(), forest.inputs.len() + 12);
        assert_eq!(forest, fit(&samples, &SMALL, 5).unwrap());
        assert_ne!(forest, fit(&samples, &SMALL, 6).unwrap());
    }
}
