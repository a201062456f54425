//! The records of a text that is read piece by piece, with their places.

use std::io::{self, Read};
use std::ops::Range;

use super::invalid;
use crate::records::{RecordEnd, is_blank, record_end, without_line_end};

/// How much is read at a time.
const READ_BYTES: usize = 256 * 1024;

/// A record of a result has at most this: its own mebibyte, and what says why it was skipped.
const RECORD_BYTES_MAX: usize = 8 * 1024 * 1024;

const BOM: &[u8] = "\u{feff}".as_bytes();

/// Reads records, each as a range of the text that is held.
pub(super) struct Records<R> {
    input: R,
    delimiter: u8,
    text: Vec<u8>,
    /// The place of the text's first byte in the input.
    offset: u64,
    /// Where the next record begins in the text.
    next: usize,
    is_begun: bool,
    is_end: bool,
}

/// A record, until the next is asked for.
pub(super) struct Record {
    /// Its place in the input.
    pub(super) offset: u64,
    range: Range<usize>,
}

impl Record {
    pub(super) fn bytes(&self) -> u64 {
        self.range.len() as u64
    }
}

impl<R: Read> Records<R> {
    pub(super) fn new(delimiter: u8, input: R) -> Records<R> {
        Records { input, delimiter, text: Vec::new(), offset: 0, next: 0, is_begun: false, is_end: false }
    }

    /// The next record that is no blank line.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        if !self.is_begun {
            self.begin()?;
        }
        loop {
            let end = match record_end(&self.text, self.next, self.delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } if self.is_end => self.text.len(),
                RecordEnd::Open { .. } => {
                    self.fill()?;
                    continue;
                }
            };
            if end == self.next {
                return Ok(None);
            }
            let record = Record { offset: self.offset + self.next as u64, range: self.next..end };
            self.next = end;
            if !is_blank(self.content(&record), self.delimiter) {
                return Ok(Some(record));
            }
        }
    }

    /// A record without its line end.
    pub(super) fn content(&self, record: &Record) -> &[u8] {
        without_line_end(&self.text[record.range.clone()])
    }

    fn begin(&mut self) -> io::Result<()> {
        self.is_begun = true;
        while self.text.len() < BOM.len() && !self.is_end {
            self.fill()?;
        }
        if self.text.starts_with(BOM) {
            self.next = BOM.len();
        }
        Ok(())
    }

    /// Forgets the records before the next one and reads on.
    fn fill(&mut self) -> io::Result<()> {
        if self.text.len() - self.next > RECORD_BYTES_MAX {
            return Err(invalid("a record of the result does not end"));
        }
        self.text.drain(..self.next);
        self.offset += self.next as u64;
        self.next = 0;
        let wanted = READ_BYTES.max(self.text.len());
        let read = (&mut self.input).take(wanted as u64).read_to_end(&mut self.text)?;
        self.is_end = read < wanted;
        Ok(())
    }
}
