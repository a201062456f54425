//! The delimiter and the decimal mark, found on the first records.

use std::ops::Range;
use std::str;

use encoding_rs::WINDOWS_1251;

use crate::problem::{InputError, Problem, code};
use crate::records::{
    RecordEnd, column_name, is_blank, locate, record_end, split, unquote, without_line_end,
};

/// What may stand between cells; where two fit equally well, the first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Before the header, lines of tabs are blank even where tabs separate: a header has a name.
pub(crate) const HEADER_BLANK_DELIMITER: u8 = b',';

/// What the header and the first record say.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) delimiter: u8,
    /// The header's content as it is in the text.
    pub(crate) header: Vec<u8>,
    /// Where the header's record ends.
    pub(crate) header_end: usize,
}

/// The limits of one record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RecordLimits {
    pub(crate) columns_max: usize,
    pub(crate) record_bytes_max: usize,
}

/// How one delimiter fits the beginning of a text.
struct Candidate {
    delimiter: u8,
    header: (usize, usize),
    columns: usize,
    fits: bool,
    fault: Option<Fault>,
}

/// A record that does not end within its limit.
struct Fault {
    record: usize,
    quote: Option<usize>,
}

/// Settles the layout of a text by its beginning. `Ok(None)`: more text is needed, or, at its end, there
/// is nothing but blank lines.
///
/// The answer depends on the header and the first record alone, so that it never depends on the sizes of
/// the pieces in which a text arrives.
pub(crate) fn settle(text: &[u8], is_end: bool, limits: RecordLimits) -> Result<Option<Layout>, InputError> {
    let Some(header_start) = skip_blank(text, 0, HEADER_BLANK_DELIMITER) else { return Ok(None) };
    let mut candidates = Vec::with_capacity(DELIMITERS.len());
    for delimiter in DELIMITERS {
        match candidate(text, header_start, delimiter, is_end, limits) {
            Some(candidate) => candidates.push(candidate),
            None => return Ok(None),
        }
    }
    let rank = |candidate: &Candidate| (candidate.fits, candidate.columns, candidate.fault.is_none());
    let mut best = &candidates[0];
    for candidate in &candidates[1..] {
        if rank(candidate) > rank(best) {
            best = candidate;
        }
    }
    if best.columns > limits.columns_max {
        let (columns, columns_max) = (best.columns, limits.columns_max);
        let message = format!("The header has {columns} columns; at most {columns_max} are allowed.");
        return Err(InputError::new(code::TOO_MANY_COLUMNS, message));
    }
    if let Some(fault) = &best.fault {
        return Err(record_error(text, 1, best.delimiter, fault.record, fault.quote, &[]));
    }
    let header = &text[best.header.0..best.header.1];
    if let Some(place) = header.iter().position(|&byte| byte < b' ' && !matches!(byte, b'\t' | b'\r' | b'\n'))
    {
        return Err(binary_error(text, 1, best.delimiter, best.header.0 + place, &[]));
    }
    let content = without_line_end(header);
    Ok(Some(Layout { delimiter: best.delimiter, header: content.to_vec(), header_end: best.header.1 }))
}

/// The names in a header, decoded as UTF-8 where they are, else as Windows-1251.
pub(crate) fn header_names(header: &[u8], delimiter: u8) -> Vec<String> {
    let decoded = match str::from_utf8(header) {
        Ok(text) => text.into(),
        Err(_) => WINDOWS_1251.decode_without_bom_handling(header).0,
    };
    let mut cells = Vec::new();
    split(decoded.as_bytes(), delimiter, &mut cells);
    let name = |cell: &[u8]| String::from_utf8_lossy(&unquote(cell)).trim().to_owned();
    cells.into_iter().map(|range| name(&decoded.as_bytes()[range])).collect()
}

/// The error for a record that does not end: a quote without its closing, or too long.
pub(crate) fn record_error(
    text: &[u8],
    first_line: u64,
    delimiter: u8,
    record: usize,
    quote: Option<usize>,
    header: &[String],
) -> InputError {
    let place = quote.map_or(record, |quote| quote + 1);
    let (code, message) = match quote {
        Some(_) => (code::UNCLOSED_QUOTE, "the quote that opens here is never closed"),
        None => (code::RECORD_TOO_LONG, "the record is longer than allowed"),
    };
    InputError::at(code, problem_at(text, first_line, delimiter, place, header, message))
}

/// The error for a control character.
pub(crate) fn binary_error(
    text: &[u8],
    first_line: u64,
    delimiter: u8,
    place: usize,
    header: &[String],
) -> InputError {
    let message = format!("the byte {:#04x} is in no text; the file is binary", text[place]);
    InputError::at(code::BINARY_FILE, problem_at(text, first_line, delimiter, place, header, &message))
}

