//! Logistic regression with an L2 penalty, by smartcore's L-BFGS.

use scoring::linear::LinearFile;
use serde::{Deserialize, Serialize};
use smartcore::linalg::basic::arrays::{Array, Array2};
use smartcore::linalg::basic::matrix::DenseMatrix;
use smartcore::linear::logistic_regression::{LogisticRegression, LogisticRegressionParameters};

use crate::error::Error;
use crate::linear::Scaling;
use crate::samples::{Matrix, Samples};

/// How it is regularised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    /// Half its product with the squared weights is added to the sum of the log losses. It is 1 / C of
    /// scikit-learn.
    pub(crate) penalty: f64,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters { penalty: 1.0 }
    }
}

pub(crate) fn fit(samples: &Samples, parameters: &Parameters) -> Result<LinearFile, Error> {
    let (matrix, labels) = (&samples.matrix, &samples.labels);
    let failed = |error: smartcore::error::Failed| Error::Training(error.to_string());
    let scaling = Scaling::fit(matrix);
    let inputs = smartcore_matrix(scaling.apply(matrix))?;
    let labels: Vec<u32> = labels.iter().map(|&label| u32::from(label)).collect();
    let parameters = LogisticRegressionParameters::default().with_alpha(parameters.penalty);
    let model = LogisticRegression::fit(&inputs, &labels, parameters).map_err(failed)?;
    let weights: Vec<f64> = model.coefficients().get_row(0).iterator(0).copied().collect();
    Ok(scaling.file(&weights, *model.intercept().get((0, 0))))
}

/// The same matrix as smartcore takes it.
pub(crate) fn smartcore_matrix(matrix: Matrix) -> Result<DenseMatrix<f64>, Error> {
    DenseMatrix::new(matrix.rows, matrix.width, matrix.values, false)
        .map_err(|error| Error::Training(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{Parameters, fit};
    use crate::samples::{Matrix, Samples};

    #[test]
    fn the_gradient_is_zero_at_the_solution() {
        let values = vec![0.5, 1.0, -1.0, 0.0, 2.0, 0.0, 0.1, 1.0, -0.7, 1.0, 1.4, 0.0];
        let matrix = Matrix { rows: 6, width: 2, values };
        let labels = [true, false, true, false, true, false];
        let samples = Samples::new(matrix.clone(), labels.to_vec());
        let file = fit(&samples, &Parameters { penalty: 0.5 }).unwrap();
        let scaled = |row: usize, input: usize| {
            (matrix.row(row)[input] - file.terms[input].mean) / file.terms[input].scale
        };
        let errors: Vec<f64> = (0..6)
            .map(|row| {
                let sum: f64 = (0..2).map(|input| file.terms[input].weight * scaled(row, input)).sum();
                1.0 / (1.0 + (-file.intercept - sum).exp()) - f64::from(u8::from(labels[row]))
            })
            .collect();
        assert!(errors.iter().sum::<f64>().abs() < 1e-6);
        for input in 0..2 {
            let gradient: f64 = (0..6).map(|row| errors[row] * scaled(row, input)).sum();
            assert!((gradient + 0.5 * file.terms[input].weight).abs() < 1e-6, "{gradient}");
        }
    }
}
