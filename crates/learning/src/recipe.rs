//! A whole way to make a model: preparation and learner, with what is set of them.

use std::collections::BTreeMap;

use scoring::{Algorithm, Calibration, Manifest, Metrics, Model, model};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::dataset::Dataset;
use crate::error::Error;
use crate::folds;
use crate::learner::{Fit, Learner, json};
use crate::preparation::{Missing, Preparation};
use crate::resampling::Balancing;
use crate::samples::Samples;

/// Inner knots of each number's spline in a linear model: the best of 3 to 30 in cross-validation.
const KNOTS: usize = 10;

/// The model file's name in a model's directory.
pub(crate) const MODEL_FILE: &str = "model.json";

/// Everything that decides what is fitted, but for the data and the seed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recipe {
    pub(crate) algorithm: Algorithm,
    pub(crate) preparation: Preparation,
    pub(crate) balancing: Balancing,
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
    /// The usual way for an algorithm, chosen by cross-validation over several seeds. Linear models bend with
    /// the numbers; leavers weigh more for the SVM, whose margin they would hardly move otherwise; boosted
    /// trees learn which way a missing number goes.
    pub(crate) fn new(algorithm: Algorithm) -> Recipe {
        let (mut preparation, mut balancing) = (Preparation::default(), Balancing::default());
        match algorithm {
            Algorithm::Logistic => preparation.knots = KNOTS,
            Algorithm::Svm => {
                preparation.knots = KNOTS;
                balancing.class_weights = true;
            }
            Algorithm::Catboost | Algorithm::Xgboost => preparation.missing = Missing::Keep,
            Algorithm::RandomForest | Algorithm::DecisionTree | Algorithm::Mlp => {}
        }
        Recipe { algorithm, preparation, balancing, learner: Learner::new(algorithm) }
    }

    /// The same with other parameters. A name is looked up in the preparation first, then in how classes are
    /// evened out, then in the learner.
    pub(crate) fn with(&self, settings: &BTreeMap<String, Value>) -> Result<Recipe, Error> {
        let mut preparation = object(&self.preparation)?;
        let mut balancing = object(&self.balancing)?;
        let mut parameters = self.learner.parameters()?;
        for (name, value) in settings {
            let places = [&mut preparation, &mut balancing, &mut parameters];
            let place = places.into_iter().find_map(|names| names.get_mut(name));
            *place.ok_or_else(|| self.unknown(name))? = value.clone();
        }
        let preparation: Preparation = parsed(preparation)?;
        preparation.check()?;
        Ok(Recipe {
            algorithm: self.algorithm,
            preparation,
            balancing: parsed(balancing)?,
            learner: self.learner.with_parameters(parameters)?,
        })
    }

    /// Everything that can be set, by name.
    pub(crate) fn settings(&self) -> Result<Map<String, Value>, Error> {
        let mut settings = object(&self.preparation)?;
        settings.extend(object(&self.balancing)?);
        settings.extend(self.learner.parameters()?);
        Ok(settings)
    }

    /// Fits preparation and learner on these customers: the preparation on them as they are, the learner on
    /// what evening the classes out makes of them. A learner that stops early sees when on a tenth of them,
    /// which it does not learn from and which stays as it is.
    pub(crate) fn fit(&self, data: &Dataset, seed: u64) -> Result<Fitted, Error> {
        let prepared = self.preparation.fit(data)?;
        let balanced = |data: &Dataset| {
            let data = self.balancing.customers(data, seed)?;
            let samples = Samples::new(prepared.matrix(&data)?, data.labels.clone());
            self.balancing.samples(samples, seed)
        };
        let file = if self.learner.stops_early() {
            let part_of = folds::stratified(&data.labels, STOP_PARTS, seed ^ STOP_SEED);
            let (stop, learn): (Vec<usize>, Vec<usize>) =
                (0..data.rows()).partition(|&row| part_of[row] == 0);
            let (learn, stop) = (balanced(&data.select(&learn))?, data.select(&stop));
            let stop = Samples::new(prepared.matrix(&stop)?, stop.labels);
            let fit = Fit { samples: &learn, stop: Some(&stop), inputs: &prepared.inputs, seed };
            self.learner.fit(fit)?
        } else {
            let fit = Fit { samples: &balanced(data)?, stop: None, inputs: &prepared.inputs, seed };
            self.learner.fit(fit)?
        };
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

    fn unknown(&self, name: &str) -> Error {
        let known = self.settings().map(|known| known.keys().cloned().collect::<Vec<_>>().join(", "));
        Error::Options(format!("no parameter is called {name:?}; there are {}", known.unwrap_or_default()))
    }
}

/// Parts of the customers, of which a learner that stops early watches one.
const STOP_PARTS: usize = 10;
/// Tells these parts from the folds of the same seed.
const STOP_SEED: u64 = 0x5bd1_e995_7b7d_159d;

/// Parameters by name.
pub(crate) fn object(parameters: &impl Serialize) -> Result<Map<String, Value>, Error> {
    match serde_json::to_value(parameters) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Ok(Map::new()),
        Err(error) => Err(Error::Training(error.to_string())),
    }
}

/// Parameters from their names and values.
pub(crate) fn parsed<T: DeserializeOwned>(parameters: Map<String, Value>) -> Result<T, Error> {
    serde_json::from_value(Value::Object(parameters))
        .map_err(|error| Error::Options(format!("a parameter has no such value: {error}")))
}

impl Fitted {
    /// The model, ready to score.
    pub(crate) fn load(&self) -> Result<Model, Error> {
        Ok(Model::from_parts(&json(&self.manifest)?, &self.file)?)
    }

    /// The scores before calibration, by the engine that serves the model.
    pub(crate) fn scores(&self, data: &Dataset) -> Result<Vec<f64>, Error> {
        let model = self.load()?;
        // The identity's probabilities are the scores but for a sigmoid, which is undone here.
        let log_odds = |probability: f64| (probability / (1.0 - probability)).ln();
        Ok(probabilities(&model, data).into_iter().map(log_odds).collect())
    }

    /// The probabilities, by its calibration.
    pub(crate) fn probabilities(&self, data: &Dataset) -> Result<Vec<f64>, Error> {
        Ok(probabilities(&self.load()?, data))
    }
}

/// A model's probabilities for customers read by its own schema.
pub(crate) fn probabilities(model: &Model, data: &Dataset) -> Vec<f64> {
    let mut probabilities = Vec::with_capacity(data.rows());
    model.score_rows(data.rows(), &data.numbers, &data.codes, &mut probabilities);
    probabilities
}
