//! All algorithms behind one door: their parameters by name, and one way to fit them.

use scoring::{Algorithm, Input};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;
use crate::recipe::{object, parsed};
use crate::samples::Samples;
use crate::{boosting, decision_tree, forest, logistic, mlp, svm, xgboost};

/// What a learner is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fit<'a> {
    /// To learn from.
    pub(crate) samples: &'a Samples,
    /// Others, prepared alike, on which a learner with `patience` sees when to stop.
    pub(crate) stop: Option<&'a Samples>,
    /// What the columns of the samples are.
    pub(crate) inputs: &'a [Input],
    /// Of everything random.
    pub(crate) seed: u64,
}

/// An algorithm with its parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Learner {
    Logistic(logistic::Parameters),
    Svm(svm::Parameters),
    RandomForest(forest::Parameters),
    DecisionTree(decision_tree::Parameters),
    Catboost(boosting::Parameters),
    Xgboost(xgboost::Parameters),
    Mlp(mlp::Parameters),
}

impl Learner {
    /// With the parameters that are usual.
    pub(crate) fn new(algorithm: Algorithm) -> Learner {
        match algorithm {
            Algorithm::Logistic => Learner::Logistic(logistic::Parameters::default()),
            Algorithm::Svm => Learner::Svm(svm::Parameters::default()),
            Algorithm::RandomForest => Learner::RandomForest(forest::Parameters::default()),
            Algorithm::Catboost => Learner::Catboost(boosting::Parameters::default()),
            Algorithm::DecisionTree => Learner::DecisionTree(decision_tree::Parameters::default()),
            Algorithm::Xgboost => Learner::Xgboost(xgboost::Parameters::default()),
            Algorithm::Mlp => Learner::Mlp(mlp::Parameters::default()),
        }
    }

    /// The bytes of the model file.
    pub(crate) fn fit(&self, fit: Fit) -> Result<Vec<u8>, Error> {
        match self {
            Learner::Logistic(parameters) => json(&logistic::fit(fit, parameters)?),
            Learner::Svm(parameters) => json(&svm::fit(fit, parameters)?),
            Learner::RandomForest(parameters) => json(&forest::fit(fit.samples, parameters, fit.seed)?),
            Learner::DecisionTree(parameters) => json(&decision_tree::fit(fit.samples, parameters)?),
            Learner::Catboost(parameters) => json(&boosting::fit(fit, parameters)?),
            Learner::Xgboost(parameters) => json(&xgboost::fit(fit, parameters)?),
            Learner::Mlp(parameters) => json(&mlp::fit(fit, parameters)?),
        }
    }

    /// All parameters by name.
    pub(crate) fn parameters(&self) -> Result<Map<String, Value>, Error> {
        match self {
            Learner::Logistic(parameters) => object(parameters),
            Learner::Svm(parameters) => object(parameters),
            Learner::RandomForest(parameters) => object(parameters),
            Learner::DecisionTree(parameters) => object(parameters),
            Learner::Catboost(parameters) => object(parameters),
            Learner::Xgboost(parameters) => object(parameters),
            Learner::Mlp(parameters) => object(parameters),
        }
    }

    /// The same algorithm with these parameters.
    pub(crate) fn with_parameters(&self, parameters: Map<String, Value>) -> Result<Learner, Error> {
        Ok(match self {
            Learner::Logistic(_) => Learner::Logistic(parsed(parameters)?),
            Learner::Svm(_) => Learner::Svm(parsed(parameters)?),
            Learner::RandomForest(_) => Learner::RandomForest(parsed(parameters)?),
            Learner::DecisionTree(_) => Learner::DecisionTree(parsed(parameters)?),
            Learner::Catboost(_) => Learner::Catboost(parsed(parameters)?),
            Learner::Xgboost(_) => Learner::Xgboost(parsed(parameters)?),
            Learner::Mlp(_) => Learner::Mlp(parsed(parameters)?),
        })
    }

    /// Whether it watches samples that it does not learn from.
    pub(crate) fn stops_early(&self) -> bool {
        let patience = self.parameters().ok().and_then(|parameters| parameters.get("patience")?.as_u64());
        patience.is_some_and(|patience| patience > 0)
    }
}

pub(crate) fn json(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Training(error.to_string()))
}
