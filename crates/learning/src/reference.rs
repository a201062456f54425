//! What reasons are measured against: training's customers on average.

use scoring::forest::ForestFile;
use scoring::{Algorithm, Inputs, Manifest, Reference};

use crate::dataset::Dataset;
use crate::error::Error;

/// What the manifest of a model of these customers keeps for reasons. Boosted trees have all that is needed
/// in their files.
pub(crate) fn reference(
    manifest: &Manifest,
    file: &[u8],
    data: &Dataset,
) -> Result<Option<Reference>, Error> {
    let matrix = || -> Result<Vec<f64>, Error> {
        let inputs = Inputs::new(&manifest.schema, &manifest.derived, &manifest.inputs)?;
        Ok(inputs.matrix(data.rows(), &data.numbers, &data.codes))
    };
    let width = manifest.inputs.len();
    Ok(match manifest.algorithm {
        Algorithm::Logistic | Algorithm::Svm | Algorithm::Mlp => {
            Some(Reference { input_means: means(&matrix()?, width), ..Reference::default() })
        }
        Algorithm::RandomForest | Algorithm::DecisionTree => {
            let forest: ForestFile =
                serde_json::from_slice(file).map_err(|error| Error::Training(error.to_string()))?;
            Some(Reference {
                leaf_customers: leaf_customers(&forest, &matrix()?, width),
                ..Reference::default()
            })
        }
        Algorithm::Catboost | Algorithm::Xgboost => None,
    })
}

fn means(matrix: &[f64], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in matrix.chunks_exact(width.max(1)) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let rows = (matrix.len() / width.max(1)).max(1) as f64;
    sums.into_iter().map(|sum| sum / rows).collect()
}

/// How many rows each leaf gets.
fn leaf_customers(forest: &ForestFile, matrix: &[f64], width: usize) -> Vec<u32> {
    let mut customers = vec![0; forest.leaves.len()];
    for row in matrix.chunks_exact(width.max(1)) {
        for &root in &forest.roots {
            let mut reference = root;
            while let Ok(node) = usize::try_from(reference) {
                let is_left = row[usize::from(forest.inputs[node])] <= forest.thresholds[node];
                reference = if is_left { forest.left[node] } else { forest.right[node] };
            }
            // A leaf n is referred to by -1 - n.
            customers[!reference as usize] += 1;
        }
    }
    customers
}

#[cfg(test)]
mod tests {
    use scoring::forest::{FORMAT, ForestFile};

    use super::{leaf_customers, means};

    #[test]
    fn customers_are_counted_where_they_end_and_averaged_by_input() {
        let forest = ForestFile {
            format: FORMAT.to_owned(),
            roots: vec![0, -4],
            inputs: vec![1, 0],
            thresholds: vec![2.0, 0.5],
            left: vec![-1, -2],
            right: vec![1, -3],
            leaves: vec![0.1, 0.2, 0.3, 0.4],
        };
        let matrix = [0.0, 2.0, 1.0, 3.0, 0.5, 4.0];
        assert_eq!(leaf_customers(&forest, &matrix, 2), [1, 1, 1, 3]);
        assert_eq!(means(&matrix, 2), [0.5, 3.0]);
    }
}
