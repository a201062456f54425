//! What is asked of a plan, and whether it can be.

use crate::{Error, PlanId};
use ledger::Money;
use scoring::campaign::{Control, Economics, Limit, SuccessRate};
use serde::{Deserialize, Serialize};

/// What is held out where nothing is said: enough to learn from, and little forgone.
const CONTROL_SHARE_DEFAULT: f64 = 0.1;
/// More than half of the customers held out would be no campaign.
const CONTROL_SHARE_MAX: f64 = 0.5;
const COLUMN_LETTERS_MAX: usize = 200;

/// What is asked of a plan.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// How many may be contacted.
    pub limit: Limit,
    /// What contacts cost and bring; without it the likeliest are contacted.
    pub money: Option<MoneyTerms>,
    /// The share of the list that is held out.
    pub control_share: Option<f64>,
    /// What divides the list; the same one divides the same way.
    pub seed: Option<u32>,
}

/// What contacts cost and bring.
#[derive(Clone, Debug)]
pub struct MoneyTerms {
    /// What contacting a customer costs.
    pub contact_cost: Money,
    /// What the offer costs where it is taken.
    pub offer_cost: Money,
    /// The share of those who would stay anyway and take the offer.
    pub stayers_accepting: f64,
    /// How often the offer keeps somebody who would leave.
    pub success: SuccessRate,
    /// What a customer is worth.
    pub value: CustomerValue,
}

/// What a customer is worth.
#[derive(Clone, Debug)]
pub enum CustomerValue {
    /// All the same.
    Same(Money),
    /// What a column of the file says.
    Column {
        /// Its name.
        name: String,
        /// How many minor units one of its units is worth.
        units: f64,
    },
}

/// What was asked of a plan, in numbers alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    /// What contacts cost and bring.
    pub economics: Option<Economics>,
    /// What each customer is worth in minor units, where all are worth the same.
    pub value: Option<i64>,
    /// How many minor units one of the value column's units is worth, where there is one.
    pub value_units: Option<f64>,
    /// How many may be contacted.
    pub limit: Limit,
    /// How the list is divided.
    pub control: Control,
}

impl PlanRequest {
    /// The terms, and the name of the value column.
    pub(super) fn checked(self, id: PlanId) -> Result<(Terms, Option<String>), Error> {
        let economics = self.money.as_ref().map(MoneyTerms::checked).transpose()?;
        check_limit(self.limit, economics.as_ref())?;
        let share = self.control_share.unwrap_or(CONTROL_SHARE_DEFAULT);
        if !(0.0..=CONTROL_SHARE_MAX).contains(&share) {
            return Err(Error::invalid("control_share", "the control group is 0 to 0.5 of the list"));
        }
        // A new id ends in random bits.
        let [.., a, b, c, d] = *id.0.as_bytes();
        let seed = self.seed.unwrap_or(u32::from_be_bytes([a, b, c, d]));
        let (value, value_units, column) = match self.money.map(|money| money.value) {
            None => (None, None, None),
            Some(CustomerValue::Same(value)) => (Some(value.minor_units()), None, None),
            Some(CustomerValue::Column { name, units }) => (None, Some(units), Some(name)),
        };
        let control = Control { share, seed: u64::from(seed) };
        Ok((Terms { economics, value, value_units, limit: self.limit, control }, column))
    }
}

impl MoneyTerms {
    fn checked(&self) -> Result<Economics, Error> {
        let SuccessRate { expected, low, high } = self.success;
        if !(expected > 0.0 && expected <= 1.0) {
            return Err(Error::invalid("success_rate", "the success rate is above 0 and at most 1"));
        }
        if !(0.0 <= low && low <= expected) {
            return Err(Error::invalid("success_rate_low", "it is from 0 to the success rate"));
        }
        if !(expected <= high && high <= 1.0) {
            return Err(Error::invalid("success_rate_high", "it is from the success rate to 1"));
        }
        if !(0.0..=1.0).contains(&self.stayers_accepting) {
            return Err(Error::invalid("stayers_accepting", "a share is from 0 to 1"));
        }
        match &self.value {
            CustomerValue::Same(value) if *value == Money::ZERO => {
                return Err(Error::invalid("customer_value", "a customer is worth more than nothing"));
            }
            CustomerValue::Same(value) if *value <= self.offer_cost => {
                return Err(Error::invalid("offer_cost", "the offer costs less than a customer is worth"));
            }
            CustomerValue::Column { name, .. } if name.chars().count() > COLUMN_LETTERS_MAX => {
                return Err(Error::invalid("customer_value_column", "there is no such column"));
            }
            CustomerValue::Column { units, .. } if !(units.is_finite() && *units > 0.0) => {
                return Err(Error::invalid("value_times", "a multiple is above 0"));
            }
            _ => {}
        }
        Ok(Economics {
            contact_cost: self.contact_cost.minor_units(),
            offer_cost: self.offer_cost.minor_units(),
            stayers_accepting: self.stayers_accepting,
            success: self.success,
        })
    }
}

fn check_limit(limit: Limit, economics: Option<&Economics>) -> Result<(), Error> {
    match (limit, economics) {
        (Limit::Contacts(0), _) => Err(Error::invalid("contacts", "at least one customer is contacted")),
        (Limit::Contacts(_), _) | (Limit::Best, Some(_)) => Ok(()),
        (Limit::Best, None) => Err(Error::invalid(
            "customer_value",
            "say what a customer is worth and how often the offer works, or how many can be contacted",
        )),
        (Limit::Budget(_), None) => Err(Error::invalid(
            "customer_value",
            "a budget needs the value of a customer and the success rate",
        )),
        (Limit::Budget(_), Some(Economics { contact_cost: 0, offer_cost: 0, .. })) => {
            Err(Error::invalid("contact_cost", "a budget needs contacts or offers that cost something"))
        }
        (Limit::Budget(_), Some(_)) => Ok(()),
    }
}