/// A problem at a place in text that begins with a record.
pub(crate) fn problem_at(
    text: &[u8],
    first_line: u64,
    delimiter: u8,
    place: usize,
    header: &[String],
    message: &str,
) -> Problem {
    let (lines, column) = locate(text, delimiter, place);
    let column = column_name(header, column);
    Problem { line: first_line + lines, column, message: message.to_owned() }
}

/// Looks at the header and first record as one delimiter would have them. Nothing: more text is needed.
fn candidate(
    text: &[u8],
    header_start: usize,
    delimiter: u8,
    is_end: bool,
    limits: RecordLimits,
) -> Option<Candidate> {
    let mut candidate = Candidate { delimiter, header: (0, 0), columns: 0, fits: false, fault: None };
    let header_end = match end_of(text, header_start, delimiter, is_end, limits)? {
        Ok(end) => end,
        Err(fault) => {
            candidate.columns = columns(&text[header_start..], delimiter);
            candidate.fault = Some(fault);
            return Some(candidate);
        }
    };
    candidate.header = (header_start, header_end);
    candidate.columns = columns(&text[header_start..header_end], delimiter);
    let record = match skip_blank(text, header_end, delimiter) {
        Some(start) => start,
        None if is_end => return Some(candidate),
        None => return None,
    };
    match end_of(text, record, delimiter, is_end, limits)? {
        Ok(end) => {
            candidate.fits =
                candidate.columns > 1 && columns(&text[record..end], delimiter) == candidate.columns;
        }
        Err(fault) => candidate.fault = Some(fault),
    }
    Some(candidate)
}

/// The end of a record, or why it has none. Nothing: more text is needed.
fn end_of(
    text: &[u8],
    start: usize,
    delimiter: u8,
    is_end: bool,
    limits: RecordLimits,
) -> Option<Result<usize, Fault>> {
    let is_long = |end: usize| end - start > limits.record_bytes_max;
    match record_end(text, start, delimiter) {
        RecordEnd::At(end) if !is_long(end) => Some(Ok(end)),
        RecordEnd::At(_) => Some(Err(Fault { record: start, quote: None })),
        RecordEnd::Open { quote } if is_long(text.len()) => Some(Err(Fault { record: start, quote })),
        RecordEnd::Open { quote: None } if is_end => Some(Ok(text.len())),
        RecordEnd::Open { quote } if is_end => Some(Err(Fault { record: start, quote })),
        RecordEnd::Open { .. } => None,
    }
}

/// The first record at or after `start` that is no blank line. Nothing where none has begun yet.
fn skip_blank(text: &[u8], mut start: usize, delimiter: u8) -> Option<usize> {
    while let Some(length) = memchr::memchr(b'\n', &text[start..]) {
        let line = &text[start..=start + length];
        if !is_blank(without_line_end(line), delimiter) {
            return Some(start);
        }
        start += length + 1;
    }
    (!is_blank(&text[start..], delimiter)).then_some(start)
}

/// Cells of a record, without a list of them.
fn columns(record: &[u8], delimiter: u8) -> usize {
    if memchr::memchr(b'"', record).is_none() {
        return 1 + memchr::memchr_iter(delimiter, record).count();
    }
    let mut cells = Vec::new();
    split(without_line_end(record), delimiter, &mut cells);
    cells.len()
}

/// What the numbers of a file say about its decimal mark.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DecimalEvidence {
    has_comma: bool,
    has_dot: bool,
}

impl DecimalEvidence {
    /// Looks at the cells of one record.
    pub(crate) fn see(&mut self, record: &[u8], delimiter: u8, cells: &mut Vec<Range<usize>>) {
        if self.has_dot {
            return;
        }
        let content = without_line_end(record);
        split(content, delimiter, cells);
        for range in cells.iter() {
            let cell = &content[range.clone()];
            let cell = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\"")).unwrap_or(cell);
            match decimal_mark(cell.trim_ascii()) {
                Some(b',') => self.has_comma = true,
                Some(_) => self.has_dot = true,
                None => {}
            }
        }
    }

    /// The decimal mark: a comma where there are decimal commas and no decimal dots. Without evidence it
    /// is what goes with the delimiter: whoever separates by `;` does so because of the comma.
    pub(crate) fn mark(self, delimiter: u8) -> char {
        match (self.has_comma, self.has_dot) {
            (true, false) => ',',
            (false, false) if delimiter == b';' => ',',
            _ => '.',
        }
    }
}

