//! Which inputs a model is better off without: those that repeat others, and those that say little.
//!
//! Both look at the customers at hand only, inside a fold, as all of the preparation does.

use rayon::prelude::*;

use crate::samples::Matrix;

/// Trees of one question each that importance is measured by.
const STUMPS: usize = 150;
const LEARNING_RATE: f64 = 0.2;
/// The L2 penalty on the two answers of a question.
const PENALTY: f64 = 1.0;
const BINS: usize = 32;

/// The inputs that correlate with none of the earlier kept ones by more than `limit`, either way. A missing
/// number counts as the mean. What does not vary correlates with nothing.
pub(crate) fn uncorrelated(matrix: &Matrix, limit: f64) -> Vec<usize> {
    let mut kept: Vec<(usize, Vec<f64>)> = Vec::new();
    for column in 0..matrix.width {
        let direction = direction(matrix, column);
        let repeats = |(_, other): &(usize, Vec<f64>)| {
            direction.iter().zip(other).map(|(a, b)| a * b).sum::<f64>().abs() > limit
        };
        if !kept.iter().any(repeats) {
            kept.push((column, direction));
        }
    }
    kept.into_iter().map(|(column, _)| column).collect()
}

/// A column less its mean and of length 1, or of zeros where it does not vary.
fn direction(matrix: &Matrix, column: usize) -> Vec<f64> {
    let present: Vec<f64> = matrix.column(column).filter(|value| !value.is_nan()).collect();
    let mean = present.iter().sum::<f64>() / present.len().max(1) as f64;
    let centred = matrix.column(column).map(|value| if value.is_nan() { 0.0 } else { value - mean });
    let centred: Vec<f64> = centred.collect();
    let length = centred.iter().map(|value| value * value).sum::<f64>().sqrt();
    // Rounding leaves a little of a constant.
    let varies = length > 1e-9 * mean.abs() * (present.len() as f64).sqrt();
    centred.into_iter().map(|value| if varies { value / length } else { 0.0 }).collect()
}

/// The `count` inputs that matter most, in their order: by how much they lessen the loss of a quick boosting
/// of trees with one question each. So an input that only repeats another gains little beside it.
pub(crate) fn important(matrix: &Matrix, labels: &[bool], count: usize) -> Vec<usize> {
    let gains = gains(matrix, labels);
    let mut order: Vec<usize> = (0..matrix.width).collect();
    order.sort_by(|&left, &right| gains[right].total_cmp(&gains[left]));
    order.truncate(count);
    order.sort_unstable();
    order
}

/// The gain of each input, summed over all trees that ask for it.
fn gains(matrix: &Matrix, labels: &[bool]) -> Vec<f64> {
    let bins: Vec<Vec<u8>> = (0..matrix.width).into_par_iter().map(|column| bins(matrix, column)).collect();
    let mut gains = vec![0.0; matrix.width];
    let mut scores = vec![0.0; matrix.rows];
    for _ in 0..STUMPS {
        let slopes: Vec<[f64; 2]> = scores
            .iter()
            .zip(labels)
            .map(|(score, &has_left): (&f64, _)| {
                let probability = 1.0 / (1.0 + (-score).exp());
                [f64::from(u8::from(has_left)) - probability, probability * (1.0 - probability)]
            })
            .collect();
        let stumps: Vec<Option<Stump>> = bins.par_iter().map(|bins| Stump::best(bins, &slopes)).collect();
        let best = stumps.into_iter().enumerate().filter_map(|(column, stump)| Some((column, stump?)));
        // Of equals the first, whatever the order in which they were found.
        let Some((column, stump)) = best.reduce(|a, b| if b.1.gain > a.1.gain { b } else { a }) else {
            break;
        };
        gains[column] += stump.gain;
        for (score, &bin) in scores.iter_mut().zip(&bins[column]) {
            *score += LEARNING_RATE * stump.answers[usize::from(bin > stump.border)];
        }
    }
    gains
}

/// One question: whether a value is in a bin above the border.
#[derive(Debug, Clone, Copy)]
struct Stump {
    border: u8,
    gain: f64,
    /// What a no and a yes add to the score.
    answers: [f64; 2],
}

impl Stump {
    fn best(bins: &[u8], slopes: &[[f64; 2]]) -> Option<Stump> {
        let mut sums = [[0.0; 2]; BINS + 1];
        for (&bin, slope) in bins.iter().zip(slopes) {
            let sum = &mut sums[usize::from(bin)];
            *sum = [sum[0] + slope[0], sum[1] + slope[1]];
        }
        let total = sums.iter().fold([0.0; 2], |total, sum| [total[0] + sum[0], total[1] + sum[1]]);
        let worth = |[push, hessian]: [f64; 2]| push * push / (hessian + PENALTY);
        let mut below = [0.0; 2];
        let mut best: Option<Stump> = None;
        for (border, sum) in (0_u8..).zip(&sums[..BINS]) {
            below = [below[0] + sum[0], below[1] + sum[1]];
            let above = [total[0] - below[0], total[1] - below[1]];
            let gain = worth(below) + worth(above) - worth(total);
            if gain > best.map_or(0.0, |best| best.gain) {
                let answer = |[push, hessian]: [f64; 2]| push / (hessian + PENALTY);
                best = Some(Stump { border, gain, answers: [answer(below), answer(above)] });
            }
        }
        best
    }
}

/// The bin of each value, 0 being for missing ones: borders are at quantiles.
fn bins(matrix: &Matrix, column: usize) -> Vec<u8> {
    let mut sorted: Vec<f64> = matrix.column(column).filter(|value| !value.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let mut borders: Vec<f64> =
        (1..BINS).filter_map(|bin| sorted.get(bin * sorted.len() / BINS).copied()).collect();
    borders.dedup();
    // No more borders than bins, so the count fits.
    let bin = |value: f64| match value.is_nan() {
        true => 0,
        false => 1 + borders.partition_point(|border| *border <= value) as u8,
    };
    matrix.column(column).map(bin).collect()
}

#[cfg(test)]
mod tests {
    use super::{important, uncorrelated};
    use crate::random::Random;
    use crate::samples::Matrix;

    #[test]
    fn what_repeats_an_earlier_input_goes_either_way_round() {
        let values = [
            [1.0, 2.1, 5.0, -1.0, 0.3],
            [2.0, 4.0, 5.0, -2.0, 9.0],
            [3.0, 6.2, 5.0, -3.0, 0.1],
            [4.0, 7.9, 5.0, -3.9, f64::NAN],
        ];
        let matrix = Matrix { rows: 4, width: 5, values: values.concat() };
        assert_eq!(uncorrelated(&matrix, 0.9), [0, 2, 4]);
        assert_eq!(uncorrelated(&matrix, 0.9999), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn the_inputs_that_decide_are_kept_and_a_copy_is_not() {
        let mut random = Random::new(4);
        let mut values = Vec::new();
        let mut labels = Vec::new();
        for _ in 0..800 {
            let [noise, first, second] = [(); 3].map(|()| random.normal());
            labels.push(first + 0.5 * second + 0.3 * random.normal() > 0.0);
            values.extend([noise, first, first, second, f64::NAN, 7.0]);
        }
        let matrix = Matrix { rows: 800, width: 6, values };
        assert_eq!(important(&matrix, &labels, 2), [1, 3]);
        assert_eq!(important(&matrix, &labels, 9).len(), 6);
    }
}
