//! Rows that repeat others.
//!
//! A row that equals an earlier one in every cell, the customer's number among them, is the same customer
//! again. It is dropped, since one copy could be learned from and the other one judged by. Customers who are
//! alike without a number that says so may be different people: they stay and are only counted, and so do
//! customers who are alike in everything but what they did.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::dataset::Dataset;
use crate::features::{LeftOut, LeftOutReason};
use crate::table::Table;

/// How many rows repeat others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Duplicates {
    /// Rows that equal an earlier one with the same id in every cell. They are dropped.
    pub dropped: u64,
    /// Other rows whose features and outcome equal an earlier one's. Many of them in a file with exact
    /// numbers hint at customers who were copied, which makes every figure too good.
    pub alike: u64,
    /// Rows whose features equal those of a row with the other outcome: what no model can tell apart.
    pub contradicting: u64,
}

/// The rows without those that say the same of the same customer again. Where no column that was left out
/// tells customers apart, all rows.
pub(crate) fn distinct_rows(table: &Table, left_out: &[LeftOut]) -> Vec<usize> {
    let all: Vec<usize> = (0..table.rows()).collect();
    let is_left_out_as_id =
        |name: &String| left_out.iter().any(|left| left.column == *name && left.reason == LeftOutReason::Id);
    let tells_apart = |column: usize| {
        let values: HashSet<&str> = table.cells(column).filter(|cell| !cell.is_empty()).collect();
        2 * values.len() > table.rows()
    };
    let mut columns = (0..table.header.len()).filter(|&column| is_left_out_as_id(&table.header[column]));
    if !columns.any(tells_apart) {
        return all;
    }
    let mut seen = HashSet::new();
    all.into_iter().filter(|&row| seen.insert(table.row(row).collect::<Vec<&str>>())).collect()
}

/// Counts customers who are alike among those that are left.
pub(crate) fn count(data: &Dataset, dropped: usize) -> Duplicates {
    let rows = data.rows().max(1);
    let (numbers, codes) = (data.numbers.len() / rows, data.codes.len() / rows);
    let mut outcomes: HashMap<Vec<u64>, [u64; 2]> = HashMap::new();
    for (row, &has_left) in data.labels.iter().enumerate() {
        // NaN is NaN, and 0 is 0 of either sign.
        let bits = |&number: &f64| if number.is_nan() { u64::MAX } else { (number + 0.0).to_bits() };
        let of_numbers = data.numbers[row * numbers..][..numbers].iter().map(bits);
        let of_codes = data.codes[row * codes..][..codes].iter().map(|&code| u64::from(code));
        outcomes.entry(of_numbers.chain(of_codes).collect()).or_default()[usize::from(has_left)] += 1;
    }
    let alike = outcomes.values().flatten().map(|count| count.saturating_sub(1)).sum();
    let contradict = |[stayed, left]: &&[u64; 2]| *stayed > 0 && *left > 0;
    let contradicting = outcomes.values().filter(contradict).flatten().sum();
    Duplicates { dropped: dropped as u64, alike, contradicting }
}

#[cfg(test)]
mod tests {
    use scoring::Schema;

    use super::{Duplicates, count};
    use crate::dataset::Dataset;

    #[test]
    fn customers_who_are_alike_are_counted_by_what_they_did() {
        let data = Dataset {
            schema: Schema::default(),
            numbers: vec![1.0, 1.0, 0.0, -0.0, f64::NAN, f64::NAN, 1.0],
            codes: vec![5, 5, 2, 2, 2, 2, 6],
            labels: vec![true, true, false, true, false, false, true],
        };
        assert_eq!(count(&data, 3), Duplicates { dropped: 3, alike: 2, contradicting: 2 });
    }
}
