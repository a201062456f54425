//! From a generated file to a model on the disk.

use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use learning::{DemoData, Error, Progress, TrainOptions, evaluate, train};
use scoring::{Algorithm, Model, model};
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
    TrainOptions { folds: 3, ..TrainOptions::new(algorithm) }
}

#[test]
fn every_algorithm_learns_what_holds_for_new_customers() {
    let workshop = Workshop::new();
    let (known, new) = (workshop.customers(2_000, 1), workshop.customers(4_000, 2));
    for algorithm in ALGORITHMS {
        let trained = train(&known, &quick(algorithm), &|_| {}).unwrap();
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
            let trained = train(&data, &TrainOptions { seed, ..quick(algorithm) }, &|_| {}).unwrap();
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
    let trained =
        train(&data, &quick(Algorithm::Logistic), &|step| steps.lock().unwrap().push(step)).unwrap();
    let manifest = trained.manifest();
    assert_eq!((manifest.name.as_str(), manifest.version.as_str()), ("logistic", "1"));
    assert_eq!(manifest.schema.features.len(), 19);
    let training = manifest.training.as_ref().unwrap();
    assert_eq!((training.file_name.as_str(), training.rows, training.folds), ("customers-1.csv", 500, 3));
    assert_eq!(training.sha256, model::checksum(&fs::read(&data).unwrap()));
    let left_out: Vec<&str> = trained.left_out().iter().map(|left| left.column.as_str()).collect();
    assert_eq!(left_out, ["customerID", "Churn"]);
    assert_eq!(trained.fold_aucs().len(), 3);
    let steps = steps.into_inner().unwrap();
    assert_eq!(steps[0], Progress { fits_done: 0, fits_total: 4 });
    assert_eq!(steps.len(), 5);
    assert!(steps.contains(&Progress { fits_done: 4, fits_total: 4 }));
}

#[test]
fn a_model_is_written_whole_and_replaces_only_a_model() {
    let workshop = Workshop::new();
    let trained = train(&workshop.customers(500, 1), &quick(Algorithm::Svm), &|_| {}).unwrap();
    let directory = workshop.directory.path().join("models/svm");
    fs::create_dir_all(directory.parent().unwrap()).unwrap();
    for _ in 0..2 {
        trained.write(&directory).unwrap();
        assert_eq!(Model::load(&directory).unwrap().manifest(), trained.manifest());
    }
    let others = fs::read_dir(directory.parent().unwrap()).unwrap();
    assert_eq!(others.count(), 1, "something is left beside the model");
    let precious = workshop.directory.path().join("precious");
    fs::create_dir(&precious).unwrap();
    fs::write(precious.join("letter.txt"), "dear").unwrap();
    assert!(matches!(trained.write(&precious), Err(Error::Write { .. })));
    assert_eq!(fs::read_to_string(precious.join("letter.txt")).unwrap(), "dear");
}

#[test]
fn a_model_can_be_judged_in_another_vocabulary() {
    let workshop = Workshop::new();
    let text = fs::read_to_string(workshop.customers(500, 1)).unwrap();
    let trained = train(&workshop.customers(500, 1), &quick(Algorithm::Catboost), &|_| {}).unwrap();
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
        train(&workshop.file("bad.csv", text), &options, &|_| {}).unwrap_err()
    };
    let usual = quick(Algorithm::Logistic);
    let few = "tenure,Churn\n1,Yes\n2,No\n3,Yes\n4,No\n";
    assert!(matches!(attempt(few, usual.clone()), Error::Data(_)));
    assert!(matches!(attempt("", usual.clone()), Error::Input(_)));
    assert!(matches!(attempt(few, TrainOptions { folds: 1, ..usual.clone() }), Error::Options(_)));
    let nowhere = workshop.directory.path().join("nowhere.csv");
    assert!(matches!(train(&nowhere, &usual, &|_| {}), Err(Error::Read { .. })));
}
