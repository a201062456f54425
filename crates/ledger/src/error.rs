//! What can go wrong with money.

use crate::Money;

/// Why a movement of money was refused or failed. Whatever the error, nothing was written once the
/// caller's transaction is rolled back.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The balance does not cover the debit.
    #[error("the balance is {missing} minor units short")]
    InsufficientFunds {
        /// How much more is needed, exactly.
        missing: Money,
    },
    /// Zero is no movement.
    #[error("an amount must be positive")]
    AmountNotPositive,
    /// A negative number is no amount of money.
    #[error("an amount of money cannot be negative")]
    Negative,
    /// The sum does not fit 64 bits.
    #[error("the account cannot take in that much: all deposits together fit 64 bits")]
    BalanceTooLarge,
    /// No account of that id, or not the caller's.
    #[error("there is no such account")]
    UnknownAccount,
    /// The order already has its debit.
    #[error("the order was debited before")]
    AlreadyDebited,
    /// The order already has its refund.
    #[error("the order was refunded before")]
    AlreadyRefunded,
    /// There is no debit to give back.
    #[error("the order has no debit")]
    NotDebited,
    /// The database failed.
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let Some(refusal) = error.as_database_error() else { return Error::Database(error) };
        // 22003 is numeric_value_out_of_range in the SQLSTATE table.
        if refusal.code().as_deref() == Some("22003") {
            return Error::BalanceTooLarge;
        }
        Error::Database(error)
    }
}
