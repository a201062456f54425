//! What a tenant has, and what moved.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use ledger::{Kind, Transaction as LedgerTransaction};
use platform::money;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Listed;
use crate::extract::{Caller, PageQuery, Query};
use crate::problem::Problem;
use crate::state::Api;

/// An amount of money.
#[derive(Serialize, ToSchema)]
pub struct Balance {
    /// In minor units, such as kopecks or cents.
    #[schema(example = 100_000)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "RUB")]
    currency: String,
}

/// A movement of money. It never changes.
#[derive(Serialize, ToSchema)]
pub struct Transaction {
    id: Uuid,
    kind: TransactionKind,
    /// In minor units, always positive: the kind tells the direction.
    amount: i64,
    currency: String,
    /// The balance once it was applied.
    balance_after: i64,
    /// The order that was debited or refunded.
    #[serde(skip_serializing_if = "Option::is_none")]
    order_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    created_at: DateTime<Utc>,
}

/// What a movement does to the balance.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// Adds money.
    Deposit,
    /// Takes the price of an order.
    Debit,
    /// Gives the debit of an order back.
    Refund,
}

impl Transaction {
    /// A movement as it is on the wire.
    pub fn new(transaction: LedgerTransaction, currency: &str) -> Transaction {
        let kind = match transaction.kind {
            Kind::Deposit => TransactionKind::Deposit,
            Kind::Debit => TransactionKind::Debit,
            Kind::Refund => TransactionKind::Refund,
        };
        Transaction {
            id: transaction.id.0,
            kind,
            amount: transaction.amount.minor_units(),
            currency: currency.to_owned(),
            balance_after: transaction.balance_after.minor_units(),
            order_id: transaction.order_id.map(|order| order.0),
            note: transaction.note,
            created_at: transaction.created_at,
        }
    }
}

/// Balance
#[utoipa::path(
    get, path = "/api/v1/balance", tag = "Money", operation_id = "get_balance",
    responses((status = 200, description = "What the tenant has", body = Balance)),
)]
pub async fn balance(State(api): State<Api>, Caller(access): Caller) -> Result<Json<Balance>, Problem> {
    let balance = money::balance(&api.platform, &access).await?;
    Ok(Json(Balance { amount: balance.minor_units(), currency: api.platform.currency.clone() }))
}

/// List transactions
#[utoipa::path(
    get, path = "/api/v1/transactions", tag = "Money", operation_id = "list_transactions",
    params(PageQuery),
    responses((status = 200, description = "What moved, newest first", body = Listed<Transaction>)),
)]
pub async fn transactions(
    State(api): State<Api>,
    Caller(access): Caller,
    Query(query): Query<PageQuery>,
) -> Result<Json<Listed<Transaction>>, Problem> {
    let transactions = money::transactions(&api.platform, &access, &query.page()?).await?;
    let currency = &api.platform.currency;
    Ok(Json(Listed::new(transactions, |transaction| Transaction::new(transaction, currency))))
}
