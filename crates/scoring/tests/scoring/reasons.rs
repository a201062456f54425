//! Contributions beside those of the official packages, and what must hold of every algorithm's.
//!
//! The packages' answers are in tests/reference/shap, with the script that made them one directory above.

use std::fs;
use std::path::Path;

use scoring::linear::{FORMAT, LinearFile, LinearTerm};
use scoring::mlp::{LayerFile, MlpFile, NetworkFile};
use scoring::{
    Algorithm, Calibration, Derived, ExtraColumn, FeatureKind, Formula, Input, InputEncoding, Language,
    MISSING, Manifest, Model, ReasonColumns, Reference, ScoreOptions, UNKNOWN, catboost, explain_customers,
    mlp, score_csv, score_customers,
};
use serde_json::{Value, json};

use crate::shop;

fn read(directory: &str, name: &str) -> Value {
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference").join(directory);
    serde_json::from_slice(&fs::read(place.join(format!("{name}.json"))).unwrap()).unwrap()
}

fn build(manifest: &Manifest, file: &[u8]) -> Model {
    Model::from_parts(&serde_json::to_vec(manifest).unwrap(), file).unwrap()
}

/// The rows of a reference as numbers and codes.
fn cells(rows: &Value, model: &Model) -> (Vec<f64>, Vec<u32>) {
    let (mut numbers, mut codes) = (Vec::new(), Vec::new());
    for row in rows.as_array().unwrap() {
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
    (numbers, codes)
}

/// The greatest difference of contributions and base to a reference's, whose features are the schema's.
fn difference(model: &Model, rows: &Value, wanted: &Value) -> f64 {
    let (numbers, codes) = cells(rows, model);
    let count = wanted["values"].as_array().unwrap().len();
    let ours = model.contributions(count, &numbers, &codes).unwrap();
    let mut most = (ours.base - wanted["base"].as_f64().unwrap()).abs();
    for (row, theirs) in wanted["values"].as_array().unwrap().iter().enumerate() {
        for (ours, theirs) in ours.row(row).iter().zip(theirs.as_array().unwrap()) {
            most = most.max((ours - theirs.as_f64().unwrap()).abs());
        }
    }
    check_sums(model, count, &numbers, &codes);
    most
}

/// Base and contributions add up to the raw score.
fn check_sums(model: &Model, rows: usize, numbers: &[f64], codes: &[u32]) {
    let (reasons, raw) =
        (model.contributions(rows, numbers, codes).unwrap(), model.raw_scores(rows, numbers, codes));
    for (row, raw) in raw.into_iter().enumerate() {
        let sum = reasons.base + reasons.row(row).iter().sum::<f64>();
        assert!((sum - raw).abs() < 1e-9 * raw.abs().max(1.0), "row {row}: {sum} is not {raw}");
    }
}

#[test]
fn contributions_of_catboost_are_the_librarys_own() {
    for name in [
        "nan_min",
        "nan_max",
        "one_hot",
        "lossguide",
        "depthwise",
        "ours",
        "ctr_borders",
        "ctr_buckets",
        "ctr_binarizedtargetmeanvalue",
        "ctr_counter",
        "ctr_combinations",
        "ctr_lossguide",
    ] {
        let name = format!("catboost_{name}");
        let (reference, wanted) = (read("imports", &name), read("shap", &name));
        let file = serde_json::to_vec(&reference["model"]).unwrap();
        let model = build(&catboost::import("theirs", &file).unwrap(), &file);
        let difference = difference(&model, &reference["rows"], &wanted);
        println!("{name}: {difference:e}");
        assert!(difference <= 1e-6, "{name}: {difference:e}");
    }
}

#[test]
fn contributions_of_xgboost_are_those_of_shap() {
    for name in ["plain", "lossguide"] {
        let wanted = read("shap", &format!("xgboost_{name}"));
        let file = serde_json::to_vec(&wanted["model"]).unwrap();
        let model = build(&scoring::import("theirs", &file).unwrap(), &file);
        let difference = difference(&model, &wanted["rows"], &wanted);
        println!("{name}: {difference:e}");
        assert!(difference <= 1e-6, "{name}: {difference:e}");
    }
}

/// Those of shap are in shares; ours carry them to log-odds by one factor for each customer.
#[test]
fn contributions_of_forests_are_those_of_shap_in_log_odds() {
    for (name, algorithm) in [("forest", Algorithm::RandomForest), ("decision_tree", Algorithm::DecisionTree)]
    {
        let mut wanted = read("shap", name);
        let file = serde_json::to_vec(&wanted["model"]).unwrap();
        let (schema, inputs) = shop::numbers(&["a", "b", "c", "d", "e"], Some(0.0));
        let leaf_customers = serde_json::from_value(wanted["customers"].clone()).unwrap();
        let reference = Some(Reference { leaf_customers, ..Reference::default() });
        let model = build(&Manifest { reference, ..shop::manifest(algorithm, schema, inputs, &file) }, &file);
        let log_odds = |share: f64| {
            let share = share.clamp(1e-9, 1.0 - 1e-9);
            (share / (1.0 - share)).ln()
        };
        let base = wanted["base"].as_f64().unwrap();
        let shares: Vec<f64> = serde_json::from_value(wanted["shares"].clone()).unwrap();
        for (values, share) in wanted["values"].as_array_mut().unwrap().iter_mut().zip(shares) {
            let factor = (log_odds(share) - log_odds(base)) / (share - base);
            for value in values.as_array_mut().unwrap() {
                *value = json!(value.as_f64().unwrap() * factor);
            }
        }
        wanted["base"] = json!(log_odds(base));
        let difference = difference(&model, &wanted["rows"].clone(), &wanted);
        println!("{name}: {difference:e}");
        assert!(difference <= 1e-6, "{name}: {difference:e}");
    }
}

#[test]
fn a_model_that_lacks_what_reasons_need_says_so() {
    let error = shop::model().explainer().map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("this model gives no reasons: its manifest"), "{error}");
    let mut file = read("imports", "catboost_ours")["model"].clone();
    file["oblivious_trees"][3].as_object_mut().unwrap().remove("leaf_weights");
    let file = serde_json::to_vec(&file).unwrap();
    let model = build(&catboost::import("theirs", &file).unwrap(), &file);
    let error = model.explainer().map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("leaf_weights"), "{error}");
}

