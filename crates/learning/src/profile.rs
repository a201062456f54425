//! The training data in figures, for the manifest: what later customers are compared with.

use scoring::FeatureKind;
use scoring::monitoring::{FeatureProfile, NumberProfile, Profile, estimated};

use crate::dataset::Dataset;

/// Probabilities are written with six decimals, and compared as they are written.
const MILLION: f64 = 1e6;
/// They are counted in steps of this size where only their order and sum matter.
const STEPS: f64 = 1e4;

/// The profile of customers, with the calibrated probability that a model which had not seen the customer gave
/// each of them; `duplicates` rows of the file were left out because they repeated others.
pub(crate) fn profile(data: &Dataset, probabilities: &[f64], duplicates: u64) -> Profile {
    let (mut number, mut category) = (0, 0);
    let features = data.schema.features.iter().map(|feature| match &feature.kind {
        FeatureKind::Number => {
            number += 1;
            FeatureProfile::of_numbers(&feature.name, &data.number(number - 1).collect::<Vec<f64>>())
        }
        FeatureKind::Category { values } => {
            category += 1;
            let codes: Vec<u32> = data.category(category - 1).collect();
            FeatureProfile::of_codes(&feature.name, &codes, values.len())
        }
    });
    let features = features.collect();
    let mut steps: Vec<f64> = probabilities.iter().map(|p| (p * STEPS).round() / STEPS).collect();
    steps.sort_by(f64::total_cmp);
    let groups: Vec<(f64, u64)> =
        steps.chunk_by(|left, right| left == right).map(|equal| (equal[0], equal.len() as u64)).collect();
    let written = probabilities.iter().map(|p| (p * MILLION).round() / MILLION);
    Profile {
        rows: data.rows() as u64,
        duplicates,
        features,
        probability: NumberProfile::of(written),
        mean_probability: probabilities.iter().sum::<f64>() / probabilities.len().max(1) as f64,
        estimated_auc: estimated(&groups).map(|area| area.area),
    }
}
