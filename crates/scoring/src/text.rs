//! Checks that text is text.

use std::str;

use memchr::memchr;

use crate::layout::{binary_error, problem_at};
use crate::problem::{InputError, code};

/// Refuses NUL and what is no UTF-8, in text that begins with a record.
pub(crate) fn check(
    text: &[u8],
    first_line: u64,
    delimiter: u8,
    header: &[String],
) -> Result<(), InputError> {
    if let Some(nul) = memchr(0, text) {
        return Err(binary_error(text, first_line, delimiter, nul, header));
    }
    // Most files are plain ASCII, which is told faster.
    if text.is_ascii() {
        return Ok(());
    }
    let Err(error) = str::from_utf8(text) else { return Ok(()) };
    let place = error.valid_up_to();
    let message = format!("the byte {:#04x} is no UTF-8", text[place]);
    let problem = problem_at(text, first_line, delimiter, place, header, &message);
    Err(InputError::at(code::BAD_ENCODING, problem))
}
