//! From a generated file to a model on the disk.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use learning::quality::{QUALITY_FILE, Quality};
use learning::report::{self, REPORT_FILE};
use learning::{DemoData, Error, Progress, Search, TrainOptions, TrainedModel, evaluate, train};
use scoring::{Algorithm, Model, model};
use serde_json::json;
use tempfile::TempDir;

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Logistic, Algorithm::Svm, Algorithm::RandomForest, Algorithm::Catboost];

/// A directory with labelled customers in it.
struct Workshop {
    directory: TempDir,
}

impl Workshop {
    fn new() -> Workshop {
        Workshop { directory: TempDir::new().unwrap() }
    }

    fn customers(&self, rows: u64, seed: u64) -> PathBuf {
        let path = self.directory.path().join(format!("customers-{seed}.csv"));
        let data = DemoData { rows, seed, has_labels: true, shift: 0.0 };
        data.write(fs::File::create(&path).unwrap()).unwrap();
        path
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

/// The usual options but for fewer folds.
fn quick(algorithm: Algorithm) -> TrainOptions {
    TrainOptions { folds: 3, held_out: 0.0, ..TrainOptions::new(algorithm) }
}

#[test]
fn every_algorithm_learns_what_holds_for_new_customers() {
    let workshop = Workshop::new();
    let (known, new) = (workshop.customers(2_000, 1), workshop.customers(4_000, 2));
    for algorithm in ALGORITHMS {
        let trained = train(&known, &quick(algorithm), &|_| true).unwrap();
        let metrics = &trained.manifest().metrics;
        let promised = metrics.auc.unwrap();
        assert!((0.78..0.9).contains(&promised), "{algorithm:?}: {promised}");
        assert!(metrics.auc_low < metrics.auc && metrics.auc < metrics.auc_high);
        assert!(metrics.calibration_error.unwrap() < 0.04, "{algorithm:?}");
        let kept = evaluate(&trained.load().unwrap(), &new).unwrap();
        assert_eq!(kept.rows, 4_000);
        let found = kept.metrics.auc.unwrap();
        assert!((found - promised).abs() < 0.03, "{algorithm:?}: {found}, not {promised}");
        assert!(kept.metrics.calibration_error.unwrap() < 0.04, "{algorithm:?}");
        assert!(trained.model_file().len() < 2 << 20);
        assert!(!String::from_utf8_lossy(trained.model_file()).contains("C0000001"));
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let workshop = Workshop::new();
    let data = workshop.customers(600, 1);
    for algorithm in ALGORITHMS {
        let bytes = |seed| {
            let trained = train(&data, &TrainOptions { seed, ..quick(algorithm) }, &|_| true).unwrap();
            (trained.manifest_json().unwrap(), trained.model_file().to_owned())
        };
        let first = bytes(1);
        assert!(first == bytes(1), "{algorithm:?}");
        assert!(first.0 != bytes(2).0, "{algorithm:?}");
    }
}

#[test]
fn the_manifest_tells_where_the_model_comes_from() {
    let workshop = Workshop::new();
    let data = workshop.customers(500, 1);
    let steps = Mutex::new(Vec::new());
    let trained = train(&data, &quick(Algorithm::Logistic), &|step| {
        steps.lock().unwrap().push(step);
        true
    })
    .unwrap();
    let manifest = trained.manifest();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("logistic", "1"));
    assert_eq!(manifest.schema.features.len(), 19);
    let training = manifest.training.as_ref().unwrap();
    assert_eq!((training.file_name.as_str(), training.rows, training.folds), ("customers-1.csv", 500, 3));
    assert_eq!(training.sha256, model::checksum(&fs::read(&data).unwrap()));
    let left_out: Vec<&str> = trained.left_out().iter().map(|left| left.column.as_str()).collect();
    assert_eq!(left_out, ["customerID", "Churn"]);
    assert_eq!(trained.quality().folds.len(), 3);
    let steps = steps.into_inner().unwrap();
    assert_eq!(steps[0], Progress { fits_done: 0, fits_total: 4 });
    assert_eq!(steps.len(), 5);
    assert!(steps.contains(&Progress { fits_done: 4, fits_total: 4 }));
}

#[test]
fn a_model_is_written_whole_and_replaces_only_a_model() {
    let workshop = Workshop::new();
    let trained = train(&workshop.customers(500, 1), &quick(Algorithm::Svm), &|_| true).unwrap();
    let directory = workshop.directory.path().join("models/svm");
    fs::create_dir_all(directory.parent().unwrap()).unwrap();
    for _ in 0..2 {
        trained.write(&directory).unwrap();
        assert_eq!(Model::load(&directory).unwrap().manifest(), trained.manifest());
        let quality = Quality::read(&fs::read(directory.join(QUALITY_FILE)).unwrap()).unwrap();
        assert_eq!(&quality, trained.quality());
        let page = fs::read_to_string(directory.join(REPORT_FILE)).unwrap();
        assert_eq!(page, report::html(&quality).unwrap());
        // Neither tells a row.
        assert!(!page.contains("C0000001"));
    }
    let others = fs::read_dir(directory.parent().unwrap()).unwrap();
    assert_eq!(others.count(), 1, "something is left beside the model");
    let precious = workshop.directory.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("letter.txt"), "dear").unwrap();
    assert!(matches!(trained.write(&precious), Err(Error::Write { .. })));
    assert_eq!(fs::read_to_string(precious.join("letter.txt")).unwrap(), "dear");
    // What somebody added to a model, or another program's manifest, is kept as well.
    fs::write(directory.join("notes.txt"), "dear").unwrap();
    assert!(TrainedModel::check_place(&directory).is_err());
    assert!(trained.write(&directory).is_err());
    assert_eq!(fs::read_to_string(directory.join("notes.txt")).unwrap(), "dear");
    let site = workshop.directory.path().join("site");
    fs::create_dir(&site).unwrap();
    TrainedModel::check_place(&site).unwrap();
    fs::write(site.join("manifest.json"), r#"{"name":"a web page"}"#).unwrap();
    assert!(TrainedModel::check_place(&site).is_err());
    assert!(trained.write(&site).is_err() && site.join("manifest.json").is_file());
}

#[test]
fn a_part_held_out_has_its_share_of_few_leavers_or_is_refused() {
    let workshop = Workshop::new();
    let with_leavers = |leavers: usize| {
        let mut text = "Age,Calls,Churn\n".to_owned();
        for row in 0..1_000 {
            let label = if row % 60 == 0 && row / 60 < leavers { "Yes" } else { "No" };
            text += &format!("{},{},{label}\n", row * 7 % 61, row * 13 % 17);
        }
        workshop.file(&format!("few-{leavers}.csv"), &text)
    };
    let options = TrainOptions::new(Algorithm::DecisionTree);
    let trained = train(&with_leavers(15), &options, &|_| true).unwrap();
    let held_out = trained.quality().held_out.as_ref().unwrap();
    assert_eq!((held_out.rows, held_out.positives), (200, 3));
    let error = train(&with_leavers(11), &options, &|_| true).unwrap_err().to_string();
    assert!(error.contains("--hold-out 0"), "{error}");
}

#[test]
fn a_model_can_be_judged_in_another_vocabulary() {
    let workshop = Workshop::new();
    let text = fs::read_to_string(workshop.customers(500, 1)).unwrap();
    let trained = train(&workshop.customers(500, 1), &quick(Algorithm::Catboost), &|_| true).unwrap();
    let model = trained.load().unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let other = header
        .replace("gender", "Sex")
        .replace("tenure", "Tenure Months")
        .replace("MonthlyCharges", "MonthlySpending")
        .replace("Churn", "Churn Label");
    // The delimiter changes first, so that decimal marks can become commas.
    let rows = rows.replace(',', ";").replace('.', ",").replace('\n', "\r\n");
    let renamed = format!("\u{feff}{}\r\n{rows}", other.replace(',', ";"));
    let plain = evaluate(&model, &workshop.file("plain.csv", &text)).unwrap();
    assert_eq!(evaluate(&model, &workshop.file("renamed.csv", &renamed)).unwrap(), plain);
}

#[test]
fn what_cannot_be_learned_from_is_refused() {
    let workshop = Workshop::new();
    let attempt = |text: &str, options: TrainOptions| {
        train(&workshop.file("bad.csv", text), &options, &|_| true).unwrap_err()
    };
    let usual = quick(Algorithm::Logistic);
    let few = "tenure,Churn\n1,Yes\n2,No\n3,Yes\n4,No\n";
    assert!(matches!(attempt(few, usual.clone()), Error::Data(_)));
    assert!(matches!(attempt("", usual.clone()), Error::Input(_)));
    assert!(matches!(attempt(few, TrainOptions { folds: 1, ..usual.clone() }), Error::Options(_)));
    let nowhere = workshop.directory.path().join("nowhere.csv");
    assert!(matches!(train(&nowhere, &usual, &|_| true), Err(Error::Read { .. })));
}

#[test]
fn a_search_takes_the_best_by_cross_validation_and_customers_held_out_judge_it() {
    let workshop = Workshop::new();
    let data = workshop.customers(600, 4);
    let grid = [("trees".to_owned(), vec![json!(1), json!(150)])].into();
    let search = Search::Grid(grid);
    let options = TrainOptions { search, held_out: 0.25, ..quick(Algorithm::Catboost) };
    let trained = train(&data, &options, &|_| true).unwrap();
    let parameters = &trained.manifest().training.as_ref().unwrap().parameters;
    assert_eq!(parameters["trees"], 150);
    let held_out = trained.quality().held_out.as_ref().expect("customers were held out");
    assert_eq!(held_out.rows, 150);
    assert!(held_out.metrics.auc.unwrap() > 0.6 && held_out.metrics.auc != trained.manifest().metrics.auc);
    let again = train(&data, &options, &|_| true).unwrap();
    assert_eq!(again.manifest(), trained.manifest());
    assert_eq!(again.quality(), trained.quality());
}

#[test]
fn parameters_are_set_by_name_and_a_wrong_name_or_value_is_told() {
    let workshop = Workshop::new();
    let data = workshop.customers(300, 4);
    let attempt = |name: &str, value| {
        let settings = [(name.to_owned(), value)].into();
        train(&data, &TrainOptions { settings, ..quick(Algorithm::Svm) }, &|_| true)
    };
    let set = attempt("cost", json!(0.25)).unwrap();
    assert_eq!(set.manifest().training.as_ref().unwrap().parameters["cost"], 0.25);
    let wrong = attempt("costs", json!(0.25)).unwrap_err();
    assert!(matches!(&wrong, Error::Options(text) if text.contains("costs") && text.contains("cost")));
    assert!(matches!(attempt("cost", json!("dear")), Err(Error::Options(_))));
}

#[test]
fn a_training_that_is_stopped_hands_nothing_out() {
    let workshop = Workshop::new();
    let data = workshop.customers(300, 4);
    let stop_at = |fits| train(&data, &quick(Algorithm::Svm), &move |step: Progress| step.fits_done < fits);
    assert!(matches!(stop_at(0), Err(Error::Stopped)));
    assert!(matches!(stop_at(2), Err(Error::Stopped)));
    assert!(stop_at(99).is_ok());
}

#[test]
fn the_target_can_have_any_name_and_is_found_again_when_judged() {
    let workshop = Workshop::new();
    let text = fs::read_to_string(workshop.customers(500, 1)).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    // Whoever is not away is here, and a prediction stands beside it.
    let rows: Vec<String> = rows
        .lines()
        .map(|row| match row.strip_suffix(",Yes") {
            Some(row) => format!("{row},away,1"),
            None => format!("{},here,0", row.strip_suffix(",No").unwrap()),
        })
        .collect();
    let renamed = format!("{},Whereabouts,stays\n{}\n", header.replace(",Churn", ""), rows.join("\n"));
    let renamed = workshop.file("renamed.csv", &renamed);
    let mut options = quick(Algorithm::Logistic);
    assert!(matches!(train(&renamed, &options, &|_| true), Err(Error::Data(_))));
    options.data.target = Some("whereabouts".to_owned());
    let error = train(&renamed, &options, &|_| true).unwrap_err();
    assert!(error.to_string().contains("away or here"), "{error}");
    options.data.positive = Some("Away".to_owned());
    let trained = train(&renamed, &options, &|_| true).unwrap();
    let left_out: Vec<&str> = trained.left_out().iter().map(|left| left.column.as_str()).collect();
    assert_eq!(left_out, ["customerID", "Whereabouts", "stays"]);
    let usual = train(&workshop.customers(500, 1), &quick(Algorithm::Logistic), &|_| true).unwrap();
    assert_eq!(trained.model_file(), usual.model_file());
    let judged = evaluate(&trained.load().unwrap(), &renamed).unwrap();
    assert_eq!(judged.positives, trained.data().positives);
}

#[test]
fn however_classes_are_evened_out_probabilities_are_right_again() {
    let workshop = Workshop::new();
    let data = workshop.customers(1_000, 1);
    for resample in ["none", "smote", "smote-nc", "undersample", "tomek", "smote-tomek"] {
        let mut options = quick(Algorithm::Logistic);
        options.settings.insert("resample".to_owned(), resample.into());
        options.settings.insert("class_weights".to_owned(), (resample == "none").into());
        let trained = train(&data, &options, &|_| true).unwrap();
        let metrics = &trained.manifest().metrics;
        assert!(metrics.auc.unwrap() > 0.78, "{resample}: {:?}", metrics.auc);
        assert!(metrics.calibration_error.unwrap() < 0.06, "{resample}: {:?}", metrics.calibration_error);
        let again = train(&data, &options, &|_| true).unwrap();
        assert_eq!(trained.model_file(), again.model_file(), "{resample}");
    }
}

#[test]
fn what_only_chance_decides_cannot_be_foretold_for_customers_unseen() {
    let workshop = Workshop::new();
    let mut text = "usage,visits,Churn\n".to_owned();
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    for _ in 0..600 {
        let left = if next() % 2 == 0 { "Yes" } else { "No" };
        text += &format!("{}.5,{}.5,{left}\n", next() % 1_000, next() % 1_000);
    }
    let settings = [("depth", json!(12)), ("leaf_rows_min", json!(1.0)), ("leaf_price", json!(0.0))];
    let settings = settings.map(|(name, value)| (name.to_owned(), value)).into();
    let options = TrainOptions { settings, ..quick(Algorithm::DecisionTree) };
    let trained = train(&workshop.file("chance.csv", &text), &options, &|_| true).unwrap();
    // A tree that had seen these customers would know them by heart.
    let auc = trained.manifest().metrics.auc.unwrap();
    assert!((0.4..0.6).contains(&auc), "{auc}");
}
