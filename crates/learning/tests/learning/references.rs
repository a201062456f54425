//! The engines and the learners beside scikit-learn and the official CatBoost.
//!
//! The answers are in tests/reference, with the script that made them. The customers are generated here,
//! the same ones as there.

use std::fs;
use std::path::{Path, PathBuf};

use learning::{DemoData, TrainOptions, train};
use scoring::linear::LinearFile;
use scoring::{
    Algorithm, Calibration, Feature, FeatureKind, MISSING, Model, UNKNOWN, catboost, model, names,
};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

const CUSTOMERS: DemoData = DemoData { rows: 600, seed: 11, has_labels: true, shift: 0.0 };

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn reference<T: for<'de> Deserialize<'de>>(name: &str, customers: &Customers) -> T {
    let path = root().join("tests/reference").join(name);
    let content: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    assert_eq!(content["customers_sha256"], customers.sha256, "other customers than those of {name}");
    serde_json::from_value(content).unwrap()
}

/// The generated file as text cells.
struct Customers {
    sha256: String,
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Customers {
    fn generate() -> Customers {
        let mut bytes = Vec::new();
        CUSTOMERS.write(&mut bytes).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let cells = |line: &str| line.split(',').map(str::to_owned).collect::<Vec<_>>();
        let mut lines = text.lines().map(cells);
        let header = lines.next().unwrap();
        Customers { sha256: model::checksum(text.as_bytes()), header, rows: lines.collect() }
    }

    fn column(&self, name: &str) -> usize {
        self.header.iter().position(|other| other == name).unwrap()
    }

    fn probabilities(&self, model: &Model) -> Vec<f64> {
        let (mut numbers, mut codes) = (Vec::new(), Vec::new());
        for row in &self.rows {
            for feature in &model.manifest().schema.features {
                let cell = row[self.column(&feature.name)].as_str();
                match code(feature, cell) {
                    Some(code) => codes.push(code),
                    None => numbers.push(cell.parse().unwrap_or(f64::NAN)),
                }
            }
        }
        let mut probabilities = Vec::new();
        model.score_rows(self.rows.len(), &numbers, &codes, &mut probabilities);
        probabilities
    }
}

/// Of a category; nothing for a number.
fn code(feature: &Feature, cell: &str) -> Option<u32> {
    let FeatureKind::Category { values } = &feature.kind else { return None };
    if cell.is_empty() {
        return Some(MISSING);
    }
    let found = values.iter().position(|value| {
        [&value.value].into_iter().chain(&value.aliases).any(|other| names::key(other) == names::key(cell))
    });
    Some(found.map_or(UNKNOWN, |code| u32::try_from(code).unwrap()))
}

/// The greatest difference between two lists of numbers.
fn difference(left: &[f64], right: &[f64]) -> f64 {
    assert_eq!(left.len(), right.len());
    left.iter().zip(right).map(|(left, right)| (left - right).abs()).fold(0.0, f64::max)
}

fn assert_within(what: &str, left: &[f64], right: &[f64], limit: f64) {
    let difference = difference(left, right);
    println!("{what}: greatest difference {difference:.1e}");
    assert!(difference <= limit, "{what}: {difference:e} is more than {limit:e}");
}

#[derive(Deserialize)]
struct Peer {
    manifest: Value,
    model: String,
    probabilities: Vec<f64>,
}

#[test]
fn models_of_scikit_learn_give_its_own_answers() {
    let customers = Customers::generate();
    for name in ["logistic", "svm", "hinge", "random_forest"] {
        let peer: Peer = reference(&format!("{name}.json"), &customers);
        let manifest = serde_json::to_vec(&peer.manifest).unwrap();
        let model = Model::from_parts(&manifest, peer.model.as_bytes()).unwrap();
        // The engine keeps the mean of a forest's leaves this far from 0 and 1, so that it has log-odds.
        let theirs: Vec<f64> = peer.probabilities.iter().map(|p| p.clamp(1e-9, 1.0 - 1e-9)).collect();
        assert_within(name, &customers.probabilities(&model), &theirs, 1e-12);
    }
}

/// Trains on the generated customers with scikit-learn's parameters and straight lines, and returns the file
/// and the probabilities without calibration.
fn train_uncalibrated(
    algorithm: Algorithm,
    regularised: (&str, Value),
    customers: &Customers,
) -> (LinearFile, Vec<f64>) {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("customers.csv");
    CUSTOMERS.write(fs::File::create(&path).unwrap()).unwrap();
    let settings = [("knots", 0.into()), ("class_weights", false.into()), regularised];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let options = TrainOptions { settings, ..TrainOptions::new(algorithm) };
    let trained = train(&path, &options, &|_| true).unwrap();
    let mut manifest = trained.manifest().clone();
    manifest.calibration = Calibration::IDENTITY;
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let model = Model::from_parts(&manifest, trained.model_file()).unwrap();
    let file = serde_json::from_slice(trained.model_file()).unwrap();
    (file, customers.probabilities(&model))
}

fn weights(file: &LinearFile) -> Vec<f64> {
    let weights = file.terms.iter().map(|term| term.weight);
    weights.chain([file.intercept]).collect()
}

fn scales(file: &LinearFile) -> Vec<f64> {
    file.terms.iter().flat_map(|term| [term.mean, term.scale]).collect()
}

#[test]
fn our_logistic_regression_finds_scikit_learns_solution() {
    let customers = Customers::generate();
    let peer: Peer = reference("logistic.json", &customers);
    let (ours, probabilities) = train_uncalibrated(Algorithm::Logistic, ("penalty", 1.0.into()), &customers);
    let theirs: LinearFile = serde_json::from_str(&peer.model).unwrap();
    assert_within("scales", &scales(&ours), &scales(&theirs), 1e-9);
    assert_within("weights of logistic regression", &weights(&ours), &weights(&theirs), 1e-8);
    assert_within("probabilities of logistic regression", &probabilities, &peer.probabilities, 1e-8);
}

#[test]
fn our_svm_finds_scikit_learns_solution() {
    let customers = Customers::generate();
    let peer: Peer = reference("svm.json", &customers);
    let (ours, probabilities) = train_uncalibrated(Algorithm::Svm, ("cost", 0.05.into()), &customers);
    let theirs: LinearFile = serde_json::from_str(&peer.model).unwrap();
    assert_within("weights of the SVM", &weights(&ours), &weights(&theirs), 1e-5);
    let mut manifest = peer.manifest;
    manifest["calibration"] = serde_json::to_value(Calibration::IDENTITY).unwrap();
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let model = Model::from_parts(&manifest, peer.model.as_bytes()).unwrap();
    assert_within("sigmoids of the SVM", &probabilities, &customers.probabilities(&model), 1e-5);
}

#[derive(Deserialize)]
struct Shipped {
    model_sha256: String,
    raw: Vec<f64>,
}

#[test]
fn the_official_catboost_loads_what_we_ship_and_answers_the_same() {
    let customers = Customers::generate();
    let shipped: Shipped = reference("shipped_catboost.json", &customers);
    let model = Model::load(&root().join("models/catboost")).unwrap();
    assert_eq!(
        model.manifest().sha256,
        shipped.model_sha256,
        "the shipped model has changed: run tests/reference/make_references.py again"
    );
    let calibration = model.manifest().calibration.clone();
    let theirs: Vec<f64> = shipped.raw.iter().map(|&raw| calibration.probability(raw)).collect();
    assert_within("shipped CatBoost", &customers.probabilities(&model), &theirs, 1e-12);
}

#[derive(Deserialize)]
struct Missing {
    cases: Vec<MissingCase>,
}

#[derive(Deserialize)]
struct MissingCase {
    nan_mode: String,
    model: String,
    raw: Vec<f64>,
}

#[test]
fn official_catboost_models_score_missing_numbers_as_they_learned_to() {
    let mut customers = Customers::generate();
    let [tenure, charges] = ["tenure", "MonthlyCharges"].map(|name| customers.column(name));
    // The script blanks the same cells.
    customers.rows.iter_mut().skip(3).step_by(7).for_each(|row| row[charges].clear());
    customers.rows.iter_mut().skip(1).step_by(5).for_each(|row| row[tenure].clear());
    let missing: Missing = reference("catboost_missing.json", &customers);
    for case in missing.cases {
        let manifest = catboost::import("official", case.model.as_bytes()).unwrap();
        let model =
            Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), case.model.as_bytes()).unwrap();
        let theirs: Vec<f64> = case.raw.iter().map(|&raw| Calibration::IDENTITY.probability(raw)).collect();
        assert_within(&case.nan_mode, &customers.probabilities(&model), &theirs, 1e-12);
    }
}

#[test]
fn every_shipped_model_finds_generated_customers_plausible() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("customers.csv");
    let data = DemoData { rows: 5_000, seed: 3, has_labels: true, shift: 0.0 };
    data.write(fs::File::create(&path).unwrap()).unwrap();
    for name in ["logistic", "svm", "random_forest", "catboost"] {
        let model = Model::load(&root().join("models").join(name)).unwrap();
        let found = learning::evaluate(&model, &path).unwrap().metrics;
        assert!(found.auc.unwrap() > 0.8 && found.calibration_error.unwrap() < 0.05, "{name}: {found:?}");
        assert!(model.manifest().metrics.auc.unwrap() > 0.835, "{name}");
        assert!(fs::metadata(root().join("models").join(name).join("model.json")).unwrap().len() < 2 << 20);
    }
}
