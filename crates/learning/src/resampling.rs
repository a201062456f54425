//! Leavers are the fewer: ways to even the classes out before an algorithm learns from them.
//!
//! Only ever for customers inside a training fold: those outside are scored as they are, and calibration is
//! fitted on their scores, so that probabilities are right again. Where a method works follows from what it
//! needs. SMOTE-NC needs to know which features are categories, so it takes customers before they are
//! prepared. All others measure distances or only leave customers out, so they take what is prepared, where
//! every input is a number.

mod neighbours;
mod smote;
mod smote_nc;
mod tomek;
mod undersample;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::resampling::tomek::Removed;
use crate::samples::Samples;

/// How much leavers count beside stayers. The names are those by which people set it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Balancing {
    /// By which customers there are.
    pub(crate) resample: Resampling,
    /// By their weights: whether leavers together weigh as much as stayers.
    pub(crate) class_weights: bool,
}

/// How the classes are evened out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Resampling {
    /// Not at all.
    #[default]
    None,
    /// New leavers between leavers that are alike; categories become shares of their columns.
    Smote,
    /// The same before preparation, where a new leaver has one value of each category.
    #[serde(alias = "smote-nc")]
    SmoteNc,
    /// Fewer stayers, drawn by lot.
    Undersample,
    /// Without the stayers that are nearest to a leaver, and the leaver to them.
    Tomek,
    /// SMOTE, and then without both ends of each Tomek link.
    #[serde(alias = "smote-tomek")]
    SmoteTomek,
}

impl Balancing {
    /// What is done before preparation: SMOTE-NC's new customers follow the others. Every other method
    /// leaves customers as they are. Preparation is fitted on the customers that there were before.
    pub(crate) fn customers(self, data: &Dataset, seed: u64) -> Result<Cow<'_, Dataset>, Error> {
        match self.resample {
            Resampling::SmoteNc => Ok(Cow::Owned(smote_nc::resample(data, seed)?)),
            _ => Ok(Cow::Borrowed(data)),
        }
    }

    /// What is done after preparation. Made customers weigh 1 and follow the others, which keep their order.
    pub(crate) fn samples(self, samples: Samples, seed: u64) -> Result<Samples, Error> {
        let mut samples = match self.resample {
            Resampling::None | Resampling::SmoteNc => samples,
            Resampling::Smote => smote::resample(samples, seed)?,
            Resampling::Undersample => undersample::resample(&samples, seed),
            Resampling::Tomek => tomek::resample(&samples, Removed::Majority)?,
            Resampling::SmoteTomek => tomek::resample(&smote::resample(samples, seed)?, Removed::Both)?,
        };
        if self.class_weights {
            balance_weights(&mut samples);
        }
        Ok(samples)
    }
}

/// Multiplies each customer's weight so that leavers and stayers together count alike: all customers divided
/// by twice those of the class (King and Zeng, "Logistic Regression in Rare Events Data", 2001). The weights
/// of all customers sum up to what they were.
fn balance_weights(samples: &mut Samples) {
    let total: f64 = samples.weights.iter().sum();
    let of_leavers = samples.weights.iter().zip(&samples.labels).filter(|(_, left)| **left);
    let leavers: f64 = of_leavers.map(|(weight, _)| weight).sum();
    let stayers = total - leavers;
    if leavers <= 0.0 || stayers <= 0.0 {
        return;
    }
    for (weight, &has_left) in samples.weights.iter_mut().zip(&samples.labels) {
        *weight *= total / (2.0 * if has_left { leavers } else { stayers });
    }
}

/// The class that has fewer customers; that of leavers where they are equal.
fn minority(labels: &[bool]) -> bool {
    2 * labels.iter().filter(|&&label| label).count() <= labels.len()
}

/// The rows of a class.
fn rows_of(labels: &[bool], wanted: bool) -> Vec<usize> {
    (0..labels.len()).filter(|&row| labels[row] == wanted).collect()
}

#[cfg(test)]
mod tests {
    use super::{Resampling, balance_weights};
    use crate::samples::{Matrix, Samples};

    #[test]
    fn methods_have_the_names_that_people_set() {
        let names = ["none", "smote", "smote_nc", "undersample", "tomek", "smote-tomek"];
        let read = names.map(|name| serde_json::from_value::<Resampling>(name.into()).unwrap());
        assert_eq!(read[0], Resampling::default());
        assert_eq!(read[5], Resampling::SmoteTomek);
    }

    #[test]
    fn balanced_classes_weigh_alike_and_all_customers_as_before() {
        let matrix = Matrix { rows: 4, width: 0, values: Vec::new() };
        let mut samples = Samples::new(matrix, vec![true, false, false, false]);
        balance_weights(&mut samples);
        assert_eq!(samples.weights, [2.0, 2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0]);
        samples.labels = vec![false; 4];
        let before = samples.weights.clone();
        balance_weights(&mut samples);
        assert_eq!(samples.weights, before);
    }
}
