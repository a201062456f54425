//! Scores one chunk of a file: parses its records, scores them in blocks, writes them with their result.

use crate::block::{Block, ROWS};
use crate::model::Model;
use crate::numbers::{millionths, write_millionths};
use crate::problem::{InputError, PROBLEMS_MAX, Problem, code};
use crate::reader::{Chunk, RECORD_BYTES_MAX};
use crate::records::{RecordEnd, count_lines, is_blank, record_end, without_line_end};
use crate::rows::{Plan, RowFault, RowReader};
use crate::score::OnError;
use crate::summary::{Tally, UnknownCategory};
use crate::{layout, text};

/// A worker on chunks. It holds what must not be shared between threads; the model and plan are shared.
pub(crate) struct ChunkScorer<'plan> {
    model: &'plan Model,
    plan: &'plan Plan,
    on_error: OnError,
    reader: RowReader<'plan>,
    block: Block,
    customers: Vec<Customer>,
    /// Of the customers without a fault, in order.
    probabilities: Vec<f64>,
    first_problems: Vec<Problem>,
}

/// Where a customer is in the chunk.
#[derive(Debug)]
struct Customer {
    start: usize,
    content_end: usize,
    record_end: usize,
    fault: Option<Fault>,
}

/// Why a customer was skipped.
#[derive(Debug)]
struct Fault {
    text: String,
    /// Cells that the record lacks, so that the new columns come to stand where they belong.
    cells_lacking: usize,
}

impl<'plan> ChunkScorer<'plan> {
    pub(crate) fn new(model: &'plan Model, plan: &'plan Plan, on_error: OnError) -> ChunkScorer<'plan> {
        ChunkScorer {
            model,
            plan,
            on_error,
            reader: RowReader::new(&model.manifest().schema, plan),
            block: Block::new(model.slots()),
            customers: Vec::new(),
            probabilities: Vec::new(),
            first_problems: Vec::new(),
        }
    }

    /// Scores a chunk and appends its part of the result.
    pub(crate) fn score(&mut self, chunk: &Chunk, result: &mut Vec<u8>) -> Result<Tally, InputError> {
        text::check(&chunk.text, chunk.first_line, self.plan.delimiter, &self.plan.header)?;
        self.customers.clear();
        self.probabilities.clear();
        self.parse(chunk)?;
        Ok(self.write(&chunk.text, result))
    }

    /// The first problems of customers that were skipped.
    pub(crate) fn first_problems(&self) -> Vec<Problem> {
        self.first_problems.clone()
    }

    /// Columns with unknown values, over all chunks so far.
    pub(crate) fn unknown_categories(&self) -> Vec<UnknownCategory> {
        let counts = self.reader.unknown.iter().enumerate().filter(|(_, count)| **count > 0);
        counts
            .map(|(slot, &count)| UnknownCategory { column: self.plan.category_column(slot), count })
            .collect()
    }

    /// Reads all records; scores each block when it is full.
    fn parse(&mut self, chunk: &Chunk) -> Result<(), InputError> {
        let text = &chunk.text;
        let (mut start, mut line, mut rows) = (0, chunk.first_line, 0);
        let mut failure: Option<RowFault> = None;
        while start < text.len() {
            let end = match record_end(text, start, self.plan.delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } => text.len(),
            };
            let record = &text[start..end];
            self.check_length(record, line)?;
            let content = without_line_end(record);
            if !is_blank(content, self.plan.delimiter) {
                let fault = match self.reader.read(content, line, &mut self.block, rows) {
                    Ok(()) => {
                        rows += 1;
                        None
                    }
                    Err(fault) if self.on_error == OnError::Skip => Some(self.skip(fault)),
                    Err(fault) => {
                        let failure =
                            failure.get_or_insert(RowFault { code: fault.code, problems: Vec::new() });
                        failure.problems.extend(fault.problems);
                        None
                    }
                };
                if failure.as_ref().is_some_and(|failure| failure.problems.len() >= PROBLEMS_MAX) {
                    break;
                }
                let content_end = start + content.len();
                self.customers.push(Customer { start, content_end, record_end: end, fault });
            }
            if rows == ROWS {
                self.model.score_block(&mut self.block, rows, &mut self.probabilities);
                rows = 0;
            }
            line += count_lines(record);
            start = end;
        }
        self.model.score_block(&mut self.block, rows, &mut self.probabilities);
        match failure {
            Some(failure) => Err(InputError::with_problems(failure.code, failure.problems)),
            None => Ok(()),
        }
    }

    fn check_length(&self, record: &[u8], line: u64) -> Result<(), InputError> {
        if record.len() <= RECORD_BYTES_MAX {
            return Ok(());
        }
        Err(layout::record_error(record, line, self.plan.delimiter, 0, None, &self.plan.header))
    }

    fn skip(&mut self, fault: RowFault) -> Fault {
        let describe = |problem: &Problem| {
            let Problem { line, column, message } = problem;
            format!("line {line}, column {column}: {message}")
        };
        let text = fault.problems.iter().map(describe).collect::<Vec<_>>().join("; ");
        let cells_lacking = match fault.code {
            code::RAGGED_ROW => self.plan.header.len().saturating_sub(self.reader.cell_count()),
            _ => 0,
        };
        let room = PROBLEMS_MAX - self.first_problems.len();
        self.first_problems.extend(fault.problems.into_iter().take(room));
        Fault { text, cells_lacking }
    }

    /// Writes every customer's record and result.
    fn write(&self, text: &[u8], result: &mut Vec<u8>) -> Tally {
        let mut tally = Tally::default();
        let (delimiter, decimal) = (self.plan.delimiter, self.plan.decimal);
        let threshold = self.model.manifest().threshold;
        let mut probabilities = self.probabilities.iter();
        result.reserve(text.len() + self.customers.len() * 16);
        for customer in &self.customers {
            result.extend_from_slice(&text[customer.start..customer.content_end]);
            if let Some(fault) = &customer.fault {
                result.resize(result.len() + fault.cells_lacking, delimiter);
                result.extend_from_slice(&[delimiter; 3]);
                write_cell(&fault.text, delimiter, result);
                tally.count_skipped();
            } else if let Some(&probability) = probabilities.next() {
                let millionths = millionths(probability);
                let leaves = leaves(millionths, threshold);
                result.extend_from_slice(&[delimiter, if leaves { b'0' } else { b'1' }, delimiter]);
                write_probability(millionths, delimiter, decimal, result);
                if self.on_error == OnError::Skip {
                    result.push(delimiter);
                }
                tally.count(millionths, leaves);
            }
            result.extend_from_slice(&text[customer.content_end..customer.record_end]);
        }
        tally
    }
}

/// Whether a customer leaves. The probability is compared as it is written, so that the two columns can
/// never contradict each other.
pub(crate) fn leaves(millionths: u32, threshold: f64) -> bool {
    f64::from(millionths) / 1e6 >= threshold
}

/// Writes a text as one cell, quoted where it must be.
pub(crate) fn write_cell(text: &str, delimiter: u8, out: &mut Vec<u8>) {
    let must_be_quoted = |&byte: &u8| byte == delimiter || matches!(byte, b'"' | b'\r' | b'\n');
    if text.as_bytes().iter().any(must_be_quoted) {
        out.push(b'"');
        out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(text.as_bytes());
    }
}

fn write_probability(millionths: u32, delimiter: u8, decimal: u8, out: &mut Vec<u8>) {
    if decimal == delimiter {
        out.push(b'"');
        write_millionths(millionths, decimal, out);
        out.push(b'"');
    } else {
        write_millionths(millionths, decimal, out);
    }
}
