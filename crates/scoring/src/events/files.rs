//! From two files, customers and events, to the customers with their features.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::history::{FEATURES, History};
use crate::dialect::Dialect;
use crate::moment::seconds_of;
use crate::monitoring::column_of;
use crate::numbers;
use crate::problem::{InputError, PROBLEMS_MAX, Problem, ScoreError, code};
use crate::reader::{Chunk, RECORD_BYTES_MAX, TextReader};
use crate::records::{
    RecordEnd, column_name, count_lines, is_blank, record_end, split, unquote, without_line_end,
};
use crate::{layout, names, text};

/// Before which moment events count.
#[derive(Debug, Clone, Copy)]
pub enum AsOf<'a> {
    /// One for all customers, in seconds since 1970.
    Moment(i64),
    /// A column of the customers' file.
    Column(&'a str),
}

/// Which columns say what.
#[derive(Debug, Clone, Copy)]
pub struct EventColumns<'a> {
    /// The customers' column that tells them apart.
    pub key: &'a str,
    /// The events' column that names the customer.
    pub event_key: &'a str,
    /// The events' column of times.
    pub time: &'a str,
    /// The events' column of amounts; without it each event counts as nothing.
    pub amount: Option<&'a str>,
    /// Before which moment events count.
    pub as_of: AsOf<'a>,
    /// The offset of times that name none, in seconds east of UTC.
    pub utc_offset: i64,
}

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsReport {
    /// Customers written.
    pub customers: u64,
    /// Those of them with an event before their moment.
    pub customers_with_events: u64,
    /// Events that counted.
    pub events: u64,
    /// Events that were not before their customer's moment, and were left out.
    pub events_after: u64,
    /// Events of nobody in the customers' file.
    pub events_of_others: u64,
    /// Events that could not be read, and were left out.
    pub problem_count: u64,
    /// The first of these.
    pub problems: Vec<Problem>,
}

/// Writes the customers with the columns of [`FEATURES`] behind their own. `open` opens the customers' file, twice.
///
/// # Errors
/// [`ScoreError::Input`] where a column is not there or is there already, or a customer has no moment that can be
/// read; those of reading and writing.
pub fn add_features<R: Read>(
    columns: &EventColumns,
    customers: (&Dialect, &mut dyn FnMut() -> std::io::Result<R>),
    events: (&Dialect, impl Read),
    output: &mut dyn Write,
) -> Result<EventsReport, ScoreError> {
    let (dialect, open) = customers;
    let mut known = Customers::read(columns, dialect, open()?)?;
    let mut report = EventsReport::default();
    known.take_events(columns, events.0, events.1, &mut report)?;
    known.write(dialect, open()?, output, &mut report)?;
    Ok(report)
}

/// A history for each row, and which rows a key means: a customer may be there as of several moments.
struct Customers {
    rows: HashMap<Box<[u8]>, Vec<u32>>,
    histories: Vec<History>,
}

impl Customers {
    fn read(columns: &EventColumns, dialect: &Dialect, input: impl Read) -> Result<Customers, ScoreError> {
        let mut rows = Rows::open(dialect, input)?;
        let key = column_of(&rows.header, columns.key)?;
        let as_of = match columns.as_of {
            AsOf::Moment(_) => None,
            AsOf::Column(name) => Some(column_of(&rows.header, name)?),
        };
        for (place, name) in rows.header.iter().enumerate() {
            if FEATURES.iter().any(|feature| names::key(feature) == names::key(name)) {
                let column = column_name(&rows.header, place);
                let message = "a feature of the events has this name".to_owned();
                let problem = Problem { line: 1, column, message };
                return Err(InputError::at(code::DUPLICATE_COLUMNS, problem).into());
            }
        }
        let mut customers = Customers { rows: HashMap::new(), histories: Vec::new() };
        rows.go_through(&mut |row| {
            let moment = match (columns.as_of, as_of) {
                (AsOf::Moment(moment), _) => moment,
                (AsOf::Column(_), column) => {
                    let column = column.unwrap_or_default();
                    seconds_of(&String::from_utf8_lossy(&row.value(column)), columns.utc_offset)
                        .ok_or_else(|| row.fault(column, "this is no moment such as 2026-03-31"))?
                }
            };
            let number = u32::try_from(customers.histories.len())
                .map_err(|_| InputError::new(code::TOO_MANY_ROWS, "The file has too many customers."))?;
            let key = row.value(key).trim_ascii().into();
            customers.rows.entry(key).or_default().push(number);
            customers.histories.push(History::before(moment));
            Ok(())
        })?;
        Ok(customers)
    }

