//! What acting has done: the churn of those who were contacted beside that of those who were held out.

use serde::{Deserialize, Serialize};

use super::Z_95;
use super::curve::whole;

/// What became of the customers of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Customers whose outcome is known.
    pub customers: u64,
    /// How many of them left.
    pub left: u64,
    /// How many were expected to if nobody acted.
    pub expected_left: f64,
    /// What those who left were worth, in minor units.
    pub lost_value: f64,
    /// The same, each squared.
    pub lost_value_squares: f64,
}

/// An estimate between its 95 % bounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval<T> {
    /// The estimate.
    pub estimate: T,
    /// The lower bound.
    pub low: T,
    /// The upper bound.
    pub high: T,
}

/// What was spent on the contacted customers, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spent {
    /// As the campaign's owner says.
    Stated(i64),
    /// As was planned.
    Planned(i64),
}

/// What acting has done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Of the contacted customers, which share left; Wilson's interval.
    pub contact_churn: Interval<f64>,
    /// Of those held out, which share left.
    pub control_churn: Interval<f64>,
    /// By how much the first is lower than the second; Newcombe's interval.
    pub effect: Interval<f64>,
    /// How likely a difference at least as rare is by chance alone: Fisher's exact test, two-sided.
    pub p_value: f64,
    /// How many of the contacted customers stayed because of it.
    pub saved: Interval<f64>,
    /// The same in money, where customers have a value.
    pub money: Option<MeasuredMoney>,
}

/// What acting has earned, in minor units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredMoney {
    /// What the customers who stayed because of it are worth.
    pub kept_value: Interval<i64>,
    /// What was spent.
    pub cost: i64,
    /// Whether that is stated, and not the plan's expectation.
    pub cost_is_stated: bool,
    /// What is left of the value.
    pub profit: Interval<i64>,
    /// Profit for each unit that was spent; none where nothing was.
    pub return_on_investment: Option<Interval<f64>>,
}

impl Arm {
    /// Counts a customer whose outcome is known.
    pub fn count(&mut self, has_left: bool, probability: f64, value: f64) {
        self.customers += 1;
        self.expected_left += probability;
        if has_left {
            self.left += 1;
            self.lost_value += value;
            self.lost_value_squares += value * value;
        }
    }

    /// The mean of what a customer's leaving has cost, and the variance of that mean.
    fn mean_loss(&self) -> (f64, f64) {
        let customers = self.customers as f64;
        let mean = self.lost_value / customers;
        let variance = (self.lost_value_squares / customers - mean * mean).max(0.0);
        (mean, variance / (customers - 1.0).max(1.0))
    }
}

impl<T> Interval<T> {
    fn map<U>(self, mut change: impl FnMut(T) -> U) -> Interval<U> {
        Interval { estimate: change(self.estimate), low: change(self.low), high: change(self.high) }
    }
}

/// Compares the groups; none where one of them has nobody. `value` is what each customer is worth where all are worth
/// the same; where each has a value of their own, none, and the arms hold what was lost.
pub fn measure(contact: &Arm, control: &Arm, value: Option<Value>, spent: Spent) -> Option<Effect> {
    if contact.customers == 0 || control.customers == 0 {
        return None;
    }
    let contacts = contact.customers as f64;
    let effect = newcombe((control.left, control.customers), (contact.left, contact.customers));
    let saved = effect.map(|share| share * contacts);
    let kept_value = value.map(|value| match value {
        Value::Same(value) => saved.map(|saved| saved * value as f64),
        Value::OfEach => welch(contact, control).map(|mean| mean * contacts),
    });
    let (cost, cost_is_stated) = match spent {
        Spent::Stated(cost) => (cost, true),
        Spent::Planned(cost) => (cost, false),
    };
    let money = kept_value.map(|kept| MeasuredMoney {
        kept_value: kept.map(whole),
        cost,
        cost_is_stated,
        profit: kept.map(|kept| whole(kept - cost as f64)),
        return_on_investment: (cost > 0).then(|| kept.map(|kept| (kept - cost as f64) / cost as f64)),
    });
    Some(Effect {
        contact_churn: wilson(contact.left, contact.customers),
        control_churn: wilson(control.left, control.customers),
        effect,
        p_value: fisher_exact(
            (contact.left, contact.customers - contact.left),
            (control.left, control.customers - control.left),
        ),
        saved,
        money,
    })
}

