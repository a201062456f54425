//! Looks at a file while it is stored: what it is, whether it can be read, how many customers it has.
//!
//! Bytes are pushed as they arrive; memory stays constant. Faults of the beginning (an archive, a binary
//! file, a bad header) fail the push that shows them, so that an upload can be stopped early. Faults of
//! later records are left to the scoring, which names their line: a long file may be read while it is
//! already paid for.

use std::io::{self, Write};

use flate2::write::MultiGzDecoder;
use memchr::memchr;

use crate::charset::Classifier;
use crate::dialect::{Compression, Dialect, Encoding};
use crate::index::RecordIndex;
use crate::kernels::Level;
use crate::kernels::separators::last_line_end;
use crate::layout::{self, DecimalEvidence, RecordLimits};
use crate::magic;
use crate::problem::{InputError, Problem, code};
use crate::reader::RECORD_BYTES_MAX;
use crate::records::{count_lines, is_blank, last_record_end, without_line_end};
use crate::transcode::Transcoder;

/// Text is looked at in steps of this size.
const STEP_BYTES: usize = 64 * 1024;
/// The numbers of this much text decide the decimal mark.
const DECIMAL_PROBE_BYTES: usize = 1024 * 1024;

/// What a file may have at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes after decompression.
    pub bytes_max: u64,
    /// Columns of the header.
    pub columns_max: usize,
    /// Bytes of the header and of the first record; later records are measured when they are scored.
    pub record_bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes_max: 2 << 30, columns_max: 10_000, record_bytes_max: RECORD_BYTES_MAX }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// How to read the file.
    pub dialect: Dialect,
    /// The names of the columns.
    pub header: Vec<String>,
    /// Records after the header, blank lines not counted.
    pub rows: u64,
    /// Bytes after decompression.
    pub bytes_decoded: u64,
}

/// Takes the bytes of a file one push after the other.
pub struct Inspector {
    beginning: Vec<u8>,
    has_begun: bool,
    file: File,
    failed: Option<InputError>,
    limits: Limits,
}

/// The file as its first bytes show it.
enum File {
    Plain(Box<Text>),
    Gzip(Box<MultiGzDecoder<Text>>),
}

impl Inspector {
    /// An inspector of one file.
    #[must_use]
    pub fn new(limits: Limits) -> Inspector {
        let file = File::Plain(Box::new(Text::new(limits, false)));
        Inspector { beginning: Vec::new(), has_begun: false, file, failed: None, limits }
    }

