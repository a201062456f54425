//! A linear support vector machine with squared hinge loss.
//!
//! Minimises `|w|^2 / 2 + C * sum of max(0, 1 - y * (w x + b))^2`, which is convex and smooth, by Newton's
//! method in the primal: Chapelle, "Training a Support Vector Machine in the Primal" (2007), with the line
//! search of Keerthi and DeCoste (2005) in its plain backtracking form. It ends after a finite number of
//! steps at the one solution; nothing in it is random. The intercept is not penalised.

use scoring::linear::LinearFile;
use serde::{Deserialize, Serialize};

use crate::cholesky;
use crate::error::Error;
use crate::linear::Scaling;
use crate::samples::{Matrix, Samples};

const STEPS_MAX: usize = 200;
/// The gradient's greatest entry at the end, against its greatest at the beginning.
const TOLERANCE: f64 = 1e-10;
/// Keeps the intercept determined where no customer is near the margin.
const INTERCEPT_PENALTY: f64 = 1e-9;

/// How it is regularised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Parameters {
    /// What a violated margin costs, against the penalty on the weights.
    pub(crate) cost: f64,
}

impl Default for Parameters {
    fn default() -> Parameters {
        Parameters { cost: 0.05 }
    }
}

pub(crate) fn fit(samples: &Samples, parameters: &Parameters) -> Result<LinearFile, Error> {
    let (matrix, labels) = (&samples.matrix, &samples.labels);
    let scaling = Scaling::fit(matrix);
    let scaled = scaling.apply(matrix);
    let mut problem = Problem::new(&scaled, labels, parameters.cost);
    let mut first = None;
    for _ in 0..STEPS_MAX {
        let gradient = problem.gradient();
        let greatest = gradient.iter().fold(0.0, |greatest: f64, entry| greatest.max(entry.abs()));
        if greatest <= TOLERANCE * *first.get_or_insert(greatest) || !problem.step(&gradient)? {
            break;
        }
    }
    let (intercept, weights) = (problem.weights[matrix.width], &problem.weights[..matrix.width]);
    Ok(scaling.file(weights, intercept))
}

/// The problem and how far it is solved. The last weight is the intercept's.
struct Problem<'a> {
    matrix: &'a Matrix,
    /// 1 for a leaver, else -1.
    signs: Vec<f64>,
    cost: f64,
    weights: Vec<f64>,
    /// `max(0, 1 - y * score)` for each row.
    violations: Vec<f64>,
}

impl Problem<'_> {
    fn new<'a>(matrix: &'a Matrix, labels: &[bool], cost: f64) -> Problem<'a> {
        Problem {
            matrix,
            signs: labels.iter().map(|&label| if label { 1.0 } else { -1.0 }).collect(),
            cost,
            weights: vec![0.0; matrix.width + 1],
            violations: vec![1.0; matrix.rows],
        }
    }

    fn penalty(&self, weight: usize) -> f64 {
        if weight == self.matrix.width { INTERCEPT_PENALTY } else { 1.0 }
    }

    fn violations_at(&self, weights: &[f64]) -> Vec<f64> {
        let (intercept, weights) = (weights[self.matrix.width], &weights[..self.matrix.width]);
        let violation = |(row, sign): (usize, &f64)| {
            let score: f64 = self.matrix.row(row).iter().zip(weights).map(|(x, w)| x * w).sum();
            (1.0 - sign * (score + intercept)).max(0.0)
        };
        self.signs.iter().enumerate().map(violation).collect()
    }

    fn loss(&self, weights: &[f64], violations: &[f64]) -> f64 {
        let penalty = |(index, weight): (usize, &f64)| self.penalty(index) * weight * weight;
        let penalties: f64 = weights.iter().enumerate().map(penalty).sum();
        0.5 * penalties + self.cost * violations.iter().map(|violation| violation * violation).sum::<f64>()
    }

    fn gradient(&self) -> Vec<f64> {
        let width = self.matrix.width;
        let mut gradient: Vec<f64> =
            self.weights.iter().enumerate().map(|(index, weight)| self.penalty(index) * weight).collect();
        for (row, (violation, sign)) in self.violations.iter().zip(&self.signs).enumerate() {
            if *violation > 0.0 {
                let push = 2.0 * self.cost * violation * sign;
                gradient.iter_mut().zip(self.matrix.row(row)).for_each(|(entry, x)| *entry -= push * x);
                gradient[width] -= push;
            }
        }
        gradient
    }

    /// The lower triangle of the Hessian, row after row in a square.
    fn hessian(&self) -> Vec<f64> {
        let size = self.matrix.width + 1;
        let mut hessian = vec![0.0; size * size];
        let mut row_with_one = vec![1.0; size];
        for (row, violation) in self.violations.iter().enumerate() {
            if *violation <= 0.0 {
                continue;
            }
            row_with_one[..size - 1].copy_from_slice(self.matrix.row(row));
            for (index, &x) in row_with_one.iter().enumerate() {
                if x != 0.0 {
                    let entries = hessian[index * size..][..=index].iter_mut();
                    entries.zip(&row_with_one).for_each(|(entry, y)| *entry += 2.0 * self.cost * x * y);
                }
            }
        }
        for index in 0..size {
            hessian[index * size + index] += self.penalty(index);
        }
        hessian
    }

    /// Goes along Newton's direction as far as the loss falls enough; false where it falls no more.
    fn step(&mut self, gradient: &[f64]) -> Result<bool, Error> {
        let direction = cholesky::solve(self.hessian(), gradient)
            .ok_or_else(|| Error::Training("the inputs are too large for a linear model".to_owned()))?;
        let slope: f64 = direction.iter().zip(gradient).map(|(step, entry)| step * entry).sum();
        let before = self.loss(&self.weights, &self.violations);
        let mut length = 1.0;
        while length > 1e-9 {
            let moved = self.weights.iter().zip(&direction).map(|(weight, step)| weight - length * step);
            let weights: Vec<f64> = moved.collect();
            let violations = self.violations_at(&weights);
            if self.loss(&weights, &violations) < before - 1e-4 * length * slope {
                (self.weights, self.violations) = (weights, violations);
                return Ok(true);
            }
            length /= 2.0;
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use scoring::linear::LinearFile;

    use super::{Parameters, fit};
    use crate::samples::{Matrix, Samples};

    fn fit_with(matrix: &Matrix, labels: &[bool], cost: f64) -> LinearFile {
        fit(&Samples::new(matrix.clone(), labels.to_vec()), &Parameters { cost }).unwrap()
    }

    #[test]
    fn the_widest_margin_between_two_points_is_found() {
        // On one axis with points at -1 and 1: w minimises w^2 / 2 + 2 C (1 - w)^2, so w = 4 C / (1 + 4 C).
        let matrix = Matrix { rows: 2, width: 1, values: vec![-1.0, 1.0] };
        let file = fit_with(&matrix, &[false, true], 0.5);
        assert!((file.terms[0].weight - 2.0 / 3.0).abs() < 1e-9, "{file:?}");
        assert!(file.intercept.abs() < 1e-9, "{file:?}");
    }

    #[test]
    fn customers_beyond_the_margin_do_not_matter() {
        let near = Matrix { rows: 4, width: 1, values: vec![0.0, 0.0, 1.0, 1.0] };
        let weight = |matrix: &Matrix| {
            let file = fit_with(matrix, &[false, false, true, true], 100.0);
            file.terms[0].weight / file.terms[0].scale
        };
        assert!((weight(&near) - 2.0).abs() < 0.05);
    }
}
