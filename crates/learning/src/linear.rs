//! What the two linear learners share: inputs on one scale, and the model file.

use scoring::linear::{FORMAT, LinearFile, LinearTerm};

use crate::samples::Matrix;

/// Where each input of a linear model lies and how widely it is spread.
#[derive(Debug, Clone)]
pub(crate) struct Scaling {
    scales: Vec<(f64, f64)>,
}

impl Scaling {
    /// Mean and standard deviation of each input that is more than a flag. Flags stay as they are, so that
    /// the penalty weighs rare values no more than frequent ones.
    pub(crate) fn fit(matrix: &Matrix) -> Scaling {
        let rows = matrix.rows as f64;
        let scale = |column: usize| {
            if matrix.column(column).all(|value| value == 0.0 || value == 1.0) {
                return (0.0, 1.0);
            }
            let mean = matrix.column(column).sum::<f64>() / rows;
            let variance = matrix.column(column).map(|value| (value - mean).powi(2)).sum::<f64>() / rows;
            (mean, if variance > 0.0 { variance.sqrt() } else { 1.0 })
        };
        Scaling { scales: (0..matrix.width).map(scale).collect() }
    }

    pub(crate) fn apply(&self, matrix: &Matrix) -> Matrix {
        let mut scaled = matrix.clone();
        for row in scaled.values.chunks_exact_mut(matrix.width.max(1)) {
            for (value, (mean, scale)) in row.iter_mut().zip(&self.scales) {
                *value = (*value - mean) / scale;
            }
        }
        scaled
    }

    /// The model file for weights of scaled inputs.
    pub(crate) fn file(&self, weights: &[f64], intercept: f64) -> LinearFile {
        let term = |(&(mean, scale), &weight): (&(f64, f64), &f64)| LinearTerm { mean, scale, weight };
        LinearFile {
            format: FORMAT.to_owned(),
            intercept,
            terms: self.scales.iter().zip(weights).map(term).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Scaling;
    use crate::samples::Matrix;

    #[test]
    fn numbers_are_standardised_and_flags_left_alone() {
        let matrix =
            Matrix { rows: 4, width: 3, values: vec![1., 1., 5., 3., 0., 5., 1., 0., 5., 3., 0., 5.] };
        let scaled = Scaling::fit(&matrix).apply(&matrix);
        assert_eq!(scaled.values, [-1., 1., 0., 1., 0., 0., -1., 0., 0., 1., 0., 0.]);
    }
}
