//! The files that tenants upload, and what each model says of them when nothing disturbs it.

use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tests::customers_file::{generated, with_cell, without_column};
use tests::program;

/// The models on offer and the price of each.
pub const OFFERS: [(&str, i64); 3] = [("logistic", 10), ("random_forest", 25), ("catboost", 40)];

/// One file.
pub struct Sample {
    /// What is uploaded.
    pub content: Bytes,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a file.
pub enum Fate {
    /// The result of each model, byte for byte.
    Scored(HashMap<&'static str, Bytes>),
    /// It is accepted, and then fails with this code.
    Fails(&'static str),
    /// It is refused at the door.
    Refused,
}

/// Customers for `POST /predict`, and what each model says of them: whether they stay, and the probability.
pub struct Call {
    /// The customers.
    pub customers: Value,
    /// By model.
    pub expected: HashMap<&'static str, Value>,
}

/// All files and calls of a schedule.
pub struct Samples {
    /// The files.
    pub files: Vec<Sample>,
    /// The calls.
    pub calls: Vec<Call>,
}

impl Samples {
    /// Makes the files with `rows` customers each, and those that must fail, and scores them on the command
    /// line.
    pub async fn make(rows: &[usize], seed: u64) -> Samples {
        let directory = tempfile::tempdir().expect("a directory");
        let mut samples = Samples { files: Vec::new(), calls: Vec::new() };
        for (number, &rows) in rows.iter().enumerate() {
            let file = generated(rows, seed % 1_000_000 + number as u64).await;
            let mut results = HashMap::new();
            for (model, _) in OFFERS {
                results.insert(model, scored(model, &file, directory.path()).await);
            }
            if rows <= 100 {
                samples.calls.push(call_of(&file, &results));
            }
            samples.files.push(Sample { content: file.into(), fate: Fate::Scored(results) });
        }
        let good = generated(40, seed % 1_000_000).await;
        for (row, column) in [(3, "MonthlyCharges"), (40, "tenure")] {
            let bad = with_cell(&good, row, column, "many");
            samples.files.push(Sample { content: bad.into(), fate: Fate::Fails("not_a_number") });
        }
        let lacking = without_column(&good, "tenure");
        samples.files.push(Sample { content: lacking.into(), fate: Fate::Refused });
        samples
    }
}

async fn scored(model: &str, file: &str, directory: &Path) -> Bytes {
    let (input, output) = (directory.join("input.csv"), directory.join("output.csv"));
    std::fs::write(&input, file).expect("the file is written");
    let shown = |path: &Path| path.display().to_string();
    let arguments = ["predict", "--model", model, &shown(&input), "-o", &shown(&output)];
    program::run_well(&arguments, &[]).await;
    std::fs::read(&output).expect("a result").into()
}

fn call_of(file: &str, results: &HashMap<&'static str, Bytes>) -> Call {
    let mut lines = file.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let customer = |line: &str| {
        let cells = names.iter().zip(line.split(','));
        let cells = cells.map(|(name, cell)| ((*name).to_owned(), json!(cell)));
        Value::Object(cells.collect::<Map<_, _>>())
    };
    let expected = |result: &Bytes| {
        let text = std::str::from_utf8(result).expect("text");
        text.lines().skip(1).map(prediction_of).collect::<Value>()
    };
    Call {
        customers: lines.map(customer).collect(),
        expected: results.iter().map(|(&model, result)| (model, expected(result))).collect(),
    }
}

/// The last two cells of a scored line, as `POST /predict` shows them.
fn prediction_of(line: &str) -> Value {
    let mut cells = line.rsplit(',');
    let mut number = || cells.next().and_then(|cell| cell.parse::<f64>().ok()).expect("a number");
    let (churn_probability, stays) = (number(), number() as i64);
    json!({ "stays": stays, "churn_probability": churn_probability })
}
