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

/// Reads a cell of up to eight digits and a decimal mark, or an empty one, as [`parse`] does but all bytes
/// at once. Nothing: it is something else, or too near to the text's end.
#[inline(always)]
pub(crate) fn parse_short(text: &[u8], start: usize, end: usize, decimal: u8) -> Option<f64> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const ZEROS: u64 = ONES * b'0' as u64;
    const HIGH: u64 = ONES << 7;
    let length = end.wrapping_sub(start);
    if length == 0 {
        return Some(f64::NAN);
    }
    if length > 8 {
        return None;
    }
    let window = u64::from_le_bytes(*text.get(start..)?.first_chunk::<8>()?);
    // The cell's last byte becomes the highest, zeros stand before its first.
    let free = (8 - length) * 8;
    let mut digits = ((window << free) | (ZEROS & !(u64::MAX << free))) ^ ZEROS;
    let mark = digits ^ (ONES * u64::from(decimal ^ b'0'));
    let marks = !(((mark & !HIGH) + !HIGH) | mark) & HIGH;
    let mut decimals = 0;
    if marks != 0 {
        if length == 1 {
            return None;
        }
        // What is before the mark moves up over it.
        let place = (marks.trailing_zeros() / 8) as usize;
        let before = digits & !(u64::MAX << (place * 8));
        let behind = digits & (u64::MAX << (place * 8 + 7) << 1);
        digits = behind | before << 8;
        decimals = 7 - place;
    }
    if (digits.wrapping_add(ONES * (0x7f - 9)) | digits) & HIGH != 0 {
        return None;
    }
    // Neighbours are joined: eight digits to four pairs, to two fours, to one number.
    let pairs = (digits.wrapping_mul(1 + (10 << 8)) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(1 + (100 << 16)) >> 16) & 0x0000_ffff_0000_ffff;
    let number = fours.wrapping_mul(1 + (10_000 << 32)) >> 32;
    Some(number as f64 / POWERS[decimals])
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

/// A probability in millionths, as it is written and as it is compared with the threshold. Halves are
/// rounded up.
#[inline]
pub(crate) fn millionths(probability: f64) -> u32 {
    // A probability is between 0 and 1, so that the whole part and the rest are exact.
    let scaled = probability * 1e6;
    let whole = scaled as u32;
    whole + u32::from(scaled - f64::from(whole) >= 0.5)
}

/// Millionths with six decimals.
#[inline]
pub(crate) fn millionths_text(millionths: u32, decimal: u8) -> [u8; 8] {
    let digit = |unit: u32| b'0' + (millionths / unit % 10) as u8;
    let [first, second, third] = [digit(100_000), digit(10_000), digit(1_000)];
    [digit(1_000_000), decimal, first, second, third, digit(100), digit(10), digit(1)]
}

#[cfg(test)]
mod tests {
    use super::{millionths, millionths_text, parse, parse_short};

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
            assert_eq!(millionths_text(millionths(probability), b','), text.as_bytes());
        }
    }
    #[test]
    fn millionths_are_rounded_as_rust_rounds() {
        for step in 0..200_000u32 {
            let probability = f64::from(step) / 200_000.0 + f64::from(step) * 1e-13;
            for near in [probability, probability.next_up(), probability.next_down().abs()] {
                assert_eq!(millionths(near), (near * 1e6).round() as u32, "{near}");
            }
        }
    }

    #[test]
    fn short_cells_are_read_all_at_once_as_they_are_one_by_one() {
        let letters = b"0123456789.,-+ ex";
        let mut state = 5u64;
        let mut read = 0;
        for _ in 0..200_000 {
            let mut below = |bound: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 33) as usize % bound
            };
            // Mostly digits, so that many are numbers.
            let length = below(10);
            let cell: Vec<u8> = (0..length)
                .map(|_| letters[if below(4) == 0 { below(letters.len()) } else { below(11) }])
                .collect();
            let text = [b"7,", cell.as_slice(), b",123456789"].concat();
            let Some(number) = parse_short(&text, 2, 2 + length, b'.') else { continue };
            read += 1;
            let expected = parse(&cell, b'.').expect("a number");
            assert!(number.to_bits() == expected.to_bits() || (number.is_nan() && expected.is_nan()));
        }
        assert!(read > 50_000, "{read}");
        for (cell, number) in [("12345678", 12_345_678.0), ("1234.567", 1234.567), ("5.", 5.0), (".5", 0.5)] {
            assert_eq!(parse_short(format!("{cell}        ").as_bytes(), 0, cell.len(), b'.'), Some(number));
        }
        for cell in [".", "123456789", "1.2.3", "-5", "1 2", "12,5"] {
            assert_eq!(parse_short(format!("{cell}        ").as_bytes(), 0, cell.len(), b'.'), None);
        }
    }
}
