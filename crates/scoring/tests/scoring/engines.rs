//! The engines: right numbers, and a clear reason where a model cannot be served.

use scoring::forest::{self, ForestFile};
use scoring::linear::{self, LinearFile, LinearTerm};
use scoring::{
    Algorithm, Calibration, Input, InputEncoding, MISSING, Manifest, Model, ModelError, Schema, UNKNOWN,
    catboost, vocabulary,
};
use serde_json::{Value, json};

use crate::shop::{build, manifest, model, numbers};

fn sigmoid(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

fn assert_close(left: f64, right: f64, tolerance: f64) {
    assert!((left - right).abs() <= tolerance, "{left} is not {right}");
}

#[test]
fn one_hot_inputs_and_scales_are_folded_exactly() {
    let contract = vocabulary::known_feature("Contract").unwrap();
    let (mut schema, mut inputs) = numbers(&["tenure"], Some(32.5));
    schema.features.push(contract);
    for (position, value) in ["Month-to-month", "One year", "Two year"].into_iter().enumerate() {
        let mut values = vec![0.0; 3];
        values[position] = 1.0;
        inputs.push(Input {
            name: format!("Contract={value}"),
            feature: "Contract".to_owned(),
            encoding: InputEncoding::Category { values, unknown: 0.0, missing: 0.25 },
        });
    }
    let terms: Vec<LinearTerm> = [(32.0, 24.0, -0.7), (0.5, 0.4, 0.8), (0.2, 0.4, 0.1), (0.3, 0.45, -0.9)]
        .into_iter()
        .map(|(mean, scale, weight)| LinearTerm { mean, scale, weight })
        .collect();
    let file = LinearFile { format: linear::FORMAT.to_owned(), intercept: -1.2, terms: terms.clone() };
    let calibration = Calibration::Platt { slope: 1.3, offset: 0.2 };
    let file = serde_json::to_vec(&file).unwrap();
    let model = build(Algorithm::Svm, schema, inputs, calibration, &file).unwrap();
    for (tenure, code, encoded) in [
        (5.0, 0, [1.0, 0.0, 0.0]),
        (71.0, 2, [0.0, 0.0, 1.0]),
        (f64::NAN, UNKNOWN, [0.0; 3]),
        (1.5, 77, [0.0; 3]),
        (1.5, MISSING, [0.25; 3]),
    ] {
        let values = [if tenure.is_nan() { 32.5 } else { tenure }, encoded[0], encoded[1], encoded[2]];
        let score: f64 = terms
            .iter()
            .zip(values)
            .map(|(term, value)| term.weight * (value - term.mean) / term.scale)
            .sum();
        assert_close(model.score(&[tenure], &[code]), sigmoid(1.3 * (score - 1.2) + 0.2), 1e-12);
    }
}

#[test]
fn many_rows_score_as_each_alone() {
    let model = model();
    let rows = 1000;
    let numbers: Vec<f64> = (0..rows * 2).map(|place| (place * 7 % 113) as f64).collect();
    let categories: Vec<u32> =
        (0..rows as u32 * 2).map(|place| if place % 11 == 0 { MISSING } else { place % 4 }).collect();
    let mut probabilities = Vec::new();
    model.score_rows(rows, &numbers, &categories, &mut probabilities);
    assert_eq!(probabilities.len(), rows);
    for row in 0..rows {
        let alone = model.score(&numbers[row * 2..][..2], &categories[row * 2..][..2]);
        assert_eq!(alone.to_bits(), probabilities[row].to_bits());
        assert!(alone > 0.0 && alone < 1.0);
    }
}

fn two_trees() -> ForestFile {
    ForestFile {
        format: forest::FORMAT.to_owned(),
        roots: vec![0, 2],
        inputs: vec![0, 1, 1],
        thresholds: vec![10.0, 0.5, 3.0],
        left: vec![1, -1, -3],
        right: vec![-2, -3, -4],
        leaves: vec![0.1, 0.2, 0.6, 1.0],
    }
}

fn forest(file: &ForestFile) -> Result<Model, ModelError> {
    let (schema, inputs) = numbers(&["a", "b"], Some(-1.0));
    let file = serde_json::to_vec(file).unwrap();
    build(Algorithm::RandomForest, schema, inputs, Calibration::IDENTITY, &file)
}

#[test]
fn a_forest_is_the_mean_of_its_leaves() {
    let model = forest(&two_trees()).unwrap();
    for (a, b, mean) in [
        (10.0, 0.5, f64::midpoint(0.1, 0.6)),
        (10.0, 0.6, f64::midpoint(0.6, 0.6)),
        (10.5, 3.5, f64::midpoint(0.2, 1.0)),
        (f64::NAN, f64::NAN, f64::midpoint(0.1, 0.6)),
    ] {
        assert_close(model.score(&[a, b], &[]), mean, 1e-12);
    }
}

#[test]
fn a_forest_that_might_loop_or_reach_out_is_refused() {
    let bad: [fn(&mut ForestFile); 10] = [
        |file| file.roots[1] = 1,
        |file| file.left[1] = 0,
        |file| file.left[1] = 1,
        |file| file.right[0] = 3,
        |file| file.right[0] = -5,
        |file| file.roots[0] = 9,
        |file| file.inputs[0] = 2,
        |file| file.leaves[0] = 1.5,
        |file| file.roots.clear(),
        |file| file.left.truncate(2),
    ];
    for change in bad {
        let mut file = two_trees();
        change(&mut file);
        assert!(matches!(forest(&file), Err(ModelError::Invalid(_))));
    }
    let unknown = ForestFile { format: "augur-forest-9".to_owned(), ..two_trees() };
    assert!(matches!(forest(&unknown), Err(ModelError::Unsupported(_))));
}

/// Models of the official library with its own answers; see reference/make_catboost.py.
#[test]
fn catboost_models_score_as_the_official_library_does() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("reference/catboost.json")).unwrap();
    assert!(cases.len() >= 5);
    for case in cases {
        let file = serde_json::to_vec(&case["model"]).unwrap();
        let manifest = catboost::import("imported", &file).unwrap();
        let model = Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), &file).unwrap();
        let rows: Vec<Vec<Option<f64>>> = serde_json::from_value(case["rows"].clone()).unwrap();
        let expected: Vec<f64> = serde_json::from_value(case["probabilities"].clone()).unwrap();
        for (row, expected) in rows.iter().zip(expected) {
            let row: Vec<f64> = row.iter().map(|number| number.unwrap_or(f64::NAN)).collect();
            assert_close(model.score(&row, &[]), expected, 1e-12);
        }
    }
}

