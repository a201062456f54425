//! Labelled customers that never existed, for whoever wants to see a training before having a file.

use crate::Error;
use learning::DemoData;

/// How many customers the sample has: enough for an area under the curve that means something.
const ROWS: u64 = 2_000;
/// Other customers than those that the sample of the predictions has.
const SEED: u64 = 20;

/// A CSV with a column `Churn`; the same bytes each time.
pub fn sample_customers() -> Result<Vec<u8>, Error> {
    let mut customers = Vec::new();
    let data = DemoData { rows: ROWS, seed: SEED, has_labels: true, shift: 0.0 };
    data.write(&mut customers).map_err(Error::internal)?;
    Ok(customers)
}
