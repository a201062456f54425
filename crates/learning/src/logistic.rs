//! Logistic regression with an L2 penalty.

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
    /// Half its product with the squared weights is added to the sum of the log losses; not negative. It is
    /// 1 / C of scikit-learn.
    pub(crate) penalty: f64,
}

impl Default for Parameters {
    fn default() -> Parameters {
        // The best in cross-validation over several seeds, with the usual number of knots.
        Parameters { penalty: 10.0 }
    }
}

pub(crate) fn fit(fit: Fit, parameters: &Parameters) -> Result<LinearFile, Error> {
    if !(parameters.penalty >= 0.0 && parameters.penalty.is_finite()) {
        return Err(Error::Options("the penalty must not be negative".to_owned()));
    }
    linear::fit(fit, parameters.penalty, &LogLoss)
}

/// The negative log-likelihood of the outcome, the score being its log-odds.
struct LogLoss;

impl Loss for LogLoss {
    fn value(&self, label: bool, score: f64) -> f64 {
        let against = if label { -score } else { score };
        // ln(1 + e^x) without overflow.
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    }

    fn derivatives(&self, label: bool, score: f64) -> [f64; 2] {
        let small = (-score.abs()).exp();
        let (above, below) = (1.0 / (1.0 + small), small / (1.0 + small));
        let probability = if score >= 0.0 { above } else { below };
        [probability - f64::from(u8::from(label)), above * below]
    }
}

#[cfg(test)]
mod tests {
    use scoring::linear::LinearFile;

    use super::{Parameters, fit};
    use crate::learner::Fit;
    use crate::samples::{Matrix, Samples};

    fn samples() -> Samples {
        let values = vec![0.5, 1.0, -1.0, 0.0, 2.0, 0.0, 0.1, 1.0, -0.7, 1.0, 1.4, 0.0];
        let matrix = Matrix { rows: 6, width: 2, values };
        Samples::new(matrix, vec![true, false, true, false, true, false])
    }

    fn fit_with(samples: &Samples, penalty: f64) -> LinearFile {
        fit(Fit { samples, stop: None, inputs: &[], seed: 1 }, &Parameters { penalty }).unwrap()
    }

    #[test]
    fn the_gradient_is_zero_at_the_solution() {
        let mut samples = samples();
        samples.weights = vec![1.0, 2.0, 0.5, 1.0, 0.0, 3.0];
        let file = fit_with(&samples, 0.5);
        let scaled = |row: usize, input: usize| {
            (samples.matrix.row(row)[input] - file.terms[input].mean) / file.terms[input].scale
        };
        let errors: Vec<f64> = (0..6)
            .map(|row| {
                let sum: f64 = (0..2).map(|input| file.terms[input].weight * scaled(row, input)).sum();
                let probability = 1.0 / (1.0 + (-file.intercept - sum).exp());
                samples.weights[row] * (probability - f64::from(u8::from(samples.labels[row])))
            })
            .collect();
        assert!(errors.iter().sum::<f64>().abs() < 1e-12);
        for input in 0..2 {
            let gradient: f64 = (0..6).map(|row| errors[row] * scaled(row, input)).sum();
            assert!((gradient + 0.5 * file.terms[input].weight).abs() < 1e-12, "{gradient}");
        }
    }

    #[test]
    fn a_weight_of_two_is_the_customer_twice() {
        // Two flags, so that no scale depends on the rows.
        let values = vec![0., 1., 1., 1., 1., 0., 0., 0., 1., 1., 0., 1., 1., 1., 0., 1.];
        let labels = [true, false, true, false, false, true, false, true];
        let twice = Matrix { rows: 8, width: 2, values: values.clone() };
        let once = Matrix { rows: 6, width: 2, values: values[..12].to_vec() };
        let mut weighted = Samples::new(once, labels[..6].to_vec());
        // The seventh row is the second again, the eighth the first.
        weighted.weights = vec![2.0, 2.0, 1.0, 1.0, 1.0, 1.0];
        let (left, right) = (fit_with(&weighted, 1.0), fit_with(&Samples::new(twice, labels.to_vec()), 1.0));
        for (left, right) in left.terms.iter().zip(&right.terms) {
            assert!((left.weight - right.weight).abs() < 1e-12);
        }
        assert!((left.intercept - right.intercept).abs() < 1e-12);
    }

    #[test]
    fn inputs_that_determine_each_other_have_a_solution_without_a_penalty() {
        let values = vec![0., 1., 0., 1., 0., 1., 1., 0., 1., 0., 1., 0.];
        let matrix = Matrix { rows: 6, width: 2, values };
        let samples = Samples::new(matrix, vec![true, false, false, true, true, false]);
        let file = fit_with(&samples, 0.0);
        // A third of the first three leave, two thirds of the others.
        assert!((file.intercept + file.terms[1].weight - 0.5f64.ln()).abs() < 1e-9, "{file:?}");
        assert!((file.intercept + file.terms[0].weight - 2.0f64.ln()).abs() < 1e-9, "{file:?}");
    }
}
