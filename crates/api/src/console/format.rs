//! Money, numbers, shares and times as people write them.

use chrono::{DateTime, Datelike, Utc};

use super::language::Language;

/// Does not break, and is narrower than a space between words.
const NARROW_SPACE: char = '\u{202f}';
const SPACE: char = '\u{a0}';
const MINUS: char = '\u{2212}';

/// How many digits of a currency's minor units there are to a major one (ISO 4217).
pub fn decimals_of(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// How many minor units a major one has.
pub fn minor_units_of(currency: &str) -> f64 {
    // At most three decimals.
    10_f64.powi(decimals_of(currency) as i32)
}

/// The sign of a currency where it has one that everybody knows, else its code.
fn sign_of(currency: &str) -> &str {
    match currency {
        "RUB" => "₽",
        "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "JPY" => "¥",
        "KZT" => "₸",
        "UAH" => "₴",
        "INR" => "₹",
        "TRY" => "₺",
        code => code,
    }
}

/// An amount of minor units, such as `₽1,980.00` or `1 980,00 ₽`.
pub fn money(language: Language, minor_units: i64, currency: &str) -> String {
    let sign = sign_of(currency);
    let number = decimal(language, minor_units.unsigned_abs(), decimals_of(currency));
    let minus = if minor_units < 0 { String::from(MINUS) } else { String::new() };
    match language {
        Language::English if sign == currency => format!("{minus}{number}{SPACE}{sign}"),
        Language::English => format!("{minus}{sign}{number}"),
        Language::Russian => format!("{minus}{number}{SPACE}{sign}"),
    }
}

/// An amount as English writes it, for the command line.
pub fn english_money(minor_units: i64, currency: &str) -> String {
    money(Language::English, minor_units, currency)
}

/// An amount with its sign in front even where it is positive.
pub fn signed_money(language: Language, minor_units: i64, currency: &str) -> String {
    let plus = if minor_units > 0 { "+" } else { "" };
    format!("{plus}{}", money(language, minor_units, currency))
}

/// An amount without its minor units where there are none to tell, such as `₽2,000`.
pub fn whole_money(language: Language, minor_units: i64, currency: &str) -> String {
    let text = money(language, minor_units, currency);
    let zeros = match (language, decimals_of(currency)) {
        (_, 0) => return text,
        (Language::English, decimals) => format!(".{:0<decimals$}", ""),
        (Language::Russian, decimals) => format!(",{:0<decimals$}", ""),
    };
    text.replacen(&zeros, "", 1)
}

/// An estimated amount of minor units, to the nearest major one.
pub fn estimated_money(language: Language, minor_units: f64, currency: &str) -> String {
    let major = minor_units_of(currency);
    // Beyond the range of amounts the conversion saturates.
    whole_money(language, ((minor_units / major).round() * major) as i64, currency)
}

/// A whole number with its thousands apart.
pub fn number(language: Language, number: u64) -> String {
    grouped(language, &number.to_string())
}

/// A share from 0 to 1 in per cent, with as many decimals as wanted.
pub fn share(language: Language, share: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", share * 100.0);
    match language {
        Language::English => format!("{text}{NARROW_SPACE}%"),
        Language::Russian => format!("{}{NARROW_SPACE}%", text.replace('.', ",")),
    }
}

/// A fraction with a fixed number of decimals, such as `0.848` or `0,848`.
pub fn fraction(language: Language, value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match language {
        Language::English => text,
        Language::Russian => text.replace('.', ","),
    }
}

/// A moment to the minute, in UTC; the script shows it in the visitor's own zone.
pub fn time(language: Language, at: DateTime<Utc>) -> String {
    match language {
        Language::English => format!("{}, {} UTC", date(language, at), at.format("%H:%M")),
        Language::Russian => format!("{}, {} UTC", date(language, at), at.format("%H:%M")),
    }
}

/// A day, such as `21 Nov 2026`.
pub fn date(language: Language, at: DateTime<Utc>) -> String {
    format!("{} {}", day(language, at), at.year())
}

/// A day of a year that is known, such as `21 Nov`.
pub fn day(language: Language, at: DateTime<Utc>) -> String {
    const ENGLISH: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const RUSSIAN: [&str; 12] =
        ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"];
    let month = at.month0() as usize;
    let name = match language {
        Language::English => ENGLISH[month],
        Language::Russian => RUSSIAN[month],
    };
    format!("{} {name}", at.day())
}

fn decimal(language: Language, minor_units: u64, decimals: usize) -> String {
    let digits = format!("{minor_units:0>width$}", width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let whole = grouped(language, whole);
    match (language, decimals) {
        (_, 0) => whole,
        (Language::English, _) => format!("{whole}.{fraction}"),
        (Language::Russian, _) => format!("{whole},{fraction}"),
    }
}

fn grouped(language: Language, digits: &str) -> String {
    let separator = match language {
        Language::English => ',',
        Language::Russian => NARROW_SPACE,
    };
    let mut text = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_to_the_last_minor_unit_as_each_language_writes_it() {
        for (minor_units, english, russian) in [
            (198_000, "₽1,980.00", "1\u{202f}980,00\u{a0}₽"),
            (5, "₽0.05", "0,05\u{a0}₽"),
            (0, "₽0.00", "0,00\u{a0}₽"),
            (-100_000_000, "\u{2212}₽1,000,000.00", "\u{2212}1\u{202f}000\u{202f}000,00\u{a0}₽"),
            (
                i64::MAX,
                "₽92,233,720,368,547,758.07",
                "92\u{202f}233\u{202f}720\u{202f}368\u{202f}547\u{202f}758,07\u{a0}₽",
            ),
        ] {
            assert_eq!(money(Language::English, minor_units, "RUB"), english);
            assert_eq!(money(Language::Russian, minor_units, "RUB"), russian);
        }
        assert_eq!(money(Language::English, 1234, "JPY"), "¥1,234");
        assert_eq!(money(Language::English, 1234, "KWD"), "1.234\u{a0}KWD");
        assert_eq!(signed_money(Language::English, 100, "USD"), "+$1.00");
        assert_eq!(whole_money(Language::English, 200_000, "RUB"), "₽2,000");
        assert_eq!(whole_money(Language::Russian, 200_000, "RUB"), "2\u{202f}000\u{a0}₽");
        assert_eq!(whole_money(Language::Russian, 250, "RUB"), "2,50\u{a0}₽");
        assert_eq!(whole_money(Language::English, 2_000, "JPY"), "¥2,000");
        assert_eq!(signed_money(Language::English, -100, "USD"), "\u{2212}$1.00");
    }

    #[test]
    fn shares_and_numbers_are_written_as_each_language_writes_them() {
        assert_eq!(share(Language::English, 0.0042, 1), "0.4\u{202f}%");
        assert_eq!(share(Language::Russian, 0.945, 1), "94,5\u{202f}%");
        assert_eq!(number(Language::English, 1_000_000), "1,000,000");
        assert_eq!(number(Language::Russian, 999), "999");
        assert_eq!(fraction(Language::Russian, 0.8482, 3), "0,848");
    }
}
