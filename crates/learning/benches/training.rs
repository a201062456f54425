//! How long one fit takes: `training CUSTOMERS.csv ALGORITHM PARAMETERS`, the parameters as a JSON object.
//!
//! Prints JSON: the customers, and the seconds of the fit on all of them, from features in memory to the bytes
//! of the model file. RAYON_NUM_THREADS says on how many cores.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use learning::{TrainOptions, train};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo adds `--bench` when it starts a benchmark.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [data, algorithm, parameters] = arguments.as_slice() else {
        println!("usage: training CUSTOMERS.csv ALGORITHM PARAMETERS");
        return Ok(());
    };
    let settings: BTreeMap<String, Value> = serde_json::from_str(parameters)?;
    let algorithm = serde_json::from_value(Value::String(algorithm.clone()))?;
    let options = TrainOptions { folds: 2, held_out: 0.0, settings, ..TrainOptions::new(algorithm) };
    // The last fit is the one on everybody, so that its time lies between the last two reports.
    let reports = Mutex::new(Vec::new());
    let note = |_| reports.lock().map(|mut reports| reports.push(Instant::now())).is_ok();
    let trained = train(&PathBuf::from(data), &options, &note)?;
    let reports = reports.into_inner().map_err(|_| "a report was lost")?;
    let [.., before, after] = reports.as_slice() else { return Err("too few reports".into()) };
    let rows = trained.manifest().training.as_ref().map(|training| training.rows);
    println!("{}", json!({ "rows": rows, "seconds": (*after - *before).as_secs_f64() }));
    Ok(())
}