/// The decimal mark of a cell that is a number and can be read in one way only. `1,234` might have a
/// thousands separator, so it says nothing.
fn decimal_mark(cell: &[u8]) -> Option<u8> {
    let digits = cell.strip_prefix(b"-").or_else(|| cell.strip_prefix(b"+")).unwrap_or(cell);
    let last = digits.iter().rposition(|byte| matches!(byte, b',' | b'.'))?;
    let (whole, decimals) = (&digits[..last], &digits[last + 1..]);
    if whole.is_empty() || decimals.is_empty() || !decimals.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mark = digits[last];
    if whole.iter().all(u8::is_ascii_digit) {
        let could_be_thousands = decimals.len() == 3 && whole.len() <= 3 && whole[0] != b'0';
        return (!could_be_thousands).then_some(mark);
    }
    // 1.234,56 and 1,234.56: groups of three separated by the other mark.
    let other = if mark == b',' { b'.' } else { b',' };
    let mut groups = whole.split(|&byte| byte == other);
    let first = groups.next()?;
    let are_digits = |group: &[u8]| group.iter().all(u8::is_ascii_digit);
    let is_grouped = (1..=3).contains(&first.len())
        && are_digits(first)
        && groups.all(|group| group.len() == 3 && are_digits(group));
    is_grouped.then_some(mark)
}

#[cfg(test)]
mod tests {
    use super::{DecimalEvidence, RecordLimits, decimal_mark, header_names, settle};
    use crate::problem::code;

    const LIMITS: RecordLimits = RecordLimits { columns_max: 5, record_bytes_max: 100 };

    fn delimiter(text: &str) -> char {
        let layout = settle(text.as_bytes(), true, LIMITS).expect("no fault").expect("settled");
        char::from(layout.delimiter)
    }

    #[test]
    fn the_delimiter_that_fits_both_records_wins() {
        assert_eq!(delimiter("a,b,c\n1,2,3\n"), ',');
        assert_eq!(delimiter("a;b\n1,5;2,5\n"), ';');
        assert_eq!(delimiter("a\tb\n1,5\t2\n"), '\t');
        assert_eq!(delimiter("a|b\n1|2\n"), '|');
        assert_eq!(delimiter("\n\r\n\"a;x;y\",b\n1,\"2;3\"\n"), ',');
        assert_eq!(delimiter("name, first;age\n\"Ivanov; I.\";5\n"), ';');
        assert_eq!(delimiter("one\n1\n"), ',');
    }

    #[test]
    fn the_header_waits_for_the_first_record() {
        assert!(settle(b"a,b\n1,", false, LIMITS).expect("no fault").is_none());
        assert!(settle(b"a,b\n1,\"x\n", false, LIMITS).expect("no fault").is_none());
        assert!(settle(b"a,b\n1,2\n", false, LIMITS).expect("no fault").is_some());
        assert!(settle(b" \r\n\n", true, LIMITS).expect("no fault").is_none());
    }

    #[test]
    fn faults_of_the_first_records_are_found() {
        let code = |text: &str, is_end| settle(text.as_bytes(), is_end, LIMITS).expect_err("a fault").code;
        assert_eq!(code("a,b,c,d,e,f\n1\n", false), code::TOO_MANY_COLUMNS);
        assert_eq!(code(&"x".repeat(200), false), code::RECORD_TOO_LONG);
        assert_eq!(code(&format!("a,\"{}", "x".repeat(200)), false), code::UNCLOSED_QUOTE);
        assert_eq!(code("a,b\n1,\"2\n", true), code::UNCLOSED_QUOTE);
        assert_eq!(code("a\x01b\n1\n", true), code::BINARY_FILE);
    }

    #[test]
    fn a_number_with_one_reading_shows_its_decimal_mark() {
        for (cell, mark) in
            [("53,85", b','), ("-53.85", b'.'), ("0,125", b','), ("1.234,56", b','), ("1234,567", b',')]
        {
            assert_eq!(decimal_mark(cell.as_bytes()), Some(mark), "{cell}");
        }
        for cell in ["", "5", "1,234", "12.345", "1.2.3", "34.06, -118.24", "a,5", ",", "5,", "12.05.2024"] {
            assert_eq!(decimal_mark(cell.as_bytes()), None, "{cell}");
        }
    }

    #[test]
    fn the_decimal_mark_follows_the_evidence_and_else_the_delimiter() {
        let mark = |records: &[&str], delimiter| {
            let mut evidence = DecimalEvidence::default();
            records.iter().for_each(|record| evidence.see(record.as_bytes(), delimiter, &mut Vec::new()));
            evidence.mark(delimiter)
        };
        assert_eq!(mark(&["1;53,85\n"], b';'), ',');
        assert_eq!(mark(&["1;53.85\n"], b';'), '.');
        assert_eq!(mark(&["1;5\n"], b';'), ',');
        assert_eq!(mark(&["1,\"53,85\"\n", "2,7\n"], b','), ',');
        assert_eq!(mark(&["1,5\n"], b','), '.');
        assert_eq!(mark(&["53,85;1\n", "53.85;1\n"], b';'), '.');
    }

    #[test]
    fn names_lose_their_quotes() {
        assert_eq!(header_names("\"Monthly, all\"; b ;\"\"".as_bytes(), b';'), ["Monthly, all", "b", ""]);
        assert_eq!(header_names(b"\xc3\xee\xf0\xee\xe4,x", b','), ["Город", "x"]);
    }
}
