//! Files of customers: made by the product's seeded generator, and judged after they were scored.

use serde_json::{Value, json};

use crate::program;

/// A file of generated customers: comma, LF, UTF-8, the names of the Telco sample.
pub async fn generated(rows: usize, seed: u64) -> String {
    let (rows, seed) = (rows.to_string(), seed.to_string());
    program::run_well(&["demo-data", "--rows", &rows, "--seed", &seed], &[]).await
}

/// Generated customers with a column `Churn` that tells who has left.
pub async fn labelled(rows: usize, seed: u64) -> String {
    let (rows, seed) = (rows.to_string(), seed.to_string());
    program::run_well(&["demo-data", "--rows", &rows, "--seed", &seed, "--labels"], &[]).await
}

/// The file with another header.
pub fn with_header(csv: &str, rename: impl Fn(&str) -> String) -> String {
    let (header, rows) = csv.split_once('\n').expect("a header");
    let names: Vec<String> = header.split(',').map(rename).collect();
    format!("{}\n{rows}", names.join(","))
}

/// The file with one cell changed; `row` counts customers from 1.
pub fn with_cell(csv: &str, row: usize, column: &str, value: &str) -> String {
    let place = csv.lines().next().expect("a header").split(',').position(|name| name == column);
    let place = place.unwrap_or_else(|| panic!("no column {column}"));
    let mut lines: Vec<String> = csv.lines().map(str::to_owned).collect();
    let mut cells: Vec<&str> = lines[row].split(',').collect();
    cells[place] = value;
    lines[row] = cells.join(",");
    lines.join("\n") + "\n"
}

/// The file without one column.
pub fn without_column(csv: &str, column: &str) -> String {
    let place = csv.lines().next().expect("a header").split(',').position(|name| name == column);
    let place = place.unwrap_or_else(|| panic!("no column {column}"));
    let line = |line: &str| {
        let cells = line.split(',').enumerate().filter(|&(index, _)| index != place);
        cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",")
    };
    csv.lines().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

/// The customers of a file as objects, as `POST /predict` takes them.
pub fn customers_of(csv: &str) -> Vec<Value> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().expect("a header").split(',').collect();
    let object = |line: &str| -> Value {
        header.iter().zip(line.split(',')).map(|(&name, cell)| (name.to_owned(), json!(cell))).collect()
    };
    lines.map(object).collect()
}

/// One customer's answer in a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Scored {
    /// Whether the customer stays.
    pub stays: bool,
    /// The probability of leaving as it is written.
    pub churn_probability: String,
}

/// Checks that a result is its input with two more columns and nothing else changed, byte for byte, and
/// returns what the new columns say.
#[track_caller]
pub fn scored_rows(input: &str, result: &str, delimiter: char, decimal: char) -> Vec<Scored> {
    let (input_lines, result_lines) = (physical_lines(input), physical_lines(result));
    assert_eq!(input_lines.len(), result_lines.len(), "as many lines as in the input");
    let mut scored = Vec::new();
    for (number, (before, after)) in input_lines.iter().zip(&result_lines).enumerate() {
        let (text, end) = split_line_end(before);
        let (scored_text, scored_end) = split_line_end(after);
        assert_eq!(end, scored_end, "the line end of line {}", number + 1);
        let added = scored_text.strip_prefix(text).unwrap_or_else(|| {
            panic!("line {} was changed:\n{before:?}\n{after:?}", number + 1);
        });
        let added = added.strip_prefix(delimiter).expect("a delimiter before the new columns");
        if number == 0 {
            assert_eq!(added, format!("stays{delimiter}churn_probability"));
        } else {
            scored.push(new_cells(added, delimiter, decimal));
        }
    }
    scored
}

fn new_cells(added: &str, delimiter: char, decimal: char) -> Scored {
    let (stays, probability) = added.split_once(delimiter).unwrap_or_else(|| panic!("two cells: {added:?}"));
    assert!(matches!(stays, "0" | "1"), "{stays:?}");
    let (whole, fraction) = probability.split_once(decimal).unwrap_or_else(|| panic!("{probability:?}"));
    assert!(matches!(whole, "0" | "1") && fraction.len() == 6, "six decimals, 0 to 1: {probability:?}");
    let value: f64 = format!("{whole}.{fraction}").parse().expect("a number");
    assert!((0.0..=1.0).contains(&value), "{probability}");
    Scored { stays: stays == "1", churn_probability: probability.to_owned() }
}

fn physical_lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn split_line_end(line: &str) -> (&str, &str) {
    let text = line.trim_end_matches(['\r', '\n']);
    line.split_at(text.len())
}
