//! A movement of money in words: what it was, what for, and why it came back.

use platform::money::{Movement, Purpose};
use platform::orders::OrderStatus;
use platform::predictions::PredictionError;
use platform::{OrderId, PredictionId};

use super::language::Language;
use super::text::{Money, faults, fill};

/// The most characters of a reason that a line has room for.
const REASON_CHARACTERS_MAX: usize = 160;

/// What a movement says of itself.
pub struct Told {
    /// What moved: a model, a refund, a top-up.
    pub title: String,
    /// The file, the reason or the note.
    pub detail: String,
    /// The prediction that can be looked at.
    pub prediction: Option<PredictionId>,
    /// The order.
    pub order: Option<OrderId>,
    /// The amount in minor units, below zero where money left.
    pub amount: i64,
}

impl Told {
    /// Puts a movement into words.
    pub fn of(language: Language, t: &'static Money, movement: &Movement) -> Told {
        let transaction = &movement.transaction;
        let amount = transaction.amount.minor_units();
        let purpose = movement.purpose.as_ref();
        let note = transaction.note.clone();
        let (title, detail, amount) = match transaction.kind {
            ledger::Kind::Deposit => (t.top_up.to_owned(), note.unwrap_or_default(), amount),
            ledger::Kind::Refund => {
                let reason = note.unwrap_or_else(|| reason(language, t, purpose));
                (t.refund.to_owned(), reason, amount)
            }
            ledger::Kind::Debit => {
                let title = purpose.map_or_else(|| t.order.to_owned(), |purpose| purpose.service.clone());
                (title, purpose.map(|purpose| used_for(t, purpose)).unwrap_or_default(), -amount)
            }
        };
        let prediction = purpose.and_then(|purpose| purpose.used_for.as_ref()).map(|used| used.prediction);
        Told { title, detail, prediction, order: transaction.order_id, amount }
    }

    /// The order's id where people recognise it: its last digits, which differ most.
    pub fn short_order(&self) -> Option<String> {
        self.order.map(|order| short_id(&order.to_string()))
    }
}

/// The last digits of an id.
pub fn short_id(id: &str) -> String {
    id.get(id.len().saturating_sub(8)..).unwrap_or(id).to_owned()
}

fn used_for(t: &'static Money, purpose: &Purpose) -> String {
    match (&purpose.used_for, purpose.status) {
        (Some(used), _) if used.file_name.is_empty() => t.file_erased.to_owned(),
        (Some(used), _) => used.file_name.clone(),
        (None, OrderStatus::Provided) => t.bought_at_once.to_owned(),
        (None, OrderStatus::Paid) => t.not_used_yet.to_owned(),
        (None, _) => String::new(),
    }
}

/// Why an order was refunded without anybody saying so: its prediction failed, or it was cancelled.
fn reason(language: Language, t: &'static Money, purpose: Option<&Purpose>) -> String {
    let error = purpose.and_then(|purpose| purpose.used_for.as_ref()).and_then(|used| used.error.as_ref());
    match error {
        Some(error) => failure(language, t, error),
        None => t.refund_cancelled.to_owned(),
    }
}

fn failure(language: Language, t: &'static Money, error: &PredictionError) -> String {
    let said = match error.errors.first() {
        None => faults::whole(language, &error.code, &error.message),
        Some(first) => {
            let place = fill(t.line, &[("line", &first.line.to_string()), ("column", &first.column)]);
            format!("{place}: {}", faults::place(language, &first.message))
        }
    };
    shortened(said.trim_end_matches('.'))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(REASON_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use scoring::Problem;

    use super::*;

    #[test]
    fn a_refund_says_where_the_file_was_at_fault_and_never_much() {
        let t = Money::of(Language::English);
        let problem = |message: &str| Problem {
            line: 14,
            column: "TotalCharges".to_owned(),
            message: message.to_owned(),
        };
        let mut error = PredictionError::new("something_new", "It went wrong.");
        assert_eq!(failure(Language::English, t, &error), "It went wrong");
        error.errors = vec![problem("\"n/a\" is not a number")];
        let said = failure(Language::English, t, &error);
        assert_eq!(said, "line 14, column TotalCharges: \"n/a\" is not a number");
        error.errors = vec![problem(&"я".repeat(1000))];
        assert!(failure(Language::English, t, &error).chars().count() <= REASON_CHARACTERS_MAX + 1);
        assert_eq!(short_id("01a1fefb-5068-77f0-b4b9-9d95dbebb597"), "dbebb597");
    }
}
