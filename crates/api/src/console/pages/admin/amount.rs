//! Amounts of money as people type them, read exactly: no number here has a fraction.

use ledger::Money;

use crate::console::format::decimals_of;
use crate::console::language::Language;
use crate::console::text::{Admin, fill};

/// Reads an amount of major units with up to the currency's decimals; what is wrong with it is said in words.
///
/// Spaces may part thousands in every language, and in English commas that stand where thousands end. Both marks are
/// taken for the decimal one, unless a comma could mean thousands.
pub fn parse(t: &Admin, language: Language, currency: &str, typed: &str) -> Result<Money, String> {
    let decimals = decimals_of(currency);
    let unreadable = || fill(t.amount_unreadable, &[("example", &example(language, currency))]);
    let typed: String = typed.chars().filter(|character| !character.is_whitespace()).collect();
    if typed.is_empty() {
        return Err(t.amount_missing.to_owned());
    }
    let (whole, fraction) = split(language, &typed).ok_or_else(unreadable)?;
    if fraction.len() > decimals {
        let decimals = decimals.to_string();
        return Err(fill(t.amount_decimals, &[("currency", currency), ("decimals", &decimals)]));
    }
    let digits = format!("{whole}{fraction:0<decimals$}");
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Err(t.amount_zero.to_owned());
    }
    let minor_units: i64 = digits.parse().map_err(|_| t.amount_too_large.to_owned())?;
    Money::from_minor_units(minor_units).map_err(|_| unreadable())
}

/// An amount of minor units as it is typed: without sign and thousands.
pub fn typed(language: Language, currency: &str, amount: Money) -> String {
    let decimals = decimals_of(currency);
    let digits = format!("{:0>width$}", amount.minor_units(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    match (decimals, language) {
        (0, _) => whole.to_owned(),
        (_, Language::English) => format!("{whole}.{fraction}"),
        (_, Language::Russian) => format!("{whole},{fraction}"),
    }
}

/// An amount to show how one is typed.
pub fn example(language: Language, currency: &str) -> String {
    let minor_units = 1500 * 10_i64.pow(u32::try_from(decimals_of(currency)).unwrap_or(0));
    Money::from_minor_units(minor_units).map(|amount| typed(language, currency, amount)).unwrap_or_default()
}

/// The digits before and after the decimal mark; none where this is no amount.
fn split(language: Language, typed: &str) -> Option<(String, String)> {
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = match (language, typed.rsplit_once(['.', ','])) {
        (_, None) => (typed, ""),
        // A comma in English parts thousands: "1,500" is no one and a half.
        (Language::English, Some(_)) if !typed.contains('.') => (typed, ""),
        (_, Some((whole, fraction))) => (whole, fraction),
    };
    let groups: Vec<&str> = whole.split(',').collect();
    let are_thousands = language == Language::English
        && (1..=3).contains(&groups[0].len())
        && groups[1..].iter().all(|group| group.len() == 3);
    let is_whole = are_digits(&groups.concat()) && !whole.is_empty() && (groups.len() == 1 || are_thousands);
    (is_whole && are_digits(fraction) && !typed.ends_with(['.', ',']))
        .then(|| (groups.concat(), fraction.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minor_units(language: Language, currency: &str, text: &str) -> Option<i64> {
        parse(Admin::of(language), language, currency, text).ok().map(Money::minor_units)
    }

    #[test]
    fn amounts_are_read_to_the_last_minor_unit() {
        let english = |text| minor_units(Language::English, "RUB", text);
        for (text, expected) in [
            ("1500", 150_000),
            ("1,500.5", 150_050),
            (" 1 500.05 ", 150_005),
            ("0.01", 1),
            ("1,234,567.89", 123_456_789),
            ("92233720368547758.07", i64::MAX),
        ] {
            assert_eq!(english(text), Some(expected), "{text}");
        }
        let russian = |text| minor_units(Language::Russian, "RUB", text);
        for (text, expected) in
            [("1500,5", 150_050), ("1\u{a0}500,05", 150_005), ("1500.05", 150_005), ("2", 200)]
        {
            assert_eq!(russian(text), Some(expected), "{text}");
        }
        assert_eq!(minor_units(Language::English, "JPY", "1500"), Some(1500));
        assert_eq!(minor_units(Language::English, "KWD", "1.005"), Some(1005));
    }

    #[test]
    fn what_could_mean_two_amounts_or_none_is_refused() {
        for text in [
            "",
            " ",
            "0",
            "0.00",
            "-5",
            "+5",
            "1e3",
            "1.005",
            "1,50",
            "15,00.00",
            "1,5000",
            ",5",
            ".5",
            "5.",
            "5,",
            "1.2.3",
            "NaN",
            "１２",
            "92233720368547758.08",
            "1,,000",
            "0x10",
        ] {
            assert_eq!(minor_units(Language::English, "RUB", text), None, "{text}");
        }
        for text in ["1,500,00", "1.500,00", "1,500", "1,2,3"] {
            assert_eq!(minor_units(Language::Russian, "RUB", text), None, "{text}");
        }
        assert_eq!(minor_units(Language::English, "JPY", "1500.5"), None);
    }

    #[test]
    fn what_is_offered_to_be_changed_reads_back_as_the_same() {
        for language in [Language::English, Language::Russian] {
            for (currency, amount) in [("RUB", 5), ("RUB", 123_456), ("JPY", 7), ("KWD", 1)] {
                let shown = typed(language, currency, Money::from_minor_units(amount).unwrap());
                assert_eq!(minor_units(language, currency, &shown), Some(amount), "{shown}");
            }
            assert_eq!(minor_units(language, "RUB", &example(language, "RUB")), Some(150_000));
        }
    }
}
