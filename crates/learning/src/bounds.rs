//! Between which numbers a parameter may be, whatever the algorithm: beyond them a training never ends,
//! takes all memory, or means nothing. Algorithms check what is closer for them.

use serde_json::Value;

use crate::error::Error;

/// More trees or epochs than this never end.
const STEPS_MAX: f64 = 100_000.0;
/// Amounts beyond this leave a double no digits for the data.
const AMOUNT_MAX: f64 = 1e12;
/// The least that is more than nothing.
const ABOVE_ZERO: f64 = f64::MIN_POSITIVE;

/// The least and the most of each parameter that has bounds.
const BOUNDS: [(&str, f64, f64); 13] = [
    ("trees", 1.0, STEPS_MAX),
    ("epochs", 1.0, STEPS_MAX),
    ("patience", 0.0, STEPS_MAX),
    ("leaf_steps", 1.0, 100.0),
    ("depth", 1.0, 64.0),
    ("leaf_rows_min", 1.0, AMOUNT_MAX),
    ("row_share", ABOVE_ZERO, 1.0),
    ("column_share", ABOVE_ZERO, 1.0),
    ("cost", ABOVE_ZERO, AMOUNT_MAX),
    ("penalty", ABOVE_ZERO, AMOUNT_MAX),
    ("leaf_penalty", 0.0, AMOUNT_MAX),
    ("leaf_price", 0.0, AMOUNT_MAX),
    ("leaf_weight_min", 0.0, AMOUNT_MAX),
];

/// Refuses a number that is out of its parameter's bounds. What is no number is refused where it is read.
pub(crate) fn check(name: &str, value: &Value) -> Result<(), Error> {
    let Some((_, least, most)) = BOUNDS.iter().find(|(bounded, ..)| *bounded == name) else { return Ok(()) };
    let Some(number) = value.as_f64() else { return Ok(()) };
    if (*least..=*most).contains(&number) {
        return Ok(());
    }
    let least = if *least == ABOVE_ZERO { "above 0".to_owned() } else { format!("at least {least}") };
    Err(Error::Options(format!("{name} must be {least} and at most {most}, not {number}")))
}
