//! The ledger's invariants, checked over every account.

use crate::{Error, db};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

/// One broken promise.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Violation {
    /// Which invariant, in snake case.
    pub invariant: String,
    /// The account, transaction, order or prediction at fault.
    pub subject_id: Uuid,
    /// What was found.
    pub detail: String,
}

impl Violation {
    /// Names what is broken, where, and how.
    pub fn new(invariant: &str, subject_id: Uuid, detail: String) -> Violation {
        Violation { invariant: invariant.to_owned(), subject_id, detail }
    }
}

/// What a check went over and found.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Check {
    /// How many accounts there are.
    pub accounts: i64,
    /// How many transactions there are.
    pub transactions: i64,
    /// Everything that does not hold; empty where all is well.
    pub violations: Vec<Violation>,
}

/// Checks that every balance is the sum of its transactions and not negative, that every history is
/// gapless and adds up step by step, and that every order has exactly one debit at its price and a
/// refund of the same amount if and only if it is refunded.
///
/// Run it in one REPEATABLE READ transaction: the queries must see the same moment.
pub async fn check(connection: &mut PgConnection) -> Result<Check, Error> {
    let (accounts, transactions) = db::select_counts(connection).await?;
    let findings = [
        ("balance_is_sum_of_transactions", db::select_wrong_balances(connection).await?),
        ("history_is_gapless", db::select_broken_chains(connection).await?),
        ("order_money_matches", db::select_wrong_order_money(connection).await?),
    ];
    let violations = findings
        .into_iter()
        .flat_map(|(invariant, rows)| {
            rows.into_iter().map(move |(id, detail)| Violation::new(invariant, id, detail))
        })
        .collect();
    Ok(Check { accounts, transactions, violations })
}
