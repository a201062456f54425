//! What the name of an unknown column says of it.

use scoring::names;

/// Endings of names of columns that tell customers apart.
const ID_ENDINGS: [&str; 16] = [
    "id",
    "uuid",
    "guid",
    "number",
    "num",
    "code",
    "index",
    "key",
    "phone",
    "mobile",
    "unnamed:0",
    "номер",
    "код",
    "ид",
    "инн",
    "телефон",
];
/// Beginnings of words that mean leaving.
const LEAVING: [&str; 21] = [
    "churn",
    "cancel",
    "terminat",
    "exit",
    "attrit",
    "leaving",
    "leave",
    "departure",
    "deactivat",
    "disconnect",
    "closed",
    "closure",
    "closing",
    "unsubscri",
    "отток",
    "уход",
    "ушел",
    "расторж",
    "отключ",
    "закрыт",
    "увольн",
];
/// Words beside these that mean what is known once it has happened, or was said to be going to.
const KNOWN_AFTER: [&str; 33] = [
    "reason",
    "reasons",
    "date",
    "day",
    "days",
    "month",
    "year",
    "time",
    "timestamp",
    "at",
    "on",
    "since",
    "category",
    "type",
    "score",
    "probability",
    "risk",
    "prediction",
    "predicted",
    "interview",
    "comment",
    "feedback",
    "survey",
    "label",
    "value",
    "причина",
    "дата",
    "день",
    "дней",
    "время",
    "вероятность",
    "прогноз",
    "комментарий",
];

/// Whether the name says that the column tells customers apart.
pub(crate) fn is_named_id(name: &str) -> bool {
    let key = names::key(name);
    ID_ENDINGS.iter().any(|ending| key.ends_with(ending))
}

/// Whether by its name the column is filled once a customer has left, or by an earlier model. One word must
/// mean leaving and another what is known after it, so that neither `cancelled orders` nor `join date` is
/// meant.
pub(crate) fn is_post_outcome(name: &str) -> bool {
    let words = words(name);
    let leaving = |word: &String| LEAVING.iter().any(|begin| word.starts_with(begin)) || word == "left";
    let Some(place) = words.iter().position(leaving) else { return false };
    words.iter().enumerate().any(|(other, word)| other != place && KNOWN_AFTER.contains(&word.as_str()))
}

/// The words of a name in lower case: `daysSinceExit` and `days_since exit` have the same three.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        let begins = !letter.is_alphanumeric() || (was_lower && letter.is_uppercase());
        was_lower = letter.is_lowercase();
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::{is_named_id, is_post_outcome, words};

    #[test]
    fn names_are_parted_into_words_however_they_are_written() {
        for name in ["daysSinceExit", "days_since exit", "Days.Since.Exit", "DAYS SINCE EXIT"] {
            assert_eq!(words(name), ["days", "since", "exit"]);
        }
        assert_eq!(words("CLTV"), ["cltv"]);
    }

    #[test]
    fn what_is_known_only_after_is_told_by_its_name() {
        for name in [
            "Churn Score",
            "churn_reason_2",
            "CancellationDate",
            "days since cancel",
            "exit_interview",
            "date_left",
            "TerminationDate",
            "churn_risk_score",
            "Дата расторжения",
            "причина ухода",
        ] {
            assert!(is_post_outcome(name), "{name}");
        }
        for name in [
            "cancelled orders",
            "join date",
            "Exit rate",
            "data left",
            "closeness",
            "Last visit date",
            "CLTV",
        ] {
            assert!(!is_post_outcome(name), "{name}");
        }
    }

    #[test]
    fn ids_are_told_by_the_end_of_the_name() {
        assert!(["CLIENTNUM", "customer_id", "Row Number", "Номер"].into_iter().all(is_named_id));
        assert!(!["Age", "Balance", "tenure"].into_iter().any(is_named_id));
    }
}
