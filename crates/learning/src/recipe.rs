//! A whole way to make a model: preparation and learner.

use scoring::{Algorithm, Calibration, Manifest, Metrics, Model, model};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::learner::{Fit, Learner, json};
use crate::preparation::Preparation;
use crate::samples::Samples;

/// The model file's name in a model's directory.
pub(crate) const MODEL_FILE: &str = "model.json";

/// Everything that decides what is fitted, but for the data and the seed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) algorithm: Algorithm,
    pub(crate) preparation: Preparation,
    pub(crate) learner: Learner,
}

/// A model that is fitted but neither calibrated nor measured.
#[derive(Debug, Clone)]
pub(crate) struct Fitted {
    /// With the identity for its calibration, and without metrics.
    pub(crate) manifest: Manifest,
    pub(crate) file: Vec<u8>,
}

impl Recipe {
    /// The usual way for an algorithm.
    pub(crate) fn new(algorithm: Algorithm) -> Result<Recipe, Error> {
        Ok(Recipe { algorithm, preparation: Preparation::default(), learner: Learner::new(algorithm)? })
    }

    /// Fits preparation and learner on these customers.
    pub(crate) fn fit(&self, data: &Dataset, seed: u64) -> Result<Fitted, Error> {
        let prepared = self.preparation.fit(data);
        let samples = Samples::new(prepared.matrix(data)?, data.labels.clone());
        let fit = Fit { samples: &samples, stop: None, inputs: &prepared.inputs, seed };
        let file = self.learner.fit(fit)?;
        let manifest = Manifest {
            name: String::new(),
            algorithm: self.algorithm,
            version: String::new(),
            description: String::new(),
            file: MODEL_FILE.to_owned(),
            sha256: model::checksum(&file),
            schema: data.schema.clone(),
            derived: prepared.derived,
            inputs: prepared.inputs,
            calibration: Calibration::IDENTITY,
            threshold: 0.5,
            metrics: Metrics::default(),
            training: None,
        };
        Ok(Fitted { manifest, file })
    }
}

impl Fitted {
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
