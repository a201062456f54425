//! The cells of a customer file that a model reads, as text: for those who write another file of them.

use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

use crate::columns::find_features;
use crate::dialect::Dialect;
use crate::manifest::{FeatureKind, Schema};
use crate::monitoring::column_of;
use crate::problem::ScoreError;
use crate::reader::{Chunk, TextReader};
use crate::records::{RecordEnd, is_blank, record_end, split, unquote, without_line_end};

/// Which columns are read.
#[derive(Debug, Clone, Copy)]
pub struct CellColumns<'a> {
    /// The features, each under its name or an alias.
    pub schema: &'a Schema,
    /// Tells customers apart; the first of these names that the file has.
    pub keys: &'a [&'a str],
    /// Tells who left.
    pub target: Option<&'a str>,
}

/// One customer. Cells are without quotes and white space around them; numbers have a decimal point.
#[derive(Debug)]
pub struct CustomerCells<'a> {
    /// What the customer is called; none where the file has no such column.
    pub key: Option<Cow<'a, [u8]>>,
    /// What the column says that tells who left; none where it was not asked for.
    pub target: Option<Cow<'a, [u8]>>,
    /// One per feature, in the schema's order.
    pub features: Vec<Cow<'a, [u8]>>,
}

/// Reads a file; `each` gets every customer, and those whose row has another number of cells than the header are
/// left out.
///
/// # Errors
/// [`ScoreError::Input`] where a feature or the target is not there, or the text is none; those of reading and of
/// `each`.
pub fn read_cells(
    dialect: &Dialect,
    columns: &CellColumns,
    input: impl Read,
    each: &mut dyn FnMut(CustomerCells) -> Result<(), ScoreError>,
) -> Result<(), ScoreError> {
    let mut reader = TextReader::new(dialect, input);
    let header = reader.header()?.names;
    let places = Places {
        delimiter: dialect.delimiter_byte(),
        decimal: dialect.decimal_byte(),
        columns: header.len(),
        key: columns.keys.iter().find_map(|name| column_of(&header, name).ok()),
        target: columns.target.map(|name| column_of(&header, name)).transpose()?,
        features: find_features(&header, columns.schema)?,
        is_number: columns.schema.features.iter().map(|one| one.kind == FeatureKind::Number).collect(),
    };
    let (mut chunk, mut cells) = (Chunk::default(), Vec::new());
    while reader.read(&mut chunk)? {
        let mut start = 0;
        while start < chunk.text.len() {
            let end = match record_end(&chunk.text, start, places.delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } => chunk.text.len(),
            };
            let content = without_line_end(&chunk.text[start..end]);
            start = end;
            if is_blank(content, places.delimiter) {
                continue;
            }
            split(content, places.delimiter, &mut cells);
            if cells.len() == places.columns {
                each(places.customer(content, &cells))?;
            }
        }
    }
    Ok(())
}

struct Places {
    delimiter: u8,
    decimal: u8,
    columns: usize,
    key: Option<usize>,
    target: Option<usize>,
    features: Vec<usize>,
    is_number: Vec<bool>,
}

impl Places {
    fn customer<'a>(&self, content: &'a [u8], cells: &[Range<usize>]) -> CustomerCells<'a> {
        let cell = |column: usize| trimmed(unquote(&content[cells[column].clone()]));
        let number = |column: usize| {
            let text = cell(column);
            match self.decimal {
                b',' if text.contains(&b',') => {
                    Cow::Owned(text.iter().map(|&byte| if byte == b',' { b'.' } else { byte }).collect())
                }
                _ => text,
            }
        };
        let features = self.features.iter().zip(&self.is_number);
        CustomerCells {
            key: self.key.map(cell),
            target: self.target.map(cell),
            features: features
                .map(|(&column, &is_number)| if is_number { number(column) } else { cell(column) })
                .collect(),
        }
    }
}

fn trimmed(text: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_ascii()),
        Cow::Owned(text) => Cow::Owned(text.trim_ascii().to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use super::{CellColumns, read_cells};
    use crate::inspector::{Inspector, Limits};
    use crate::manifest::{CategoryValue, Feature, FeatureKind, Schema};

    fn schema() -> Schema {
        let value = |value: &str| CategoryValue { value: value.to_owned(), aliases: Vec::new() };
        let values = vec![value("a"), value("b")];
        let feature = |name: &str, kind| Feature { name: name.to_owned(), aliases: Vec::new(), kind };
        let features =
            vec![feature("plan", FeatureKind::Category { values }), feature("fee", FeatureKind::Number)];
        Schema { features, outcomes: Vec::new() }
    }

    fn read(text: &str, target: Option<&str>) -> Result<Vec<String>, crate::ScoreError> {
        let mut inspector = Inspector::new(Limits::default());
        inspector.push(text.as_bytes()).unwrap();
        let dialect = inspector.finish().unwrap().dialect;
        let mut rows = Vec::new();
        let schema = schema();
        let columns = CellColumns { schema: &schema, keys: &["number", "id"], target };
        read_cells(&dialect, &columns, text.as_bytes(), &mut |customer| {
            let cells = customer.key.iter().chain(&customer.target).chain(&customer.features);
            let cells: Vec<_> = cells.map(|cell| String::from_utf8_lossy(cell).into_owned()).collect();
            rows.push(cells.join("|"));
            Ok(())
        })?;
        Ok(rows)
    }

    #[test]
    fn cells_are_read_in_the_models_order_and_numbers_with_a_point() {
        let text = "Fee;ID;Plan;Left\n\"3,5\";7; a ;yes\n\n1;2\n12,25;\"8;9\";\"b, or \"\"c\"\"\";no\n";
        assert_eq!(read(text, Some("left")).unwrap(), ["7|yes|a|3.5", "8;9|no|b, or \"c\"|12.25"]);
        assert_eq!(read("Plan,Fee\na,1.5\n", None).unwrap(), ["a|1.5"], "no key");
        assert!(read(text, Some("nobody")).is_err());
        assert!(read("Plan,id\na,1\n", None).is_err(), "a feature is missing");
    }
}
