//! Models of the official CatBoost and XGBoost, and such that we trained, beside these libraries' answers.
//!
//! The models and answers are in tests/reference/imports, with the scripts that made them one directory
//! above. Their rows are invented.

use std::fs;
use std::path::Path;

use scoring::{FeatureKind, MISSING, Manifest, Model, ModelError, UNKNOWN, catboost};
use serde_json::{Value, json};

type Change = fn(&mut Value);

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

/// What becomes of an official model after a change to its file.
fn changed(name: &str, change: Change) -> Result<Model, ModelError> {
    let mut reference = reference(name);
    change(&mut reference["model"]);
    let file = model_file(&reference);
    build(&scoring::import("changed", &file)?, &file)
}

fn assert_unsupported(name: &str, changes: &[(&str, Change)]) {
    for (reason, change) in changes {
        match changed(name, *change) {
            Err(ModelError::Unsupported(message)) => assert!(message.contains(reason), "{message}"),
            other => panic!("{reason} was not refused: {other:?}"),
        }
    }
}

fn assert_invalid(name: &str, changes: &[Change]) {
    for (place, change) in changes.iter().enumerate() {
        let result = changed(name, *change);
        assert!(matches!(result, Err(ModelError::Invalid(_))), "{name}, change {place}: {result:?}");
    }
}

/// A chain of questions, each the child of the one before.
fn chain(length: usize) -> Value {
    let split = json!({
        "split_type": "FloatFeature",
        "float_feature_index": 0,
        "border": -1.5,
        "split_index": 0,
    });
    (0..length).fold(
        json!({ "value": 1.0 }),
        |tree, _| json!({ "left": tree, "right": { "value": 0.5 }, "split": split }),
    )
}

#[test]
fn models_of_catboost_that_cannot_be_exact_are_refused_with_a_reason() {
    assert_unsupported(
        "catboost_one_hot",
        &[
            ("text", |model| model["features_info"]["text_features"] = json!([{}])),
            ("embedding", |model| model["features_info"]["embedding_features"] = json!([{}])),
            ("several", |model| model["scale_and_bias"] = json!([1, [0, 0, 0]])),
            ("RMSE", |model| model["model_info"]["params"]["loss_function"]["type"] = json!("RMSE")),
            ("pool=", |model| model["features_info"]["cat_features_hash"] = json!(null)),
            ("no trees", |model| model["oblivious_trees"] = json!([])),
            ("only in case", |model| {
                let hash = catboost::category_hash("RED");
                let strings = model["features_info"]["cat_features_hash"].as_array_mut().unwrap();
                strings.push(json!({ "hash": hash, "value": "RED" }));
            }),
        ],
    );
    assert_unsupported(
        "catboost_ctr_borders",
        &[
            ("\"Median\"", |model| model["features_info"]["ctrs"][0]["ctr_type"] = json!("Median")),
            ("pool=", |model| model["features_info"]["cat_features_hash"] = json!([])),
            ("training pool", |model| {
                model["features_info"]["cat_features_hash"].as_array_mut().unwrap().pop();
            }),
        ],
    );
    assert_unsupported(
        "catboost_depth_1",
        &[("deeper", |model| {
            let splits = vec![model["oblivious_trees"][0]["splits"][0].clone(); 60];
            model["oblivious_trees"][0]["splits"] = json!(splits);
        })],
    );
    assert_unsupported(
        "catboost_lossguide_deep",
        &[("deeper", |model| {
            model["features_info"]["float_features"][0]["borders"] = json!([-1.5]);
            model["trees"] = json!([chain(17)]);
        })],
    );
}

#[test]
fn damaged_models_of_catboost_are_refused() {
    assert_invalid(
        "catboost_one_hot",
        &[
            |model| model["oblivious_trees"][0]["leaf_values"][0] = json!(null),
            |model| model["oblivious_trees"][0]["splits"][0]["split_index"] = json!(-1),
            |model| model["scale_and_bias"] = json!(["x", [0]]),
            |model| model["features_info"]["cat_features_hash"][0]["hash"] = json!(1),
        ],
    );
    assert_invalid(
        "catboost_lossguide_deep",
        &[
            |model| model["trees"][0]["left"] = json!(null),
            |model| model["trees"][0] = json!({ "value": "much" }),
            |model| model["trees"][0]["split"]["border"] = json!(77.0),
            // The parser itself ends before the stack does.
            |model| model["trees"][0] = chain(200),
        ],
    );
    assert_invalid(
        "catboost_ctr_combinations",
        &[
            |model| model["ctr_data"] = json!({}),
            |model| {
                for table in model["ctr_data"].as_object_mut().unwrap().values_mut() {
                    table["hash_stride"] = json!(0);
                }
            },
            |model| {
                for table in model["ctr_data"].as_object_mut().unwrap().values_mut() {
                    table["hash_map"] = json!(["x", 1, 2]);
                }
            },
            |model| {
                for ctr in model["features_info"]["ctrs"].as_array_mut().unwrap() {
                    let unlisted =
                        json!({ "combination_element": "cat_feature_value", "cat_feature_index": 9 });
                    ctr["elements"] = json!([unlisted, unlisted]);
                }
            },
        ],
    );
}

