//! Inputs as small whole numbers: which of a few borders a value is above.

use rayon::prelude::*;

use crate::samples::Matrix;

/// The most borders of an input, so that a bin fits in a byte, with one to spare for what is missing.
pub(crate) const BORDERS_MAX: usize = 254;
/// The border that every number is above, and nothing that is missing.
pub(crate) const PRESENT: f32 = f32::MIN;

/// One input of all customers.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// Ascending; none where all values are equal. The first is [`PRESENT`] where some are missing.
    pub(crate) borders: Vec<f32>,
    /// For each row, how many borders the value is greater than; 0 where it is missing.
    pub(crate) bins: Vec<u8>,
}

impl Column {
    /// Whether the borders set those apart who have no value.
    pub(crate) fn has_missing(&self) -> bool {
        self.borders.first() == Some(&PRESENT)
    }

    /// The bins of other values between the same borders.
    fn place(&self, values: impl Iterator<Item = f64>) -> Vec<u8> {
        // There are no more borders than a byte counts. Nothing is less than NaN.
        values.map(|value| self.borders.partition_point(|&border| border < value as f32) as u8).collect()
    }
}

/// The bins of every input. Values are compared as `f32`, as CatBoost and XGBoost compare them.
pub(crate) fn bin(matrix: &Matrix, borders_max: usize) -> Vec<Column> {
    let column = |column: usize| {
        let values = || matrix.column(column);
        let borders = borders(values().map(|value| value as f32).collect(), borders_max.min(BORDERS_MAX));
        let column = Column { borders, bins: Vec::new() };
        Column { bins: column.place(values()), ..column }
    };
    (0..matrix.width).into_par_iter().map(column).collect()
}

/// The bins of other customers, between the borders of those that were binned first.
pub(crate) fn place(columns: &[Column], matrix: &Matrix) -> Vec<Vec<u8>> {
    (0..matrix.width).into_par_iter().map(|place| columns[place].place(matrix.column(place))).collect()
}

/// Borders between neighbouring values: between all of them where there are few, else at the quantiles.
fn borders(mut values: Vec<f32>, borders_max: usize) -> Vec<f32> {
    let rows = values.len();
    values.retain(|value| !value.is_nan());
    let missing = (values.len() < rows).then_some(PRESENT);
    values.sort_unstable_by(f32::total_cmp);
    let mut distinct = values.clone();
    // -0 is 0 here.
    distinct.dedup();
    let between_values: Vec<f32> = if distinct.len() <= borders_max + 1 {
        distinct.windows(2).map(|pair| between(pair[0], pair[1])).collect()
    } else {
        let quantiles = (1..=borders_max).map(|quantile| values[quantile * values.len() / (borders_max + 1)]);
        let first_of = |value: f32| values.partition_point(|&other| other < value);
        let border = |value: f32| match first_of(value) {
            0 => None,
            first => Some(between(values[first - 1], value)),
        };
        let mut borders: Vec<f32> = quantiles.filter_map(border).collect();
        borders.dedup();
        borders
    };
    // Minus infinity would be on the same side of its border as what is missing.
    let above_missing = |border: &f32| *border > PRESENT;
    missing.into_iter().chain(between_values.into_iter().filter(above_missing)).collect()
}

/// The number with the fewest decimals of those between two, near their middle: it reads better in a model
/// file and is shorter.
fn between(low: f32, high: f32) -> f32 {
    let middle = low + (high - low) / 2.0;
    let rounded = (0..6).map(|decimals| {
        let steps = 10f64.powi(decimals);
        ((f64::from(middle) * steps).round() / steps) as f32
    });
    // Rounding can make the middle of neighbours the upper one itself, which is not below the upper one.
    let fallback = if middle < high { middle } else { low };
    rounded.into_iter().find(|&short| low < short && short < high).unwrap_or(fallback)
}

#[cfg(test)]
mod tests {
    use super::{PRESENT, bin, borders, place};
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
    fn borders_have_as_few_decimals_as_part_the_same_values() {
        assert_eq!(borders(vec![1.0, 9.98, 10.03], 254), [5.0, 10.0]);
        assert_eq!(borders(vec![2.02, 2.05], 254), [2.03]);
        assert_eq!(borders(vec![-0.0, 0.0, 1e-9], 254), [5e-10]);
    }

    #[test]
    fn a_bin_counts_the_borders_below_the_value() {
        let matrix = Matrix { rows: 4, width: 1, values: vec![5.0, 1.0, 2.0, 1.0] };
        let columns = bin(&matrix, 254);
        assert_eq!(columns[0].bins, [2, 0, 1, 0]);
        assert!(columns[0].bins.iter().all(|&bin| usize::from(bin) <= columns[0].borders.len()));
        let other = Matrix { rows: 3, width: 1, values: vec![f64::NAN, 1.7, 99.0] };
        assert_eq!(place(&columns, &other), [[0, 1, 2]]);
    }

    #[test]
    fn what_is_missing_has_a_bin_of_its_own() {
        let matrix = Matrix { rows: 4, width: 1, values: vec![5.0, f64::NAN, 2.0, f64::NEG_INFINITY] };
        let columns = bin(&matrix, 254);
        assert!(columns[0].has_missing());
        assert_eq!(columns[0].borders, [PRESENT, 4.0]);
        assert_eq!(columns[0].bins, [2, 0, 1, 0]);
    }
}
