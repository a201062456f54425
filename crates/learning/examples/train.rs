//! Trains a shipped model: `train ALGORITHM CSV DIRECTORY`.

use std::path::Path;

use learning::{TrainOptions, train};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let algorithm = serde_json::from_value(serde_json::Value::String(arguments[1].clone()))?;
    let model = train(Path::new(&arguments[2]), &TrainOptions::new(algorithm), &|_| {})?;
    model.write(Path::new(&arguments[3]))?;
    eprintln!("{} bytes {:?} {:?}", model.model_file().len(), model.fold_aucs(), model.manifest().metrics);
    eprintln!("{:?} {:?}", model.manifest().calibration, model.left_out());
    Ok(())
}
