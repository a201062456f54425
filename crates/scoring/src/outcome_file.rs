//! Reads a file that tells what really happened: who left, by a column that tells customers apart.

use std::io::Read;

use crate::columns::missing_columns;
use crate::dialect::Dialect;
use crate::names;
use crate::outcome_words::{KNOWN, NAMES, REVERSED, has, says_left};
use crate::problem::{InputError, PROBLEMS_MAX, Problem, ScoreError, code};
use crate::reader::{Chunk, RECORD_BYTES_MAX, TextReader};
use crate::records::{
    RecordEnd, column_name, count_lines, is_blank, record_end, split, unquote, without_line_end,
};
use crate::{layout, text};

/// Which columns say what.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutcomeColumns<'a> {
    /// Tells customers apart.
    pub key: &'a str,
    /// Tells who left; found by its name where it is not named.
    pub outcome: Option<&'a str>,
    /// When it was known, if anywhere.
    pub date: Option<&'a str>,
    /// The outcome's value for those who left; without it, words that say so themselves.
    pub positive: Option<&'a str>,
}

/// One customer's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeRow<'a> {
    /// What the customer is called, without quotes and white space around it.
    pub key: &'a [u8],
    /// Whether the customer has left.
    pub has_left: bool,
    /// The day, counted from 1970-01-01.
    pub day: Option<i32>,
}

/// What was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Rows with an outcome.
    pub rows: u64,
    /// Rows whose outcome is empty: it is not known yet.
    pub rows_open: u64,
    /// Those who left.
    pub leavers: u64,
    /// The first problems of single rows.
    pub problems: Vec<Problem>,
    /// How many there are.
    pub problem_count: u64,
}

/// Reads outcomes; `each` gets every row that can be read. A file with problems is worth nothing.
///
/// # Errors
/// [`ScoreError::Input`] where a column is not there or there are more than `rows_max` rows.
pub fn read_outcomes(
    dialect: &Dialect,
    columns: &OutcomeColumns,
    input: impl Read,
    rows_max: u64,
    each: &mut dyn FnMut(OutcomeRow),
) -> Result<Outcomes, ScoreError> {
    let mut reader = TextReader::new(dialect, input);
    let header = reader.header()?.names;
    let outcome = outcome_column(&header, columns.outcome)?;
    let date = columns.date.map(|name| crate::monitoring::column_of(&header, name)).transpose()?;
    let mut rows = Rows {
        delimiter: dialect.delimiter_byte(),
        key: crate::monitoring::column_of(&header, columns.key)?,
        is_reversed: has(&REVERSED, &names::key(&header[outcome])),
        outcome,
        date,
        positive: columns.positive.map(names::key),
        header,
        rows_max,
        cells: Vec::new(),
        read: Outcomes::default(),
    };
    let mut chunk = Chunk::default();
    while reader.read(&mut chunk)? {
        rows.go_through(&chunk, each)?;
    }
    if rows.read.rows + rows.read.rows_open + rows.read.problem_count == 0 {
        return Err(InputError::new(code::NO_ROWS, "The file has a header and no customers.").into());
    }
    Ok(rows.read)
}

/// The column that is named, or the first whose name says that it tells who left or stayed.
fn outcome_column(header: &[String], name: Option<&str>) -> Result<usize, InputError> {
    if let Some(name) = name {
        return crate::monitoring::column_of(header, name);
    }
    let says = |list: &[&str]| header.iter().position(|name| has(list, &names::key(name)));
    let found = says(&KNOWN).or_else(|| says(&NAMES)).or_else(|| says(&REVERSED));
    found.ok_or_else(|| missing_columns(vec!["Churn".to_owned()]))
}

struct Rows {
    delimiter: u8,
    header: Vec<String>,
    key: usize,
    outcome: usize,
    is_reversed: bool,
    date: Option<usize>,
    positive: Option<String>,
    rows_max: u64,
    cells: Vec<std::ops::Range<usize>>,
    read: Outcomes,
}

impl Rows {
    fn go_through(&mut self, chunk: &Chunk, each: &mut dyn FnMut(OutcomeRow)) -> Result<(), InputError> {
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
            if self.read.rows + self.read.rows_open > self.rows_max {
                let message = format!("The file has more than {} customers.", self.rows_max);
                return Err(InputError::new(code::TOO_MANY_ROWS, message));
            }
            line += count_lines(record);
            start = end;
        }
        Ok(())
    }

    fn read_row(&mut self, content: &[u8], line: u64, each: &mut dyn FnMut(OutcomeRow)) {
        split(content, self.delimiter, &mut self.cells);
        let (cells, columns) = (self.cells.len(), self.header.len());
        if cells != columns {
            let message = format!("the row has {cells} cells, the header {columns}");
            return self.tell(line, cells.min(columns), message);
        }
        let cell = |column: usize| unquote(&content[self.cells[column].clone()]);
        let key = cell(self.key);
        let outcome = cell(self.outcome);
        let outcome = names::key(&String::from_utf8_lossy(&outcome));
        let date = self.date.map(|column| (column, cell(column)));
        if key.trim_ascii().is_empty() {
            return self.tell(line, self.key, "the customer has no name here".to_owned());
        }
        if outcome.is_empty() {
            self.read.rows_open += 1;
            return;
        }
        let day = match date {
            Some((_, date)) if date.trim_ascii().is_empty() => None,
            Some((column, date)) => match day_of(&String::from_utf8_lossy(&date)) {
                Some(day) => Some(day),
                None => return self.tell(line, column, "this is no date such as 2026-03-31".to_owned()),
            },
            None => None,
        };
        let has_left = match &self.positive {
            Some(positive) => Some(outcome == *positive),
            None => says_left(&outcome, self.is_reversed),
        };
        let Some(has_left) = has_left else {
            let message = "this tells neither that the customer left nor stayed".to_owned();
            return self.tell(line, self.outcome, message);
        };
        self.read.rows += 1;
        self.read.leavers += u64::from(has_left);
        each(OutcomeRow { key: key.trim_ascii(), has_left, day });
    }

    fn tell(&mut self, line: u64, column: usize, message: String) {
        self.read.problem_count += 1;
        if self.read.problems.len() < PROBLEMS_MAX {
            self.read.problems.push(Problem { line, column: column_name(&self.header, column), message });
        }
    }
}