/// What customers are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// All the same, in minor units.
    Same(i64),
    /// Each what their record says.
    OfEach,
}

/// A share with its score interval at 95 % (Wilson, "Probable inference, the law of succession, and statistical
/// inference", Journal of the American Statistical Association 22 (1927), 209-212). `count` is above 0.
pub fn wilson(successes: u64, count: u64) -> Interval<f64> {
    let (share, count) = (successes as f64 / count as f64, count as f64);
    let square = Z_95 * Z_95;
    let middle = (share + square / (2.0 * count)) / (1.0 + square / count);
    let half = Z_95 / (1.0 + square / count)
        * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    Interval { estimate: share, low: (middle - half).max(0.0), high: (middle + half).min(1.0) }
}

/// The difference of two shares, each as (successes, count), with the hybrid score interval at 95 % (Newcombe,
/// "Interval estimation for the difference between independent proportions: comparison of eleven methods", Statistics
/// in Medicine 17 (1998), 873-890, method 10). The counts are above 0.
pub fn newcombe(one: (u64, u64), other: (u64, u64)) -> Interval<f64> {
    let (one, other) = (wilson(one.0, one.1), wilson(other.0, other.1));
    let difference = one.estimate - other.estimate;
    let below = (one.estimate - one.low).hypot(other.high - other.estimate);
    let above = (one.high - one.estimate).hypot(other.estimate - other.low);
    Interval { estimate: difference, low: difference - below, high: difference + above }
}

/// The difference of the mean losses with the normal interval of two means with variances of their own (Welch, "The
/// significance of the difference between two means when the population variances are unequal", Biometrika 29 (1938),
/// 350-362), for groups so large that the normal distribution stands for Student's.
fn welch(contact: &Arm, control: &Arm) -> Interval<f64> {
    let ((contact, contact_variance), (control, control_variance)) =
        (contact.mean_loss(), control.mean_loss());
    let (difference, half) = (control - contact, Z_95 * (contact_variance + control_variance).sqrt());
    Interval { estimate: difference, low: difference - half, high: difference + half }
}

/// Fisher's exact test of a table of two rows, two-sided: the probability of all tables with the same sums that are
/// no more probable than this one (Fisher, "The logic of inductive inference", Journal of the Royal Statistical
/// Society 98 (1935), 39-82).
pub fn fisher_exact(one: (u64, u64), other: (u64, u64)) -> f64 {
    let (rows, column) = ((one.0 + one.1, other.0 + other.1), one.0 + other.0);
    let all = rows.0 + rows.1;
    let log_probability = |cell: u64| {
        log_binomial(rows.0, cell) + log_binomial(rows.1, column - cell) - log_binomial(all, column)
    };
    let (least, most) = (column.saturating_sub(rows.1), column.min(rows.0));
    let observed = log_probability(one.0);
    // What is as probable but for rounding counts as well.
    let bound = observed + 1e-7;
    let logs = (least..=most).map(log_probability).filter(|log| *log <= bound);
    logs.map(f64::exp).sum::<f64>().min(1.0)
}

fn log_binomial(count: u64, chosen: u64) -> f64 {
    log_factorial(count) - log_factorial(chosen) - log_factorial(count - chosen)
}

/// The logarithm of n!: the product for the first numbers, and Stirling's series (NIST Digital Library of Mathematical
/// Functions, 5.11.1) for the others.
fn log_factorial(number: u64) -> f64 {
    const SMALL: u64 = 16;
    if number < SMALL {
        return (2..=number).map(|factor| factor as f64).product::<f64>().ln();
    }
    let x = number as f64 + 1.0;
    let (inverse, square) = (1.0 / x, 1.0 / (x * x));
    let series = inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series
}
