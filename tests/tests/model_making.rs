//! Models from the command line: trained in every way, reported, compared, and taken in from other libraries.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::flows;
use tests::process::Process;
use tests::program;

flows! {
    plain:
        every_algorithm_is_trained_and_says_how_good_it_is,
        a_search_and_costs_choose_parameters_and_threshold,
        a_training_that_is_interrupted_writes_nothing,
        an_official_model_is_taken_in_only_if_it_gives_its_own_predictions;
}

/// A directory with labelled customers.
struct Workshop {
    directory: TempDir,
    data: PathBuf,
}

impl Workshop {
    async fn new(rows: u32) -> Workshop {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("labelled.csv");
        let rows = rows.to_string();
        let labelled =
            program::run_well(&["demo-data", "--rows", &rows, "--seed", "5", "--labels"], &[]).await;
        fs::write(&data, labelled).unwrap();
        Workshop { directory, data }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn train<'a>(&'a self, algorithm: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
        let data = self.data.to_str().unwrap();
        let fixed = ["train", "--algorithm", algorithm, "--data", data, "--out", out, "--json"];
        fixed.into_iter().chain(more.iter().copied()).collect()
    }
}

async fn every_algorithm_is_trained_and_says_how_good_it_is() {
    let workshop = Workshop::new(1_200).await;
    let algorithms = ["logistic", "svm", "random_forest", "decision_tree", "catboost", "xgboost", "mlp"];
    for algorithm in algorithms {
        let out = workshop.path(algorithm);
        let told = program::run_for_json(&workshop.train(algorithm, &out, &["--folds", "3"]), &[]).await;
        let auc = told["manifest"]["metrics"]["auc"].as_f64().unwrap();
        assert!(auc > 0.65, "{algorithm}: {auc}");
        assert_eq!(told["quality"]["folds"].as_array().map(Vec::len), Some(3));
        assert_eq!(told["quality"]["held_out"]["rows"], 240);
        let report = fs::read_to_string(Path::new(&out).join("report.html")).unwrap();
        assert!(report.contains("<svg") && !report.contains("<script"), "{algorithm}");
    }
    let (first, second) = (workshop.path("logistic"), workshop.path("xgboost"));
    let page = workshop.path("compared.html");
    let side_by_side = program::run_well(&["models", "compare", &first, &second, "--html", &page], &[]).await;
    assert!(side_by_side.contains("ROC AUC") && side_by_side.contains("Calibration error"), "{side_by_side}");
    assert!(fs::read_to_string(&page).unwrap().contains("<svg"));
    let shipped = program::run_well(&["models", "report", "catboost", "--out", "-"], &[]).await;
    assert!(shipped.contains("</html>"));
}

async fn a_search_and_costs_choose_parameters_and_threshold() {
    let workshop = Workshop::new(800).await;
    let out = workshop.path("chosen");
    let costs = ["--contact-cost", "5", "--retained-value", "100", "--success-rate", "0.5"];
    let search = ["--try", "trees=1,60", "--folds", "2", "--resample", "undersample"];
    let told =
        program::run_for_json(&workshop.train("xgboost", &out, &[&search[..], &costs].concat()), &[]).await;
    let parameters = &told["manifest"]["training"]["parameters"];
    assert_eq!((&parameters["trees"], &parameters["resample"]), (&json!(60), &json!("undersample")));
    // A contact of 5 pays from a chance of 10 % on that someone worth 50 leaves.
    assert_eq!(told["manifest"]["threshold"], 0.1);
    let unknown = program::run(&workshop.train("xgboost", &out, &["--set", "levels=3"]), &[]).await;
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(unknown.status.code() == Some(1) && said.contains("levels") && said.contains("depth"), "{said}");
}

async fn a_training_that_is_interrupted_writes_nothing() {
    let workshop = Workshop::new(3_000).await;
    let out = workshop.path("unfinished");
    let more = ["--folds", "50", "--set", "trees=3000"];
    let arguments: Vec<String> =
        workshop.train("catboost", &out, &more).into_iter().map(str::to_owned).collect();
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut training = Process::start(&arguments, &[], log.path().to_owned());
    tokio::time::sleep(Duration::from_millis(500)).await;
    training.signal("INT");
    let status = training.end(Duration::from_secs(60)).await;
    assert!(!status.success(), "{}", training.logged());
    let left = fs::read_dir(workshop.directory.path()).unwrap();
    let left: Vec<PathBuf> = left.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, std::slice::from_ref(&workshop.data), "{}", training.logged());
}

async fn an_official_model_is_taken_in_only_if_it_gives_its_own_predictions() {
    let workshop = Workshop::new(10).await;
    for (file, name) in [("catboost_nan_max.json", "cat"), ("xgboost_plain.json", "xgb")] {
        let fixture = program::checkout().join("tests/reference/imports").join(file);
        let fixture: Value = serde_json::from_slice(&fs::read(fixture).unwrap()).unwrap();
        let model = workshop.path(&format!("{name}.json"));
        fs::write(&model, fixture["model"].to_string()).unwrap();
        let (customers, raw) = customers_and_predictions(&fixture);
        let (check, expect) = (workshop.path("check.csv"), workshop.path("expect.csv"));
        fs::write(&check, customers).unwrap();
        let models = workshop.path("models");
        let import = |wanted: String| {
            fs::write(&expect, wanted).unwrap();
            [
                "models",
                "import",
                &model,
                "--name",
                name,
                "--models-dir",
                &models,
                "--check",
                &check,
                "--expect",
                &expect,
            ]
            .map(str::to_owned)
        };
        let wrong = raw.iter().map(|raw| format!("{}\n", raw + 0.01)).collect::<String>();
        let refused = import(format!("raw\n{wrong}"));
        let refused = program::run(&refused.each_ref().map(String::as_str), &[]).await;
        assert_eq!(refused.status.code(), Some(1), "{name}");
        assert!(!Path::new(&models).join(name).exists());
        let right = raw.iter().map(|raw| format!("{raw}\n")).collect::<String>();
        let accepted = import(format!("raw\n{right}"));
        program::run_well(&accepted.each_ref().map(String::as_str), &[]).await;
        assert!(Path::new(&models).join(name).join("manifest.json").is_file());
    }
}

/// The rows of a fixture as a CSV under the names of its model's features, and its raw predictions.
fn customers_and_predictions(fixture: &Value) -> (String, Vec<f64>) {
    let floats = fixture["model"]["features_info"]["float_features"].as_array();
    let names: Vec<String> = match floats {
        Some(floats) => {
            let name = |(place, feature): (usize, &Value)| match feature["feature_id"].as_str() {
                Some(name) if !name.is_empty() => name.to_owned(),
                _ => place.to_string(),
            };
            floats.iter().enumerate().map(name).collect()
        }
        None => {
            let names = fixture["model"]["learner"]["feature_names"].as_array().unwrap();
            names.iter().map(|name| name.as_str().unwrap().to_owned()).collect()
        }
    };
    let mut customers = format!("customer,{}\n", names.join(","));
    for (number, row) in fixture["rows"].as_array().unwrap().iter().enumerate() {
        customers += &format!("c{number}");
        for cell in row.as_array().unwrap() {
            customers += &cell.as_f64().map_or_else(|| ",".to_owned(), |number| format!(",{number:?}"));
        }
        customers.push('\n');
    }
    let raw = fixture["raw"].as_array().unwrap().iter().map(|raw| raw.as_f64().unwrap());
    (customers, raw.collect())
}
