//! Numbers of a customer file, and back.

use std::str;

/// Powers of ten that `f64` holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// The most digits whose number `f64` holds exactly.
const EXACT_DIGITS_MAX: u32 = 15;

/// Reads a cell. An empty cell is missing, which is NaN; anything that is no plain finite number is an
/// error that says why.
pub(crate) fn parse(cell: &[u8], decimal: u8) -> Result<f64, String> {
    match parse_plain(cell, decimal) {
        Some(number) => Ok(number),
        None => parse_any(cell, decimal),
    }
}

/// Up to 15 digits with an optional sign and decimal mark, which are nearly all numbers there are. Both
/// parts of the quotient are exact, so that the result is the nearest `f64`.
fn parse_plain(cell: &[u8], decimal: u8) -> Option<f64> {
    let (negative, digits) = match cell {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, cell),
    };
    let (mut mantissa, mut count, mut decimals, mut after_mark) = (0u64, 0u32, 0usize, false);
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
            decimals += usize::from(after_mark);
        } else if byte == decimal && !after_mark {
            after_mark = true;
        } else {
            return None;
        }
    }
    if count == 0 || count > EXACT_DIGITS_MAX {
        return None;
    }
    let number = mantissa as f64 / POWERS[decimals];
    Some(if negative { -number } else { number })
}

/// The rest: white space around it, a plus sign, exponents, many digits, and everything that is wrong.
fn parse_any(cell: &[u8], decimal: u8) -> Result<f64, String> {
    let text = str::from_utf8(cell).unwrap_or("?").trim();
    if text.is_empty() {
        return Ok(f64::NAN);
    }
    if !is_number(text.as_bytes(), decimal) {
        return Err(reason(text, decimal));
    }
    let number: f64 =
        text.replacen(char::from(decimal), ".", 1).parse().map_err(|_| reason(text, decimal))?;
    if number.is_finite() { Ok(number) } else { Err(format!("{} is too large a number", shown(text))) }
}

/// Whether the text is `[+-] digits [mark digits] [e [+-] digits]` with a digit in its mantissa.
fn is_number(text: &[u8], decimal: u8) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unsigned = |text: &[u8]| usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let text = &text[unsigned(text)..];
    let whole = digits(text);
    let mut rest = &text[whole..];
    let mut mantissa = whole;
    if rest.first() == Some(&decimal) {
        let decimals = digits(&rest[1..]);
        mantissa += decimals;
        rest = &rest[1 + decimals..];
    }
    if mantissa == 0 {
        return false;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = &exponent[unsigned(exponent)..];
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}

/// Why a text is no number. A number that could be read in two ways is never guessed.
fn reason(text: &str, decimal: u8) -> String {
    let other = if decimal == b',' { b'.' } else { b',' };
    let shown = shown(text);
    if is_number(text.as_bytes(), other) {
        let (mark, other) = (char::from(decimal), char::from(other));
        return format!(
            "{shown} is not a number here: the file's decimal mark is {mark:?}, and {other:?} could be one or \
             separate thousands"
        );
    }
    let is_separator = |letter: char| letter.is_whitespace() || matches!(letter, '\'' | '’' | ',' | '.');
    let unsigned = text.trim_start_matches(['+', '-']);
    if unsigned.chars().all(|letter| letter.is_ascii_digit() || is_separator(letter))
        && unsigned.starts_with(|letter: char| letter.is_ascii_digit())
    {
        return format!("{shown} is not a number: write it without thousands separators");
    }
    format!("{shown} is not a number")
}

/// A cell's beginning in quotes, control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    const LETTERS_MAX: usize = 40;
    let beginning: String = text.chars().take(LETTERS_MAX).collect();
    let more = if beginning.len() < text.len() { "..." } else { "" };
    format!("{beginning:?}{more}")
}

/// A probability in millionths, as it is written and as it is compared with the threshold.
pub(crate) fn millionths(probability: f64) -> u32 {
    // A probability is between 0 and 1.
    (probability * 1e6).round() as u32
}

/// Writes millionths with six decimals.
pub(crate) fn write_millionths(millionths: u32, decimal: u8, out: &mut Vec<u8>) {
    let mut text = *b"0.000000";
    text[1] = decimal;
    let mut rest = millionths;
    for digit in text[2..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    text[0] = b'0' + (rest % 10) as u8;
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use super::{millionths, parse, write_millionths};

    #[test]
    fn plain_numbers_are_read_as_rust_reads_them() {
        for text in ["0", "7", "29.85", "-3.5", "0.1", ".5", "5.", "123456789012345", "99999999.9999999"] {
            assert_eq!(parse(text.as_bytes(), b'.'), Ok(text.parse().expect("a number")), "{text}");
        }
        for text in ["+5", "1e3", "1.5E-3", "-2e+2", "3.141592653589793238462643", "123456789012345678901"] {
            assert_eq!(parse(text.as_bytes(), b'.'), Ok(text.parse().expect("a number")), "{text}");
        }
        assert_eq!(parse(b"53,85", b','), Ok(53.85));
        assert_eq!(parse(b" 12 ", b'.'), Ok(12.0));
        assert_eq!(parse(b"1,5e2", b','), Ok(150.0));
    }

    #[test]
    fn an_empty_cell_is_missing() {
        for text in ["", " ", "\t ", "\u{a0}"] {
            assert!(parse(text.as_bytes(), b'.').expect("missing").is_nan());
        }
    }

    #[test]
    fn what_is_no_finite_number_says_why() {
        for text in [
            "abc",
            "NaN",
            "nan",
            "inf",
            "-Infinity",
            "0x10",
            "1_000",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "--1",
            "1.2.3e",
        ] {
            assert!(parse(text.as_bytes(), b'.').is_err(), "{text}");
        }
        assert!(parse(b"1e400", b'.').expect_err("too large").contains("too large"));
        assert!(parse(b"-1e999", b'.').expect_err("too large").contains("too large"));
    }

    #[test]
    fn a_thousands_separator_is_never_read_as_a_decimal_mark() {
        for (text, decimal) in [
            ("1,234.50", b'.'),
            ("1 234.5", b'.'),
            ("1\u{a0}234,5", b','),
            ("1.234,56", b','),
            ("1'234", b'.'),
        ] {
            assert!(parse(text.as_bytes(), decimal).expect_err("ambiguous").contains("thousands"), "{text}");
        }
        assert!(parse(b"1,234", b'.').expect_err("ambiguous").contains("decimal mark"));
        assert!(parse(b"53.85", b',').expect_err("ambiguous").contains("decimal mark"));
    }

    #[test]
    fn probabilities_have_six_decimals() {
        for (probability, text) in
            [(0.5, "0,500000"), (0.123_456_7, "0,123457"), (1.0, "1,000000"), (0.0, "0,000000")]
        {
            let mut out = Vec::new();
            write_millionths(millionths(probability), b',', &mut out);
            assert_eq!(out, text.as_bytes());
        }
    }
}
