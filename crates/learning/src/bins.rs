//! Inputs as small whole numbers: which of a few borders a value is above.

use crate::samples::Matrix;

/// The most borders of an input, so that a bin fits in a byte.
pub(crate) const BORDERS_MAX: usize = 254;

/// One input of all customers.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Ascending; none where all values are equal.
    pub(crate) borders: Vec<f32>,
    /// For each row, how many borders the value is greater than.
    pub(crate) bins: Vec<u8>,
}

/// The bins of every input. Values are compared as `f32`, as CatBoost compares them.
pub(crate) fn bin(matrix: &Matrix, borders_max: usize) -> Vec<Column> {
    let column = |column: usize| {
        let values: Vec<f32> = matrix.column(column).map(|value| value as f32).collect();
        let borders = borders(values.clone(), borders_max.min(BORDERS_MAX));
        // No more borders than a byte counts.
        let bin = |value: &f32| borders.partition_point(|border| value > border) as u8;
        let bins = values.iter().map(bin).collect();
        Column { borders, bins }
    };
    (0..matrix.width).map(column).collect()
}

/// Borders half-way between neighbouring values: between all of them where there are few, else at the
/// quantiles.
fn borders(mut values: Vec<f32>, borders_max: usize) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    let between = |low: f32, high: f32| {
        let middle = low + (high - low) / 2.0;
        // The border must not be greater than nothing: rounding can make it the upper value itself.
        if middle < high { middle } else { low }
    };
    if distinct.len() <= borders_max + 1 {
        return distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect();
    }
    let mut borders = Vec::with_capacity(borders_max);
    for quantile in 1..=borders_max {
        let value = values[quantile * values.len() / (borders_max + 1)];
        let first = values.partition_point(|other| *other < value);
        if first > 0 {
            borders.push(between(values[first - 1], value));
        }
    }
    borders.dedup();
    borders
}

#[cfg(test)]
mod tests {
    use super::{bin, borders};
    use crate::samples::Matrix;

    #[test]
    fn borders_lie_between_neighbours_or_at_quantiles() {
        assert_eq!(borders(vec![3.0, 1.0, 2.0, 1.0], 254), [1.5, 2.5]);
        assert_eq!(borders(vec![4.0; 9], 254), [] as [f32; 0]);
        let many: Vec<f32> = (0..1_000).map(|value| value as f32).collect();
        assert_eq!(borders(many, 3), [249.5, 499.5, 749.5]);
        let neighbours = vec![1.0, 1.0f32.next_up()];
        assert_eq!(borders(neighbours, 254), [1.0]);
    }

    #[test]
    fn a_bin_counts_the_borders_below_the_value() {
        let matrix = Matrix { rows: 4, width: 1, values: vec![5.0, 1.0, 2.0, 1.0] };
        let columns = bin(&matrix, 254);
        assert_eq!(columns[0].bins, [2, 0, 1, 0]);
        assert!(columns[0].bins.iter().all(|&bin| usize::from(bin) <= columns[0].borders.len()));
    }
}
