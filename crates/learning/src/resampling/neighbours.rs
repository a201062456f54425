//! Which customers are alike: distances of every one to every other.

use rayon::prelude::*;

use crate::error::Error;
use crate::samples::Matrix;

/// Every customer of one set is compared with every one of the other: more comparisons than this would take
/// minutes.
const PAIRS_MAX: usize = 2_500_000_000;

/// Customers on one scale: each number divided by its standard deviation, so that charges in money do not
/// outweigh tenure in months. What is missing lies at the mean.
#[derive(Debug, Clone)]
pub(super) struct Space {
    rows: usize,
    width: usize,
    values: Vec<f64>,
    /// Positions of values of categories, as many for each customer; two that differ are `mismatch` apart.
    codes: Vec<u32>,
    /// The square of how far two values of a category are apart.
    mismatch: f64,
}

impl Space {
    /// A space of numbers alone, with a scale fitted on these rows of them.
    pub(super) fn new(matrix: &Matrix, scale_rows: &[usize]) -> Space {
        let mut values = vec![0.0; matrix.values.len()];
        for column in 0..matrix.width {
            let at = |row: usize| matrix.values[row * matrix.width + column];
            let present: Vec<f64> = scale_rows.iter().map(|&row| at(row)).filter(|x| !x.is_nan()).collect();
            let count = present.len().max(1) as f64;
            let mean = present.iter().sum::<f64>() / count;
            let variance = present.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            // Rounding leaves a little of a constant.
            let varies = variance.sqrt() > 1e-9 * mean.abs();
            let scale = if varies { variance.sqrt() } else { 1.0 };
            for row in 0..matrix.rows {
                let number = at(row);
                values[row * matrix.width + column] =
                    if number.is_nan() { 0.0 } else { (number - mean) / scale };
            }
        }
        Space { rows: matrix.rows, width: matrix.width, values, codes: Vec::new(), mismatch: 0.0 }
    }

    /// The same with categories.
    pub(super) fn with_codes(self, codes: Vec<u32>, mismatch: f64) -> Space {
        Space { codes, mismatch, ..self }
    }

    /// The square of the Euclidean distance.
    fn distance(&self, left: usize, right: usize) -> f64 {
        let of = |row: usize| &self.values[row * self.width..][..self.width];
        let numbers: f64 = of(left).iter().zip(of(right)).map(|(a, b)| (a - b) * (a - b)).sum();
        let width = self.codes.len() / self.rows;
        let codes = |row: usize| &self.codes[row * width..][..width];
        let differ = codes(left).iter().zip(codes(right)).filter(|(a, b)| a != b).count();
        numbers + self.mismatch * differ as f64
    }

    /// For each of `from` its nearest among `among`, itself left out, the nearest first; of two that are
    /// equally near, the earlier in `among`.
    pub(super) fn nearest(
        &self,
        from: &[usize],
        among: &[usize],
        count: usize,
    ) -> Result<Vec<Vec<usize>>, Error> {
        if from.len().saturating_mul(among.len()) > PAIRS_MAX {
            let message = format!(
                "{} customers are too many to find those that are alike: resample by undersample or none",
                among.len()
            );
            return Err(Error::Options(message));
        }
        let nearest = |&row: &usize| {
            let mut best: Vec<(f64, usize)> = Vec::with_capacity(count + 1);
            for &other in among.iter().filter(|&&other| other != row) {
                let distance = self.distance(row, other);
                if best.len() == count && best.last().is_some_and(|(last, _)| distance >= *last) {
                    continue;
                }
                let place = best.partition_point(|(nearer, _)| *nearer <= distance);
                best.insert(place, (distance, other));
                best.truncate(count);
            }
            best.into_iter().map(|(_, other)| other).collect()
        };
        Ok(from.par_iter().map(nearest).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Space;
    use crate::samples::Matrix;

    #[test]
    fn numbers_count_in_deviations_and_gaps_lie_at_the_mean() {
        // The first column spreads a thousand times as wide as the second.
        let values = vec![0.0, 0.0, 1000.0, 0.0, 0.0, 1.0, f64::NAN, 1.0];
        let space = Space::new(&Matrix { rows: 4, width: 2, values }, &[0, 1, 2, 3]);
        let all = [0, 1, 2, 3];
        let nearest = space.nearest(&all, &all, 2).unwrap();
        assert_eq!(nearest[2], [3, 0]);
        assert_eq!(nearest[0][0], 2);
        assert_eq!(space.nearest(&[1], &[1, 2], 5).unwrap(), [[2]]);
    }

    #[test]
    fn values_that_differ_are_apart() {
        let matrix = Matrix { rows: 3, width: 1, values: vec![0.0, 0.1, 2.0] };
        let near = Space::new(&matrix, &[0, 1, 2]).with_codes(vec![7, 8, 7], 0.1);
        assert_eq!(near.nearest(&[0], &[0, 1, 2], 1).unwrap(), [[1]]);
        let far = Space::new(&matrix, &[0, 1, 2]).with_codes(vec![7, 8, 7], 100.0);
        assert_eq!(far.nearest(&[0], &[0, 1, 2], 1).unwrap(), [[2]]);
    }

    #[test]
    fn neighbours_are_those_that_scikit_learn_finds() {
        // NearestNeighbors of scikit-learn 1.9 among the same rows on the same scale.
        let row = |row: usize| [((row * 37) % 101) as f64 / 10.0, ((row * 53) % 97) as f64 * 7.0];
        let matrix = Matrix { rows: 60, width: 2, values: (0..60).flat_map(row).collect() };
        let few: Vec<usize> = (0..60).filter(|row| (row * 29) % 10 < 3).collect();
        let nearest = Space::new(&matrix, &few).nearest(&few, &few, 5).unwrap();
        assert_eq!(few[..3], [0, 8, 9]);
        assert_eq!(nearest[..3], [[28, 39, 50, 48, 59], [19, 30, 10, 59, 48], [20, 58, 18, 29, 40]]);
    }
}
