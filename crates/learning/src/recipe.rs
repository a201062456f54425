//! A whole way to make a model: preparation and learner, with what is set of them.

use std::collections::BTreeMap;

use scoring::{Algorithm, Calibration, Manifest, Metrics, Model, model};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bounds;
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
            bounds::check(name, value)?;
            // One after the other, so that an error can tell which.
            let named = |error| Error::Options(format!("{name}: {error}"));
            parsed::<Preparation>(preparation.clone()).map_err(named)?;
            parsed::<Balancing>(balancing.clone()).map_err(named)?;
            self.learner.with_parameters(parameters.clone()).map_err(named)?;
        }
        let preparation: Preparation = parsed(preparation)?;
        let learns_gaps = matches!(self.algorithm, Algorithm::Catboost | Algorithm::Xgboost);
        if preparation.missing == Missing::Keep && !learns_gaps {
            let message = "missing: only catboost and xgboost can keep it; choose mean, median or zero";
            return Err(Error::Options(message.to_owned()));
        }
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
    /// which it does not learn from. They are not resampled, but leavers and stayers weigh among them as
    /// they do among those that are learned from; else it would watch another loss than it lessens.
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
            let mut stop = Samples::new(prepared.matrix(&stop)?, stop.labels);
            if self.balancing != Balancing::default() {
                weigh_alike(&mut stop, &learn);
            }
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
            reference: None,
            profile: None,
            levers: None,
            effects: Vec::new(),
        };
        Ok(Fitted { manifest, file })
    }

    fn unknown(&self, name: &str) -> Error {
        let known = self.settings().map(|known| known.keys().cloned().collect::<Vec<_>>().join(", "));
        Error::Options(format!("no parameter is called {name:?}; there are {}", known.unwrap_or_default()))
    }
}

/// Has leavers and stayers weigh together what they weigh among the other customers.
fn weigh_alike(samples: &mut Samples, others: &Samples) {
    for wanted in [true, false] {
        let sum = |of: &Samples| -> f64 {
            let inside = of.weights.iter().zip(&of.labels).filter(|(_, label)| **label == wanted);
            inside.map(|(weight, _)| weight).sum()
        };
        let (own, other) = (sum(samples), sum(others));
        if own > 0.0 {
            let inside = samples.weights.iter_mut().zip(&samples.labels);
            inside.filter(|(_, label)| **label == wanted).for_each(|(weight, _)| *weight *= other / own);
        }
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
        Ok(model.raw_scores(data.rows(), &data.numbers, &data.codes))
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use scoring::Algorithm;
    use serde_json::{Value, json};

    use super::{Recipe, weigh_alike};
    use crate::samples::{Matrix, Samples};

    #[test]
    fn those_who_are_watched_weigh_as_those_who_are_learned_from() {
        let samples = |labels: &[bool], weight: f64| {
            let matrix = Matrix { rows: labels.len(), width: 0, values: Vec::new() };
            Samples { matrix, labels: labels.to_vec(), weights: vec![weight; labels.len()] }
        };
        let mut watched = samples(&[true, false, false, false], 1.0);
        weigh_alike(&mut watched, &samples(&[true, true, true, false, false, false], 2.0));
        assert_eq!(watched.weights, [6.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn absurd_parameters_are_refused_by_name_before_any_fit() {
        let with = |algorithm, name: &str, value: Value| {
            Recipe::new(algorithm).with(&BTreeMap::from([(name.to_owned(), value)]))
        };
        for (algorithm, name, value) in [
            (Algorithm::Catboost, "trees", json!(100_001)),
            (Algorithm::Catboost, "trees", json!("many")),
            (Algorithm::Catboost, "column_share", json!(0)),
            (Algorithm::Catboost, "leaf_steps", json!(1_000_000)),
            (Algorithm::Xgboost, "row_share", json!(1.5)),
            (Algorithm::RandomForest, "leaf_rows_min", json!(0.5)),
            (Algorithm::Mlp, "epochs", json!(0)),
            (Algorithm::Mlp, "patience", json!(1_000_000_000)),
            (Algorithm::Svm, "cost", json!(0.0)),
            (Algorithm::Logistic, "penalty", json!(1e13)),
            (Algorithm::Logistic, "missing", json!("keep")),
            (Algorithm::RandomForest, "missing", json!("keep")),
        ] {
            let error = with(algorithm, name, value.clone()).unwrap_err().to_string();
            assert!(error.starts_with(name), "{name}={value}: {error}");
        }
        assert!(with(Algorithm::Catboost, "trees", json!(100)).is_ok());
        assert!(with(Algorithm::Xgboost, "missing", json!("keep")).is_ok());
    }
}
