//! Scores one chunk of a file: finds its records, reads and scores them in blocks, writes them with their
//! result.

use std::ops::Range;

use crate::block::{Block, ROWS};
use crate::extra::ExtraWriter;
use crate::index::RecordIndex;
use crate::kernels::Level;
use crate::model::Model;
use crate::problem::{InputError, PROBLEMS_MAX, code};
use crate::reader::{Chunk, RECORD_BYTES_MAX};
use crate::records::{count_lines, is_blank};
use crate::result::{ChunkResult, Fault, ResultWriter};
use crate::rows::{Plan, RowFault, RowReader};
use crate::score::OnError;
use crate::summary::Tally;
use crate::{layout, text};

/// A worker on chunks. It holds what must not be shared between threads; the model and plan are shared.
pub(crate) struct ChunkScorer<'plan> {
    model: &'plan Model,
    plan: &'plan Plan,
    on_error: OnError,
    writer: ResultWriter,
    reader: RowReader<'plan>,
    index: RecordIndex,
    block: Block,
    /// Takes the row of a customer whose cells are read again for what is wrong with them.
    faulty_block: Block,
    /// Of one block.
    customers: Vec<Customer>,
    /// Of the customers with as many cells as the header: [`crate::index::Record::first`].
    firsts: Vec<usize>,
    is_faulty: [bool; ROWS],
    probabilities: Vec<f64>,
}

/// Where a customer is in the chunk.
#[derive(Debug)]
pub(crate) struct Customer {
    pub(crate) start: usize,
    pub(crate) content_end: usize,
    pub(crate) record_end: usize,
    /// Whether there are as many cells as the header has. Only then is there a probability.
    pub(crate) is_whole: bool,
    pub(crate) fault: Option<Box<Fault>>,
}

/// How far a chunk is done.
struct Progress<'chunk> {
    text: &'chunk [u8],
    lines: Lines,
    tally: Tally,
    failure: Option<RowFault>,
}

