//! Reads a file that tells who of a campaign's customers has left.

use std::io::Read;
use std::ops::Range;

use crate::columns::missing_columns;
use crate::dialect::Dialect;
use crate::problem::{InputError, PROBLEMS_MAX, Problem, ScoreError};
use crate::reader::{Chunk, RECORD_BYTES_MAX, TextReader};
use crate::records::{
    RecordEnd, column_name, count_lines, is_blank, record_end, split, unquote, without_line_end,
};
use crate::{layout, names, text};

/// Columns that tell who left, where none is named.
const NAMES: [&str; 12] = [
    "Churn",
    "Churn Label",
    "Churn Value",
    "churned",
    "exited",
    "attrition",
    "left",
    "has left",
    "отток",
    "ушел",
    "ушёл",
    "признак оттока",
];
/// Values that say that a customer left.
const LEFT: [&str; 16] = [
    "yes",
    "1",
    "true",
    "y",
    "1.0",
    "churned",
    "churn",
    "left",
    "exited",
    "gone",
    "да",
    "истина",
    "ушел",
    "ушёл",
    "ушла",
    "отток",
];
/// Values that say that a customer is still there.
const STAYED: [&str; 15] = [
    "no",
    "0",
    "false",
    "n",
    "0.0",
    "stayed",
    "stays",
    "retained",
    "active",
    "existing",
    "нет",
    "ложь",
    "остался",
    "осталась",
    "активен",
];
/// The code of outcomes that cannot be understood.
const BAD_OUTCOMES: &str = "bad_outcomes";

/// Which columns say what.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutcomeColumns<'a> {
    /// Tells customers apart.
    pub key: &'a str,
    /// Tells who left; found by its name where it is not named.
    pub outcome: Option<&'a str>,
    /// The outcome's value for those who left; without it, words that say so themselves.
    pub positive: Option<&'a str>,
}

/// Reads outcomes; `each` gets every customer's key, without quotes and white space around it, and whether the
/// customer has left. Customers without an outcome are passed over: it is not known yet.
///
/// # Errors
/// [`ScoreError::Input`] where a column is not there, or a row cannot be understood; a file with such rows is worth
/// nothing, and the error lists the first of them.
pub fn read_outcomes(
    dialect: &Dialect,
    columns: &OutcomeColumns,
    input: impl Read,
    each: &mut dyn FnMut(&[u8], bool),
) -> Result<(), ScoreError> {
    let mut reader = TextReader::new(dialect, input);
    let header = reader.header()?.names;
    let find = |name: &str| header.iter().position(|other| names::key(other) == names::key(name));
    let found = |name: &str| find(name).ok_or_else(|| missing_columns(vec![name.to_owned()]));
    let outcome = match columns.outcome {
        Some(name) => found(name)?,
        None => {
            let known = NAMES.iter().find_map(|name| find(name));
            known.ok_or_else(|| missing_columns(vec![NAMES[0].to_owned()]))?
        }
    };
    let mut rows = Rows {
        delimiter: dialect.delimiter_byte(),
        key: found(columns.key)?,
        outcome,
        positive: columns.positive.map(names::key),
        header: header.clone(),
        cells: Vec::new(),
        problems: Vec::new(),
    };
    let mut chunk = Chunk::default();
    while reader.read(&mut chunk)? {
        rows.go_through(&chunk, each)?;
    }
    match rows.problems.is_empty() {
        true => Ok(()),
        false => Err(InputError::with_problems(BAD_OUTCOMES, rows.problems).into()),
    }
}

struct Rows {
    delimiter: u8,
    header: Vec<String>,
    key: usize,
    outcome: usize,
    positive: Option<String>,
    cells: Vec<Range<usize>>,
    /// The first rows that cannot be understood.
    problems: Vec<Problem>,
}

