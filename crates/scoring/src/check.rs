//! Reads a whole file for its owner to see what a prediction would make of it.

use std::io::Read;

use serde::{Deserialize, Serialize};

use crate::block::Block;
use crate::columns::match_columns;
use crate::contract::{Contract, Expected, Finding, Watch};
use crate::dialect::Dialect;
use crate::index::RecordIndex;
use crate::kernels::Level;
use crate::manifest::Schema;
use crate::problem::{InputError, PROBLEMS_MAX, Problem, ScoreError, code};
use crate::reader::{Chunk, RECORD_BYTES_MAX, TextReader};
use crate::records::{RecordEnd, count_lines, is_blank, record_end, without_line_end};
use crate::rows::{Plan, RowReader};
use crate::{layout, text};

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// Customers.
    pub rows: u64,
    /// The file's columns in their order.
    pub columns: Vec<ColumnReport>,
    /// The first problems of single customers.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
    /// Whether the last of them ended the reading: behind it no record can be found, so that nobody can be
    /// left out to make the file whole.
    #[serde(default)]
    pub is_cut_short: bool,
    /// What is otherwise than in the data that the model learned from; only where that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// One column of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnReport {
    /// Its name in the file.
    pub name: String,
    /// The model's name of the feature that it is.
    pub matched_to: Option<String>,
    /// The share of customers without a value, 0 to 1.
    pub missing_share: f64,
}

/// Checks a file against a schema; an empty schema checks its form only.
///
/// A header that does not fit is an error, as it is when the file is sent for a prediction. What is wrong
/// with customers is listed; a fault after which no record can be found ends the list.
pub fn check_csv(schema: &Schema, dialect: &Dialect, input: impl Read) -> Result<CheckReport, ScoreError> {
    check(schema, dialect, input, |_| Ok(None))
}

/// The same, and holds the customers against a contract of the schema: what is found is in `findings`.
pub fn check_contract(
    schema: &Schema,
    contract: &Contract,
    expected: &Expected,
    dialect: &Dialect,
    input: impl Read,
) -> Result<CheckReport, ScoreError> {
    check(schema, dialect, input, |plan| Watch::new(contract, expected, plan).map(Some))
}

fn check<'a>(
    schema: &Schema,
    dialect: &Dialect,
    input: impl Read,
    watch: impl FnOnce(&Plan) -> Result<Option<Watch<'a>>, InputError>,
) -> Result<CheckReport, ScoreError> {
    let mut reader = TextReader::new(dialect, input);
    let header = reader.header()?.names;
    let matches = match_columns(&header, schema)?;
    let plan = Plan::new(schema, dialect, header)?;
    let mut checker = Checker {
        rows: RowReader::new(schema, &plan),
        block: Block::new(&plan.slots),
        missing: vec![0; plan.header.len()],
        counted: 0,
        report: CheckReport {
            rows: 0,
            columns: Vec::new(),
            problems: Vec::new(),
            problem_count: 0,
            is_cut_short: false,
            findings: Vec::new(),
        },
        watch: watch(&plan)?,
        plan: &plan,
    };
    let mut chunk = Chunk::default();
    loop {
        let step = match reader.read(&mut chunk) {
            Ok(false) => break,
            Ok(true) => checker.check(&chunk),
            Err(ScoreError::Input(error)) => Err(error),
            Err(error) => return Err(error),
        };
        if let Err(error) = step {
            checker.report_problems(error.problems);
            checker.report.is_cut_short = true;
            break;
        }
    }
    let counted = checker.counted.max(1) as f64;
    let columns = matches.into_iter().zip(&checker.missing).map(|(column, &missing)| ColumnReport {
        name: column.name,
        matched_to: column.matched_to,
        missing_share: missing as f64 / counted,
    });
    let findings = checker.watch.map(|watch| watch.finish(&plan)).unwrap_or_default();
    let report = CheckReport { columns: columns.collect(), findings, ..checker.report };
    if report.rows == 0 && report.problem_count == 0 {
        return Err(InputError::new(code::NO_ROWS, "The file has a header and no customers.").into());
    }
    Ok(report)
}

/// Counts customers and cells without reading their values: what it costs to find and check them.
pub fn count_cells(dialect: &Dialect, input: impl Read) -> Result<(u64, u64), ScoreError> {
    let mut reader = TextReader::new(dialect, input);
    let header = reader.header()?.names;
    let delimiter = dialect.delimiter_byte();
    let mut index = RecordIndex::new(Level::best());
    let (mut chunk, mut rows, mut cells) = (Chunk::default(), 0, 0);
    while reader.read(&mut chunk)? {
        index.begin(delimiter);
        let mut is_checked = false;
        while !index.is_done(&chunk.text) {
            if !index.advance(&chunk.text) && !is_checked {
                text::check(&chunk.text, chunk.first_line, delimiter, &header)?;
                is_checked = true;
            }
            for _ in 0..index.available() {
                let record = index.take();
                let content = &chunk.text[record.start..record.line_end];
                let content = content.strip_suffix(b"\r").unwrap_or(content);
                let is_blank = is_blank(content, delimiter);
                rows += u64::from(!is_blank);
                cells += if is_blank { 0 } else { record.cells as u64 };
            }
        }
    }
    Ok((rows, cells))
}

struct Checker<'plan, 'contract> {
    plan: &'plan Plan,
    watch: Option<Watch<'contract>>,
    rows: RowReader<'plan>,
    block: Block,
    missing: Vec<u64>,
    /// Customers whose cells could be told apart.
    counted: u64,
    report: CheckReport,
}

impl Checker<'_, '_> {
    fn check(&mut self, chunk: &Chunk) -> Result<(), InputError> {
        let delimiter = self.plan.delimiter;
        text::check(&chunk.text, chunk.first_line, delimiter, &self.plan.header)?;
        let (mut start, mut line) = (0, chunk.first_line);
        while start < chunk.text.len() {
            let end = match record_end(&chunk.text, start, delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } => chunk.text.len(),
            };
            let record = &chunk.text[start..end];
            if record.len() > RECORD_BYTES_MAX {
                return Err(layout::record_error(record, line, delimiter, 0, None, &self.plan.header));
            }
            let content = without_line_end(record);
            if !is_blank(content, delimiter) {
                self.check_row(content, line);
            }
            line += count_lines(record);
            start = end;
        }
        Ok(())
    }

    fn check_row(&mut self, content: &[u8], line: u64) {
        self.report.rows += 1;
        let result = self.rows.read(content, line, &mut self.block, 0);
        if self.rows.cell_count() == self.missing.len() {
            self.counted += 1;
            for (missing, is_missing) in self.missing.iter_mut().zip(self.rows.missing_cells(content)) {
                *missing += u64::from(is_missing);
            }
            if let Some(watch) = &mut self.watch {
                let features = result.is_ok().then_some(&self.block);
                watch.see(content, line, &self.rows, features);
            }
        }
        if let Err(fault) = result {
            self.report_problems(fault.problems);
        }
    }

    fn report_problems(&mut self, problems: Vec<Problem>) {
        self.report.problem_count += problems.len() as u64;
        let room = PROBLEMS_MAX - self.report.problems.len();
        self.report.problems.extend(problems.into_iter().take(room));
    }
}
