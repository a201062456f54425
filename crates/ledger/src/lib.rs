//! Money: the only code that touches balances and transactions.
//!
//! Every movement is one statement that takes the account's row lock, refuses an overdraft and
//! writes the transaction with the next number of the account's gapless sequence. Callers run it
//! last in their own database transaction, so that the lock is held only from there to the commit.
//! This crate knows nothing of HTTP, of orders' states or of files.

mod check;
mod db;
mod error;
mod money;

pub use check::{Check, Violation, check};
pub use error::Error;
pub use money::{AccountId, Money, OrderId, TransactionId};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::ops::Range;

/// What a transaction does to the balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Money paid in; adds to the balance.
    Deposit,
    /// The price of an order; subtracts from the balance.
    Debit,
    /// An order's debit given back; adds to the balance.
    Refund,
}

/// One line of an account's history. It never changes once written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Transaction {
    /// Its id, made by the application.
    pub id: TransactionId,
    /// Its number in the account, from 1, without gaps.
    pub sequence: i64,
    /// What it does.
    pub kind: Kind,
    /// How much, never negative: `kind` tells the direction.
    pub amount: Money,
    /// The balance once it was applied.
    pub balance_after: Money,
    /// The order that was debited or refunded; none for a deposit.
    pub order_id: Option<OrderId>,
    /// A remark, until it is erased.
    pub note: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
}

/// What moved on all accounts within a time, by kind.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    /// Deposits.
    pub deposits: Money,
    /// Debits.
    pub debits: Money,
    /// Refunds.
    pub refunds: Money,
}

impl Moved {
    /// What moved within two times together; what is more than fits counts as the most that does.
    pub fn and(self, other: Moved) -> Moved {
        Moved {
            deposits: self.deposits.saturating_add(other.deposits),
            debits: self.debits.saturating_add(other.debits),
            refunds: self.refunds.saturating_add(other.refunds),
        }
    }
}

/// Opens an account with a balance of zero.
pub async fn open_account(connection: &mut PgConnection, account: AccountId) -> Result<(), Error> {
    db::insert_account(connection, account).await
}

/// The balance of an account, or [`Error::UnknownAccount`].
pub async fn balance(connection: &mut PgConnection, account: AccountId) -> Result<Money, Error> {
    db::select_balance(connection, account).await?.ok_or(Error::UnknownAccount)
}

/// What the account has, which nobody changes before the transaction's end.
///
/// # Errors
/// [`Error::UnknownAccount`].
pub async fn locked_balance(connection: &mut PgConnection, account: AccountId) -> Result<Money, Error> {
    db::select_balance_for_update(connection, account).await?.ok_or(Error::UnknownAccount)
}

/// Pays `amount` in.
///
/// # Errors
/// [`Error::AmountNotPositive`], [`Error::BalanceTooLarge`] where all that was ever paid in would exceed
/// 2^63 - 1 minor units,
/// [`Error::UnknownAccount`].
pub async fn deposit(
    connection: &mut PgConnection,
    account: AccountId,
    transaction: TransactionId,
    amount: Money,
    note: Option<&str>,
) -> Result<Transaction, Error> {
    amount.require_positive()?;
    // Under the account's lock nobody else deposits. A balance never exceeds what was ever paid in, so
    // that as long as this sum fits, every refund does.
    db::select_balance_for_update(connection, account).await?.ok_or(Error::UnknownAccount)?;
    if !db::deposits_have_room(connection, account, amount).await? {
        return Err(Error::BalanceTooLarge);
    }
    let written =
        db::insert_deposit(connection, account, transaction, amount).await?.ok_or(Error::UnknownAccount)?;
    attach_note(connection, account, written, note).await
}

/// Takes the price of an order, once.
///
/// # Errors
/// [`Error::InsufficientFunds`] with what is missing: nothing was written. [`Error::AlreadyDebited`]
/// where the order has its debit.
pub async fn debit(
    connection: &mut PgConnection,
    account: AccountId,
    order: OrderId,
    transaction: TransactionId,
    amount: Money,
) -> Result<Transaction, Error> {
    amount.require_positive()?;
    if let Some(written) = db::insert_debit(connection, account, order, transaction, amount).await? {
        return Ok(written);
    }
    // Under the account's lock the balance can no longer move, so that the shortfall is exact; a
    // deposit that slipped in since the refusal is used instead of being reported as missing.
    let balance = db::select_balance_for_update(connection, account).await?.ok_or(Error::UnknownAccount)?;
    match amount.shortfall(balance) {
        Some(missing) => Err(Error::InsufficientFunds { missing }),
        None => db::insert_debit(connection, account, order, transaction, amount)
            .await?
            .ok_or(Error::UnknownAccount),
    }
}

/// Gives the whole debit of an order back, once.
///
/// # Errors
/// [`Error::AlreadyRefunded`]; [`Error::NotDebited`] where the account has no debit of that order.
pub async fn refund(
    connection: &mut PgConnection,
    account: AccountId,
    order: OrderId,
    transaction: TransactionId,
    note: Option<&str>,
) -> Result<Transaction, Error> {
    let written =
        db::insert_refund(connection, account, order, transaction).await?.ok_or(Error::NotDebited)?;
    attach_note(connection, account, written, note).await
}

/// The transactions of an account, newest first: at most `limit`, those numbered below `before`.
pub async fn transactions(
    connection: &mut PgConnection,
    account: AccountId,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<Transaction>, Error> {
    db::select_transactions(connection, account, before.unwrap_or(i64::MAX), limit).await
}

/// Where an account's history stands at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The number of the last transaction; 0 before the first.
    pub sequence: i64,
    /// The balance after it.
    pub balance: Money,
}

/// What came back to an account over a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credits {
    /// All deposits.
    pub paid_in: Money,
    /// All refunds.
    pub refunded: Money,
}

/// Where an account's history stood just before each of these moments, in their order.
pub async fn positions(
    connection: &mut PgConnection,
    account: AccountId,
    moments: &[DateTime<Utc>],
) -> Result<Vec<Position>, Error> {
    db::select_positions(connection, account, moments).await
}

/// What was paid in and given back from one moment to before another.
pub async fn credits(
    connection: &mut PgConnection,
    account: AccountId,
    period: Range<DateTime<Utc>>,
) -> Result<Credits, Error> {
    db::select_credits(connection, account, period).await
}

/// The transactions of an account in their order: at most `limit`, those numbered above the first number
/// and up to the second.
pub async fn transactions_between(
    connection: &mut PgConnection,
    account: AccountId,
    above: i64,
    up_to: i64,
    limit: i64,
) -> Result<Vec<Transaction>, Error> {
    db::select_transactions_between(connection, account, above, up_to, limit).await
}

/// The sum of all balances; what is more than fits counts as the most that does.
pub async fn total_balance(connection: &mut PgConnection) -> Result<Money, Error> {
    db::select_total_balance(connection).await
}

/// What moved on all accounts by transactions from one id to before another. Ids sort by the time that they
/// were made at, so that a moment is an id as well.
pub async fn moved(connection: &mut PgConnection, ids: Range<TransactionId>) -> Result<Moved, Error> {
    db::select_moved(connection, ids).await
}

async fn attach_note(
    connection: &mut PgConnection,
    account: AccountId,
    written: Transaction,
    note: Option<&str>,
) -> Result<Transaction, Error> {
    let Some(note) = note else { return Ok(written) };
    db::insert_note(connection, account, written.id, note).await?;
    Ok(Transaction { note: Some(note.to_owned()), ..written })
}
