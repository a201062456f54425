//! Manifests for models of the official libraries.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::calibration::Calibration;
use crate::manifest::{Algorithm, Feature, FeatureKind, Input, InputEncoding, Manifest, Metrics, Schema};
use crate::model::{ModelError, checksum};
use crate::{catboost, names, vocabulary, xgboost};

/// A manifest for a model that the official CatBoost or XGBoost has saved as JSON; the file tells which.
///
/// [`crate::Model::from_parts`] takes it together with the file, and refuses what only shows in the trees.
pub fn import(name: &str, file: &[u8]) -> Result<Manifest, ModelError> {
    #[derive(Deserialize)]
    struct Outline {
        learner: Option<IgnoredAny>,
        features_info: Option<IgnoredAny>,
    }
    if file.starts_with(b"CBM1") {
        let message = "it is CatBoost's binary format; save it with save_model(..., format=\"json\")";
        return Err(ModelError::Unsupported(message.to_owned()));
    }
    if file.starts_with(b"{L") || file.starts_with(b"{i") || file.starts_with(b"binf") {
        let message = "it is XGBoost's binary format; save it with save_model(\"model.json\")";
        return Err(ModelError::Unsupported(message.to_owned()));
    }
    let outline: Outline = serde_json::from_slice(file)
        .map_err(|error| ModelError::Invalid(format!("the model file is no JSON: {error}")))?;
    match (outline.learner, outline.features_info) {
        (Some(_), _) => xgboost::import(name, file),
        (None, Some(_)) => catboost::import(name, file),
        (None, None) => {
            let message = "it is neither a model of CatBoost nor one of XGBoost saved as JSON";
            Err(ModelError::Unsupported(message.to_owned()))
        }
    }
}

/// A manifest whose features are the model's inputs: a name, a kind and an encoding each.
pub(crate) fn manifest(
    name: &str,
    algorithm: Algorithm,
    file: &[u8],
    features: impl Iterator<Item = (String, FeatureKind, InputEncoding)>,
) -> Manifest {
    let mut manifest = Manifest {
        name: name.to_owned(),
        algorithm,
        version: "1".to_owned(),
        description: String::new(),
        file: "model.json".to_owned(),
        sha256: checksum(file),
        schema: Schema::default(),
        derived: Vec::new(),
        inputs: Vec::new(),
        calibration: Calibration::IDENTITY,
        threshold: 0.5,
        metrics: Metrics::default(),
        training: None,
        reference: None,
        profile: None,
        levers: None,
        effects: Vec::new(),
    };
    for (name, kind, encoding) in features {
        manifest.inputs.push(Input { name: name.clone(), feature: name.clone(), encoding });
        manifest.schema.features.push(Feature { name, aliases: Vec::new(), kind });
    }
    // A model may well have a feature of the name that an outcome has elsewhere.
    let features = &manifest.schema.features;
    let is_feature =
        |outcome: &String| features.iter().any(|feature| names::key(&feature.name) == names::key(outcome));
    manifest.schema.outcomes =
        vocabulary::outcomes().into_iter().filter(|outcome| !is_feature(outcome)).collect();
    manifest
}