    fn take_events(
        &mut self,
        columns: &EventColumns,
        dialect: &Dialect,
        input: impl Read,
        report: &mut EventsReport,
    ) -> Result<(), ScoreError> {
        let mut rows = Rows::open(dialect, input)?;
        let key = column_of(&rows.header, columns.event_key)?;
        let time = column_of(&rows.header, columns.time)?;
        let amount = columns.amount.map(|name| column_of(&rows.header, name)).transpose()?;
        let decimal = dialect.decimal_byte();
        rows.go_through(&mut |row| {
            match event_of(row, time, amount, decimal, columns.utc_offset) {
                Err(problem) => {
                    report.problem_count += 1;
                    if report.problems.len() < PROBLEMS_MAX {
                        report.problems.push(problem);
                    }
                }
                Ok((time, amount)) => {
                    let of_rows = self.rows.get(row.value(key).trim_ascii());
                    report.events_of_others += u64::from(of_rows.is_none());
                    for &number in of_rows.into_iter().flatten() {
                        let counts = self.histories[number as usize].take(time, amount);
                        report.events += u64::from(counts);
                        report.events_after += u64::from(!counts);
                    }
                }
            }
            Ok(())
        })
    }

    fn write(
        &self,
        dialect: &Dialect,
        input: impl Read,
        output: &mut dyn Write,
        report: &mut EventsReport,
    ) -> Result<(), ScoreError> {
        let delimiter = char::from(dialect.delimiter_byte());
        let decimal = char::from(dialect.decimal_byte());
        let mut rows = Rows::open(dialect, input)?;
        output.write_all(without_line_end(&rows.header_record))?;
        for name in FEATURES {
            write!(output, "{delimiter}{name}")?;
        }
        output.write_all(b"\n")?;
        let mut histories = self.histories.iter();
        rows.go_through(&mut |row| {
            let Some(history) = histories.next() else {
                return Err(
                    InputError::new(code::TOO_MANY_ROWS, "The file has grown while it was read.").into()
                );
            };
            let features = history.features();
            output.write_all(row.content)?;
            for value in features {
                match value {
                    Some(value) if decimal == '.' => write!(output, "{delimiter}{value}")?,
                    Some(value) => {
                        let text = value.to_string().replace('.', &decimal.to_string());
                        let quote = if decimal == delimiter { "\"" } else { "" };
                        write!(output, "{delimiter}{quote}{text}{quote}")?;
                    }
                    None => write!(output, "{delimiter}")?,
                }
            }
            output.write_all(b"\n")?;
            report.customers += 1;
            report.customers_with_events += u64::from(features[8].is_some());
            Ok(())
        })
    }
}

fn event_of(
    row: &Row,
    time: usize,
    amount: Option<usize>,
    decimal: u8,
    utc_offset: i64,
) -> Result<(i64, f64), Problem> {
    let moment = seconds_of(&String::from_utf8_lossy(&row.value(time)), utc_offset)
        .ok_or_else(|| row.problem(time, "this is no moment such as 2026-03-31T14:05Z".to_owned()))?;
    let Some(column) = amount else { return Ok((moment, 0.0)) };
    let number = numbers::parse(&row.value(column), decimal).map_err(|said| row.problem(column, said))?;
    Ok((moment, if number.is_nan() { 0.0 } else { number }))
}

/// The rows of a file, one after the other.
struct Rows<R: Read> {
    reader: TextReader<R>,
    header_record: Vec<u8>,
    header: Vec<String>,
    delimiter: u8,
}

/// One row.
struct Row<'a> {
    content: &'a [u8],
    line: u64,
    cells: &'a [Range<usize>],
    header: &'a [String],
}

impl Row<'_> {
    fn value(&self, column: usize) -> std::borrow::Cow<'_, [u8]> {
        unquote(&self.content[self.cells[column].clone()])
    }

    fn problem(&self, column: usize, message: String) -> Problem {
        let line = self.line + count_lines(&self.content[..self.cells[column].start]);
        Problem { line, column: column_name(self.header, column), message }
    }

    fn fault(&self, column: usize, message: &str) -> ScoreError {
        InputError::at(code::NOT_A_NUMBER, self.problem(column, message.to_owned())).into()
    }
}

impl<R: Read> Rows<R> {
    fn open(dialect: &Dialect, input: R) -> Result<Rows<R>, ScoreError> {
        let mut reader = TextReader::new(dialect, input);
        let header = reader.header()?;
        let delimiter = dialect.delimiter_byte();
        Ok(Rows { reader, header_record: header.record, header: header.names, delimiter })
    }

