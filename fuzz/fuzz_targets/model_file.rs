//! Any bytes as a model file, for every engine: read or refused, and what is read scores without a panic.
//! The first byte chooses the engine, the others are the file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use scoring::{MISSING, Model, UNKNOWN, model};
use serde_json::json;

const ALGORITHMS: [&str; 5] = ["logistic", "random_forest", "catboost", "xgboost", "mlp"];

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, file)) = bytes.split_first() else { return };
    let algorithm = ALGORITHMS[usize::from(choice) % ALGORITHMS.len()];
    let keeps_missing = matches!(algorithm, "catboost" | "xgboost");
    let missing = if keeps_missing { json!(null) } else { json!(0.5) };
    let manifest = json!({
        "name": "fuzzed", "algorithm": algorithm, "version": "1", "description": "", "file": "model.json",
        "sha256": model::checksum(file),
        "schema": { "features": [
            { "name": "a", "kind": "number" },
            { "name": "b", "kind": "number" },
            { "name": "c", "kind": "category", "values": [{ "value": "x" }, { "value": "y" }] },
        ] },
        "inputs": [
            { "name": "a", "feature": "a", "encoding": "number", "missing": missing },
            { "name": "b", "feature": "b", "encoding": "number", "missing": missing },
            { "name": "c=x", "feature": "c", "encoding": "category", "values": [1.0, 0.0], "unknown": 0.0, "missing": 0.0 },
        ],
        "calibration": { "slope": 1.0, "offset": 0.0 }, "threshold": 0.5,
    });
    let manifest = serde_json::to_vec(&manifest).expect("plain JSON");
    if let Ok(model) = Model::from_parts(&manifest, file) {
        let numbers = [0.0, 1.5, f64::NAN, -3.0, 1e30, f64::NAN];
        let mut probabilities = Vec::new();
        model.score_rows(3, &numbers, &[0, UNKNOWN, MISSING], &mut probabilities);
        assert!(probabilities.iter().all(|p| (0.0..=1.0).contains(p)), "{probabilities:?}");
    }
    // Imports read the schema from the file itself.
    if let Ok(manifest) = scoring::import("fuzzed", file) {
        let manifest = serde_json::to_vec(&manifest).expect("plain JSON");
        if let Ok(model) = Model::from_parts(&manifest, file) {
            let features = &model.manifest().schema.features;
            let numbers = vec![f64::NAN; features.len()];
            model.score_rows(1, &numbers, &vec![UNKNOWN; features.len()], &mut Vec::new());
        }
    }
});
