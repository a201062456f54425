//! Linear models by Newton's method in the primal.
//!
//! Minimises `penalty / 2 * |w|^2 + sum of weight * loss(label, w x + b)` for a convex, smooth loss; the
//! intercept `b` is not penalised. Chapelle, "Training a Support Vector Machine in the Primal" (2007), and
//! for the logistic loss the iteratively reweighted least squares of Hastie, Tibshirani and Friedman,
//! "The Elements of Statistical Learning" (2009), section 4.4.1, with a backtracking line search. Nothing
//! in it is random, and it ends where the gradient is zero as far as `f64` can tell.

use crate::cholesky;
use crate::error::Error;
use crate::samples::Samples;

const STEPS_MAX: usize = 200;
/// The gradient's greatest entry at the end, against its greatest at the beginning.
const TOLERANCE: f64 = 1e-13;
/// Of the fall that the slope promises, what a step must bring.
const FALL_SHARE_MIN: f64 = 1e-4;
/// A promised fall below this share of the loss is lost in the rounding of the loss.
const ROUNDING: f64 = 1e-13;

/// What a customer's score costs, given whether the customer has left.
pub(crate) trait Loss {
    /// The loss itself.
    fn value(&self, label: bool, score: f64) -> f64;
    /// Its first and second derivative by the score; the second is not negative.
    fn derivatives(&self, label: bool, score: f64) -> [f64; 2];
}

/// The weights of the inputs, and behind them the intercept.
pub(crate) fn minimise(samples: &Samples, penalty: f64, loss: &impl Loss) -> Result<Vec<f64>, Error> {
    let problem = Problem { samples, penalty, loss };
    let mut now = problem.state(vec![0.0; samples.matrix.width + 1]);
    // The greatest of numbers that are none would be taken for the end.
    if !now.gradient.iter().all(|entry| entry.is_finite()) {
        return Err(Error::Training(
            "the numbers are too large or missing, and there is no slope".to_owned(),
        ));
    }
    let first = greatest(&now.gradient);
    for _ in 0..STEPS_MAX {
        if greatest(&now.gradient) <= TOLERANCE * first {
            break;
        }
        match problem.step(&now)? {
            Some(next) => now = next,
            None => break,
        }
    }
    Ok(now.weights)
}

struct Problem<'a, L> {
    samples: &'a Samples,
    penalty: f64,
    loss: &'a L,
}

/// A point on the way, and what the loss is like there.
struct State {
    weights: Vec<f64>,
    scores: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
}

impl<L: Loss> Problem<'_, L> {
    fn state(&self, weights: Vec<f64>) -> State {
        let Samples { matrix, labels, weights: counts } = self.samples;
        let width = matrix.width;
        let mut gradient: Vec<f64> = weights[..width].iter().map(|weight| self.penalty * weight).collect();
        gradient.push(0.0);
        let mut value: f64 = weights[..width].iter().map(|weight| 0.5 * self.penalty * weight * weight).sum();
        let mut scores = Vec::with_capacity(matrix.rows);
        for (row, (&label, count)) in labels.iter().zip(counts).enumerate() {
            let inputs = matrix.row(row);
            let score = inputs.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() + weights[width];
            value += count * self.loss.value(label, score);
            let push = count * self.loss.derivatives(label, score)[0];
            if push != 0.0 {
                gradient.iter_mut().zip(inputs).for_each(|(entry, x)| *entry += push * x);
                gradient[width] += push;
            }
            scores.push(score);
        }
        State { weights, scores, value, gradient }
    }

    /// The lower triangle of the Hessian, row after row in a square.
    fn hessian(&self, scores: &[f64]) -> Vec<f64> {
        let Samples { matrix, labels, weights: counts } = self.samples;
        let size = matrix.width + 1;
        let mut hessian = vec![0.0; size * size];
        let mut row_with_one = vec![1.0; size];
        for (row, ((&label, count), &score)) in labels.iter().zip(counts).zip(scores).enumerate() {
            let curvature = count * self.loss.derivatives(label, score)[1];
            if curvature == 0.0 {
                continue;
            }
            row_with_one[..size - 1].copy_from_slice(matrix.row(row));
            for (index, &x) in row_with_one.iter().enumerate() {
                // Most inputs are flags and pieces of splines, and most of those are 0.
                if x != 0.0 {
                    let entries = hessian[index * size..][..=index].iter_mut();
                    entries.zip(&row_with_one).for_each(|(entry, y)| *entry += curvature * x * y);
                }
            }
        }
        for index in 0..matrix.width {
            hessian[index * size + index] += self.penalty;
        }
        hessian
    }

    /// The next point along Newton's direction; nothing where there is none that is better.
    fn step(&self, now: &State) -> Result<Option<State>, Error> {
        let direction = direction(self.hessian(&now.scores), &now.gradient)?;
        let slope: f64 = direction.iter().zip(&now.gradient).map(|(step, entry)| step * entry).sum();
        let mut length = 1.0;
        while length > 1e-9 {
            let moved = now.weights.iter().zip(&direction).map(|(weight, step)| weight - length * step);
            let next = self.state(moved.collect());
            // Close to the end the loss is too coarse to tell which point is better; the gradient is not.
            let is_better = if slope <= ROUNDING * now.value.abs() {
                greatest(&next.gradient) < greatest(&now.gradient)
            } else {
                next.value < now.value - FALL_SHARE_MIN * length * slope
            };
            if is_better {
                return Ok(Some(next));
            }
            length /= 2.0;
        }
        Ok(None)
    }
}

/// Solves for Newton's direction. Inputs that determine each other leave the Hessian without an inverse
/// where nothing is penalised; a little on its diagonal then picks one direction of many.
fn direction(hessian: Vec<f64>, gradient: &[f64]) -> Result<Vec<f64>, Error> {
    let size = gradient.len();
    let largest = (0..size).map(|index| hessian[index * size + index]).fold(0.0, f64::max);
    for ridge in [0.0, 1e-10, 1e-7, 1e-4] {
        let mut ridged = hessian.clone();
        for index in 0..size {
            ridged[index * size + index] += ridge * largest;
        }
        if let Some(direction) = cholesky::solve(ridged, gradient) {
            return Ok(direction);
        }
    }
    Err(Error::Training("the inputs are too large for a linear model".to_owned()))
}

fn greatest(entries: &[f64]) -> f64 {
    entries.iter().fold(0.0, |greatest: f64, entry| greatest.max(entry.abs()))
}
