//! What the two linear learners share: inputs on one scale, the solver, and the model file.

use scoring::linear::{FORMAT, LinearFile, LinearTerm};
use scoring::{Input, InputEncoding};

use crate::error::Error;
use crate::learner::Fit;
use crate::newton::{self, Loss};
use crate::samples::{Matrix, Samples};

/// The linear model with the least loss, `penalty / 2` of its scaled weights' squares included.
pub(crate) fn fit(fit: Fit, penalty: f64, loss: &impl Loss) -> Result<LinearFile, Error> {
    let Samples { matrix, labels, weights } = fit.samples;
    let scaling = Scaling::fit(matrix, fit.inputs);
    let (labels, weights) = (labels.clone(), weights.clone());
    let scaled = Samples { matrix: scaling.apply(matrix), labels, weights };
    let solution = newton::minimise(&scaled, penalty, loss)?;
    Ok(scaling.file(&solution[..matrix.width], solution[matrix.width]))
}

/// Where each input of a linear model lies and how widely it is spread.
#[derive(Debug, Clone)]
pub(crate) struct Scaling {
    scales: Vec<(f64, f64)>,
}

impl Scaling {
    /// Mean and standard deviation of each input that is more than a flag. Flags stay as they are, so that
    /// the penalty weighs rare values no more than frequent ones, and so do the bumps of a spline: each is
    /// something like a flag for numbers near a place.
    pub(crate) fn fit(matrix: &Matrix, inputs: &[Input]) -> Scaling {
        let rows = matrix.rows as f64;
        let scale = |column: usize| {
            let is_bent = inputs.get(column).is_some_and(is_bent);
            let is_flag = |value: f64| value == 0.0 || value == 1.0;
            let is_share = |value: f64| is_bent && (0.0..=1.0).contains(&value);
            if matrix.column(column).all(|value| is_flag(value) || is_share(value)) {
                return (0.0, 1.0);
            }
            let mean = matrix.column(column).sum::<f64>() / rows;
            let variance = matrix.column(column).map(|value| (value - mean).powi(2)).sum::<f64>() / rows;
            // Rounding leaves a little of a constant.
            let varies = variance.sqrt() > 1e-9 * mean.abs();
            (mean, if varies { variance.sqrt() } else { 1.0 })
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

/// Whether an input is a basis function of a spline rather than a clipped number.
fn is_bent(input: &Input) -> bool {
    match &input.encoding {
        InputEncoding::Pieces(pieces) => pieces.coefficients.iter().any(|powers| powers[3] != 0.0),
        InputEncoding::Number { .. } | InputEncoding::Category { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use scoring::{Input, InputEncoding, Pieces};

    use super::Scaling;
    use crate::samples::Matrix;

    #[test]
    fn numbers_are_standardised_and_flags_left_alone() {
        let matrix =
            Matrix { rows: 4, width: 3, values: vec![1., 1., 5., 3., 0., 5., 1., 0., 5., 3., 0., 5.] };
        let scaled = Scaling::fit(&matrix, &[]).apply(&matrix);
        assert_eq!(scaled.values, [-1., 1., 0., 1., 0., 0., -1., 0., 0., 1., 0., 0.]);
    }

    #[test]
    fn what_is_constant_but_for_rounding_is_not_blown_up() {
        let values = vec![0.1 + 0.2, 0.3, 0.3, 0.3];
        let scaled = Scaling::fit(&Matrix { rows: 4, width: 1, values: values.clone() }, &[])
            .apply(&Matrix { rows: 4, width: 1, values });
        assert!(scaled.values.iter().all(|value| value.abs() < 1e-9), "{:?}", scaled.values);
    }

    #[test]
    fn a_bump_of_a_spline_is_left_alone_and_a_clipped_share_is_not() {
        let input = |coefficients: Vec<[f64; 4]>| Input {
            name: "share".to_owned(),
            feature: "share".to_owned(),
            encoding: InputEncoding::Pieces(Pieces { knots: Vec::new(), coefficients, missing: 0.0 }),
        };
        let inputs = [input(vec![[0.0, 0.0, 0.0, 1.0]]), input(vec![[0.0, 1.0, 0.0, 0.0]])];
        let matrix = Matrix { rows: 2, width: 2, values: vec![0.25, 0.25, 0.75, 0.75] };
        let scaled = Scaling::fit(&matrix, &inputs).apply(&matrix);
        assert_eq!(scaled.values, [0.25, -1.0, 0.75, 1.0]);
    }
}
