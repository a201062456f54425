//! A manifest for a model of the official library.

use super::XgboostFile;
use crate::import::manifest;
use crate::manifest::{Algorithm, FeatureKind, InputEncoding, Manifest};
use crate::model::ModelError;

/// The most features, so that a number in a damaged file makes no list of billions.
const FEATURES_MAX: usize = 1 << 16;

/// A manifest for a model that the official library saved as JSON: its columns are its feature names (`f0`,
/// `f1`, ... where it has none), an empty cell is a missing value, its probability is that of class 1, and
/// its quality is not known.
pub fn import(name: &str, file: &[u8]) -> Result<Manifest, ModelError> {
    let learner = XgboostFile::read(file)?.learner;
    let count = learner.learner_model_param.num_feature.parse().unwrap_or(usize::MAX);
    if count > FEATURES_MAX || !(learner.feature_names.is_empty() || learner.feature_names.len() == count) {
        let message = format!("it has {} feature names for {count} features", learner.feature_names.len());
        return Err(ModelError::Invalid(message));
    }
    let names = match learner.feature_names {
        names if names.is_empty() => (0..count).map(|place| format!("f{place}")).collect(),
        names => names,
    };
    let number = |name| (name, FeatureKind::Number, InputEncoding::Number { missing: None });
    Ok(Manifest {
        description: "A model imported from XGBoost.".to_owned(),
        ..manifest(name, Algorithm::Xgboost, file, names.into_iter().map(number))
    })
}
