//! The words by which files tell who has left: names of columns, and values.

use crate::names;

/// The columns of the known vocabularies that tell it, the best first.
pub const KNOWN: [&str; 3] = ["Churn", "Churn Label", "Churn Value"];
/// Names of other files, where the column has two values.
pub const NAMES: [&str; 26] = [
    "churned",
    "is churn",
    "is churned",
    "has churned",
    "churn flag",
    "churn status",
    "customer churn",
    "exited",
    "attrition",
    "attrition flag",
    "left",
    "has left",
    "leaver",
    "отток",
    "оттоккл",
    "оттокклиента",
    "факт оттока",
    "флаг оттока",
    "признак оттока",
    "ушел",
    "ушёл",
    "клиент ушел",
    "клиент ушёл",
    "покинул",
    "уволился",
    "расторг",
];
/// Names of states, of which one says that a customer has left.
pub const STATES: [&str; 8] = [
    "status",
    "customer status",
    "account status",
    "client status",
    "subscription status",
    "статус",
    "статус клиента",
    "статус договора",
];
/// Names under which yes means that a customer is still there.
pub const REVERSED: [&str; 17] = [
    "stays",
    "stayed",
    "stay",
    "retained",
    "retention",
    "is retained",
    "remained",
    "active",
    "is active",
    "active customer",
    "остался",
    "остаётся",
    "остается",
    "удержан",
    "активен",
    "действует",
    "действующий",
];
/// Values that mean yes.
pub const YES: [&str; 9] = ["yes", "1", "true", "y", "1.0", "t", "да", "истина", "д"];
/// Values that mean no.
pub const NO: [&str; 10] = ["no", "0", "false", "n", "0.0", "f", "нет", "ложь", "н", "-1"];
/// Values that say themselves that a customer has left.
pub const LEFT: [&str; 23] = [
    "churned",
    "churn",
    "churner",
    "left",
    "leaver",
    "exited",
    "attrited customer",
    "attrited",
    "attrition",
    "lost",
    "gone",
    "closed",
    "cancelled",
    "canceled",
    "terminated",
    "ушел",
    "ушёл",
    "ушла",
    "отток",
    "покинул",
    "расторгнут",
    "закрыт",
    "отключён",
];
/// Values that say themselves that a customer is still there.
pub const STAYED: [&str; 20] = [
    "stayed",
    "stays",
    "retained",
    "remained",
    "existing customer",
    "existing",
    "active",
    "current",
    "loyal",
    "open",
    "not churned",
    "no churn",
    "остался",
    "осталась",
    "активен",
    "активный",
    "действует",
    "действующий",
    "открыт",
    "не ушел",
];

/// Whether a list has a word with this key, see [`names::key`].
#[must_use]
pub fn has(list: &[&str], key: &str) -> bool {
    list.iter().any(|word| names::key(word) == key)
}

/// Whether a value by key says that a customer left; nothing where it says neither. In a column whose yes means
/// staying, `is_reversed`, yes and no are turned round.
#[must_use]
pub fn says_left(key: &str, is_reversed: bool) -> Option<bool> {
    let by_word = has(&LEFT, key).then_some(true).or(has(&STAYED, key).then_some(false));
    let by_answer = has(&YES, key).then_some(true).or(has(&NO, key).then_some(false));
    by_word.or(by_answer.map(|is_yes| is_yes != is_reversed))
}

#[cfg(test)]
mod tests {
    use super::says_left;
    use crate::names;

    #[test]
    fn words_say_who_left_in_both_languages() {
        let of = |word: &str, is_reversed| says_left(&names::key(word), is_reversed);
        assert_eq!(
            (of("Yes", false), of("yes", true), of("Нет", false)),
            (Some(true), Some(false), Some(false))
        );
        assert_eq!(
            (of("Churned", true), of("ушла", false), of("active", true)),
            (Some(true), Some(true), Some(false))
        );
        assert_eq!(of("perhaps", false), None);
    }
}
