//! A model ready to score: read, checked, and everything folded that can be before the first row.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use sha2::{Digest, Sha256};

use crate::block::{Block, ROWS, Slots};
use crate::catboost::{CatBoost, CatBoostFile};
use crate::forest::Forest;
use crate::inputs::Inputs;
use crate::linear::Linear;
use crate::manifest::{Algorithm, FeatureKind, Manifest, Schema};
use crate::mlp::Mlp;
use crate::names;
use crate::shap::Explainer;
use crate::xgboost::{Xgboost, XgboostFile};

/// The code of a category's value that the model does not know.
pub const UNKNOWN: u32 = u32::MAX;
/// The code of a category's missing value.
pub const MISSING: u32 = u32::MAX - 1;

/// The manifest's name in a model's directory.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The most values of a category, so that a code and the two special ones fit in 16 bits.
const VALUES_MAX: usize = 60_000;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The manifest or model file contradicts itself or its format.
    #[error("{0}")]
    Invalid(String),
    /// The model file is not the one that the manifest names.
    #[error("the model file's SHA-256 is {found}, the manifest says {expected}")]
    Checksum {
        /// Of the manifest.
        expected: String,
        /// Of the file.
        found: String,
    },
    /// A model that this engine could not score exactly.
    #[error("this model cannot be served: {0}")]
    Unsupported(String),
    /// A model that scores, and whose reasons cannot be told.
    #[error("this model gives no reasons: {0}")]
    Unexplained(String),
}

/// A model ready to score. It never changes, so that threads can share it.
#[derive(Debug, Clone)]
pub struct Model {
    manifest: Manifest,
    inputs: Inputs,
    engine: Engine,
    /// The model file, of which the explainer is made when somebody first asks for reasons.
    file: Arc<[u8]>,
    explainer: OnceLock<Result<Arc<Explainer>, String>>,
}

#[derive(Debug, Clone)]
enum Engine {
    Linear(Linear),
    Forest(Forest),
    CatBoost(CatBoost),
    Xgboost(Xgboost),
    Mlp(Mlp),
}

impl Model {
    /// Reads a model from its two files; refuses a model file whose SHA-256 is not the manifest's.
    pub fn from_parts(manifest_json: &[u8], model_file: &[u8]) -> Result<Model, ModelError> {
        let manifest: Manifest = serde_json::from_slice(manifest_json)
            .map_err(|error| ModelError::Invalid(format!("the manifest cannot be read: {error}")))?;
        let found = checksum(model_file);
        if found != manifest.sha256 {
            return Err(ModelError::Checksum { expected: manifest.sha256, found });
        }
        check(&manifest)?;
        let inputs = Inputs::new(&manifest.schema, &manifest.derived, &manifest.inputs)?;
        let sources = inputs.sources();
        let engine = match manifest.algorithm {
            Algorithm::Logistic | Algorithm::Svm => {
                Engine::Linear(Linear::read(model_file, &manifest.inputs, sources)?)
            }
            Algorithm::RandomForest | Algorithm::DecisionTree => {
                Engine::Forest(Forest::read(model_file, sources)?)
            }
            Algorithm::Catboost => {
                let file = CatBoostFile::read(model_file)?;
                Engine::CatBoost(CatBoost::new(&file, &manifest.inputs, sources)?)
            }
            Algorithm::Xgboost => {
                let file = XgboostFile::read(model_file)?;
                Engine::Xgboost(Xgboost::new(&file, &manifest.inputs, sources)?)
            }
            Algorithm::Mlp => Engine::Mlp(Mlp::read(model_file, sources)?),
        };
        Ok(Model { manifest, inputs, engine, file: model_file.into(), explainer: OnceLock::new() })
    }

