//! What a customer asks for beside the plain result.

use crate::Error;
use crate::orders::OrderOptions;
use scoring::{Language, REASONS_MAX, TierThresholds};
use serde::{Deserialize, Serialize};

/// How many reasons an order that has paid for them gives where nobody says how many.
const REASONS_USUALLY: u8 = 3;

/// What was asked for beside the plain result; kept with the prediction as it stood at its acceptance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PredictionOptions {
    /// A column with the risk tier; the thresholds are those of the acceptance.
    pub tiers: Option<TierThresholds>,
    /// The column that tells customers apart, for outcomes to be joined to the scores later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How many reasons each customer gets.
    pub explain: Option<u8>,
    /// The language of the reasons.
    pub language: Language,
}

impl PredictionOptions {
    /// # Errors
    /// [`Error::Invalid`] on `explain`.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.explain {
            Some(count) if !(1..=REASONS_MAX).contains(&count) => {
                Err(Error::invalid("explain", format!("ask for 1 to {REASONS_MAX} reasons")))
            }
            _ => Ok(()),
        }
    }

    /// What has to be bought for these.
    pub(crate) fn order_options(&self) -> OrderOptions {
        OrderOptions { explain: self.explain.is_some() }
    }

    /// These, as an order that was paid before has them.
    ///
    /// # Errors
    /// [`Error::NotOrdered`] where the order has not paid for something that is asked for.
    pub(crate) fn of_order(&self, order: &OrderOptions) -> Result<PredictionOptions, Error> {
        match (self.explain, order.explain) {
            (Some(_), false) => Err(Error::NotOrdered("reasons")),
            (None, true) => Ok(PredictionOptions { explain: Some(REASONS_USUALLY), ..self.clone() }),
            _ => Ok(self.clone()),
        }
    }
}
