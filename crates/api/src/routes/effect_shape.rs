//! What a plan has done, as it is on the wire.

use chrono::{DateTime, Utc};
use platform::plans;
use scoring::campaign::{self, Arm, Effect, Interval};
use serde::Serialize;
use utoipa::ToSchema;

/// What a plan was measured to have done.
#[derive(Serialize, ToSchema)]
pub struct PlanEffect {
    /// Those who were contacted and whose outcome is known.
    contact: Group,
    /// Those who were held out and whose outcome is known.
    control: Group,
    /// By how much contacting lowered the churn (control minus contacted), with Newcombe's 95 % interval; missing
    /// while one group has nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<Bounded>,
    /// How likely a difference at least as rare is by chance alone: Fisher's exact test, two-sided.
    #[serde(skip_serializing_if = "Option::is_none")]
    p_value: Option<f64>,
    /// How many of the contacted customers stayed because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<Bounded>,
    #[serde(skip_serializing_if = "Option::is_none")]
    money: Option<EffectMoney>,
    /// Customers of the list whose outcome is not known.
    unknown: u64,
    /// Customers of the list who share their key, or have outcomes that contradict each other; they are left out.
    ambiguous: u64,
    /// Outcomes of customers who are not on the list.
    unlisted: u64,
    measured_at: DateTime<Utc>,
}

/// One group of a plan.
#[derive(Serialize, ToSchema)]
#[schema(as = EffectGroup)]
pub struct Group {
    customers: u64,
    left: u64,
    /// How many were expected to if nobody acted.
    expected_left: f64,
    /// The share that left, with Wilson's 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    churn: Option<Bounded>,
}

/// An estimate between its 95 % bounds.
#[derive(Serialize, ToSchema)]
pub struct Bounded {
    estimate: f64,
    low: f64,
    high: f64,
}

/// An amount in minor units between its 95 % bounds.
#[derive(Serialize, ToSchema)]
pub struct BoundedAmount {
    estimate: i64,
    low: i64,
    high: i64,
}

/// What was earned, in minor units.
#[derive(Serialize, ToSchema)]
pub struct EffectMoney {
    /// What the customers who stayed because of it are worth.
    kept_value: BoundedAmount,
    cost: i64,
    /// Whether the cost was stated with the outcomes, and not taken from the plan.
    cost_is_stated: bool,
    profit: BoundedAmount,
    /// Profit for each unit that was spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    return_on_investment: Option<Bounded>,
    currency: String,
}

impl PlanEffect {
    /// What was measured at a moment, with amounts in this currency.
    pub fn new(measured: &plans::PlanEffect, measured_at: DateTime<Utc>, currency: &str) -> PlanEffect {
        let effect = measured.effect.as_ref();
        let group = |arm: &Arm, churn: Option<&Interval<f64>>| Group {
            customers: arm.customers,
            left: arm.left,
            expected_left: arm.expected_left,
            churn: churn.map(Bounded::from),
        };
        PlanEffect {
            contact: group(&measured.contact, effect.map(|effect| &effect.contact_churn)),
            control: group(&measured.control, effect.map(|effect| &effect.control_churn)),
            effect: effect.map(|effect| Bounded::from(&effect.effect)),
            p_value: effect.map(|effect| effect.p_value),
            saved: effect.map(|effect| Bounded::from(&effect.saved)),
            money: effect.and_then(|effect| EffectMoney::new(effect, currency)),
            unknown: measured.unknown.iter().sum(),
            ambiguous: measured.ambiguous,
            unlisted: measured.unlisted,
            measured_at,
        }
    }
}

impl EffectMoney {
    fn new(effect: &Effect, currency: &str) -> Option<EffectMoney> {
        let campaign::MeasuredMoney { kept_value, cost, cost_is_stated, profit, return_on_investment } =
            effect.money.as_ref()?;
        Some(EffectMoney {
            kept_value: kept_value.into(),
            cost: *cost,
            cost_is_stated: *cost_is_stated,
            profit: profit.into(),
            return_on_investment: return_on_investment.as_ref().map(Bounded::from),
            currency: currency.to_owned(),
        })
    }
}

impl From<&Interval<f64>> for Bounded {
    fn from(interval: &Interval<f64>) -> Bounded {
        Bounded { estimate: interval.estimate, low: interval.low, high: interval.high }
    }
}

impl From<&Interval<i64>> for BoundedAmount {
    fn from(interval: &Interval<i64>) -> BoundedAmount {
        BoundedAmount { estimate: interval.estimate, low: interval.low, high: interval.high }
    }
}
