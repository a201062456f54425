//! A linear support vector machine with squared hinge loss: `|w|^2 / 2 + C * sum of
//! max(0, 1 - y * (w x + b))^2`, with an intercept that is not penalised.

use scoring::linear::LinearFile;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::learner::Fit;
use crate::linear;
use crate::newton::Loss;

/// How it is regularised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    /// What a violated margin costs, against the penalty on the weights; greater than 0. It is C of
    /// scikit-learn.
    pub(crate) cost: f64,
}

impl Default for Parameters {
    fn default() -> Parameters {
        // The best in cross-validation over several seeds, with the usual number of knots.
        Parameters { cost: 0.01 }
    }
}

pub(crate) fn fit(fit: Fit, parameters: &Parameters) -> Result<LinearFile, Error> {
    if !(parameters.cost > 0.0 && parameters.cost.is_finite()) {
        return Err(Error::Options("the cost must be greater than 0".to_owned()));
    }
    linear::fit(fit, 1.0, &SquaredHinge { cost: parameters.cost })
}

struct SquaredHinge {
    cost: f64,
}

impl Loss for SquaredHinge {
    fn value(&self, label: bool, score: f64) -> f64 {
        let violation = (1.0 - if label { score } else { -score }).max(0.0);
        self.cost * violation * violation
    }

    fn derivatives(&self, label: bool, score: f64) -> [f64; 2] {
        let sign = if label { 1.0 } else { -1.0 };
        let violation = 1.0 - sign * score;
        if violation > 0.0 { [-2.0 * self.cost * sign * violation, 2.0 * self.cost] } else { [0.0, 0.0] }
    }
}

#[cfg(test)]
mod tests {
    use scoring::linear::LinearFile;

    use super::{Parameters, fit};
    use crate::learner::Fit;
    use crate::samples::{Matrix, Samples};

    fn fit_with(samples: &Samples, cost: f64) -> LinearFile {
        fit(Fit { samples, stop: None, inputs: &[], seed: 1 }, &Parameters { cost }).unwrap()
    }

    #[test]
    fn the_widest_margin_between_two_points_is_found() {
        // On one axis with points at -1 and 1: w minimises w^2 / 2 + 2 C (1 - w)^2, so w = 4 C / (1 + 4 C).
        let matrix = Matrix { rows: 2, width: 1, values: vec![-1.0, 1.0] };
        let file = fit_with(&Samples::new(matrix, vec![false, true]), 0.5);
        assert!((file.terms[0].weight - 2.0 / 3.0).abs() < 1e-9, "{file:?}");
        assert!(file.intercept.abs() < 1e-9, "{file:?}");
    }

    #[test]
    fn customers_beyond_the_margin_do_not_matter() {
        let near = Matrix { rows: 4, width: 1, values: vec![0.0, 0.0, 1.0, 1.0] };
        let file = fit_with(&Samples::new(near, vec![false, false, true, true]), 100.0);
        assert!((file.terms[0].weight / file.terms[0].scale - 2.0).abs() < 0.05);
    }

    #[test]
    fn a_customer_without_weight_does_not_matter() {
        let flags = |values: &[f64], labels: &[bool]| {
            Samples::new(Matrix { rows: values.len(), width: 1, values: values.to_vec() }, labels.to_vec())
        };
        let without = flags(&[0.0, 0.0, 1.0, 1.0, 1.0], &[false, false, true, true, false]);
        let mut with = flags(&[0.0, 0.0, 1.0, 1.0, 1.0, 0.0], &[false, false, true, true, false, true]);
        with.weights[5] = 0.0;
        assert_eq!(fit_with(&with, 0.7), fit_with(&without, 0.7));
    }
}