#[test]
fn models_of_xgboost_that_cannot_be_exact_are_refused_with_a_reason() {
    assert_unsupported(
        "xgboost_plain",
        &[
            ("dart", |model| model["learner"]["gradient_booster"] = json!({ "name": "dart", "gbtree": {} })),
            ("gblinear", |model| model["learner"]["gradient_booster"]["name"] = json!("gblinear")),
            ("multi:softprob", |model| model["learner"]["objective"]["name"] = json!("multi:softprob")),
            ("reg:squarederror", |model| model["learner"]["objective"]["name"] = json!("reg:squarederror")),
            ("classes", |model| model["learner"]["learner_model_param"]["num_class"] = json!("3")),
            ("targets", |model| model["learner"]["learner_model_param"]["num_target"] = json!("2")),
            ("categorical", |model| model["learner"]["feature_types"] = json!(["float", "c"])),
            ("categorical", |model| tree(model)["split_type"][0] = json!(1)),
            ("categorical", |model| tree(model)["categories_nodes"] = json!([0])),
            ("several values", |model| tree(model)["tree_param"]["size_leaf_vector"] = json!("2")),
            ("no trees", |model| model["learner"]["gradient_booster"]["model"]["trees"] = json!([])),
        ],
    );
}

fn tree(model: &mut Value) -> &mut Value {
    &mut model["learner"]["gradient_booster"]["model"]["trees"][0]
}

#[test]
fn damaged_models_of_xgboost_are_refused() {
    assert_invalid(
        "xgboost_plain",
        &[
            |model| tree(model)["left_children"][0] = json!(0),
            |model| tree(model)["left_children"][0] = json!(2),
            |model| tree(model)["right_children"][0] = json!(-1),
            |model| tree(model)["right_children"][0] = json!(1_000_000),
            |model| tree(model)["split_indices"][0] = json!(2),
            |model| tree(model)["split_indices"][0] = json!(-1),
            |model| tree(model)["split_conditions"][0] = json!(1e300),
            |model| tree(model)["default_left"] = json!([]),
            |model| tree(model)["left_children"] = json!([]),
            |model| model["learner"]["learner_model_param"]["base_score"] = json!("[5E-1,5E-1]"),
            |model| model["learner"]["learner_model_param"]["base_score"] = json!("0"),
            |model| model["learner"]["learner_model_param"]["num_feature"] = json!("4000000000"),
            |model| model["learner"]["feature_names"] = json!(["first"]),
        ],
    );
    assert_invalid(
        "xgboost_stopped",
        &[|model| model["learner"]["attributes"]["best_iteration"] = json!("99999999999999999999")],
    );
}

#[test]
fn files_of_older_versions_of_xgboost_score_the_same() {
    let change: Change = |model| {
        model["learner"]["learner_model_param"]["base_score"] = json!("3E-1");
        let booster = &mut model["learner"]["gradient_booster"]["model"];
        booster.as_object_mut().unwrap().remove("iteration_indptr");
        for tree in booster["trees"].as_array_mut().unwrap() {
            let flags: Vec<bool> =
                tree["default_left"].as_array().unwrap().iter().map(|flag| flag == 1).collect();
            tree["default_left"] = json!(flags);
            tree["tree_param"]["size_leaf_vector"] = json!("0");
        }
    };
    let model = changed("xgboost_base_score", change).unwrap();
    assert!(difference(&reference("xgboost_base_score"), &model) <= 1e-6);
}

#[test]
fn other_files_are_not_taken_for_models() {
    for (file, reason) in [
        (&b"CBM1\x10\x00"[..], "format=\"json\""),
        (b"{L\x00\x00", "save_model(\"model.json\")"),
        (b"{}", "neither"),
        (b"[]", "no JSON"),
        (b"a,b\n1,2\n", "no JSON"),
        (&[b'['; 100_000], "no JSON"),
    ] {
        let message = scoring::import("other", file).unwrap_err().to_string();
        assert!(message.contains(reason), "{message}");
    }
}
