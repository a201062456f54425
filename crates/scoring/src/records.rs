//! Records and cells of CSV text, as byte ranges.
//!
//! A quote opens a quoted cell only where a cell begins; there it may hold delimiters, line ends and
//! doubled quotes. A quote anywhere else is a letter like any other. Lines end with LF or CRLF.

use std::borrow::Cow;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2};

/// How far the record goes that begins at some place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordEnd {
    /// To here, its line end included.
    At(usize),
    /// Beyond the text that is there; with the place of a quote that waits for its closing.
    Open { quote: Option<usize> },
}

/// Finds the end of the record that begins at `start`.
pub(crate) fn record_end(text: &[u8], start: usize, delimiter: u8) -> RecordEnd {
    let mut position = start;
    loop {
        let Some(offset) = memchr2(b'"', b'\n', &text[position..]) else {
            return RecordEnd::Open { quote: None };
        };
        let found = position + offset;
        if text[found] == b'\n' {
            return RecordEnd::At(found + 1);
        }
        position = found + 1;
        if found == start || text[found - 1] == delimiter {
            match closing_quote(text, position) {
                Some(closing) => position = closing + 1,
                None => return RecordEnd::Open { quote: Some(found) },
            }
        }
    }
}

/// The end of the last record in text that begins with a record; 0 where none is complete.
pub(crate) fn last_record_end(text: &[u8], delimiter: u8) -> usize {
    if memchr(b'"', text).is_none() {
        return memchr::memrchr(b'\n', text).map_or(0, |last| last + 1);
    }
    let mut end = 0;
    while let RecordEnd::At(next) = record_end(text, end, delimiter) {
        end = next;
    }
    end
}

/// The record without its line end.
pub(crate) fn without_line_end(record: &[u8]) -> &[u8] {
    match record {
        [content @ .., b'\r', b'\n'] | [content @ .., b'\n'] => content,
        _ => record,
    }
}

/// Whether a record is a blank line, which is no customer.
pub(crate) fn is_blank(content: &[u8], delimiter: u8) -> bool {
    content.iter().all(|&byte| byte == b' ' || (byte == b'\t' && delimiter != b'\t'))
}

/// Splits a record's content (without its line end) into cells, quotes included.
pub(crate) fn split(content: &[u8], delimiter: u8, cells: &mut Vec<Range<usize>>) {
    cells.clear();
    let mut start = 0;
    if memchr(b'"', content).is_none() {
        for end in memchr_iter(delimiter, content) {
            cells.push(start..end);
            start = end + 1;
        }
        cells.push(start..content.len());
        return;
    }
    loop {
        let quoted_end = match content.get(start) {
            Some(b'"') => closing_quote(content, start + 1).map_or(content.len(), |closing| closing + 1),
            _ => start,
        };
        let Some(offset) = memchr(delimiter, &content[quoted_end..]) else {
            cells.push(start..content.len());
            return;
        };
        cells.push(start..quoted_end + offset);
        start = quoted_end + offset + 1;
    }
}

/// A cell's value: without its quotes, doubled quotes made single.
#[inline]
pub(crate) fn unquote(cell: &[u8]) -> Cow<'_, [u8]> {
    match cell.strip_prefix(b"\"") {
        None => Cow::Borrowed(cell),
        Some(inner) => unquote_inner(inner),
    }
}

/// The value of a quoted cell, of which the first quote is gone.
fn unquote_inner(inner: &[u8]) -> Cow<'_, [u8]> {
    if let Some(value) = inner.strip_suffix(b"\"").filter(|value| memchr(b'"', value).is_none()) {
        return Cow::Borrowed(value);
    }
    let mut value = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(quote) = memchr(b'"', rest) {
        value.extend_from_slice(&rest[..quote]);
        if rest.get(quote + 1) == Some(&b'"') {
            value.push(b'"');
            rest = &rest[quote + 2..];
        } else {
            // What follows the closing quote is kept as it is.
            value.extend_from_slice(&rest[quote + 1..]);
            return Cow::Owned(value);
        }
    }
    value.extend_from_slice(rest);
    Cow::Owned(value)
}

