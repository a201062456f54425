//! Why, over all customers of a file: how much each feature has to do with their scores.

use serde::{Deserialize, Serialize};

use super::words::is_lever;
use crate::block::{Block, ROWS, Slot, Slots};
use crate::manifest::{Feature, FeatureKind, Schema};

/// What one feature has to do with the scores of a file's customers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureEffect {
    /// The feature's name in the model.
    pub feature: String,
    /// Whether a company can move it with an offer.
    pub is_lever: bool,
    /// The mean of its contributions without their signs.
    pub mean_absolute: f64,
    /// A category's values that customers have, in the model's order; none of a number.
    pub values: Vec<ValueEffect>,
}

/// What one value of a category has to do with the scores of those who have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueEffect {
    /// The value in the model's spelling.
    pub value: String,
    /// How many customers have it.
    pub customers: u64,
    /// The mean of its contributions; positive towards leaving.
    pub mean: f64,
}

/// Sums over customers. Those of a file's chunks are added in the file's order, so that the sums do not
/// depend on the number of threads.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Effects {
    customers: u64,
    /// Of contributions without their signs, by feature.
    absolute: Vec<f64>,
    /// By feature and code: customers and the sum of their contributions.
    values: Vec<Vec<(u64, f64)>>,
}

impl Effects {
    /// Adds one row of a block; `contributions` has [`ROWS`] for each feature.
    pub(crate) fn count(&mut self, slots: &Slots, block: &Block, row: usize, contributions: &[f64]) {
        self.make_room(slots.features.len());
        self.customers += 1;
        for (feature, slot) in slots.features.iter().enumerate() {
            let contribution = contributions[feature * ROWS + row];
            self.absolute[feature] += contribution.abs();
            let Slot::Category(slot) = slot else { continue };
            let code = usize::from(block.codes(*slot)[row]);
            let values = &mut self.values[feature];
            if values.len() <= code {
                values.resize(code + 1, (0, 0.0));
            }
            values[code].0 += 1;
            values[code].1 += contribution;
        }
    }

    pub(crate) fn add(&mut self, other: &Effects) {
        self.make_room(other.absolute.len());
        self.customers += other.customers;
        self.absolute.iter_mut().zip(&other.absolute).for_each(|(sum, other)| *sum += other);
        for (values, others) in self.values.iter_mut().zip(&other.values) {
            values.resize(values.len().max(others.len()), (0, 0.0));
            for (value, other) in values.iter_mut().zip(others) {
                value.0 += other.0;
                value.1 += other.1;
            }
        }
    }

    /// The features, the most important first. Unknown and missing values are left out.
    pub(crate) fn finish(&self, schema: &Schema) -> Vec<FeatureEffect> {
        let customers = self.customers.max(1) as f64;
        let features = schema.features.iter().zip(&self.absolute).zip(&self.values);
        let effect = |((feature, absolute), counted): ((&Feature, &f64), &Vec<(u64, f64)>)| {
            let values = match &feature.kind {
                FeatureKind::Number => Vec::new(),
                FeatureKind::Category { values } => effects_of_values(values, counted),
            };
            FeatureEffect {
                feature: feature.name.clone(),
                is_lever: is_lever(&feature.name),
                mean_absolute: absolute / customers,
                values,
            }
        };
        let mut effects: Vec<FeatureEffect> = features.map(effect).collect();
        effects.sort_by(|one, other| other.mean_absolute.total_cmp(&one.mean_absolute));
        effects
    }

    fn make_room(&mut self, features: usize) {
        self.absolute.resize(self.absolute.len().max(features), 0.0);
        self.values.resize(self.values.len().max(features), Vec::new());
    }
}

fn effects_of_values(values: &[crate::manifest::CategoryValue], counted: &[(u64, f64)]) -> Vec<ValueEffect> {
    let had = values.iter().zip(counted).filter(|(_, (customers, _))| *customers > 0);
    had.map(|(value, &(customers, sum))| ValueEffect {
        value: value.value.clone(),
        customers,
        mean: sum / customers as f64,
    })
    .collect()
}
