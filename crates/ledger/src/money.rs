//! Amounts and ids as types of their own.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// An amount of money in minor units (kopecks, cents), from 0 to 2^63 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// An amount of minor units, or [`Error::Negative`].
    pub fn from_minor_units(minor_units: i64) -> Result<Money, Error> {
        if minor_units < 0 { Err(Error::Negative) } else { Ok(Money(minor_units)) }
    }

    /// The number of minor units.
    pub fn minor_units(self) -> i64 {
        self.0
    }

    /// How much `balance` lacks to cover this amount; none where it covers it.
    pub fn shortfall(self, balance: Money) -> Option<Money> {
        (self > balance).then(|| Money(self.0 - balance.0))
    }

    pub(crate) fn saturating_add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }

    pub(crate) fn require_positive(self) -> Result<(), Error> {
        if self.0 > 0 { Ok(()) } else { Err(Error::AmountNotPositive) }
    }
}

impl TryFrom<i64> for Money {
    type Error = Error;

    fn try_from(minor_units: i64) -> Result<Self, Error> {
        Money::from_minor_units(minor_units)
    }
}

impl From<Money> for i64 {
    fn from(money: Money) -> i64 {
        money.0
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Declares an id that cannot be mistaken for another kind of id.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id that sorts after those made before it (UUID version 7, RFC 9562).
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

id! {
    /// The account of one tenant; its value is the tenant's.
    AccountId
}
id! {
    /// An order, the reason of a debit and of a refund.
    OrderId
}
id! {
    /// A line of an account's history.
    TransactionId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_number_is_no_money() {
        assert!(Money::from_minor_units(-1).is_err());
        assert!(serde_json::from_str::<Money>("-1").is_err());
        assert!(serde_json::from_str::<Money>("1.5").is_err());
    }

    #[test]
    fn a_shortfall_is_exact() {
        let [three, five] = [3, 5].map(|units| Money::from_minor_units(units).unwrap());
        assert_eq!(five.shortfall(three), Some(Money(2)));
        assert_eq!(five.shortfall(five), None);
        assert_eq!(three.shortfall(five), None);
    }
}
