//! Reads a file as UTF-8 text in chunks of whole records.

use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::dialect::{Compression, Dialect};
use crate::kernels::Level;
use crate::kernels::separators::last_line_end;
use crate::layout::{HEADER_BLANK_DELIMITER, header_names, problem_at, record_error};
use crate::problem::{InputError, ScoreError, code};
use crate::records::{RecordEnd, count_lines, is_blank, last_record_end, record_end, without_line_end};
use crate::transcode::Transcoder;

/// How much text a chunk has, about.
#[allow(unexpected_cfgs, reason = "cargo fuzz sets it, for small inputs to have many parts")]
const CHUNK_BYTES: usize = if cfg!(fuzzing) { 1024 } else { 1024 * 1024 };
/// How much is read at a time.
const READ_BYTES: usize = 128 * 1024;

/// The most bytes of a record, its line end included.
pub const RECORD_BYTES_MAX: usize = 1024 * 1024;

/// Whole records, not checked yet.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) text: Vec<u8>,
    /// The physical line on which it begins.
    pub(crate) first_line: u64,
}

/// The header as it is in the file.
#[derive(Debug)]
pub(crate) struct HeaderRecord {
    /// The record with its line end.
    pub(crate) record: Vec<u8>,
    pub(crate) names: Vec<String>,
    pub(crate) has_bom: bool,
}

/// A file being read.
pub(crate) struct TextReader<R: Read> {
    input: Input<R>,
    transcoder: Transcoder,
    delimiter: u8,
    /// Bytes that are not UTF-8 yet.
    buffer: Vec<u8>,
    /// Text that is in no chunk yet. It begins with a record.
    pending: Vec<u8>,
    line: u64,
    is_end: bool,
    names: Vec<String>,
}

enum Input<R: Read> {
    Plain(R),
    Gzip(Box<MultiGzDecoder<BufReader<Watched<R>>>>),
}

/// Tells errors of reading from errors of the gzip that is read.
struct Watched<R> {
    inner: R,
    has_failed: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let result = self.inner.read(buffer);
        self.has_failed |= result.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::Interrupted);
        result
    }
}

impl<R: Read> TextReader<R> {
    pub(crate) fn new(dialect: &Dialect, input: R) -> TextReader<R> {
        let input = match dialect.compression {
            Compression::None => Input::Plain(input),
            Compression::Gzip => {
                let watched = Watched { inner: input, has_failed: false };
                Input::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(READ_BYTES, watched))))
            }
        };
        TextReader {
            input,
            transcoder: Transcoder::new(dialect.encoding),
            delimiter: dialect.delimiter_byte(),
            buffer: Vec::new(),
            pending: Vec::new(),
            line: 1,
            is_end: false,
            names: Vec::new(),
        }
    }

    /// Reads the header, which must be asked for first.
    pub(crate) fn header(&mut self) -> Result<HeaderRecord, ScoreError> {
        self.fill(READ_BYTES)?;
        let has_bom = self.pending.starts_with("\u{feff}".as_bytes());
        if has_bom {
            self.pending.drain(.."\u{feff}".len());
        }
        // Blank lines before the header are walked over, and dropped together when more text is needed.
        let mut start = 0;
        loop {
            let end = match record_end(&self.pending, start, self.delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { quote: None } if self.is_end => self.pending.len(),
                RecordEnd::Open { quote } => {
                    self.check_open(start, quote)?;
                    self.drop_blank_lines(&mut start);
                    self.fill(READ_BYTES)?;
                    continue;
                }
            };
            if end == start {
                return Err(InputError::new(code::EMPTY_FILE, "The file is empty.").into());
            }
            if is_blank(without_line_end(&self.pending[start..end]), HEADER_BLANK_DELIMITER) {
                start = end;
                continue;
            }
            let length = end - start;
            self.drop_blank_lines(&mut start);
            let record: Vec<u8> = self.pending.drain(..length).collect();
            let first_line = self.line;
            self.line += count_lines(&record);
            let content = without_line_end(&record);
            crate::text::check(&record, first_line, self.delimiter, &[])?;
            self.names = header_names(content, self.delimiter);
            return Ok(HeaderRecord { names: self.names.clone(), record, has_bom });
        }
    }

    /// Forgets the text before a place, whose lines are counted; the place is where the text begins then.
    fn drop_blank_lines(&mut self, start: &mut usize) {
        self.line += count_lines(&self.pending[..*start]);
        self.pending.drain(..*start);
        *start = 0;
    }

    /// Reads the next chunk into a used one; false at the end.
    pub(crate) fn read(&mut self, chunk: &mut Chunk) -> Result<bool, ScoreError> {
        let mut wanted = CHUNK_BYTES;
        let cut = loop {
            if self.pending.len() < wanted && !self.is_end {
                self.fill(wanted - self.pending.len())?;
            }
            let complete = last_line_end(Level::best(), &self.pending, self.delimiter)
                .unwrap_or_else(|| last_record_end(&self.pending, self.delimiter));
            let open_quote = match record_end(&self.pending, complete, self.delimiter) {
                RecordEnd::Open { quote } => quote,
                RecordEnd::At(_) => None,
            };
            // What comes before a fault is handed out before the fault is.
            if complete > 0 && (!self.is_end || open_quote.is_some()) {
                break complete;
            }
            self.check_open(complete, open_quote)?;
            if self.is_end {
                break self.pending.len();
            }
            wanted = self.pending.len() + READ_BYTES;
        };
        std::mem::swap(&mut chunk.text, &mut self.pending);
        self.pending.clear();
        self.pending.extend_from_slice(&chunk.text[cut..]);
        chunk.text.truncate(cut);
        chunk.first_line = self.line;
        self.line += count_lines(&chunk.text);
        Ok(!chunk.text.is_empty())
    }

    /// Checks a record that does not end in the text that is there.
    fn check_open(&self, record: usize, quote: Option<usize>) -> Result<(), InputError> {
        let is_too_long = self.pending.len() - record > RECORD_BYTES_MAX;
        if is_too_long || (self.is_end && quote.is_some()) {
            return Err(record_error(&self.pending, self.line, self.delimiter, record, quote, &self.names));
        }
        Ok(())
    }

    /// Reads this much, or what is left of the file.
    fn fill(&mut self, bytes: usize) -> Result<(), ScoreError> {
        // UTF-8 goes straight to where it stays.
        let target = if self.transcoder.is_needed() { &mut self.buffer } else { &mut self.pending };
        let before = target.len();
        let limit = bytes as u64;
        match &mut self.input {
            Input::Plain(input) => _ = input.take(limit).read_to_end(target)?,
            Input::Gzip(decoder) => match decoder.take(limit).read_to_end(target) {
                Ok(_) => {}
                Err(error) if decoder.get_ref().get_ref().has_failed => return Err(error.into()),
                Err(_) => {
                    let message = "The file begins as gzip but is damaged or incomplete.";
                    return Err(InputError::new(code::BAD_GZIP, message).into());
                }
            },
        }
        self.is_end = target.len() - before < bytes;
        if !self.transcoder.is_needed() {
            return Ok(());
        }
        let is_text = self.transcoder.push(&self.buffer, self.is_end, &mut self.pending).is_ok();
        self.buffer.clear();
        if !is_text {
            let message = "this is no text in the file's encoding";
            let place = self.pending.len();
            let problem = problem_at(&self.pending, self.line, self.delimiter, place, &self.names, message);
            return Err(InputError::at(code::BAD_ENCODING, problem).into());
        }
        Ok(())
    }
}