impl<'plan> ChunkScorer<'plan> {
    pub(crate) fn new(
        model: &'plan Model,
        plan: &'plan Plan,
        on_error: OnError,
        extra: Option<ExtraWriter>,
    ) -> ChunkScorer<'plan> {
        let threshold = model.manifest().threshold;
        ChunkScorer {
            model,
            plan,
            on_error,
            writer: ResultWriter::new(plan.delimiter, plan.decimal, on_error, threshold, extra),
            reader: RowReader::new(&model.manifest().schema, plan),
            index: RecordIndex::new(Level::best()),
            block: Block::new(model.slots()),
            faulty_block: Block::new(model.slots()),
            customers: Vec::with_capacity(ROWS),
            firsts: Vec::with_capacity(ROWS),
            is_faulty: [false; ROWS],
            probabilities: Vec::with_capacity(ROWS),
        }
    }

    /// Scores a chunk; the result is its part alone.
    pub(crate) fn score(&mut self, chunk: &Chunk, result: &mut ChunkResult) -> Result<Tally, InputError> {
        self.reader.forget_unknown();
        let mut progress = Progress {
            text: &chunk.text,
            lines: Lines { place: 0, line: chunk.first_line },
            tally: Tally::default(),
            failure: None,
        };
        result.begin(chunk.text.len());
        match self.go_through(chunk, &mut progress, result) {
            Ok(()) => {
                progress.tally.unknown.clone_from(&self.reader.unknown);
                progress.tally.effects = self.writer.take_effects();
                Ok(progress.tally)
            }
            Err(error) => {
                // What is no text has the first word, wherever it is in the chunk.
                self.check_text(chunk)?;
                Err(error)
            }
        }
    }

    fn go_through(
        &mut self,
        chunk: &Chunk,
        progress: &mut Progress,
        result: &mut ChunkResult,
    ) -> Result<(), InputError> {
        let mut is_checked = false;
        self.index.begin(self.plan.delimiter);
        while !self.index.is_done(progress.text) {
            if !self.index.advance(progress.text) && !is_checked {
                self.check_text(chunk)?;
                is_checked = true;
            }
            let is_last = self.index.is_done(progress.text);
            while self.index.available() >= ROWS || (is_last && self.index.available() > 0) {
                self.score_records(progress, result)?;
            }
        }
        match progress.failure.take() {
            Some(failure) => Err(InputError::with_problems(failure.code, failure.problems)),
            None => Ok(()),
        }
    }

    fn check_text(&self, chunk: &Chunk) -> Result<(), InputError> {
        text::check(&chunk.text, chunk.first_line, self.plan.delimiter, &self.plan.header)
    }

    /// Goes on with the next [`ROWS`] records, or those that are left.
    fn score_records(&mut self, progress: &mut Progress, result: &mut ChunkResult) -> Result<(), InputError> {
        let too_long = self.take_records(progress);
        let places = self.index.places();
        let faults = self.reader.read_columns(
            progress.text,
            places,
            &self.firsts,
            &mut self.block,
            &mut self.is_faulty,
        );
        if faults > 0 || self.firsts.len() < self.customers.len() {
            self.tell_faults(progress)?;
        }
        if let Some(record) = too_long {
            // What is wrong with the customers before it has the first word.
            if let Some(failure) = progress.failure.take() {
                return Err(InputError::with_problems(failure.code, failure.problems));
            }
            let line = progress.lines.at(progress.text, record.start);
            let (record, header) = (&progress.text[record], &self.plan.header);
            return Err(layout::record_error(record, line, self.plan.delimiter, 0, None, header));
        }
        if progress.failure.is_none() {
            self.probabilities.clear();
            self.model.score_block(&mut self.block, self.firsts.len(), &mut self.probabilities);
            self.writer.begin(&self.block, self.firsts.len());
            let (customers, probabilities) = (&self.customers, &self.probabilities);
            self.writer.write(
                &self.block,
                progress.text,
                customers,
                probabilities,
                &mut progress.tally,
                result,
            );
        }
        Ok(())
    }

    /// Takes records from the index and leaves blank lines out. Ends at a record that is too long,
    /// and tells where it is.
    fn take_records(&mut self, progress: &Progress) -> Option<Range<usize>> {
        self.customers.clear();
        self.firsts.clear();
        let text = progress.text;
        for _ in 0..self.index.available().min(ROWS) {
            let record = self.index.take();
            let has_line_feed = record.line_end < text.len();
            let record_end = record.line_end + usize::from(has_line_feed);
            let raw = &text[record.start..record.line_end];
            let content = raw.strip_suffix(b"\r").filter(|_| has_line_feed).unwrap_or(raw);
            if record_end - record.start > RECORD_BYTES_MAX {
                return Some(record.start..record_end);
            }
            // Most records tell by their first byte that they are no blank line.
            let may_be_blank = content.first().is_none_or(|&byte| byte == b' ' || byte == b'\t');
            if may_be_blank && is_blank(content, self.plan.delimiter) {
                continue;
            }
            let is_whole = record.cells == self.plan.header.len();
            if is_whole {
                self.firsts.push(record.first);
            }
            let content_end = record.start + content.len();
            self.customers.push(Customer {
                start: record.start,
                content_end,
                record_end,
                is_whole,
                fault: None,
            });
        }
        None
    }

    /// Reads the customers of the block that cannot be scored once more, for what is wrong with them.
    fn tell_faults(&mut self, progress: &mut Progress) -> Result<(), InputError> {
        let mut is_faulty = self.is_faulty.iter();
        for customer in &mut self.customers {
            // The next of the whole ones is asked for only where this is one.
            if customer.is_whole && !is_faulty.next().copied().unwrap_or(false) {
                continue;
            }
            let line = progress.lines.at(progress.text, customer.start);
            let content = &progress.text[customer.start..customer.content_end];
            let Err(fault) = self.reader.read(content, line, &mut self.faulty_block, 0) else { continue };
            match self.on_error {
                OnError::Skip => {
                    let lacking = match fault.code {
                        code::RAGGED_ROW => self.plan.header.len().saturating_sub(self.reader.cell_count()),
                        _ => 0,
                    };
                    customer.fault = Some(Box::new(Fault::new(&fault.problems, lacking)));
                    progress.tally.add_problems(fault.problems);
                }
                OnError::Fail => {
                    let failure =
                        progress.failure.get_or_insert(RowFault { code: fault.code, problems: Vec::new() });
                    failure.problems.extend(fault.problems);
                    if failure.problems.len() >= PROBLEMS_MAX {
                        let problems = std::mem::take(&mut failure.problems);
                        return Err(InputError::with_problems(failure.code, problems));
                    }
                }
            }
        }
        Ok(())
    }
}

/// Counts lines from place to place.
struct Lines {
    place: usize,
    line: u64,
}

impl Lines {
    /// The line of a place that is not before the one that was asked for last.
    fn at(&mut self, text: &[u8], place: usize) -> u64 {
        self.line += count_lines(&text[self.place..place]);
        self.place = place;
        self.line
    }
}