/// The lines and cells before a place in text that begins with a record: how many line ends, and the
/// index of the cell in its record.
pub(crate) fn locate(text: &[u8], delimiter: u8, place: usize) -> (u64, usize) {
    let text = &text[..place.min(text.len())];
    let mut start = 0;
    while let RecordEnd::At(end) = record_end(text, start, delimiter) {
        start = end;
    }
    let mut cells = Vec::new();
    split(&text[start..], delimiter, &mut cells);
    (count_lines(text), cells.len() - 1)
}

/// Line ends in the text.
pub(crate) fn count_lines(text: &[u8]) -> u64 {
    memchr_iter(b'\n', text).count() as u64
}

/// The most letters of a column's name that people are told.
const NAME_LETTERS_MAX: usize = 40;

/// A column's name for people: its number from 1 where the header gives none, and the beginning of a long
/// one, because it may stand in the problem of every customer.
pub(crate) fn column_name(header: &[String], column: usize) -> String {
    match header.get(column) {
        Some(name) if !name.trim().is_empty() => match name.char_indices().nth(NAME_LETTERS_MAX) {
            Some((end, _)) => format!("{}...", &name[..end]),
            None => name.clone(),
        },
        _ => (column + 1).to_string(),
    }
}

/// The quote that closes a cell whose content begins at `from`.
fn closing_quote(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let quote = from + memchr(b'"', &text[from..])?;
        if text.get(quote + 1) != Some(&b'"') {
            return Some(quote);
        }
        from = quote + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::{RecordEnd, column_name, last_record_end, locate, record_end, split, unquote};

    fn cells(content: &str) -> Vec<String> {
        let mut ranges = Vec::new();
        split(content.as_bytes(), b',', &mut ranges);
        ranges
            .into_iter()
            .map(|range| String::from_utf8_lossy(&unquote(&content.as_bytes()[range])).into_owned())
            .collect()
    }

    #[test]
    fn quoted_cells_hold_delimiters_line_ends_and_doubled_quotes() {
        assert_eq!(cells(r#"a,"b,c",d"#), ["a", "b,c", "d"]);
        assert_eq!(cells("\"x\ny\",\"say \"\"hi\"\"\","), ["x\ny", "say \"hi\"", ""]);
        assert_eq!(cells(r#""""",b"#), ["\"", "b"]);
        assert_eq!(cells(r#"",""#), [","]);
        assert_eq!(cells(""), [""]);
    }

    #[test]
    fn a_quote_inside_an_unquoted_cell_is_a_letter() {
        assert_eq!(cells(r#"5" disk,b"c,"d"e"#), ["5\" disk", "b\"c", "de"]);
        assert_eq!(record_end(b"5\" disk,b\nnext", 0, b','), RecordEnd::At(10));
    }

    #[test]
    fn a_record_ends_outside_quotes_only() {
        let text = b"a,\"b\nc\"\r\nd,e\n";
        assert_eq!(record_end(text, 0, b','), RecordEnd::At(9));
        assert_eq!(record_end(text, 9, b','), RecordEnd::At(13));
        assert_eq!(record_end(b"a,\"b\nc", 0, b','), RecordEnd::Open { quote: Some(2) });
        assert_eq!(record_end(b"a,b", 0, b','), RecordEnd::Open { quote: None });
        assert_eq!(last_record_end(b"a\nb\n\"c\n", b','), 4);
    }

    #[test]
    fn of_a_long_name_the_beginning_is_told() {
        let header = ["tenure".to_owned(), " ".to_owned(), "ä".repeat(900_000), "b".repeat(40)];
        assert_eq!(column_name(&header, 0), "tenure");
        assert_eq!(column_name(&header, 1), "2");
        assert_eq!(column_name(&header, 2), "ä".repeat(40) + "...");
        assert_eq!(column_name(&header, 3), "b".repeat(40));
        assert_eq!(column_name(&header, 4), "5");
    }

    #[test]
    fn a_place_has_a_line_and_a_cell() {
        let text = b"a,b\n\"x\ny\",z\nlast,row";
        assert_eq!(locate(text, b',', 0), (0, 0));
        assert_eq!(locate(text, b',', 10), (2, 1));
        assert_eq!(locate(text, b',', 18), (3, 1));
    }
}