/// Two numbers, a category as one-hot columns, and a ratio of the numbers.
fn mixed(algorithm: Algorithm, file: &[u8]) -> Model {
    let (mut schema, mut inputs) = shop::numbers(&["tenure", "MonthlyCharges"], Some(1.0));
    schema.features.push(shop::schema().features[2].clone());
    for value in 0..3 {
        let mut values = vec![0.0; 3];
        values[value] = 1.0;
        inputs.push(Input {
            name: format!("Contract={value}"),
            feature: "Contract".to_owned(),
            encoding: InputEncoding::Category { values, unknown: 0.0, missing: 0.0 },
        });
    }
    inputs.push(Input {
        name: "ratio".to_owned(),
        feature: "ratio".to_owned(),
        encoding: InputEncoding::Number { missing: Some(0.5) },
    });
    let formula = Formula::Ratio { numerator: "MonthlyCharges".to_owned(), denominator: "tenure".to_owned() };
    let reference = Reference { input_means: vec![2.0, 3.0, 0.5, 0.3, 0.2, 1.5], ..Reference::default() };
    let manifest = Manifest {
        derived: vec![Derived { name: "ratio".to_owned(), formula }],
        reference: Some(reference),
        calibration: Calibration::IDENTITY,
        ..shop::manifest(algorithm, schema, inputs, file)
    };
    build(&manifest, file)
}

const NUMBERS: [f64; 8] = [2.0, 5.0, 0.0, 7.0, f64::NAN, 1.0, 8.0, f64::NAN];
const CODES: [u32; 4] = [0, 2, UNKNOWN, MISSING];

#[test]
fn one_hot_columns_and_derived_numbers_come_back_to_their_features() {
    let term = |weight| LinearTerm { mean: 0.25, scale: 2.0, weight };
    let terms = [1.0, -2.0, 4.0, 0.5, -3.0, 0.8].map(term).to_vec();
    let file = LinearFile { format: FORMAT.to_owned(), intercept: 0.3, terms };
    let model = mixed(Algorithm::Logistic, &serde_json::to_vec(&file).unwrap());
    let reasons = model.contributions(4, &NUMBERS, &CODES).unwrap();
    // A ratio of 2.5 adds 0.4 more than its mean does, half of it for each of its two numbers.
    let wanted = [0.5 * (2.0 - 2.0) + 0.2, -(5.0 - 3.0) + 0.2, 2.0 * 0.5 - 0.25 * 0.3 + 1.5 * 0.2];
    for (ours, wanted) in reasons.row(0).iter().zip(wanted) {
        assert!((ours - wanted).abs() < 1e-12, "{ours} {wanted}");
    }
    check_sums(&model, 4, &NUMBERS, &CODES);
}

