//! The training data in figures: how numbers and values are spread, and what is missing.

use serde::{Deserialize, Serialize};

use crate::manifest::{FeatureKind, Schema};
use crate::model::{MISSING, UNKNOWN};

/// The most points at which the distribution of a number is kept: its percentiles, or all its values.
const POINTS_MAX: usize = 100;

/// What the customers were like that a model learned from. Counts and percentiles, never a row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// Customers.
    pub rows: u64,
    /// Rows that repeated others, among those of the file that was learned from.
    #[serde(default)]
    pub duplicates: u64,
    /// One per feature, in the schema's order.
    pub features: Vec<FeatureProfile>,
    /// The calibrated probabilities of leaving, 0 to 1, each by a model that had not seen the customer.
    pub probability: NumberProfile,
    /// Their mean.
    pub mean_probability: f64,
    /// The area under the ROC curve that these probabilities promise by themselves: [`crate::monitoring::estimated`].
    pub estimated_auc: Option<f64>,
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureProfile {
    /// Its name in the schema.
    pub name: String,
    /// Customers without a value.
    pub missing: u64,
    /// Those with one.
    #[serde(flatten)]
    pub values: ValuesProfile,
}

/// How a feature's values are spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ValuesProfile {
    /// A number.
    Number(NumberProfile),
    /// A category.
    Category {
        /// Customers with each value, in the order of the schema's list.
        counts: Vec<u64>,
        /// Customers with a value that is not in the list.
        unknown: u64,
    },
}

/// A number's distribution at up to 100 points: all its values where there are no more, else percentiles.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberProfile {
    /// The least value; nothing where all are missing.
    pub min: Option<f64>,
    /// Ascending; the last one is the greatest value.
    pub points: Vec<f64>,
    /// Customers above the point before and up to this one, for each point.
    pub counts: Vec<u64>,
}

impl NumberProfile {
    /// The profile of these values; those that are missing (NaN) are left out.
    #[must_use]
    pub fn of(values: impl Iterator<Item = f64>) -> NumberProfile {
        let mut sorted: Vec<f64> = values.filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let distinct = sorted.chunk_by(|left, right| left == right).count();
        let mut points: Vec<f64> = match distinct <= POINTS_MAX {
            true => sorted.chunk_by(|left, right| left == right).map(|equal| equal[0]).collect(),
            false => (1..=POINTS_MAX).map(|part| sorted[part * sorted.len() / POINTS_MAX - 1]).collect(),
        };
        points.dedup();
        let mut profile =
            NumberProfile { min: sorted.first().copied(), counts: vec![0; points.len()], points };
        for value in sorted {
            let cell = profile.cell(value);
            profile.counts[cell] += 1;
        }
        profile
    }

    /// Which cell a value belongs to: the first whose point is not below it, or the one behind the last.
    #[must_use]
    pub fn cell(&self, value: f64) -> usize {
        self.points.partition_point(|&point| point < value)
    }

    /// Customers with a value.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The greatest value.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.points.last().copied()
    }

    /// The value that this share of the customers does not exceed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let wanted = share * self.total() as f64;
        let mut seen = 0;
        for (&point, &count) in self.points.iter().zip(&self.counts) {
            seen += count;
            if seen as f64 >= wanted {
                return Some(point);
            }
        }
        self.max()
    }
}

impl FeatureProfile {
    /// A number's profile; NaN is missing.
    #[must_use]
    pub fn of_numbers(name: &str, values: &[f64]) -> FeatureProfile {
        let missing = values.iter().filter(|value| !value.is_finite()).count() as u64;
        let values = ValuesProfile::Number(NumberProfile::of(values.iter().copied()));
        FeatureProfile { name: name.to_owned(), missing, values }
    }

    /// A category's profile, of codes: positions in a list of `values` values, [`UNKNOWN`] and [`MISSING`].
    #[must_use]
    pub fn of_codes(name: &str, codes: &[u32], values: usize) -> FeatureProfile {
        let (mut counts, mut unknown, mut missing) = (vec![0; values], 0, 0);
        for &code in codes {
            match code {
                MISSING => missing += 1,
                UNKNOWN => unknown += 1,
                code => match counts.get_mut(code as usize) {
                    Some(count) => *count += 1,
                    None => unknown += 1,
                },
            }
        }
        FeatureProfile { name: name.to_owned(), missing, values: ValuesProfile::Category { counts, unknown } }
    }
}

impl Profile {
    /// Whether it is a profile of this schema: the same features, of the same kinds, with as many values.
    #[must_use]
    pub fn fits(&self, schema: &Schema) -> bool {
        self.features.len() == schema.features.len()
            && self.features.iter().zip(&schema.features).all(|(profile, feature)| {
                let is_alike = match (&profile.values, &feature.kind) {
                    (ValuesProfile::Number(number), FeatureKind::Number) => {
                        number.points.len() == number.counts.len()
                    }
                    (ValuesProfile::Category { counts, .. }, FeatureKind::Category { values }) => {
                        counts.len() == values.len()
                    }
                    _ => false,
                };
                profile.name == feature.name && is_alike
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{FeatureProfile, NumberProfile, ValuesProfile};
    use crate::model::{MISSING, UNKNOWN};

    #[test]
    fn few_values_are_all_points_and_many_become_percentiles() {
        let few = NumberProfile::of([3.0, 1.0, 1.0, f64::NAN, 2.0].into_iter());
        assert_eq!(
            (few.min, few.points.as_slice(), few.counts.as_slice()),
            (Some(1.0), &[1.0, 2.0, 3.0][..], &[2, 1, 1][..])
        );
        let many = NumberProfile::of((0..1000).map(f64::from));
        assert_eq!((many.points.len(), many.max(), many.total()), (100, Some(999.0), 1000));
        assert_eq!((many.quantile(0.5), many.quantile(0.01)), (Some(499.0), Some(9.0)));
        assert!(many.counts.iter().all(|&count| count == 10));
        assert_eq!((many.cell(-5.0), many.cell(9.5), many.cell(1e9)), (0, 1, 100));
        let none = NumberProfile::of(std::iter::once(f64::NAN));
        assert_eq!((none.min, none.max(), none.total()), (None, None, 0));
    }

    #[test]
    fn a_category_counts_what_it_does_not_know() {
        let profile = FeatureProfile::of_codes("Plan", &[0, 2, 2, UNKNOWN, MISSING], 3);
        assert_eq!(profile.missing, 1);
        assert_eq!(profile.values, ValuesProfile::Category { counts: vec![1, 0, 2], unknown: 1 });
    }

    #[test]
    fn a_profile_is_read_back_as_it_was_written() {
        let profile = FeatureProfile::of_numbers("tenure", &[1.0, 0.1 + 0.2, f64::NAN]);
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<FeatureProfile>(&json).unwrap(), profile);
    }
}
