//! A statement as CSV that a spreadsheet can open without taking text for a formula.

use ledger::{Kind, Transaction};

/// The first line of a statement.
pub const STATEMENT_HEADER: &str = "number,created_at,kind,amount,balance_after,currency,order_id,note\n";

/// One movement of money.
pub fn statement_line(transaction: &Transaction, currency: &str) -> String {
    let kind = match transaction.kind {
        Kind::Deposit => "deposit",
        Kind::Debit => "debit",
        Kind::Refund => "refund",
    };
    let order = transaction.order_id.map(|order| order.to_string()).unwrap_or_default();
    format!(
        "{},{},{kind},{},{},{},{order},{}\n",
        transaction.sequence,
        transaction.created_at.to_rfc3339(),
        transaction.amount.minor_units(),
        transaction.balance_after.minor_units(),
        text_cell(currency),
        text_cell(transaction.note.as_deref().unwrap_or_default()),
    )
}

/// A text in quotes, with `'` before what a spreadsheet would take for a formula.
pub fn text_cell(text: &str) -> String {
    let mark = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    let text = text.replace('"', "\"\"");
    format!("\"{mark}{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_never_a_formula_and_never_leaves_its_cell() {
        assert_eq!(text_cell("=HYPERLINK(\"x\")"), "\"'=HYPERLINK(\"\"x\"\")\"");
        assert_eq!(text_cell("-1"), "\"'-1\"");
        assert_eq!(text_cell("a, b\nc"), "\"a, b\nc\"");
        assert_eq!(text_cell(""), "\"\"");
    }
}
