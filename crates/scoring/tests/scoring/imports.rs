//! Models of the official CatBoost and XGBoost, and such that we trained, beside these libraries' answers.
//!
//! The models and answers are in tests/reference/imports, with the scripts that made them one directory
//! above. Their rows are invented.

use std::fs;
use std::path::Path;

use scoring::{FeatureKind, MISSING, Manifest, Model, ModelError, UNKNOWN, catboost};
use serde_json::{Value, json};

fn reference(name: &str) -> Value {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/imports");
    serde_json::from_slice(&fs::read(directory.join(format!("{name}.json"))).unwrap()).unwrap()
}

/// The model of a reference, with what the script has left out because of its length.
fn model_file(reference: &Value) -> Vec<u8> {
    let mut model = reference["model"].clone();
    match reference["fill"].as_str() {
        Some("borders") => {
            let borders: Vec<f64> = (0..65_535).map(|step| f64::from(step) / 64.0 - 500.0).collect();
            model["features_info"]["float_features"][0]["borders"] = json!(borders);
        }
        Some("leaves") => {
            let leaf = |place: u64| ((place * 2_654_435_761) % 1_048_576) as f64 / 1_048_576.0 - 0.5;
            model["oblivious_trees"][0]["leaf_values"] = (0..1 << 16).map(leaf).collect();
        }
        _ => {}
    }
    serde_json::to_vec(&model).unwrap()
}

fn build(manifest: &Manifest, file: &[u8]) -> Result<Model, ModelError> {
    Model::from_parts(&serde_json::to_vec(manifest).unwrap(), file)
}

/// The greatest difference to the library's probabilities.
fn difference(reference: &Value, model: &Model) -> f64 {
    let rows = reference["rows"].as_array().unwrap();
    let raw = reference["raw"].as_array().unwrap();
    assert!(rows.len() == raw.len() && !rows.is_empty());
    let (mut numbers, mut codes) = (Vec::new(), Vec::new());
    for row in rows {
        for (feature, cell) in model.manifest().schema.features.iter().zip(row.as_array().unwrap()) {
            match &feature.kind {
                FeatureKind::Number => numbers.push(cell.as_f64().unwrap_or(f64::NAN)),
                FeatureKind::Category { values } => {
                    let known = values.iter().position(|value| cell.as_str() == Some(&value.value));
                    let code = known.map_or(UNKNOWN, |code| u32::try_from(code).unwrap());
                    codes.push(if cell == "" { MISSING } else { code });
                }
            }
        }
    }
    let mut probabilities = Vec::new();
    model.score_rows(rows.len(), &numbers, &codes, &mut probabilities);
    let theirs = raw.iter().map(|raw| 1.0 / (1.0 + (-raw.as_f64().unwrap()).exp()));
    probabilities.iter().zip(theirs).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max)
}

#[test]
fn models_of_catboost_give_its_own_answers() {
    for name in [
        "nan_min",
        "nan_max",
        "nan_forbidden",
        "missing_kinds",
        "depth_1",
        "depth_16",
        "many_borders",
        "one_hot",
        "lossguide",
        "lossguide_deep",
        "depthwise",
        "constant",
        "ours",
        "ctr_borders",
        "ctr_buckets",
        "ctr_binarizedtargetmeanvalue",
        "ctr_counter",
        "ctr_combinations",
        "ctr_lossguide",
    ] {
        let reference = reference(&format!("catboost_{name}"));
        let file = model_file(&reference);
        let manifest = catboost::import("theirs", &file).unwrap();
        let difference = difference(&reference, &build(&manifest, &file).unwrap());
        println!("{name}: {difference:e}");
        assert!(difference <= 1e-12, "{name}: {difference:e}");
    }
}

#[test]
fn models_of_xgboost_give_its_own_answers() {
    for name in
        ["plain", "base_score", "lossguide", "pruned", "parallel", "stumps", "unnamed", "stopped", "ours"]
    {
        let reference = reference(&format!("xgboost_{name}"));
        let file = model_file(&reference);
        let manifest = scoring::import("theirs", &file).unwrap();
        let difference = difference(&reference, &build(&manifest, &file).unwrap());
        println!("{name}: {difference:e}");
        assert!(difference <= 1e-6, "{name}: {difference:e}");
    }
}

#[test]
fn categories_are_hashed_as_catboost_hashes_them() {
    let reference = reference("catboost_hashes");
    let hashes: Vec<(String, u32)> = serde_json::from_value(reference["hashes"].clone()).unwrap();
    assert!(hashes.len() > 150);
    for (value, hash) in hashes {
        assert_eq!(catboost::category_hash(&value), hash, "{value:?}");
    }
}