fn small_catboost() -> Value {
    let feature = |index: usize, name: &str, treatment: &str, borders: Value| {
        json!({"borders": borders, "feature_id": name, "feature_index": index, "flat_feature_index": index,
               "has_nans": true, "nan_value_treatment": treatment})
    };
    let split = |feature: usize, border: f64| json!({"border": border, "float_feature_index": feature, "split_index": 0, "split_type": "FloatFeature"});
    json!({
        "features_info": {"float_features": [
            feature(0, "a", "AsFalse", json!([-3.402_823_466_385_288_6e38, 0.100_000_001_490_116_12])),
            feature(1, "b", "AsTrue", json!([2.5])),
            feature(2, "c", "AsIs", Value::Null),
        ]},
        "oblivious_trees": [
            {"leaf_values": [1.0, 2.0, 4.0, 8.0], "splits": [split(0, 0.100_000_001_490_116_12), split(1, 2.5)]},
            {"leaf_values": [0.5], "splits": null},
            {"leaf_values": [16.0, 32.0], "splits": [split(0, -3.402_823_466_385_288_6e38)]},
        ],
        "scale_and_bias": [0.1, [0.25]],
    })
}

fn catboost(file: &Value) -> Result<Model, ModelError> {
    let (schema, inputs) = numbers(&["a", "b", "c"], None);
    let file = serde_json::to_vec(file).unwrap();
    build(Algorithm::Catboost, schema, inputs, Calibration::IDENTITY, &file)
}

#[test]
fn catboost_compares_as_f32_and_knows_missing_values() {
    let model = catboost(&small_catboost()).unwrap();
    for (a, b, sum) in [
        (0.2, 3.0, 8.0 + 0.5 + 32.0),
        // 0.1 as f32 is the border itself, not above it.
        (0.1, 3.0, 4.0 + 0.5 + 32.0),
        (0.2, 2.5, 2.0 + 0.5 + 32.0),
        (f64::NAN, f64::NAN, 4.0 + 0.5 + 16.0),
        (-1e300, -1.0, 1.0 + 0.5 + 16.0),
    ] {
        assert_close(model.score(&[a, b, f64::NAN], &[]), sigmoid(0.1 * sum + 0.25), 1e-12);
    }
    let mut older = small_catboost();
    older["scale_and_bias"] = json!([0.1, 0.25]);
    assert_eq!(catboost(&older).unwrap().score(&[0.2, 3.0, 0.0], &[]), model.score(&[0.2, 3.0, 0.0], &[]));
}

