//! The fuzzer's seeds: a small model of each engine, whole and cut short or bent at every place.

use std::fs;
use std::path::Path;

use scoring::{MISSING, Model, UNKNOWN, model};
use serde_json::{Value, json};

const ALGORITHMS: [&str; 5] = ["logistic", "random_forest", "catboost", "xgboost", "mlp"];

/// The manifest of `fuzz/fuzz_targets/model_file.rs`.
fn manifest(algorithm: &str, file: &[u8]) -> Vec<u8> {
    let missing = if matches!(algorithm, "catboost" | "xgboost") { Value::Null } else { json!(0.5) };
    let number =
        |name: &str| json!({ "name": name, "feature": name, "encoding": "number", "missing": missing });
    let manifest = json!({
        "name": "seed", "algorithm": algorithm, "version": "1", "description": "", "file": "model.json",
        "sha256": model::checksum(file),
        "schema": { "features": [
            { "name": "a", "kind": "number" },
            { "name": "b", "kind": "number" },
            { "name": "c", "kind": "category", "values": [{ "value": "x" }, { "value": "y" }] },
        ] },
        "inputs": [number("a"), number("b"), {
            "name": "c=x", "feature": "c", "encoding": "category", "values": [1.0, 0.0], "unknown": 0.0,
            "missing": 0.0,
        }],
        "calibration": { "slope": 1.0, "offset": 0.0 }, "threshold": 0.5,
    });
    serde_json::to_vec(&manifest).unwrap()
}

/// Whether the file is a model; one that is gives probabilities.
fn is_read(algorithm: &str, file: &[u8]) -> bool {
    let Ok(model) = Model::from_parts(&manifest(algorithm, file), file) else { return false };
    let mut probabilities = Vec::new();
    let numbers = [0.0, 1.5, f64::NAN, -3.0, 1e30, f64::NAN];
    model.score_rows(3, &numbers, &[0, UNKNOWN, MISSING], &mut probabilities);
    assert!(probabilities.iter().all(|probability| (0.0..=1.0).contains(probability)), "{probabilities:?}");
    true
}

#[test]
fn damaged_models_of_every_engine_are_read_or_refused_and_never_crash() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds");
    let mut read = [0; ALGORITHMS.len()];
    for entry in fs::read_dir(seeds).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let (choice, file) = (usize::from(bytes[0]), &bytes[1..]);
        let algorithm = ALGORITHMS[choice];
        read[choice] += usize::from(is_read(algorithm, file));
        for place in 0..file.len() {
            is_read(algorithm, &file[..place]);
            for wrong in [b'9', b'-', b'0', b']'] {
                let mut bent = file.to_vec();
                bent[place] = wrong;
                is_read(algorithm, &bent);
            }
        }
    }
    assert!(read.iter().all(|&count| count > 0), "{read:?}");
}
