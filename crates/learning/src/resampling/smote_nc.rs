//! SMOTE for nominal and continuous features (Chawla and others, 2002, section 6.1): numbers lie between two
//! customers, and each category has the value that most of the neighbours have.

use std::collections::BTreeMap;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::resampling::neighbours::Space;
use crate::resampling::smote::{draw, mix};
use crate::resampling::{minority, rows_of};
use crate::samples::Matrix;

/// The square of what two different values of a category add to a distance: the median of the deviations of
/// the numbers, each of which is 1 because all are on one scale.
const MISMATCH: f64 = 1.0;

/// The customers with those that are made behind them.
pub(super) fn resample(data: &Dataset, seed: u64) -> Result<Dataset, Error> {
    let rows = data.rows();
    let few = minority(&data.labels);
    let width = data.numbers.len() / rows.max(1);
    let codes = data.codes.len() / rows.max(1);
    let matrix = Matrix { rows, width, values: data.numbers.clone() };
    let space = Space::new(&matrix, &rows_of(&data.labels, few)).with_codes(data.codes.clone(), MISMATCH);
    let mut more = data.clone();
    for between in draw(&space, &data.labels, seed)? {
        let ends = matrix.row(between.from).iter().zip(matrix.row(between.to));
        more.numbers.extend(ends.map(|(&from, &to)| mix(from, to, between.share)));
        let code = |row: usize, category: usize| data.codes[row * codes + category];
        more.codes.extend(
            (0..codes).map(|category| commonest(between.nearest.iter().map(|&row| code(row, category)))),
        );
        more.labels.push(few);
    }
    Ok(more)
}

/// The code that is there most often; of several the smallest.
fn commonest(codes: impl Iterator<Item = u32>) -> u32 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    codes.for_each(|code| *counts.entry(code).or_default() += 1);
    let most = counts.values().copied().max().unwrap_or(0);
    counts.into_iter().find(|(_, count)| *count == most).map_or(0, |(code, _)| code)
}

#[cfg(test)]
mod tests {
    use scoring::{MISSING, Schema};

    use super::{commonest, resample};
    use crate::dataset::Dataset;
    use crate::random::Random;

    #[test]
    fn the_commonest_value_wins_and_of_equals_the_first() {
        assert_eq!(commonest([3, 1, 1, MISSING].into_iter()), 1);
        assert_eq!(commonest([2, 1, 2, 1].into_iter()), 1);
    }

    #[test]
    fn new_customers_have_numbers_between_and_values_of_neighbours() {
        let mut random = Random::new(5);
        let rows = 120;
        let labels: Vec<bool> = (0..rows).map(|row| row % 3 == 0).collect();
        let mut numbers: Vec<f64> = (0..rows).map(|_| random.normal()).collect();
        numbers[0] = f64::NAN;
        // Leavers with a positive number have one value, the others another; stayers have a third.
        let code = |row: usize| if !labels[row] { 2 } else { u32::from(numbers[row] > 0.0) };
        let codes: Vec<u32> = (0..rows).map(code).collect();
        let data = Dataset { schema: Schema::default(), numbers: numbers.clone(), codes, labels };
        let more = resample(&data, 1).unwrap();
        assert_eq!((more.rows(), more.positives()), (160, 80));
        let leavers = || (3..rows).step_by(3).map(|row| numbers[row]);
        let (low, high) = (leavers().fold(f64::MAX, f64::min), leavers().fold(f64::MIN, f64::max));
        for row in rows..160 {
            assert!(more.codes[row] < 2, "a value that only stayers have");
            let number = more.numbers[row];
            assert!(number.is_nan() || (low..=high).contains(&number), "{number}");
            assert!(number.is_nan() || number.abs() < 0.3 || more.codes[row] == u32::from(number > 0.0));
        }
        assert_eq!(more.codes, resample(&data, 1).unwrap().codes);
    }
}