    /// Takes the next bytes. After an error every further push is the same error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.take(bytes);
        self.failed = result.as_ref().err().cloned();
        result
    }

    /// The names of the columns, as soon as the header and the first record have been seen. Where the
    /// encoding is not certain before the end of the file, they are decoded provisionally.
    #[must_use]
    pub fn header(&self) -> Option<&[String]> {
        let text = match &self.file {
            File::Plain(text) => text,
            File::Gzip(decoder) => decoder.get_ref(),
        };
        text.settled.as_ref().map(|settled| settled.names.as_slice())
    }

    /// Judges the whole file after its last byte.
    pub fn finish(mut self) -> Result<Inspection, InputError> {
        self.push(&[])?;
        if !self.has_begun {
            let beginning = std::mem::take(&mut self.beginning);
            self.take_begun(&beginning)?;
        }
        match self.file {
            File::Plain(text) => text.finish(Compression::None),
            File::Gzip(mut decoder) => {
                if decoder.try_finish().is_err() {
                    return Err(gzip_error(decoder.get_mut()));
                }
                let text = decoder.finish().map_err(|_| bad_gzip())?;
                text.finish(Compression::Gzip)
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        if self.has_begun {
            return self.take_begun(bytes);
        }
        self.beginning.extend_from_slice(bytes);
        if self.beginning.len() < magic::GZIP.len() {
            return Ok(());
        }
        self.has_begun = true;
        let beginning = std::mem::take(&mut self.beginning);
        if beginning.starts_with(magic::GZIP) {
            self.file = File::Gzip(Box::new(MultiGzDecoder::new(Text::new(self.limits, true))));
        }
        self.take_begun(&beginning)
    }

    fn take_begun(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        match &mut self.file {
            File::Plain(text) => text.push(bytes),
            File::Gzip(decoder) => decoder.write_all(bytes).map_err(|_| gzip_error(decoder.get_mut())),
        }
    }
}

/// What stopped the decompression: the text, or else the gzip itself.
fn gzip_error(text: &mut Text) -> InputError {
    text.failed.take().unwrap_or_else(bad_gzip)
}

fn bad_gzip() -> InputError {
    InputError::new(code::BAD_GZIP, "The file begins as gzip but is damaged or incomplete.")
}

/// The decompressed text.
struct Text {
    limits: Limits,
    is_unpacked: bool,
    /// Why decompression was stopped, since a writer can only say that it was.
    failed: Option<InputError>,
    bytes_decoded: u64,
    beginning: Vec<u8>,
    unicode: Option<Unicode>,
    classifier: Classifier,
    /// The first byte that is no UTF-8, once the delimiter is known.
    bad: Option<Problem>,
    /// Text that is not counted yet. It begins with a record.
    pending: Vec<u8>,
    /// Where in the text `pending` begins, and on which line.
    pending_at: u64,
    line: u64,
    index: RecordIndex,
    /// How much was pending when the layout was last looked for.
    tried_bytes: usize,
    settled: Option<Settled>,
    rows: u64,
    /// Records are no longer counted after one that is too long: the scoring will not get further.
    is_past_counting: bool,
    decimal: DecimalEvidence,
}

/// What the byte order mark says.
enum Unicode {
    Utf8 { bom: bool },
    Utf16 { encoding: Encoding, transcoder: Transcoder },
}

/// What the header and the first record say.
struct Settled {
    delimiter: u8,
    header: Vec<u8>,
    names: Vec<String>,
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(error) => {
                self.failed = Some(error);
                Err(io::Error::other("the text was refused"))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Text {
    fn new(limits: Limits, is_unpacked: bool) -> Text {
        Text {
            limits,
            is_unpacked,
            failed: None,
            bytes_decoded: 0,
            beginning: Vec::new(),
            unicode: None,
            classifier: Classifier::default(),
            bad: None,
            pending: Vec::new(),
            pending_at: 0,
            line: 1,
            index: RecordIndex::new(Level::best()),
            tried_bytes: 0,
            settled: None,
            rows: 0,
            is_past_counting: false,
            decimal: DecimalEvidence::default(),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        self.bytes_decoded += bytes.len() as u64;
        if self.bytes_decoded > self.limits.bytes_max {
            let message =
                format!("The file has more than {} bytes when decompressed.", self.limits.bytes_max);
            return Err(InputError::new(code::TOO_LARGE, message));
        }
        if self.unicode.is_some() {
            return self.take(bytes);
        }
        self.beginning.extend_from_slice(bytes);
        if self.beginning.len() < magic::PROBE_BYTES { Ok(()) } else { self.begin() }
    }

    fn finish(mut self, compression: Compression) -> Result<Inspection, InputError> {
        if self.unicode.is_none() {
            self.begin()?;
        }
        if let Some(Unicode::Utf16 { transcoder, .. }) = &mut self.unicode
            && transcoder.push(&[], true, &mut self.pending).is_err()
        {
            return Err(self.bad_encoding_at_end_of_pending());
        }
        let encoding = match &self.unicode {
            Some(Unicode::Utf16 { encoding, .. }) => Some(*encoding),
            Some(Unicode::Utf8 { bom: true }) => {
                self.classifier.finish().filter(|&found| found == Encoding::Utf8)
            }
            _ => self.classifier.finish(),
        };
        self.advance(true)?;
        let Some(encoding) = encoding else { return Err(self.bad_encoding()) };
        let Some(settled) = self.settled else {
            return Err(InputError::new(code::EMPTY_FILE, "The file is empty."));
        };
        if self.rows == 0 {
            return Err(InputError::new(code::NO_ROWS, "The file has a header and no customers."));
        }
        let bom = !matches!(self.unicode, Some(Unicode::Utf8 { bom: false }));
        let delimiter = char::from(settled.delimiter);
        let decimal = self.decimal.mark(settled.delimiter);
        Ok(Inspection {
            dialect: Dialect { encoding, compression, bom, delimiter, decimal },
            header: layout::header_names(&settled.header, settled.delimiter),
            rows: self.rows,
            bytes_decoded: self.bytes_decoded,
        })
    }

    /// Reads the byte order mark.
    fn begin(&mut self) -> Result<(), InputError> {
        let beginning = std::mem::take(&mut self.beginning);
        magic::refuse_archives(&beginning, self.is_unpacked)?;
        let utf_16 = |encoding| Unicode::Utf16 { encoding, transcoder: Transcoder::new(encoding) };
        let (unicode, text) = match beginning.as_slice() {
            [0xef, 0xbb, 0xbf, text @ ..] => (Unicode::Utf8 { bom: true }, text),
            [0xff, 0xfe, text @ ..] => (utf_16(Encoding::Utf16le), text),
            [0xfe, 0xff, text @ ..] => (utf_16(Encoding::Utf16be), text),
            text => (Unicode::Utf8 { bom: false }, text),
        };
        self.unicode = Some(unicode);
        self.take(text)
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        bytes.chunks(STEP_BYTES).try_for_each(|step| self.take_step(step))
    }

    fn take_step(&mut self, bytes: &[u8]) -> Result<(), InputError> {
        let before = self.pending.len();
        if let Some(Unicode::Utf16 { transcoder, .. }) = &mut self.unicode {
            if transcoder.push(bytes, false, &mut self.pending).is_err() {
                return Err(self.bad_encoding_at_end_of_pending());
            }
        } else {
            self.classifier.push(bytes);
            self.pending.extend_from_slice(bytes);
        }
        if let Some(nul) = memchr(0, &self.pending[before..]) {
            let (delimiter, names) = self.known_layout();
            return Err(layout::binary_error(&self.pending, self.line, delimiter, before + nul, &names));
        }
        let is_marked = matches!(self.unicode, Some(Unicode::Utf8 { bom: true }));
        if self.classifier.is_hopeless() || (is_marked && self.classifier.first_bad().is_some()) {
            return Err(self.bad_encoding());
        }
        self.advance(false)
    }

    /// Settles the layout if it is not, and counts the records that are complete.
    fn advance(&mut self, is_end: bool) -> Result<(), InputError> {
        if self.settled.is_none() && !self.settle(is_end)? {
            return Ok(());
        }
        if self.classifier.first_bad().is_some() && self.bad.is_none() {
            self.bad = Some(self.bad_problem());
        }
        if is_end || self.pending.len() >= STEP_BYTES {
            self.count(is_end);
        }
        Ok(())
    }

    fn settle(&mut self, is_end: bool) -> Result<bool, InputError> {
        // A beginning that is long because of long quoted cells is looked at now and then only.
        let is_worth_it = self.pending.len() <= STEP_BYTES || self.pending.len() >= self.tried_bytes / 8 * 9;
        if !is_end && !is_worth_it {
            return Ok(false);
        }
        self.tried_bytes = self.pending.len();
        let limits = RecordLimits {
            columns_max: self.limits.columns_max,
            record_bytes_max: self.limits.record_bytes_max,
        };
        let Some(layout) = layout::settle(&self.pending, is_end, limits)? else {
            if self.pending.len() > self.limits.record_bytes_max {
                // Nothing but blank lines so far.
                self.drop_pending(self.pending.len());
            }
            return Ok(false);
        };
        let names = layout::header_names(&layout.header, layout.delimiter);
        self.settled = Some(Settled { delimiter: layout.delimiter, header: layout.header, names });
        if self.classifier.first_bad().is_some() {
            self.bad = Some(self.bad_problem());
        }
        self.drop_pending(layout.header_end);
        Ok(true)
    }

    fn count(&mut self, is_end: bool) {
        let (delimiter, _) = self.known_layout();
        // All records that are complete; at the end of the text the last one is, too.
        let complete = match is_end {
            true => self.pending.len(),
            false => last_line_end(Level::best(), &self.pending, delimiter)
                .unwrap_or_else(|| last_record_end(&self.pending, delimiter)),
        };
        let mut cells = Vec::new();
        let records = if self.is_past_counting { &[] } else { &self.pending[..complete] };
        self.index.begin(delimiter);
        while !self.index.is_done(records) {
            self.index.advance(records);
            for _ in 0..self.index.available() {
                let found = self.index.take();
                let record = &records[found.start..(found.line_end + 1).min(records.len())];
                // Most records tell by their first byte that they are no blank line.
                if record[0] <= b' ' && is_blank(without_line_end(record), delimiter) {
                    continue;
                }
                self.rows += 1;
                if self.pending_at + (found.start as u64) < DECIMAL_PROBE_BYTES as u64 {
                    self.decimal.see(record, delimiter, &mut cells);
                }
            }
        }
        if !is_end && !self.is_past_counting && self.pending.len() - complete > self.limits.record_bytes_max {
            self.is_past_counting = true;
            self.rows += 1;
        }
        self.drop_pending(if self.is_past_counting { self.pending.len() } else { complete });
    }

    fn drop_pending(&mut self, bytes: usize) {
        self.line += count_lines(&self.pending[..bytes]);
        self.pending_at += bytes as u64;
        self.pending.drain(..bytes);
    }

    /// The delimiter and names, or what can be said about them so far.
    fn known_layout(&self) -> (u8, Vec<String>) {
        if let Some(settled) = &self.settled {
            return (settled.delimiter, settled.names.clone());
        }
        let limits = RecordLimits { columns_max: usize::MAX, record_bytes_max: usize::MAX };
        match layout::settle(&self.pending, true, limits) {
            Ok(Some(layout)) => (layout.delimiter, layout::header_names(&layout.header, layout.delimiter)),
            _ => (b',', Vec::new()),
        }
    }

    fn bad_encoding(&mut self) -> InputError {
        let problem = self.bad.take().unwrap_or_else(|| self.bad_problem());
        InputError::at(code::BAD_ENCODING, problem)
    }

    /// The first byte that is no UTF-8, which must still be pending.
    fn bad_problem(&self) -> Problem {
        let place = self.classifier.first_bad().unwrap_or(0).saturating_sub(self.pending_at);
        let place = usize::try_from(place).unwrap_or(usize::MAX).min(self.pending.len());
        let byte = self.pending.get(place).copied().unwrap_or_default();
        let message = format!("the byte {byte:#04x} is no UTF-8, nor is the file Windows-1251");
        let (delimiter, names) = self.known_layout();
        layout::problem_at(&self.pending, self.line, delimiter, place, &names, &message)
    }

    fn bad_encoding_at_end_of_pending(&self) -> InputError {
        let (delimiter, names) = self.known_layout();
        let place = self.pending.len();
        let message = "this is no UTF-16, although the byte order mark says so";
        let problem = layout::problem_at(&self.pending, self.line, delimiter, place, &names, message);
        InputError::at(code::BAD_ENCODING, problem)
    }
}
