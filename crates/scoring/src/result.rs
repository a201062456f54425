//! Writes customers with their result.

use std::io::{self, Write};

use crate::block::Block;
use crate::chunk::Customer;
use crate::extra::{ExtraWriter, ScoredRow};
use crate::numbers::{millionths, millionths_text};
use crate::problem::Problem;
use crate::score::OnError;
use crate::shap::Effects;
use crate::summary::Tally;

/// The most bytes that a customer's new columns have.
const COLUMNS_BYTES_MAX: usize = 16;

/// Why a customer was skipped.
#[derive(Debug)]
pub(crate) struct Fault {
    text: String,
    /// Cells that the record lacks, so that the new columns come to stand where they belong.
    cells_lacking: usize,
}

impl Fault {
    pub(crate) fn new(problems: &[Problem], cells_lacking: usize) -> Fault {
        let describe = |problem: &Problem| {
            let Problem { line, column, message } = problem;
            format!("line {line}, column {column}: {message}")
        };
        let text = problems.iter().map(describe).collect::<Vec<_>>().join("; ");
        Fault { text, cells_lacking }
    }
}

/// What comes out of a chunk. The delimiters that stand for lacking cells are only counted until they are
/// written: a short row under a wide header has thousands of them, and a chunk half a million such rows.
#[derive(Debug, Default)]
pub(crate) struct ChunkResult {
    text: Vec<u8>,
    /// Places in the text, ascending, and how many delimiters stand before each.
    lacking: Vec<(usize, usize)>,
}

impl ChunkResult {
    /// Forgets what is in it and makes room for a chunk of this many bytes.
    pub(crate) fn begin(&mut self, bytes: usize) {
        self.text.clear();
        self.lacking.clear();
        self.text.reserve(bytes + bytes / 8);
    }

    /// Writes it whole.
    pub(crate) fn write_to(&self, output: &mut impl Write, delimiter: u8) -> io::Result<()> {
        let delimiters = [delimiter; 1024];
        let mut written = 0;
        for &(place, mut count) in &self.lacking {
            output.write_all(&self.text[written..place])?;
            written = place;
            while count > 0 {
                let part = count.min(delimiters.len());
                output.write_all(&delimiters[..part])?;
                count -= part;
            }
        }
        output.write_all(&self.text[written..])
    }
}

/// Appends the new columns to records.
#[derive(Debug)]
pub(crate) struct ResultWriter {
    delimiter: u8,
    /// Of a customer's columns: everything but the digits.
    columns: [u8; COLUMNS_BYTES_MAX],
    columns_length: usize,
    /// Where the probability is in the columns.
    probability: usize,
    decimal: u8,
    /// A customer with fewer millionths stays.
    leaves_from: u32,
    /// Behind the probability; nothing where nobody asked for more.
    extra: Option<ExtraWriter>,
    /// Whether there is a column for problems.
    has_problems: bool,
}

impl ResultWriter {
    pub(crate) fn new(
        delimiter: u8,
        decimal: u8,
        on_error: OnError,
        threshold: f64,
        extra: Option<ExtraWriter>,
    ) -> ResultWriter {
        let has_problems = on_error == OnError::Skip;
        let mut columns = vec![delimiter, b'1', delimiter];
        let quote: &[u8] = if decimal == delimiter { b"\"" } else { b"" };
        columns.extend_from_slice(quote);
        let probability = columns.len();
        columns.extend_from_slice(&[b'0'; 8]);
        columns.extend_from_slice(quote);
        if has_problems && extra.is_none() {
            columns.push(delimiter);
        }
        let columns_length = columns.len();
        columns.resize(COLUMNS_BYTES_MAX, 0);
        let mut array = [0; COLUMNS_BYTES_MAX];
        array.copy_from_slice(&columns);
        ResultWriter {
            delimiter,
            columns: array,
            columns_length,
            probability,
            decimal,
            leaves_from: leaves_from(threshold),
            extra,
            has_problems,
        }
    }

    /// What the extra columns have counted since the last call.
    pub(crate) fn take_effects(&mut self) -> Effects {
        self.extra.as_mut().map(ExtraWriter::take_effects).unwrap_or_default()
    }

    /// Lets the extra columns look at a block, before its customers are written.
    pub(crate) fn begin(&mut self, block: &Block, count: usize) {
        if let Some(extra) = &mut self.extra {
            extra.begin(block, count);
        }
    }

