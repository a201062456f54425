//! Makes CSV safe to open in a spreadsheet, which would take some texts for formulas.

use std::io::{self, Read, Write};
use std::ops::Range;

use crate::numbers;
use crate::records::{RecordEnd, record_end, split, unquote, without_line_end};

/// How much is read at a time.
const READ_BYTES: usize = 256 * 1024;
const BOM: &[u8] = "\u{feff}".as_bytes();

/// Copies CSV in UTF-8 and puts `'` before every text that begins with `=`, `+`, `-`, `@`, a tab or a
/// carriage return. Negative numbers stay numbers.
///
/// It is for files that the platform wrote: it holds one record at a time, however long.
pub fn spreadsheet_safe(delimiter: char, mut input: impl Read, mut output: impl Write) -> io::Result<()> {
    let delimiter = u8::try_from(delimiter).unwrap_or(b',');
    let mut pending = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    let (mut safe, mut cells) = (Vec::new(), Vec::new());
    let mut is_beginning = true;
    loop {
        let read = match input.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            result => result?,
        };
        pending.extend_from_slice(&buffer[..read]);
        let is_end = read == 0;
        let mut start = 0;
        if is_beginning && (is_end || pending.len() >= BOM.len()) {
            is_beginning = false;
            if pending.starts_with(BOM) {
                safe.extend_from_slice(BOM);
                start = BOM.len();
            }
        }
        while start < pending.len() && !is_beginning {
            let end = match record_end(&pending, start, delimiter) {
                RecordEnd::At(end) => end,
                RecordEnd::Open { .. } if is_end => pending.len(),
                RecordEnd::Open { .. } => break,
            };
            write_safe(&pending[start..end], delimiter, &mut cells, &mut safe);
            start = end;
        }
        pending.drain(..start);
        output.write_all(&safe)?;
        safe.clear();
        if is_end {
            return output.flush();
        }
    }
}

fn write_safe(record: &[u8], delimiter: u8, cells: &mut Vec<Range<usize>>, safe: &mut Vec<u8>) {
    let content = without_line_end(record);
    split(content, delimiter, cells);
    for (position, range) in cells.iter().enumerate() {
        if position > 0 {
            safe.push(delimiter);
        }
        let cell = &content[range.clone()];
        match cell.strip_prefix(b"\"") {
            _ if !is_formula(&unquote(cell)) => safe.extend_from_slice(cell),
            Some(inner) => {
                safe.extend_from_slice(b"\"'");
                safe.extend_from_slice(inner);
            }
            None => {
                safe.push(b'\'');
                safe.extend_from_slice(cell);
            }
        }
    }
    safe.extend_from_slice(&record[content.len()..]);
}

/// Whether a spreadsheet might calculate the text.
fn is_formula(value: &[u8]) -> bool {
    match value.first() {
        Some(b'=' | b'+' | b'@' | b'\t' | b'\r') => true,
        Some(b'-') => !is_number(value),
        _ => false,
    }
}

/// With either decimal mark, since a result has that of its input.
fn is_number(value: &[u8]) -> bool {
    [b'.', b','].into_iter().any(|decimal| numbers::parse(value, decimal).is_ok())
}

#[cfg(test)]
mod tests {
    use super::spreadsheet_safe;

    fn safe(delimiter: char, text: &str) -> String {
        let mut out = Vec::new();
        spreadsheet_safe(delimiter, text.as_bytes(), &mut out).expect("no error of reading");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn texts_that_begin_like_formulas_get_an_apostrophe() {
        assert_eq!(safe(',', "a,=1+1,+7,@x,-x\r\n"), "a,'=1+1,'+7,'@x,'-x\r\n");
        assert_eq!(safe(',', "\"=1,2\",\"\tx\",\"a\n=b\"\n"), "\"'=1,2\",\"'\tx\",\"a\n=b\"\n");
        assert_eq!(safe(';', "\u{feff}=x;\rx"), "\u{feff}'=x;'\rx");
        assert_eq!(safe('\t', "x\t\t=1\n"), "x\t\t'=1\n");
    }

    #[test]
    fn negative_numbers_stay_numbers() {
        for text in ["-1,-2.5,\"-3,5\",-1e3\n", "a,b,\r\n", "", "\"\"\"=x\"\n"] {
            assert_eq!(safe(',', text), text);
        }
        assert_eq!(safe(';', "-3,5;-\n"), "-3,5;'-\n");
    }
}
