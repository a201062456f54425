//! The languages of the console, and how numbers of things are said in them.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

use super::cookies;

/// The cookie that remembers a choice.
pub const LANGUAGE_COOKIE: &str = "augur_language";

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Russian.
    Russian,
}

impl Language {
    /// The language that a visitor has chosen, or else the one that their browser asks for first.
    pub fn of(headers: &HeaderMap) -> Language {
        cookies::value(headers, LANGUAGE_COOKIE)
            .and_then(Language::of_tag)
            .or_else(|| preferred(headers))
            .unwrap_or(Language::English)
    }

    /// The language of a tag (BCP 47) such as `ru` or `en-GB`.
    pub fn of_tag(tag: &str) -> Option<Language> {
        match tag.split('-').next()?.trim().to_ascii_lowercase().as_str() {
            "en" => Some(Language::English),
            "ru" => Some(Language::Russian),
            _ => None,
        }
    }

    /// This language, in which reasons are told.
    pub fn of_reasons(self) -> scoring::Language {
        match self {
            Language::English => scoring::Language::En,
            Language::Russian => scoring::Language::Ru,
        }
    }

    /// The tag of this language (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Russian => "ru",
        }
    }

    /// The form for `number` among forms that `|` separates: one and many in English; one, few and many in Russian
    /// (Unicode CLDR's plural rules for whole numbers).
    pub fn plural(self, number: u64, forms: &'static str) -> &'static str {
        let (tens, units) = (number % 100 / 10, number % 10);
        let form = match self {
            Language::English => usize::from(number != 1),
            Language::Russian if tens != 1 && units == 1 => 0,
            Language::Russian if tens != 1 && (2..=4).contains(&units) => 1,
            Language::Russian => 2,
        };
        forms.split('|').nth(form).or_else(|| forms.split('|').next_back()).unwrap_or_default()
    }
}

/// The first language of ours among those that a browser asks for, by their weights (RFC 9110, section 12.5.4).
fn preferred(headers: &HeaderMap) -> Option<Language> {
    let asked = headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?;
    let mut known: Vec<(f32, Language)> = asked
        .split(',')
        .filter_map(|range| {
            let (tag, weight) = range.split_once(";q=").unwrap_or((range, "1"));
            Some((weight.trim().parse().ok()?, Language::of_tag(tag.trim())?))
        })
        .filter(|(weight, _)| *weight > 0.0)
        .collect();
    known.sort_by(|one, other| other.0.total_cmp(&one.0));
    known.first().map(|(_, language)| *language)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use axum::http::header::COOKIE;

    use super::*;

    #[test]
    fn a_choice_goes_before_what_the_browser_asks_for() {
        let mut headers = HeaderMap::new();
        assert_eq!(Language::of(&headers), Language::English);
        headers.insert(ACCEPT_LANGUAGE, HeaderValue::from_static("de, en;q=0.5, ru-RU;q=0.8"));
        assert_eq!(Language::of(&headers), Language::Russian);
        headers.insert(COOKIE, HeaderValue::from_static("a=b; augur_language=en"));
        assert_eq!(Language::of(&headers), Language::English);
    }

    #[test]
    fn things_are_counted_as_each_language_counts_them() {
        let forms = "клиент|клиента|клиентов";
        for (number, said) in [
            (1, "клиент"),
            (21, "клиент"),
            (101, "клиент"),
            (2, "клиента"),
            (44, "клиента"),
            (0, "клиентов"),
            (5, "клиентов"),
            (11, "клиентов"),
            (12, "клиентов"),
            (114, "клиентов"),
        ] {
            assert_eq!(Language::Russian.plural(number, forms), said, "{number}");
        }
        assert_eq!(Language::English.plural(1, "customer|customers"), "customer");
        assert_eq!(Language::English.plural(0, "customer|customers"), "customers");
    }
}