impl Rows {
    fn go_through(&mut self, chunk: &Chunk, each: &mut dyn FnMut(&[u8], bool)) -> Result<(), InputError> {
        text::check(&chunk.text, chunk.first_line, self.delimiter, &self.header)?;
        let (mut start, mut line) = (0, chunk.first_line);
        while start < chunk.text.len() {
            let end = match record_end(&chunk.text, start, self.delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } => chunk.text.len(),
            };
            let record = &chunk.text[start..end];
            if record.len() > RECORD_BYTES_MAX {
                return Err(layout::record_error(record, line, self.delimiter, 0, None, &self.header));
            }
            let content = without_line_end(record);
            if !is_blank(content, self.delimiter) {
                self.read_row(content, line, each);
            }
            line += count_lines(record);
            start = end;
        }
        Ok(())
    }

    fn read_row(&mut self, content: &[u8], line: u64, each: &mut dyn FnMut(&[u8], bool)) {
        split(content, self.delimiter, &mut self.cells);
        let (cells, columns) = (self.cells.len(), self.header.len());
        if cells != columns {
            let message = format!("the row has {cells} cells, the header {columns}");
            return self.tell(line, cells.min(columns), message);
        }
        let cell = |column: usize| unquote(&content[self.cells[column].clone()]);
        let key = cell(self.key);
        let outcome = names::key(&String::from_utf8_lossy(&cell(self.outcome)));
        if outcome.is_empty() {
            return;
        }
        if key.trim_ascii().is_empty() {
            return self.tell(line, self.key, "the customer has no name here".to_owned());
        }
        let is_in = |words: &[&str]| words.iter().any(|word| names::key(word) == outcome);
        let has_left = match &self.positive {
            Some(positive) => Some(outcome == *positive),
            None => is_in(&LEFT).then_some(true).or(is_in(&STAYED).then_some(false)),
        };
        match has_left {
            Some(has_left) => each(key.trim_ascii(), has_left),
            None => {
                let message = "this tells neither that the customer left nor stayed".to_owned();
                self.tell(line, self.outcome, message);
            }
        }
    }

    fn tell(&mut self, line: u64, column: usize, message: String) {
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(Problem { line, column: column_name(&self.header, column), message });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::{Inspector, Limits};

    fn read(text: &str, columns: &OutcomeColumns) -> Result<Vec<(String, bool)>, InputError> {
        let mut inspector = Inspector::new(Limits::default());
        inspector.push(text.as_bytes()).unwrap();
        let dialect = inspector.finish().unwrap().dialect;
        let mut rows = Vec::new();
        let mut each = |key: &[u8], left| rows.push((String::from_utf8(key.to_vec()).unwrap(), left));
        match read_outcomes(&dialect, columns, text.as_bytes(), &mut each) {
            Err(ScoreError::Input(error)) => Err(error),
            other => other.map(|()| rows).map_err(|error| panic!("{error}")),
        }
    }

    #[test]
    fn outcomes_are_read_in_the_words_of_files() {
        let columns = OutcomeColumns { key: "id", ..OutcomeColumns::default() };
        let rows = read("Отток;ID\nда;\" A;1 \"\nнет;B\n;C\nушла;D\n", &columns).unwrap();
        let expected = [("A;1", true), ("B", false), ("D", true)];
        assert_eq!(rows, expected.map(|(key, left)| (key.to_owned(), left)));
        let named = OutcomeColumns { outcome: Some("plan"), positive: Some("NONE"), ..columns };
        let rows = read("id,plan,Churn\n1,none,\n2,gold,\n", &named).unwrap();
        assert_eq!((rows[0].1, rows[1].1), (true, false));
    }

    #[test]
    fn what_cannot_be_understood_is_told_with_line_and_column() {
        let columns = OutcomeColumns { key: "id", ..OutcomeColumns::default() };
        let error = read("id,Churn\n1,maybe\n,yes\n3\n4,no\n", &columns).unwrap_err();
        let places: Vec<_> = error.problems.iter().map(|one| (one.line, one.column.as_str())).collect();
        assert_eq!((error.code, places), (BAD_OUTCOMES, vec![(2, "Churn"), (3, "id"), (4, "Churn")]));
        assert!(read("id,colour\n1,yes\n", &columns).is_err());
        assert!(read("name,Churn\n1,yes\n", &columns).is_err());
    }
}