#[test]
fn catboost_models_that_cannot_be_exact_are_refused_with_a_reason() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 6] = [
        ("embedding", |file| file["features_info"]["embedding_features"] = json!([{}])),
        ("text", |file| file["features_info"]["text_features"] = json!([{}])),
        ("others at once", |file| file["trees"] = json!([{"value": 1.0}])),
        ("several", |file| file["scale_and_bias"] = json!([1, [0, 0, 0]])),
        ("RMSE", |file| file["model_info"] = json!({"params": {"loss_function": {"type": "RMSE"}}})),
        ("EmbeddingSplit", |file| {
            file["oblivious_trees"][0]["splits"][0]["split_type"] = json!("EmbeddingSplit")
        }),
    ];
    for (reason, change) in changes {
        let mut file = small_catboost();
        change(&mut file);
        match catboost(&file) {
            Err(ModelError::Unsupported(message)) => assert!(message.contains(reason), "{message}"),
            other => panic!("{reason} was not refused: {other:?}"),
        }
    }
    let broken: [Change; 3] = [
        |file| file["oblivious_trees"][0]["splits"][0]["border"] = json!(0.3),
        |file| file["oblivious_trees"][0]["splits"][0]["float_feature_index"] = json!(9),
        |file| file["features_info"]["float_features"][0]["feature_id"] = json!("b"),
    ];
    for change in broken {
        let mut file = small_catboost();
        change(&mut file);
        assert!(matches!(catboost(&file), Err(ModelError::Invalid(_))));
    }
}

#[test]
fn an_imported_model_has_the_columns_of_its_features() {
    let file = serde_json::to_vec(&small_catboost()).unwrap();
    let manifest = catboost::import("theirs", &file).unwrap();
    let names: Vec<_> = manifest.schema.features.iter().map(|feature| feature.name.as_str()).collect();
    assert_eq!((names, manifest.threshold), (vec!["a", "b", "c"], 0.5));
    assert!(Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), &file).is_ok());
}

#[test]
fn a_model_file_must_be_the_one_that_the_manifest_names() {
    let file = serde_json::to_vec(&two_trees()).unwrap();
    let (schema, inputs) = numbers(&["a", "b"], Some(0.0));
    let manifest = serde_json::to_vec(&manifest(Algorithm::RandomForest, schema, inputs, &file)).unwrap();
    assert!(Model::from_parts(&manifest, &file).is_ok());
    let changed = [&file[..], b" "].concat();
    assert!(matches!(Model::from_parts(&manifest, &changed), Err(ModelError::Checksum { .. })));
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let file = serde_json::to_vec(&two_trees()).unwrap();
    let good = || {
        let (schema, inputs) = numbers(&["a", "b"], Some(0.0));
        manifest(Algorithm::RandomForest, schema, inputs, &file)
    };
    let changes: [fn(&mut Manifest); 7] = [
        |manifest| manifest.calibration = Calibration::Platt { slope: 0.0, offset: 0.0 },
        |manifest| manifest.threshold = 1.5,
        |manifest| manifest.schema.features[1].aliases.push("A ".to_owned()),
        |manifest| manifest.schema.outcomes.push("b".to_owned()),
        |manifest| manifest.schema = Schema::default(),
        |manifest| manifest.inputs[0].feature = "z".to_owned(),
        |manifest| manifest.file = "../model.json".to_owned(),
    ];
    for change in changes {
        let mut manifest = good();
        change(&mut manifest);
        let refused = Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), &file);
        assert!(matches!(refused, Err(ModelError::Invalid(_))), "{manifest:?}");
    }
}

#[test]
fn a_model_is_loaded_from_its_directory() {
    let directory = std::env::temp_dir().join(format!("augur-model-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = serde_json::to_vec(&two_trees()).unwrap();
    let (schema, inputs) = numbers(&["a", "b"], Some(0.0));
    let manifest = manifest(Algorithm::RandomForest, schema, inputs, &file);
    std::fs::write(directory.join("manifest.json"), serde_json::to_vec(&manifest).unwrap()).unwrap();
    assert!(matches!(Model::load(&directory), Err(ModelError::Read { .. })));
    std::fs::write(directory.join("model.json"), &file).unwrap();
    assert_eq!(Model::load(&directory).unwrap().manifest(), &manifest);
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn calibration_never_changes_a_ranking() {
    let calibration = Calibration::Platt { slope: 0.8, offset: -0.3 };
    let scores: Vec<f64> = (-300..300).map(|score| f64::from(score) / 20.0).collect();
    let probabilities: Vec<f64> = scores.iter().map(|&score| calibration.probability(score)).collect();
    assert!(probabilities.windows(2).all(|pair| pair[0] < pair[1]));
    for score in [-1e300, -1e3, 0.0, 1e3, 1e300] {
        let probability = calibration.probability(score);
        assert!(probability > 0.0 && probability < 1.0);
    }
}
