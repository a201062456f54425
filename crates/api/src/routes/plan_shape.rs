//! A plan as it is asked for, and as it is on the wire.

use chrono::{DateTime, Utc};
use ledger::Money;
use platform::plans::{self, CustomerValue, MoneyTerms, PlanRequest};
use scoring::campaign::{self, Limit, SuccessRate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::effect_shape::PlanEffect;
use crate::problem::Problem;

/// Whom to contact: at most `contacts` customers, or what `budget` pays for, or else as many as pay for themselves.
/// With `contacts` alone, the customers most likely to leave are listed, and nothing is said of money.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"contacts": 500, "contact_cost": 5000, "customer_value": 300000, "success_rate": 0.3}))]
pub struct NewPlan {
    /// How many customers can be contacted.
    #[schema(minimum = 1)]
    contacts: Option<u64>,
    /// What contacts and offers may cost, in minor units.
    #[schema(value_type = Option<i64>, minimum = 0)]
    budget: Option<Money>,
    /// What contacting a customer costs, in minor units.
    #[schema(value_type = Option<i64>, minimum = 0, default = 0)]
    contact_cost: Option<Money>,
    /// What the offer costs where it is taken, in minor units.
    #[schema(value_type = Option<i64>, minimum = 0, default = 0)]
    offer_cost: Option<Money>,
    /// The share of customers who would stay anyway and take the offer.
    #[schema(minimum = 0, maximum = 1, default = 1.0)]
    stayers_accepting: Option<f64>,
    /// What a customer who stays is worth, in minor units.
    #[schema(value_type = Option<i64>, minimum = 1)]
    customer_value: Option<Money>,
    /// Or the column of the file that says it, in major units of the currency.
    #[schema(max_length = 200)]
    customer_value_column: Option<String>,
    /// What the column's number is multiplied by, such as 12 for a monthly payment.
    #[schema(exclusive_minimum = 0, default = 1.0)]
    value_times: Option<f64>,
    /// The share of would-be leavers whom the offer keeps.
    #[schema(exclusive_minimum = 0, maximum = 1)]
    success_rate: Option<f64>,
    /// What that share is at least, where it is not sure.
    #[schema(minimum = 0, maximum = 1)]
    success_rate_low: Option<f64>,
    /// What it is at most.
    #[schema(minimum = 0, maximum = 1)]
    success_rate_high: Option<f64>,
    /// The share of the list that is held out, to measure the effect by.
    #[schema(minimum = 0, maximum = 0.5, default = 0.1)]
    control_share: Option<f64>,
    /// The same seed divides the list the same way.
    seed: Option<u32>,
}

/// A plan of whom to contact.
#[derive(Serialize, ToSchema)]
pub struct Plan {
    id: Uuid,
    prediction_id: Uuid,
    /// What was asked for.
    terms: PlanTerms,
    /// All customers that could be contacted.
    customers: u64,
    /// Scored customers without a readable value, who are not among them.
    customers_without_value: u64,
    /// Customers on the list, those who are held out included.
    listed: u64,
    /// Customers to contact.
    contacts: u64,
    /// Customers who are held out.
    controls: u64,
    /// How many of the contacts are expected to leave if nobody acts.
    expected_leavers: f64,
    /// How many of them are expected to stay because of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_saved: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    money: Option<PlanMoney>,
    measurement: Measurement,
    /// What contacting more and more customers would bring, with nobody held out; at most 200 points.
    curve: Vec<CurvePoint>,
    /// What was measured, once outcomes were sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<PlanEffect>,
    /// Where the list is, while the result is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    list_url: Option<String>,
    created_at: DateTime<Utc>,
}

/// What was asked of a plan. Amounts are in minor units.
#[derive(Serialize, ToSchema)]
pub struct PlanTerms {
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact_cost: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer_cost: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stayers_accepting: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_value: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_value_column: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate_low: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    success_rate_high: Option<f64>,
    control_share: f64,
    seed: u64,
}

/// What a plan is expected to cost and earn, in minor units.
#[derive(Serialize, ToSchema)]
pub struct PlanMoney {
    /// Contacts, and offers where they are expected to be taken.
    cost: i64,
    /// What is earned, costs taken off.
    profit: i64,
    /// The lower bound of the 95 % interval, at the lowest success rate.
    profit_low: i64,
    /// The upper bound, at the highest.
    profit_high: i64,
    /// Profit for each unit that is spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    return_on_investment: Option<f64>,
    /// What contacting the control group as well would be expected to earn: the price of measuring.
    control_forgone: i64,
    /// Where the profit would be highest.
    best: CurvePoint,
    currency: String,
}

/// Contacting so many of the best customers.
#[derive(Serialize, ToSchema)]
pub struct CurvePoint {
    contacts: u64,
    /// How many of them are expected to leave if nobody acts.
    leavers: f64,
    /// The expected profit in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    profit: Option<i64>,
}

/// What the control group will be able to tell.
#[derive(Serialize, ToSchema)]
pub struct Measurement {
    /// The share of the list that is expected to leave if nobody acts.
    base_rate: f64,
    /// By how much contacting is expected to lower it.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_effect: Option<f64>,
    /// The smallest effect that is found with 80 % (two-sided, at 5 %); missing where none would be.
    #[serde(skip_serializing_if = "Option::is_none")]
    detectable_effect: Option<f64>,
    /// The smallest share that would find the expected effect, or else the one that finds most.
    suggested_share: f64,
    /// What other shares would find.
    options: Vec<ShareOption>,
}

/// A share of the list as a control group.
#[derive(Serialize, ToSchema)]
pub struct ShareOption {
    share: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    detectable_effect: Option<f64>,
}

impl NewPlan {
    /// What the platform is asked for. `units` are the minor units of a major one.
    pub fn request(self, units: f64) -> Result<PlanRequest, Problem> {
        let limit = match (self.contacts, self.budget) {
            (None, None) => Limit::Best,
            (Some(contacts), None) => Limit::Contacts(contacts),
            (None, Some(budget)) => Limit::Budget(budget.minor_units()),
            (Some(_), Some(_)) => {
                return Err(Problem::invalid_field("budget", "Give either contacts or budget."));
            }
        };
        let (control_share, seed) = (self.control_share, self.seed);
        Ok(PlanRequest { limit, money: self.money(units)?, control_share, seed })
    }

    fn money(self, units: f64) -> Result<Option<MoneyTerms>, Problem> {
        // What has nothing to say something of is a mistake, which nobody would notice otherwise.
        if self.value_times.is_some() && self.customer_value_column.is_none() {
            return Err(Problem::invalid_field(
                "value_times",
                "It multiplies customer_value_column: give that.",
            ));
        }
        let value = match (self.customer_value, self.customer_value_column) {
            (Some(value), None) => CustomerValue::Same(value),
            (None, Some(name)) => {
                CustomerValue::Column { name, units: units * self.value_times.unwrap_or(1.0) }
            }
            (None, None) if self.success_rate.is_none() => return Ok(None),
            (None, None) => {
                return Err(Problem::invalid_field("customer_value", "Say what a customer is worth."));
            }
            (Some(_), Some(_)) => {
                let message = "Give either customer_value or customer_value_column.";
                return Err(Problem::invalid_field("customer_value", message));
            }
        };
        let Some(expected) = self.success_rate else {
            return Err(Problem::invalid_field("success_rate", "Say how often the offer works."));
        };
        let low = self.success_rate_low.unwrap_or(expected);
        let high = self.success_rate_high.unwrap_or(expected);
        Ok(Some(MoneyTerms {
            contact_cost: self.contact_cost.unwrap_or(Money::ZERO),
            offer_cost: self.offer_cost.unwrap_or(Money::ZERO),
            stayers_accepting: self.stayers_accepting.unwrap_or(1.0),
            success: SuccessRate { expected, low, high },
            value,
        }))
    }
}

impl Plan {
    /// A plan whose amounts are in this currency.
    pub fn new(plan: plans::Plan, currency: &str) -> Plan {
        let figures = plan.figures.plan;
        Plan {
            id: plan.id.0,
            prediction_id: plan.prediction.0,
            terms: PlanTerms::new(&plan.terms, plan.value_column),
            customers: figures.customers,
            customers_without_value: plan.figures.unvalued,
            listed: figures.listed,
            contacts: figures.contacts,
            controls: figures.controls,
            expected_leavers: figures.leavers,
            expected_saved: figures.saved,
            money: figures.money.map(|money| PlanMoney::new(&money, currency)),
            measurement: figures.measurement.into(),
            curve: figures.curve.iter().map(CurvePoint::from).collect(),
            effect: plan.measured.map(|(effect, at)| PlanEffect::new(&effect, at, currency)),
            list_url: plan.has_list.then(|| format!("/api/v1/plans/{}/list", plan.id)),
            created_at: plan.created_at,
        }
    }
}

impl PlanTerms {
    fn new(terms: &plans::Terms, value_column: Option<String>) -> PlanTerms {
        let economics = terms.economics.as_ref();
        let success = economics.map(|economics| economics.success);
        PlanTerms {
            contacts: match terms.limit {
                Limit::Contacts(contacts) => Some(contacts),
                _ => None,
            },
            budget: match terms.limit {
                Limit::Budget(budget) => Some(budget),
                _ => None,
            },
            contact_cost: economics.map(|economics| economics.contact_cost),
            offer_cost: economics.map(|economics| economics.offer_cost),
            stayers_accepting: economics.map(|economics| economics.stayers_accepting),
            customer_value: terms.value,
            customer_value_column: value_column,
            success_rate: success.map(|success| success.expected),
            success_rate_low: success.map(|success| success.low),
            success_rate_high: success.map(|success| success.high),
            control_share: terms.control.share,
            seed: terms.control.seed,
        }
    }
}

impl PlanMoney {
    fn new(money: &campaign::PlanMoney, currency: &str) -> PlanMoney {
        PlanMoney {
            cost: money.cost,
            profit: money.profit,
            profit_low: money.profit_low,
            profit_high: money.profit_high,
            return_on_investment: money.return_on_investment,
            control_forgone: money.control_forgone,
            best: CurvePoint::from(&money.best),
            currency: currency.to_owned(),
        }
    }
}

impl From<&campaign::CurvePoint> for CurvePoint {
    fn from(point: &campaign::CurvePoint) -> CurvePoint {
        CurvePoint { contacts: point.contacts, leavers: point.leavers, profit: point.profit }
    }
}

impl From<campaign::Measurement> for Measurement {
    fn from(measurement: campaign::Measurement) -> Measurement {
        let option = |option: &campaign::ShareOption| ShareOption {
            share: option.share,
            detectable_effect: option.detectable_effect,
        };
        Measurement {
            base_rate: measurement.base_rate,
            expected_effect: measurement.expected_effect,
            detectable_effect: measurement.detectable_effect,
            suggested_share: measurement.suggested_share,
            options: measurement.options.iter().map(option).collect(),
        }
    }
}