/// The day of a date, counted from 1970-01-01: `2026-03-31`, with a time behind it or not, or `31.03.2026`.
pub(crate) fn day_of(text: &str) -> Option<i32> {
    let text = text.trim();
    let date = text.split(['T', ' ']).next()?;
    let part = |text: &str, digits: usize| -> Option<i32> {
        (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
    };
    let (year, month, day) = match date.split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => (part(year, 4)?, part(month, 2)?, part(day, 2)?),
        _ => match date.split('.').collect::<Vec<_>>()[..] {
            [day, month, year] => (part(year, 4)?, part(month, 2)?, part(day, 2)?),
            _ => return None,
        },
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = [31, 28 + i32::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let month_days = *days.get(usize::try_from(month - 1).ok()?)?;
    if !(1..=month_days).contains(&day) {
        return None;
    }
    // Years that begin in March have their leap day at the end (Hinnant, "chrono-compatible low-level date
    // algorithms").
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::{OutcomeColumns, Outcomes, day_of, read_outcomes};
    use crate::inspector::{Inspector, Limits};
    use crate::problem::{ScoreError, code};

    type Row = (String, bool, Option<i32>);

    fn read(text: &str, columns: &OutcomeColumns) -> Result<(Outcomes, Vec<Row>), ScoreError> {
        let mut inspector = Inspector::new(Limits::default());
        inspector.push(text.as_bytes()).unwrap();
        let dialect = inspector.finish().unwrap().dialect;
        let mut rows = Vec::new();
        let mut each = |row: super::OutcomeRow| {
            rows.push((String::from_utf8(row.key.to_vec()).unwrap(), row.has_left, row.day));
        };
        Ok((read_outcomes(&dialect, columns, text.as_bytes(), 100, &mut each)?, rows))
    }

    #[test]
    fn outcomes_are_read_in_the_words_of_files() {
        let columns = OutcomeColumns { key: "id", date: Some("когда"), ..OutcomeColumns::default() };
        let text = "Отток;ID;Когда\nда;\" A;1 \";31.03.2026\nнет;B;2026-04-01T10:00\n;C;\nушла;D;\n";
        let (read, rows) = read(text, &columns).unwrap();
        assert_eq!((read.rows, read.rows_open, read.leavers, read.problem_count), (3, 1, 2, 0));
        assert_eq!(rows[0], ("A;1".to_owned(), true, Some(20_543)));
        assert_eq!(rows[1], ("B".to_owned(), false, Some(20_544)));
        assert_eq!(rows[2], ("D".to_owned(), true, None));
    }

    #[test]
    fn a_reversed_column_and_a_named_value_mean_what_they_say() {
        let plain = OutcomeColumns { key: "id", ..OutcomeColumns::default() };
        assert!(!read("id,retained\n1,yes\n", &plain).unwrap().1[0].1);
        let named = OutcomeColumns { outcome: Some("plan"), positive: Some("NONE"), ..plain };
        let rows = read("id,plan,Churn\n1,none,\n2,gold,\n", &named).unwrap().1;
        assert_eq!((rows[0].1, rows[1].1), (true, false));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_line_and_column() {
        let columns = OutcomeColumns { key: "id", date: Some("d"), ..OutcomeColumns::default() };
        let (read_rows, rows) =
            read("id,Churn,d\n1,maybe,\n,yes,\n2,yes,soon\n3,yes\n4,no,\n", &columns).unwrap();
        let places: Vec<_> = read_rows.problems.iter().map(|one| (one.line, one.column.as_str())).collect();
        assert_eq!(places, [(2, "Churn"), (3, "id"), (4, "d"), (5, "d")]);
        assert_eq!((read_rows.rows, rows.len()), (1, 1));
        let lacking = OutcomeColumns { key: "customer", ..OutcomeColumns::default() };
        match read("id,Churn\n1,yes\n", &lacking) {
            Err(ScoreError::Input(error)) => {
                assert_eq!((error.code, error.missing.len()), (code::MISSING_COLUMNS, 1))
            }
            other => panic!("{other:?}"),
        }
        assert!(read("id,colour\n1,yes\n", &OutcomeColumns { key: "id", ..lacking }).is_err());
    }

    #[test]
    fn days_are_counted_from_1970() {
        for (date, day) in
            [("1970-01-01", 0), ("2000-02-29", 11_016), ("31.12.1969", -1), ("2026-11-21", 20_778)]
        {
            assert_eq!(day_of(date), Some(day), "{date}");
        }
        for wrong in ["2026-02-29", "2026-13-01", "1.1.2026", "yesterday", "2026", ""] {
            assert_eq!(day_of(wrong), None, "{wrong}");
        }
    }
}