    /// Reads a model from its directory.
    pub fn load(directory: &Path) -> Result<Model, ModelError> {
        let manifest_json = read(&directory.join(MANIFEST_FILE))?;
        let manifest: Manifest = serde_json::from_slice(&manifest_json)
            .map_err(|error| ModelError::Invalid(format!("the manifest cannot be read: {error}")))?;
        check_file_name(&manifest.file)?;
        Model::from_parts(&manifest_json, &read(&directory.join(&manifest.file))?)
    }

    /// What the model says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What tells the reasons of scores. The first call makes it, which takes up to a few seconds for
    /// thousands of trees.
    ///
    /// # Errors
    ///
    /// [`ModelError::Unexplained`] where the manifest or the file does not keep what reasons need.
    pub fn explainer(&self) -> Result<&Explainer, ModelError> {
        let made = self.explainer.get_or_init(|| {
            let made = Explainer::new(&self.manifest, &self.inputs, &self.file);
            made.map(Arc::new).map_err(|error| match error {
                ModelError::Unsupported(reason) | ModelError::Invalid(reason) => reason,
                other => other.to_string(),
            })
        });
        made.as_deref().map_err(|reason| ModelError::Unexplained(reason.clone()))
    }

    /// The explainer for whoever outlives a borrow of the model.
    pub(crate) fn shared_explainer(&self) -> Result<Arc<Explainer>, ModelError> {
        self.explainer()?;
        let made = self.explainer.get().and_then(|made| made.as_ref().ok());
        made.cloned().ok_or_else(|| ModelError::Unexplained(String::new()))
    }

    pub(crate) fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The calibrated probability of leaving of one customer.
    ///
    /// `numbers` has one entry for each number of the schema, in its order, NaN for missing; `categories`
    /// one code for each category: the value's position in its list, [`UNKNOWN`] or [`MISSING`].
    ///
    /// # Panics
    ///
    /// Where there are fewer numbers or categories than the schema has.
    #[must_use]
    pub fn score(&self, numbers: &[f64], categories: &[u32]) -> f64 {
        let mut probabilities = Vec::with_capacity(1);
        self.score_rows(1, numbers, categories, &mut probabilities);
        probabilities[0]
    }

    /// The same for many customers, row after row; the probabilities are appended.
    ///
    /// # Panics
    ///
    /// Where there are fewer numbers or categories than `rows` customers have.
    pub fn score_rows(&self, rows: usize, numbers: &[f64], categories: &[u32], probabilities: &mut Vec<f64>) {
        self.inputs.each_block(rows, numbers, categories, |_, count, block| {
            self.score_derived(block, count, probabilities);
        });
    }

    /// The scores before calibration: log-odds of leaving in a model whose calibration is
    /// [`crate::Calibration::IDENTITY`]. The arguments are those of [`Model::score_rows`].
    ///
    /// # Panics
    ///
    /// Where there are fewer numbers or categories than `rows` customers have.
    #[must_use]
    pub fn raw_scores(&self, rows: usize, numbers: &[f64], categories: &[u32]) -> Vec<f64> {
        let mut raw = Vec::with_capacity(rows);
        self.inputs.each_block(rows, numbers, categories, |_, count, block| {
            let mut scores = [0.0; ROWS];
            self.score_raw(block, count, &mut scores);
            raw.extend_from_slice(&scores[..count]);
        });
        raw
    }

    /// The raw scores, before calibration, of rows whose inputs are made already: a matrix as
    /// [`Inputs::matrix`] makes it, row after row. This is what the official libraries' predictors do, so
    /// that kernels can be held against kernels.
    ///
    /// # Errors
    ///
    /// [`ModelError::Unsupported`] where the engine does not begin with such a matrix: only forests and
    /// CatBoost's trees without categories do.
    ///
    /// # Panics
    ///
    /// Where the matrix is not a whole number of rows.
    pub fn score_inputs(&self, matrix: &[f64], scores: &mut Vec<f64>) -> Result<(), ModelError> {
        let width = self.manifest.inputs.len();
        assert!(width > 0 && matrix.len().is_multiple_of(width), "a matrix has whole rows");
        for rows in matrix.chunks(width * ROWS) {
            let mut block = [0.0; ROWS];
            let is_scored = match &self.engine {
                Engine::Forest(forest) => forest.score_inputs(rows, &mut block),
                Engine::CatBoost(catboost) => catboost.score_inputs(rows, &mut block),
                _ => false,
            };
            if !is_scored {
                let message = "its inputs cannot be given as a matrix".to_owned();
                return Err(ModelError::Unsupported(message));
            }
            scores.extend(&block[..rows.len() / width]);
        }
        Ok(())
    }

