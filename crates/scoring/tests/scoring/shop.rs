//! An invented model and invented customer files.

use std::io::Write;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use scoring::linear::{self, LinearFile, LinearTerm};
use scoring::model::checksum;
use scoring::{
    Algorithm, Calibration, Dialect, Feature, FeatureKind, Input, InputEncoding, InputError, Inspection,
    Inspector, Limits, Manifest, Metrics, Model, OnError, Schema, ScoreError, ScoreOptions, Summary,
    score_csv, vocabulary,
};

/// Weights of the model: of tenure (without means), charges (centred and scaled), and the categories.
pub const INTERCEPT: f64 = -0.4;
pub const TENURE_WEIGHT: f64 = -0.05;
pub const CHARGES: LinearTerm = LinearTerm { mean: 60.0, scale: 30.0, weight: 0.6 };
pub const CONTRACT: [f64; 3] = [0.9, -0.3, -1.1];
pub const SENIOR: [f64; 2] = [0.0, 0.4];
/// What a missing tenure and a missing charge count as.
pub const TENURE_MISSING: f64 = 30.0;
pub const CHARGES_MISSING: f64 = 65.0;

/// A customer as the model sees it; `None` is missing.
#[derive(Clone, Copy)]
pub struct Customer {
    pub tenure: Option<f64>,
    pub charges: Option<f64>,
    pub contract: Option<usize>,
    pub senior: Option<usize>,
}

/// What the model must say, calculated in the plainest way.
pub fn probability(customer: Customer) -> f64 {
    let charges = customer.charges.unwrap_or(CHARGES_MISSING);
    let score = INTERCEPT
        + TENURE_WEIGHT * customer.tenure.unwrap_or(TENURE_MISSING)
        + CHARGES.weight * (charges - CHARGES.mean) / CHARGES.scale
        + customer.contract.map_or(0.0, |value| CONTRACT[value])
        + customer.senior.map_or(0.0, |value| SENIOR[value]);
    1.0 / (1.0 + (-score).exp())
}

pub fn six_decimals(probability: f64) -> String {
    format!("{probability:.6}")
}

pub fn schema() -> Schema {
    let known = |name| vocabulary::known_feature(name).expect("a known column");
    Schema {
        features: ["tenure", "MonthlyCharges", "Contract", "SeniorCitizen"].map(known).to_vec(),
        outcomes: vocabulary::outcomes(),
    }
}

pub fn model() -> Model {
    let number = |feature: &str, missing| Input {
        name: feature.to_owned(),
        feature: feature.to_owned(),
        encoding: InputEncoding::Number { missing: Some(missing) },
    };
    let category = |feature: &str, weights: &[f64]| Input {
        name: format!("{feature}, coded"),
        feature: feature.to_owned(),
        encoding: InputEncoding::Category { values: weights.to_vec(), unknown: 0.0, missing: 0.0 },
    };
    let inputs = vec![
        number("tenure", TENURE_MISSING),
        number("MonthlyCharges", CHARGES_MISSING),
        category("Contract", &CONTRACT),
        category("SeniorCitizen", &SENIOR),
    ];
    let plain = |weight| LinearTerm { mean: 0.0, scale: 1.0, weight };
    let terms = vec![plain(TENURE_WEIGHT), CHARGES, plain(1.0), plain(1.0)];
    let file = LinearFile { format: linear::FORMAT.to_owned(), intercept: INTERCEPT, terms };
    build(Algorithm::Logistic, schema(), inputs, Calibration::IDENTITY, &serde_json::to_vec(&file).unwrap())
        .expect("a good model")
}

pub fn manifest(algorithm: Algorithm, schema: Schema, inputs: Vec<Input>, file: &[u8]) -> Manifest {
    Manifest {
        name: "invented".to_owned(),
        algorithm,
        version: "1".to_owned(),
        description: String::new(),
        file: "model.json".to_owned(),
        sha256: checksum(file),
        schema,
        derived: Vec::new(),
        inputs,
        calibration: Calibration::IDENTITY,
        threshold: 0.5,
        metrics: Metrics::default(),
        training: None,
        reference: None,
        profile: None,
        levers: None,
        effects: Vec::new(),
    }
}

pub fn build(
    algorithm: Algorithm,
    schema: Schema,
    inputs: Vec<Input>,
    calibration: Calibration,
    file: &[u8],
) -> Result<Model, scoring::ModelError> {
    let manifest = Manifest { calibration, ..manifest(algorithm, schema, inputs, file) };
    Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), file)
}

/// Number features under these names, and the inputs that pass them on; NaN where missing.
pub fn numbers(names: &[&str], missing: Option<f64>) -> (Schema, Vec<Input>) {
    let feature =
        |name: &&str| Feature { name: (*name).to_owned(), aliases: Vec::new(), kind: FeatureKind::Number };
    let input = |name: &&str| Input {
        name: (*name).to_owned(),
        feature: (*name).to_owned(),
        encoding: InputEncoding::Number { missing },
    };
    let schema = Schema { features: names.iter().map(feature).collect(), outcomes: Vec::new() };
    (schema, names.iter().map(input).collect())
}

pub fn inspect(bytes: &[u8]) -> Result<Inspection, InputError> {
    inspect_in_pieces(bytes, bytes.len().max(1))
}

pub fn inspect_in_pieces(bytes: &[u8], size: usize) -> Result<Inspection, InputError> {
    let mut inspector = Inspector::new(Limits::default());
    bytes.chunks(size).try_for_each(|piece| inspector.push(piece))?;
    inspector.finish()
}

pub fn dialect(bytes: &[u8]) -> Dialect {
    inspect(bytes).expect("a good file").dialect
}

/// Scores a file as the service does: inspect, then score.
pub fn score_bytes(bytes: &[u8], on_error: OnError) -> Result<(String, Summary), ScoreError> {
    let dialect = inspect(bytes)?.dialect;
    let options = ScoreOptions { on_error, rows_max: 1_000_000, threads: 1, extra: Vec::new() };
    let mut result = Vec::new();
    let summary = score_csv(&model(), &dialect, bytes, &mut result, &options, &mut |_| true)?;
    Ok((String::from_utf8(result).expect("a result is UTF-8"), summary))
}

pub fn score(text: &str) -> (String, Summary) {
    score_bytes(text.as_bytes(), OnError::Fail).expect("a good file")
}

pub fn score_error(bytes: &[u8], on_error: OnError) -> InputError {
    match score_bytes(bytes, on_error) {
        Err(ScoreError::Input(error)) => error,
        other => panic!("an input error was expected, not {other:?}"),
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn utf_16(text: &str, little_end_first: bool) -> Vec<u8> {
    let bytes = |unit: u16| if little_end_first { unit.to_le_bytes() } else { unit.to_be_bytes() };
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
}

pub fn windows_1251(text: &str) -> Vec<u8> {
    encoding_rs::WINDOWS_1251.encode(text).0.into_owned()
}