    fn go_through(&mut self, each: &mut dyn FnMut(&Row) -> Result<(), ScoreError>) -> Result<(), ScoreError> {
        let (mut chunk, mut cells) = (Chunk::default(), Vec::new());
        while self.reader.read(&mut chunk)? {
            text::check(&chunk.text, chunk.first_line, self.delimiter, &self.header)?;
            let (mut start, mut line) = (0, chunk.first_line);
            while start < chunk.text.len() {
                let end = match record_end(&chunk.text, start, self.delimiter) {
                    RecordEnd::At(end) => end,
                    RecordEnd::Open { .. } => chunk.text.len(),
                };
                let record = &chunk.text[start..end];
                if record.len() > RECORD_BYTES_MAX {
                    let error = layout::record_error(record, line, self.delimiter, 0, None, &self.header);
                    return Err(error.into());
                }
                let content = without_line_end(record);
                if !is_blank(content, self.delimiter) {
                    split(content, self.delimiter, &mut cells);
                    let (count, columns) = (cells.len(), self.header.len());
                    let row = Row { content, line, cells: &cells, header: &self.header };
                    if count != columns {
                        let column = count.min(columns).saturating_sub(1);
                        let message = format!("the row has {count} cells, the header {columns}");
                        let problem = Problem { line, column: column_name(&self.header, column), message };
                        return Err(InputError::at(code::RAGGED_ROW, problem).into());
                    }
                    each(&row)?;
                }
                line += count_lines(record);
                start = end;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspector::{Inspector, Limits};

    fn dialect(text: &str) -> Dialect {
        let mut inspector = Inspector::new(Limits::default());
        inspector.push(text.as_bytes()).unwrap();
        inspector.finish().unwrap().dialect
    }

    fn added(
        customers: &str,
        events: &str,
        columns: &EventColumns,
    ) -> Result<(String, EventsReport), ScoreError> {
        let mut output = Vec::new();
        let mut open = || Ok(customers.as_bytes());
        let (of_customers, of_events) = (dialect(customers), dialect(events));
        let report =
            add_features(columns, (&of_customers, &mut open), (&of_events, events.as_bytes()), &mut output)?;
        Ok((String::from_utf8(output).unwrap(), report))
    }

    const COLUMNS: EventColumns = EventColumns {
        key: "id",
        event_key: "customer",
        time: "time",
        amount: Some("amount"),
        as_of: AsOf::Column("as_of"),
        utc_offset: 0,
    };

    #[test]
    fn events_after_the_outcome_change_no_byte() {
        let customers = "id;Churn;as_of\nA;1;2026-03-01\nB;0;2026-03-01T03:00+03:00\nA;0;2026-06-01\n";
        let before = "customer;time;amount\nA;2026-02-28T23:59:59Z;1,5\nB;2026-02-28T23:59:59Z;2\n";
        let after =
            "A;2026-06-01T00:00Z;1000\nA;2026-07-01;7\nB;2026-03-01T00:00Z;99\nB;2026-03-01 02:59+03:00;2\n";
        let (with, told) = added(customers, &format!("{before}{after}"), &COLUMNS).unwrap();
        // The last one is a minute before, in its own zone.
        let (without, _) = added(customers, &format!("{before}B;2026-02-28 23:59;2\n"), &COLUMNS).unwrap();
        assert_eq!(with, without);
        let lines: Vec<&str> = with.lines().collect();
        assert!(lines[0].starts_with("id;Churn;as_of;events_30d;"), "{with}");
        assert!(lines[1].starts_with("A;1;2026-03-01;1;1;1;1,5;1,5;1,5;"), "{with}");
        assert!(lines[2].starts_with("B;0;2026-03-01T03:00+03:00;2;2;2;4;"), "{with}");
        assert!(lines[3].starts_with("A;0;2026-06-01;0;0;1;0;0;1,5;"), "the same customer, later: {with}");
        assert_eq!(
            (told.customers, told.customers_with_events, told.events, told.events_after),
            (3, 3, 4, 5)
        );
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_told() {
        let columns = EventColumns { as_of: AsOf::Moment(1_800_000_000), ..COLUMNS };
        let events = "time,customer,amount\nsoon,A,1\n2026-01-01,A,many\n2026-01-01,Z,1\n2026-01-01,A,\n";
        let (_, told) = added("id\nA\n", events, &columns).unwrap();
        let places: Vec<_> = told.problems.iter().map(|one| (one.line, one.column.as_str())).collect();
        assert_eq!(places, [(2, "time"), (3, "amount")]);
        assert_eq!((told.events, told.events_of_others, told.problem_count), (1, 1, 2));
        assert!(added("id,Events 30d\nA,1\n", events, &columns).is_err(), "a column of that name is there");
        assert!(added("id,as_of\nA,never\n", events, &COLUMNS).is_err());
    }

    #[test]
    fn a_time_without_a_zone_is_at_the_offset_that_is_given() {
        let moment = seconds_of("2026-03-01T00:00Z", 0).unwrap();
        let columns = EventColumns { as_of: AsOf::Moment(moment), utc_offset: 3 * 3_600, ..COLUMNS };
        let events = "customer,time,amount\nA,2026-03-01 02:59,1\nA,2026-03-01 03:00,1\n";
        let (_, told) = added("id\nA\n", events, &columns).unwrap();
        assert_eq!((told.events, told.events_after), (1, 1));
    }
}
