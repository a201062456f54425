//! Imported models held against predictions of their own library, on invented rows.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use learning::{Compared, Error, agreement};
use scoring::Model;
use serde_json::Value;
use tempfile::TempDir;

struct Import {
    model: Model,
    directory: TempDir,
    raw: Vec<f64>,
}

impl Import {
    /// A model of tests/reference/imports, with its rows as a customer file.
    fn new(name: &str) -> Import {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/reference/imports");
        let reference: Value =
            serde_json::from_slice(&fs::read(root.join(format!("{name}.json"))).unwrap()).unwrap();
        let file = serde_json::to_vec(&reference["model"]).unwrap();
        let manifest = scoring::import(name, &file).unwrap();
        let names: Vec<&str> = manifest.inputs.iter().map(|input| input.name.as_str()).collect();
        // A row without anything in it would be a blank line.
        let mut customers = format!("id,{}\n", names.join(","));
        for (place, row) in reference["rows"].as_array().unwrap().iter().enumerate() {
            let cell = |cell: &Value| match cell {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                _ => String::new(),
            };
            let cells: Vec<String> = row.as_array().unwrap().iter().map(cell).collect();
            writeln!(customers, "{place},{}", cells.join(",")).unwrap();
        }
        let import = Import {
            model: Model::from_parts(&serde_json::to_vec(&manifest).unwrap(), &file).unwrap(),
            directory: TempDir::new().unwrap(),
            raw: serde_json::from_value(reference["raw"].clone()).unwrap(),
        };
        fs::write(import.path("customers.csv"), customers).unwrap();
        import
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn agree(&self, predictions: &str) -> Result<learning::Agreement, Error> {
        fs::write(self.path("predictions.csv"), predictions).unwrap();
        agreement(&self.model, &self.path("customers.csv"), &self.path("predictions.csv"), None)
    }
}

fn column(name: &str, values: impl Iterator<Item = f64>) -> String {
    values.fold(format!("{name}\n"), |text, value| format!("{text}{value}\n"))
}

fn probabilities(raw: &[f64]) -> impl Iterator<Item = f64> {
    raw.iter().map(|raw| 1.0 / (1.0 + (-raw).exp()))
}

#[test]
fn a_model_agrees_with_its_librarys_raw_values_and_probabilities() {
    for (name, tolerance) in [("catboost_ctr_combinations", 1e-9), ("xgboost_stumps", 1e-5)] {
        let import = Import::new(name);
        let raw = import.agree(&column("RawFormulaVal", import.raw.iter().copied())).unwrap();
        assert!(raw.holds() && raw.compared == Compared::LogOdds, "{raw:?}");
        assert_eq!((raw.rows, raw.tolerance), (import.raw.len() as u64, tolerance));
        let shares = import.agree(&column("p", probabilities(&import.raw))).unwrap();
        assert!(shares.holds() && shares.compared == Compared::Probability, "{shares:?}");
        assert!(shares.tolerance <= 1e-6);
    }
}

#[test]
fn a_prediction_that_differs_is_told_with_its_line() {
    let mut import = Import::new("catboost_one_hot");
    import.raw[41] += 2e-9;
    let agreement = import.agree(&column("raw", import.raw.iter().copied())).unwrap();
    assert!(!agreement.holds());
    assert_eq!(agreement.line, 43);
    assert!((agreement.greatest_difference - 2e-9).abs() < 1e-12, "{agreement:?}");
}

#[test]
fn predictions_that_cannot_be_compared_are_refused() {
    let import = Import::new("catboost_depth_1");
    let good = column("probability", probabilities(&import.raw));
    let numbered: String = good
        .lines()
        .enumerate()
        .map(|(line, value)| if line == 0 { format!("id,{value}\n") } else { format!("{line},{value}\n") })
        .collect();
    assert!(import.agree(&numbered).unwrap().holds());
    let too_few = good.lines().skip(1).collect::<Vec<_>>().join("\n");
    for (predictions, reason) in [
        (too_few, "149 predictions for 150 customers"),
        (numbered.replacen("probability", "b", 1), "which of its columns"),
        (good.replacen("probability\n0", "probability\nx", 1), "not a number"),
    ] {
        let refused = import.agree(&predictions).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}
