//! A random forest: many deep trees, each grown on a sample of the customers (Breiman, "Random Forests",
//! 2001). The trees are regression trees on 0 and 1, whose leaves are shares of leavers.
//!
//! smartcore grows them; here its forest is rewritten in scoring's flat format.

use scoring::forest::{FORMAT, ForestFile};
use serde::{Deserialize, Serialize};
use smartcore::ensemble::random_forest_regressor::{RandomForestRegressor, RandomForestRegressorParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

use crate::error::Error;
use crate::samples::{Matrix, Samples};

/// How a forest grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) trees: usize,
    /// Levels, the root's included and the leaves' too.
    pub(crate) levels_max: u16,
    pub(crate) leaf_rows_min: usize,
    /// Inputs that are tried at each node.
    pub(crate) inputs_tried: usize,
}

impl Default for Parameters {
    /// Chosen by cross-validation on the Telco sample; leaves of many customers keep the file small, too.
    fn default() -> Parameters {
        Parameters { trees: 300, levels_max: 10, leaf_rows_min: 15, inputs_tried: 5 }
    }
}

/// Leaves are rounded to this share, which no customer notices and which halves the file.
const LEAF_STEPS: f64 = 1e6;

pub(crate) fn fit(samples: &Samples, parameters: &Parameters, seed: u64) -> Result<ForestFile, Error> {
    let (matrix, labels) = (&samples.matrix, &samples.labels);
    let failed = |error: smartcore::error::Failed| Error::Training(error.to_string());
    let unknown = |error: serde_json::Error| Error::Training(format!("smartcore's forest: {error}"));
    let labels: Vec<f64> = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
    let grow = RandomForestRegressorParameters::default()
        .with_n_trees(parameters.trees)
        .with_max_depth(parameters.levels_max)
        .with_min_samples_leaf(parameters.leaf_rows_min)
        .with_min_samples_split(2 * parameters.leaf_rows_min)
        .with_m(parameters.inputs_tried.min(matrix.width))
        .with_seed(seed);
    let inputs = DenseMatrix::new(matrix.rows, matrix.width, matrix.values.clone(), false)
        .map_err(|error| Error::Training(error.to_string()))?;
    let forest = RandomForestRegressor::<f64, f64, DenseMatrix<f64>, Vec<f64>>::fit(&inputs, &labels, grow)
        .map_err(failed)?;
    let forest = serde_json::to_value(&forest).and_then(serde_json::from_value).map_err(unknown)?;
    flatten(forest, matrix)
}

/// smartcore's forest as it serialises itself: its nodes are not public in any other way.
#[derive(Deserialize)]
struct Serialised {
    forest_regressor: SerialisedForest,
}

#[derive(Deserialize)]
struct SerialisedForest {
    trees: Vec<SerialisedTree>,
}

#[derive(Deserialize)]
struct SerialisedTree {
    nodes: Vec<SerialisedNode>,
}

#[derive(Deserialize)]
struct SerialisedNode {
    output: f64,
    split_feature: usize,
    split_value: Option<f64>,
    true_child: Option<usize>,
    false_child: Option<usize>,
}

fn flatten(forest: Serialised, matrix: &Matrix) -> Result<ForestFile, Error> {
    let columns = (0..matrix.width).map(|column| {
        let mut values: Vec<f64> = matrix.column(column).collect();
        values.sort_by(f64::total_cmp);
        values
    });
    let columns: Vec<Vec<f64>> = columns.collect();
    let mut file = ForestFile {
        format: FORMAT.to_owned(),
        roots: Vec::new(),
        inputs: Vec::new(),
        thresholds: Vec::new(),
        left: Vec::new(),
        right: Vec::new(),
        leaves: Vec::new(),
    };
    for tree in &forest.forest_regressor.trees {
        let root = add_node(&mut file, tree, 0, &columns)?;
        file.roots.push(root);
    }
    Ok(file)
}

/// Adds a node with everything below it, and returns the reference to it.
fn add_node(
    file: &mut ForestFile,
    tree: &SerialisedTree,
    node: usize,
    columns: &[Vec<f64>],
) -> Result<i32, Error> {
    let broken = || Error::Training("smartcore's forest has changed its form".to_owned());
    let node = tree.nodes.get(node).ok_or_else(broken)?;
    let (Some(threshold), Some(left), Some(right)) = (node.split_value, node.true_child, node.false_child)
    else {
        file.leaves.push((node.output * LEAF_STEPS).round() / LEAF_STEPS);
        return reference(file.leaves.len()).map(|count| -count);
    };
    let place = file.inputs.len();
    let column = columns.get(node.split_feature).ok_or_else(broken)?;
    file.inputs.push(u16::try_from(node.split_feature).map_err(|_| broken())?);
    file.thresholds.push(shortest_threshold(column, threshold));
    file.left.push(0);
    file.right.push(0);
    file.left[place] = add_node(file, tree, left, columns)?;
    file.right[place] = add_node(file, tree, right, columns)?;
    reference(place)
}

fn reference(place: usize) -> Result<i32, Error> {
    i32::try_from(place).map_err(|_| Error::Training("the forest is too large".to_owned()))
}

/// The number with the fewest decimals that parts the column's ascending values where `threshold` does.
fn shortest_threshold(values: &[f64], threshold: f64) -> f64 {
    let above = values.partition_point(|&value| value <= threshold);
    let below = values[..above].last().copied().unwrap_or(f64::NEG_INFINITY);
    let above = values.get(above).copied().unwrap_or(f64::INFINITY);
    (0..6)
        .map(|decimals| {
            let steps = 10f64.powi(decimals);
            (threshold * steps).round() / steps
        })
        .find(|short| (below..above).contains(short))
        .unwrap_or(threshold)
}

#[cfg(test)]
mod tests {
    use super::{Parameters, fit, shortest_threshold};
    use crate::random::Random;
    use crate::samples::{Matrix, Samples};

    const SMALL: Parameters = Parameters { trees: 12, levels_max: 5, leaf_rows_min: 3, inputs_tried: 1 };

    #[test]
    fn thresholds_part_the_same_values_in_fewer_digits() {
        let values = [1.0, 2.0, 2.05, 2.15];
        assert_eq!(shortest_threshold(&values, 1.5), 1.5);
        assert_eq!(shortest_threshold(&values, 2.025), 2.0);
        assert_eq!(shortest_threshold(&values, 2.0999999999999996), 2.1);
    }

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
