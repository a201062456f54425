//! What it is worth to talk to customers who may leave: whom to talk to, what that is expected to earn, and,
//! afterwards, what it has earned.
//!
//! The model is that of Neslin and others, "Defection Detection: Measuring and Understanding the Predictive Accuracy
//! of Customer Churn Models", Journal of Marketing Research 43 (2006), 204-211, written for each customer, as in
//! Verbeke and others, "New insights into churn prediction in the telecommunication sector: A profit driven data
//! mining approach", European Journal of Operational Research 218 (2012), 211-229. A customer leaves with the
//! probability p and is worth the value v. Contacting costs c. One who would leave takes the offer with the success
//! rate s, stays, and the offer costs o. One who would stay anyway takes it with the rate a, and it is given away.
//! The expected gain of a contact is
//!
//! > p s (v - o) - (1 - p) a o - c
//!
//! Whom to contact follows: the highest gain first, as long as it is positive and the limit allows. What is not in
//! the model: that a contact may itself make somebody leave, and that the probabilities may be wrong.
//!
//! Amounts are whole minor units outside of this module; in it they are estimates, and therefore `f64`.

mod chance;
mod control;
mod curve;
mod effect;
mod plan;

use serde::{Deserialize, Serialize};

pub use control::{Control, Measurement, ShareOption, detectable_effect, suggested_share};
pub use curve::CurvePoint;
pub use effect::{
    Arm, Effect, Interval, MeasuredMoney, Spent, Value, fisher_exact, measure, newcombe, wilson,
};
pub use plan::{Plan, PlanMoney, Planner};

/// Half of the 95 % of a normal distribution around its mean, in deviations.
pub(crate) const Z_95: f64 = 1.959_963_984_540_054;
/// A millionth is the step of a probability.
const MILLION: f64 = 1e6;

/// What a contact costs and brings. Amounts are in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Economics {
    /// What contacting a customer costs.
    pub contact_cost: i64,
    /// What the offer costs where it is taken.
    pub offer_cost: i64,
    /// The share of those who would stay anyway and take the offer, 0 to 1.
    pub stayers_accepting: f64,
    /// How often the offer keeps somebody who would leave.
    pub success: SuccessRate,
}

/// The share of would-be leavers who stay because of the offer, 0 to 1. A range says how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SuccessRate {
    /// What is counted on.
    pub expected: f64,
    /// What it is at least.
    pub low: f64,
    /// What it is at most.
    pub high: f64,
}

/// How many customers may be contacted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// As many as pay for themselves.
    Best,
    /// So many at most.
    Contacts(u64),
    /// As many as cost no more than this in expectation, offers included, in minor units.
    Budget(i64),
}

/// A customer who may be contacted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Where the customer's record begins in the result.
    pub offset: u64,
    /// The probability of leaving in millionths.
    pub millionths: u32,
    /// What the customer is worth, in minor units.
    pub value: f64,
}

/// What becomes of a customer of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// To be contacted.
    Contact,
    /// Held out, to be compared with.
    Control,
}

impl SuccessRate {
    /// A rate that is taken for sure.
    pub fn sure(rate: f64) -> SuccessRate {
        SuccessRate { expected: rate, low: rate, high: rate }
    }
}

impl Candidate {
    /// The probability of leaving, 0 to 1.
    pub fn probability(&self) -> f64 {
        f64::from(self.millionths) / MILLION
    }
}

impl Group {
    /// The group as it is written in a list.
    pub fn as_str(self) -> &'static str {
        match self {
            Group::Contact => "contact",
            Group::Control => "control",
        }
    }
}

impl Economics {
    /// The expected gain of contacting a customer, in minor units.
    pub fn gain(&self, candidate: &Candidate) -> f64 {
        let (p, offer) = (candidate.probability(), self.offer_cost as f64);
        p * self.success.expected * (candidate.value - offer)
            - (1.0 - p) * self.stayers_accepting * offer
            - self.contact_cost as f64
    }

    /// What contacting a customer is expected to cost, offers included, in minor units.
    pub fn cost(&self, candidate: &Candidate) -> f64 {
        let p = candidate.probability();
        let accepting = p * self.success.expected + (1.0 - p) * self.stayers_accepting;
        self.contact_cost as f64 + accepting * self.offer_cost as f64
    }
}
