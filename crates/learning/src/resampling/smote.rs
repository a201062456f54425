//! New customers between customers that are alike: Chawla, Bowyer, Hall and Kegelmeyer, "SMOTE: Synthetic
//! Minority Over-sampling Technique" (2002).

use crate::error::Error;
use crate::random::Random;
use crate::resampling::neighbours::Space;
use crate::resampling::{minority, rows_of};
use crate::samples::{Matrix, Samples};

/// Among how many neighbours the other end is drawn.
pub(super) const NEIGHBOURS: usize = 5;
/// Where the smaller class has fewer, there is nobody to be between.
const CLASS_MIN: usize = 2;

/// One new customer: its place on the way from a customer to a neighbour.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Between {
    /// Where it begins: a row.
    pub(super) from: usize,
    /// Where it goes: one of the nearest.
    pub(super) to: usize,
    /// All the nearest of `from`.
    pub(super) nearest: Vec<usize>,
    /// The share of the way, from 0 to 1.
    pub(super) share: f64,
}

/// Where the new customers are: as many as make the classes equal.
pub(super) fn draw(space: &Space, labels: &[bool], seed: u64) -> Result<Vec<Between>, Error> {
    let few = rows_of(labels, minority(labels));
    if few.len() < CLASS_MIN {
        return Err(Error::Data("SMOTE needs two customers at least of each class".to_owned()));
    }
    let nearest = space.nearest(&few, &few, NEIGHBOURS)?;
    let mut random = Random::new(seed);
    let mut between = || {
        let place = random.below(few.len());
        let to = nearest[place][random.below(nearest[place].len())];
        Between { from: few[place], to, nearest: nearest[place].clone(), share: random.uniform() }
    };
    Ok((0..labels.len() - 2 * few.len()).map(|_| between()).collect())
}

/// A number on the way between two. Where one end is missing it is the beginning's.
pub(super) fn mix(from: f64, to: f64, share: f64) -> f64 {
    if from.is_nan() || to.is_nan() { from } else { from + share * (to - from) }
}

/// The customers with those that are made behind them.
pub(super) fn resample(samples: Samples, seed: u64) -> Result<Samples, Error> {
    let Samples { mut matrix, mut labels, mut weights } = samples;
    let few = minority(&labels);
    let space = Space::new(&matrix, &rows_of(&labels, few));
    for between in draw(&space, &labels, seed)? {
        let ends = matrix.row(between.from).iter().zip(matrix.row(between.to));
        let row: Vec<f64> = ends.map(|(&from, &to)| mix(from, to, between.share)).collect();
        let Matrix { rows, values, .. } = &mut matrix;
        values.extend(row);
        *rows += 1;
        labels.push(few);
        weights.push(1.0);
    }
    Ok(Samples { matrix, labels, weights })
}

#[cfg(test)]
mod tests {
    use super::resample;
    use crate::random::Random;
    use crate::samples::{Matrix, Samples};

    fn samples(rows: usize) -> Samples {
        let mut random = Random::new(3);
        let values = (0..rows * 2).map(|_| random.normal()).collect();
        Samples::new(Matrix { rows, width: 2, values }, (0..rows).map(|row| row % 4 == 0).collect())
    }

    #[test]
    fn classes_become_equal_and_the_old_customers_stay() {
        let before = samples(200);
        let after = resample(before.clone(), 1).unwrap();
        assert_eq!((after.labels.len(), after.matrix.rows, after.weights.len()), (300, 300, 300));
        assert_eq!(after.labels.iter().filter(|&&label| label).count(), 150);
        assert_eq!(after.matrix.values[..400], before.matrix.values);
        assert_eq!(after.matrix, resample(before.clone(), 1).unwrap().matrix);
        assert_ne!(after.matrix, resample(before, 2).unwrap().matrix);
    }

    #[test]
    fn a_new_customer_lies_on_the_way_between_two_of_the_class() {
        let after = resample(samples(200), 1).unwrap();
        let few: Vec<&[f64]> = (0..200).step_by(4).map(|row| after.matrix.row(row)).collect();
        let distance = |a: &[f64], b: &[f64]| (a[0] - b[0]).hypot(a[1] - b[1]);
        for row in 200..300 {
            let made = after.matrix.row(row);
            let is_between =
                |a: &&[f64], b: &&[f64]| distance(a, made) + distance(made, b) < distance(a, b) + 1e-9;
            assert!(few.iter().any(|a| few.iter().any(|b| a != b && is_between(a, b))), "{made:?}");
        }
    }

    #[test]
    fn a_class_of_one_is_refused() {
        let matrix = Matrix { rows: 3, width: 1, values: vec![1.0, 2.0, 3.0] };
        assert!(resample(Samples::new(matrix, vec![true, false, false]), 1).is_err());
    }
}