    /// Appends customers; there is a probability for each that is whole.
    pub(crate) fn write(
        &mut self,
        block: &Block,
        text: &[u8],
        customers: &[Customer],
        probabilities: &[f64],
        tally: &mut Tally,
        result: &mut ChunkResult,
    ) {
        let mut probabilities = probabilities.iter().enumerate();
        // Behind the last customer's content, what is not copied yet.
        let mut uncopied = customers.first().map_or(0..0, |first| first.start..first.start);
        for customer in customers {
            let probability = if customer.is_whole { probabilities.next() } else { None };
            if uncopied.end != customer.start {
                result.text.extend_from_slice(&text[uncopied.clone()]);
                uncopied.start = customer.start;
            }
            result.text.extend_from_slice(&text[uncopied.start..customer.content_end]);
            uncopied = customer.content_end..customer.record_end;
            match (&customer.fault, probability) {
                (None, Some((row, &probability))) => {
                    let millionths = millionths(probability);
                    let leaves = millionths >= self.leaves_from;
                    self.write_columns(millionths, leaves, &mut result.text);
                    if let Some(extra) = &mut self.extra {
                        extra.write(block, &ScoredRow { row, millionths }, &mut result.text);
                        if self.has_problems {
                            result.text.push(self.delimiter);
                        }
                    }
                    tally.count(millionths, leaves);
                }
                (fault, _) => {
                    self.write_fault(fault.as_deref(), result);
                    tally.count_skipped();
                }
            }
        }
        result.text.extend_from_slice(&text[uncopied]);
    }

    #[inline(always)]
    fn write_columns(&self, millionths: u32, leaves: bool, result: &mut Vec<u8>) {
        let mut columns = self.columns;
        columns[1] -= u8::from(leaves);
        columns[self.probability..self.probability + 8]
            .copy_from_slice(&millionths_text(millionths, self.decimal));
        // A copy of a fixed length is one instruction; what is too much is taken back.
        result.extend_from_slice(&columns);
        result.truncate(result.len() - (COLUMNS_BYTES_MAX - self.columns_length));
    }

    fn write_fault(&self, fault: Option<&Fault>, result: &mut ChunkResult) {
        let (text, cells_lacking) = fault.map_or(("", 0), |fault| (&fault.text, fault.cells_lacking));
        if cells_lacking > 0 {
            result.lacking.push((result.text.len(), cells_lacking));
        }
        let columns = 3 + self.extra.as_ref().map_or(0, ExtraWriter::columns);
        result.text.resize(result.text.len() + columns, self.delimiter);
        write_cell(text, self.delimiter, &mut result.text);
    }
}

/// The fewest millionths with which a customer leaves.
fn leaves_from(threshold: f64) -> u32 {
    let (mut stays, mut found) = (0, 1_000_001);
    while stays < found {
        let middle = (stays + found) / 2;
        if leaves(middle, threshold) { found = middle } else { stays = middle + 1 }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::{ChunkResult, Fault, ResultWriter, leaves, leaves_from};
    use crate::block::{Block, Slots};
    use crate::chunk::Customer;
    use crate::score::OnError;
    use crate::summary::Tally;

    #[test]
    fn cells_that_are_lacking_take_no_memory() {
        const COLUMNS: usize = 10_000;
        let text = b"1\n".repeat(1000);
        let customers = (0..1000).map(|row| Customer {
            start: 2 * row,
            content_end: 2 * row + 1,
            record_end: 2 * row + 2,
            is_whole: false,
            fault: Some(Box::new(Fault::new(&[], COLUMNS - 1))),
        });
        let customers: Vec<Customer> = customers.collect();
        let slots = Slots { numbers: 0, derived: 0, values: Vec::new(), features: Vec::new() };
        let block = Block::new(&slots);
        let mut writer = ResultWriter::new(b',', b'.', OnError::Skip, 0.5, None);
        let mut result = ChunkResult::default();
        writer.write(&block, &text, &customers, &[], &mut Tally::default(), &mut result);
        assert!(result.text.len() < 10 * text.len(), "{}", result.text.len());
        let mut written = Vec::new();
        result.write_to(&mut written, b',').unwrap();
        assert_eq!(written, format!("1{}\n", ",".repeat(COLUMNS - 1 + 3)).repeat(1000).as_bytes());
    }

    #[test]
    fn the_fewest_millionths_are_those_that_leave_first() {
        for step in 0..=2000 {
            let threshold = f64::from(step) / 2000.0 + 1e-9 * f64::from(step % 3);
            let from = leaves_from(threshold);
            assert!(leaves(from, threshold) || from == 1_000_001, "{threshold}");
            assert!(from == 0 || !leaves(from - 1, threshold), "{threshold}");
        }
    }
}
