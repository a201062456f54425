//! The customers that a training held out, and what was said of them by the same recipe fitted on the others:
//! what two trainings are compared on without either having seen them.

use std::collections::BTreeMap;
use std::path::Path;

use scoring::Model;
use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::recipe;
use crate::table::Table;

/// Customers held out, by their places in the file. Never a cell of theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeldOutCustomers {
    /// The SHA-256 of the file.
    pub file_sha256: String,
    /// The customers' places in it, from 0.
    pub rows: Vec<u64>,
    /// Whether each has left.
    pub labels: Vec<bool>,
    /// Each one's probability of leaving, by a model that was fitted and calibrated on the others.
    pub probabilities: Vec<f64>,
}

impl HeldOutCustomers {
    /// The customers that two trainings on the same file have both held out: what the other said, what this one
    /// said, and who left. Empty for different files.
    #[must_use]
    pub fn shared_with(&self, other: &HeldOutCustomers) -> (Vec<f64>, Vec<f64>, Vec<bool>) {
        if self.file_sha256 != other.file_sha256 {
            return (Vec::new(), Vec::new(), Vec::new());
        }
        let said: BTreeMap<u64, f64> =
            other.rows.iter().copied().zip(other.probabilities.iter().copied()).collect();
        let mut shared = (Vec::new(), Vec::new(), Vec::new());
        for ((row, probability), label) in self.rows.iter().zip(&self.probabilities).zip(&self.labels) {
            if let Some(said) = said.get(row) {
                shared.0.push(*said);
                shared.1.push(*probability);
                shared.2.push(*label);
            }
        }
        shared
    }

    /// What another model says of these customers, who are read from their file again.
    ///
    /// # Errors
    /// [`Error::Input`] where the file lacks columns that the model needs; [`Error::Data`] where it is another
    /// file.
    pub fn scored_by(&self, model: &Model, data: &Path) -> Result<Vec<f64>, Error> {
        let table = Table::read(data)?;
        if table.sha256 != self.file_sha256 {
            return Err(Error::Data("the file is not the one that these customers are from".to_owned()));
        }
        let everybody = vec![false; table.rows()];
        let dataset = Dataset::read(&table, &model.manifest().schema, everybody)?;
        let rows: Vec<usize> = self.rows.iter().filter_map(|&row| usize::try_from(row).ok()).collect();
        if rows.iter().any(|&row| row >= dataset.rows()) {
            return Err(Error::Data("the file has fewer rows than it had".to_owned()));
        }
        Ok(recipe::probabilities(model, &dataset.select(&rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::HeldOutCustomers;

    #[test]
    fn only_customers_that_both_held_out_are_compared() {
        let part = |sha256: &str, rows: &[u64], from: f64| HeldOutCustomers {
            file_sha256: sha256.to_owned(),
            rows: rows.to_vec(),
            labels: rows.iter().map(|row| row % 2 == 0).collect(),
            probabilities: rows.iter().map(|&row| from + row as f64 / 100.0).collect(),
        };
        let (one, other) = (part("a", &[1, 4, 6, 9], 0.0), part("a", &[4, 5, 9], 0.5));
        let (theirs, mine, labels) = one.shared_with(&other);
        assert_eq!((theirs, mine, labels), (vec![0.54, 0.59], vec![0.04, 0.09], vec![true, false]));
        assert!(one.shared_with(&part("b", &[4], 0.5)).2.is_empty());
    }
}