#[test]
fn contributions_of_a_network_add_up_and_are_exact_where_it_is_linear() {
    let dense = |weights: Vec<Vec<f64>>, biases: Vec<f64>| LayerFile::Dense { weights, biases };
    let first = vec![vec![0.4, -0.3, 0.9, 0.1, -0.8, 0.2], vec![-0.5, 0.2, 0.3, -0.6, 0.1, 0.7]];
    let bent = vec![
        dense(first.clone(), vec![0.1, -0.2]),
        LayerFile::Relu,
        dense(vec![vec![1.5, -0.7]], vec![0.05]),
    ];
    let straight = vec![dense(vec![first[0].clone()], vec![0.1])];
    for layers in [bent, straight.clone()] {
        let file = MlpFile { format: mlp::FORMAT.to_owned(), networks: vec![NetworkFile { layers }] };
        let model = mixed(Algorithm::Mlp, &serde_json::to_vec(&file).unwrap());
        check_sums(&model, 4, &NUMBERS, &CODES);
        let again = model.contributions(1, &NUMBERS[2..4], &CODES[1..2]).unwrap();
        assert_eq!(model.contributions(4, &NUMBERS, &CODES).unwrap().row(1), again.row(0));
    }
    let file = MlpFile { format: mlp::FORMAT.to_owned(), networks: vec![NetworkFile { layers: straight }] };
    let model = mixed(Algorithm::Mlp, &serde_json::to_vec(&file).unwrap());
    let reasons = model.contributions(1, &NUMBERS, &CODES).unwrap();
    let wanted = [0.1, -0.3 * 2.0 + 0.1, 0.9 * 0.5 - 0.1 * 0.3 + 0.8 * 0.2];
    for (ours, wanted) in reasons.row(0).iter().zip(wanted) {
        assert!((ours - wanted).abs() < 1e-12, "{ours} {wanted}");
    }
}

/// The linear model of two numbers and a category above, in a file of another country.
#[test]
fn a_file_gets_reasons_in_words_and_its_own_decimal_mark() {
    let term = |weight| LinearTerm { mean: 0.0, scale: 1.0, weight };
    let terms = [-0.1, 0.0, 1.0, 0.5, -3.0, 0.0].map(term).to_vec();
    let file = LinearFile { format: FORMAT.to_owned(), intercept: 0.3, terms };
    let model = mixed(Algorithm::Logistic, &serde_json::to_vec(&file).unwrap());
    let text = "tenure;MonthlyCharges;Contract\n1;70,5;Month-to-month\n;;Two year\n72;1;what\n";
    let dialect = shop::dialect(text.as_bytes());
    for (language, first, second) in [
        (
            Language::En,
            "pays month to month;0,950000;has been here 1 month;0,100000",
            "has a two-year contract",
        ),
        (Language::Ru, "платит помесячно;0,950000;с компанией 1 мес.;0,100000", "договор на два года"),
    ] {
        let extra = vec![ExtraColumn::Reasons(ReasonColumns { count: 2, language })];
        let options = ScoreOptions { threads: 1, extra, ..ScoreOptions::default() };
        let mut result = Vec::new();
        score_csv(&model, &dialect, text.as_bytes(), &mut result, &options, &mut |_| true).unwrap();
        let result = String::from_utf8(result).unwrap();
        let lines: Vec<&str> = result.lines().collect();
        let header = ";reason_1;reason_1_contribution;reason_2;reason_2_contribution";
        assert!(lines[0].ends_with(header), "{result}");
        assert!(lines[1].ends_with(first), "{result}");
        assert!(lines[2].ends_with(&format!("{second};-3,050000;;")), "{result}");
    }
    let customer = json!({"tenure": 1, "MonthlyCharges": 70.5, "Contract": "Month-to-month"});
    let customers = [customer.as_object().unwrap().clone()];
    let explained = explain_customers(&model, &customers, Language::En).unwrap();
    assert_eq!(explained[0].scored, score_customers(&model, &customers).unwrap()[0]);
    assert_eq!(explained[0].reasons.len(), 3);
    let strongest = explained[0].strongest(1);
    assert_eq!((strongest.len(), strongest[0].words.as_str()), (1, "pays month to month"));
}