    /// Appends the probabilities of the block's first `count` rows, whose features are set.
    pub(crate) fn score_block(&self, block: &mut Block, count: usize, probabilities: &mut Vec<f64>) {
        self.inputs.derive(block);
        self.score_derived(block, count, probabilities);
    }

    pub(crate) fn slots(&self) -> &Slots {
        self.inputs.slots()
    }

    fn score_derived(&self, block: &Block, count: usize, probabilities: &mut Vec<f64>) {
        let mut scores = [0.0; ROWS];
        self.score_raw(block, count, &mut scores);
        let calibration = &self.manifest.calibration;
        probabilities.extend(scores[..count].iter().map(|&score| calibration.probability(score)));
    }

    fn score_raw(&self, block: &Block, count: usize, scores: &mut [f64; ROWS]) {
        match &self.engine {
            Engine::Linear(linear) => linear.score(block, scores),
            Engine::Forest(forest) => forest.score(block, scores),
            Engine::CatBoost(catboost) => catboost.score(block, scores),
            Engine::Xgboost(xgboost) => xgboost.score(block, scores),
            Engine::Mlp(mlp) => mlp.score(block, count, scores),
        }
    }
}

/// SHA-256 as a manifest writes it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    fs::read(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })
}

fn check(manifest: &Manifest) -> Result<(), ModelError> {
    check_file_name(&manifest.file)?;
    manifest.calibration.check().map_err(|what| ModelError::Invalid(what.to_owned()))?;
    if !(0.0..=1.0).contains(&manifest.threshold) {
        return Err(ModelError::Invalid("the threshold must be between 0 and 1".to_owned()));
    }
    if manifest.schema.features.is_empty() {
        return Err(ModelError::Invalid("the schema has no feature".to_owned()));
    }
    check_names(&manifest.schema)
}

/// The file lies beside the manifest and nowhere else.
fn check_file_name(file: &str) -> Result<(), ModelError> {
    if Path::new(file).file_name().is_none_or(|name| name != file) {
        return Err(ModelError::Invalid(format!("{file:?} is no file name")));
    }
    Ok(())
}

/// A column or value must mean one thing.
fn check_names(schema: &Schema) -> Result<(), ModelError> {
    let mut columns: HashSet<String> = schema.outcomes.iter().map(|name| names::key(name)).collect();
    for feature in &schema.features {
        let keys: HashSet<String> =
            [&feature.name].into_iter().chain(&feature.aliases).map(|name| names::key(name)).collect();
        if keys.iter().any(|key| columns.contains(key)) {
            let name = &feature.name;
            return Err(ModelError::Invalid(format!(
                "a name of the column {name:?} means another column too"
            )));
        }
        columns.extend(keys);
        let FeatureKind::Category { values } = &feature.kind else { continue };
        if values.len() > VALUES_MAX {
            return Err(ModelError::Invalid(format!("{:?} has more than {VALUES_MAX} values", feature.name)));
        }
        let mut known = HashSet::new();
        for value in values {
            let keys: HashSet<String> =
                [&value.value].into_iter().chain(&value.aliases).map(|name| names::key(name)).collect();
            if keys.iter().any(|key| known.contains(key)) {
                let (value, name) = (&value.value, &feature.name);
                return Err(ModelError::Invalid(format!("{value:?} of {name:?} means another value too")));
            }
            known.extend(keys);
        }
    }
    Ok(())
}
