//! One way to fit any algorithm, and to score customers with what came out.

use scoring::{Algorithm, Calibration, Manifest, Metrics, Model, model};
use serde::Serialize;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::{boosting, forest, inputs, logistic, svm};

/// The model file's name in a model's directory.
pub(crate) const MODEL_FILE: &str = "model.json";

/// A model that is fitted but neither calibrated nor measured.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    /// With the identity for its calibration, and without metrics.
    pub(crate) manifest: Manifest,
    pub(crate) file: Vec<u8>,
}

impl Fitted {
    pub(crate) fn new(algorithm: Algorithm, data: &Dataset, seed: u64) -> Result<Fitted, Error> {
        let inputs = inputs::fit(data);
        let matrix = inputs::matrix(data);
        let file = match algorithm {
            Algorithm::Logistic => json(&logistic::fit(&matrix, &data.labels)?)?,
            Algorithm::Svm => json(&svm::fit(&matrix, &data.labels)?)?,
            Algorithm::RandomForest => json(&forest::fit(&matrix, &data.labels, seed)?)?,
            Algorithm::Catboost => json(&boosting::fit(&matrix, &data.labels, &inputs, seed))?,
        };
        let manifest = Manifest {
            name: String::new(),
            algorithm,
            version: String::new(),
            description: String::new(),
            file: MODEL_FILE.to_owned(),
            sha256: model::checksum(&file),
            schema: data.schema.clone(),
            inputs,
            calibration: Calibration::IDENTITY,
            threshold: 0.5,
            metrics: Metrics::default(),
            training: None,
        };
        Ok(Fitted { manifest, file })
    }

    /// The scores before calibration, by the engine that serves the model.
    pub(crate) fn scores(&self, data: &Dataset) -> Result<Vec<f64>, Error> {
        let model = Model::from_parts(&json(&self.manifest)?, &self.file)?;
        // The identity's probabilities are the scores but for a sigmoid, which is undone here.
        let log_odds = |probability: f64| (probability / (1.0 - probability)).ln();
        Ok(probabilities(&model, data).into_iter().map(log_odds).collect())
    }
}

/// A model's probabilities for customers read by its own schema.
pub(crate) fn probabilities(model: &Model, data: &Dataset) -> Vec<f64> {
    let mut probabilities = Vec::with_capacity(data.rows());
    model.score_rows(data.rows(), &data.numbers, &data.codes, &mut probabilities);
    probabilities
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Training(error.to_string()))
}
