//! One generated customer: how the features of a telecom customer hang together.
//!
//! Only additions, multiplications, divisions, square roots and comparisons are used, whose results are
//! the same on every machine.

use crate::random::Random;

pub(crate) const CONTRACTS: [&str; 3] = ["Month-to-month", "One year", "Two year"];
pub(crate) const INTERNET: [&str; 3] = ["DSL", "Fiber optic", "No"];
pub(crate) const PAYMENTS: [&str; 4] =
    ["Electronic check", "Mailed check", "Bank transfer (automatic)", "Credit card (automatic)"];

const MONTH_TO_MONTH: usize = 0;
const TWO_YEARS: usize = 2;
const DSL: usize = 0;
const FIBER: usize = 1;
const NO_INTERNET: usize = 2;
const ELECTRONIC_CHECK: usize = 0;

/// The longest tenure in months.
const TENURE_MAX: f64 = 72.0;
/// Tenure in months at each fifth of the customers of a contract.
const TENURES: [[f64; 6]; 3] = [
    [1.0, 2.0, 8.0, 19.0, 40.0, 72.0],
    [1.0, 25.0, 38.0, 50.0, 63.0, 72.0],
    [2.0, 47.0, 62.0, 69.0, 72.0, 72.0],
];
/// The deviation of the noise in the decision to leave, in log-odds: a little more than that of the logistic
/// distribution, so that nobody can tell leavers better than in real files.
const DECISION_NOISE: f64 = 2.0;

/// A customer. Choices are positions in the lists above.
#[derive(Debug, Clone)]
pub(crate) struct Customer {
    pub(crate) is_female: bool,
    pub(crate) is_senior: bool,
    pub(crate) has_partner: bool,
    pub(crate) has_dependents: bool,
    pub(crate) tenure_months: u32,
    pub(crate) has_phone: bool,
    pub(crate) has_multiple_lines: bool,
    pub(crate) internet: usize,
    pub(crate) services: Services,
    pub(crate) contract: usize,
    pub(crate) is_paperless: bool,
    pub(crate) payment: usize,
    pub(crate) monthly_cents: i64,
    /// Nothing before the first bill.
    pub(crate) total_cents: Option<i64>,
    pub(crate) has_left: bool,
}

/// What an internet customer may add. All false without internet.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Services {
    pub(crate) security: bool,
    pub(crate) backup: bool,
    pub(crate) protection: bool,
    pub(crate) support: bool,
    pub(crate) television: bool,
    pub(crate) movies: bool,
}

impl Customer {
    /// Draws a customer. `shift` moves the population towards fiber, short contracts, electronic checks,
    /// higher prices and more leavers; 0 is the usual one.
    pub(crate) fn draw(random: &mut Random, shift: f64) -> Customer {
        let is_female = random.chance(0.5);
        let is_senior = random.chance(0.16);
        let internet = draw_internet(random, is_senior, shift);
        let contract = draw_contract(random, internet, shift);
        let tenure_months = draw_tenure(random, contract, shift);
        // From 0 for a new customer to 1 for the oldest.
        let age = f64::from(tenure_months) / TENURE_MAX;
        let has_partner = random.chance(0.25 + 0.5 * age);
        let has_dependents = random.chance(match (is_senior, has_partner) {
            (true, _) => 0.07,
            (false, true) => 0.55,
            (false, false) => 0.12,
        });
        let has_phone = random.chance(if internet == DSL { 0.72 } else { 1.0 });
        let has_multiple_lines = has_phone && random.chance([0.2, 0.4, 0.05][internet] + 0.45 * age);
        let services = Services::draw(random, internet, contract, age);
        let is_paperless = random.chance([0.54, 0.78, 0.3][internet]);
        let payment = draw_payment(random, internet, age, shift);
        let mut customer = Customer {
            is_female,
            is_senior,
            has_partner,
            has_dependents,
            tenure_months,
            has_phone,
            has_multiple_lines,
            internet,
            services,
            contract,
            is_paperless,
            payment,
            monthly_cents: 0,
            total_cents: None,
            has_left: false,
        };
        customer.monthly_cents = customer.draw_monthly_cents(random, shift);
        customer.total_cents = customer.draw_total_cents(random);
        // The noise is drawn whether it is asked for or not, so that labels change no customer.
        customer.has_left = customer.risk(shift) + DECISION_NOISE * random.normal() > 0.0;
        customer
    }

    pub(crate) fn has_internet(&self) -> bool {
        self.internet != NO_INTERNET
    }

    /// A price list, and small differences between regions in steps of 5 cents.
    fn draw_monthly_cents(&self, random: &mut Random, shift: f64) -> i64 {
        let services = self.services;
        let small = [services.security, services.backup, services.protection, services.support];
        let large = [services.television, services.movies];
        let count = |flags: &[bool]| flags.iter().filter(|&&flag| flag).count() as f64;
        let price = [25.0, 50.0, 0.0][self.internet]
            + 20.0 * count(&[self.has_phone])
            + 5.0 * (count(&small) + count(&[self.has_multiple_lines]))
            + 10.0 * count(&large);
        let steps = (price * (1.0 + 0.1 * shift) + random.normal().clamp(-1.5, 4.0)) * 20.0;
        (steps.round() as i64).max(1) * 5
    }

    /// Prices and services change over time: the longer the tenure, the more.
    fn draw_total_cents(&self, random: &mut Random) -> Option<i64> {
        let months = f64::from(self.tenure_months);
        let drift_months = 0.25 * random.normal() * (months - 1.0).max(0.0).sqrt();
        let total = (self.monthly_cents as f64 * (months + drift_months)).round() as i64;
        (self.tenure_months > 0).then_some(total.max(self.monthly_cents))
    }

    /// The log-odds of leaving, known to the generator alone.
    fn risk(&self, shift: f64) -> f64 {
        let weigh = |flag: bool, weight: f64| if flag { weight } else { 0.0 };
        let age = f64::from(self.tenure_months) / TENURE_MAX;
        let youth = (1.0 - age) * (1.0 - age);
        let services = self.services;
        let mut risk = -4.2 + 0.35 * shift + 1.7 * youth * youth + 0.9 * (1.0 - age);
        risk += [0.85, 0.0, -0.9][self.contract];
        risk += [0.0, 0.85, -0.75][self.internet];
        risk += weigh(self.payment == ELECTRONIC_CHECK, 0.45);
        risk += weigh(self.is_paperless, 0.3) + weigh(self.is_senior, 0.25);
        risk += weigh(self.has_internet() && !services.security, 0.35);
        risk += weigh(self.has_internet() && !services.support, 0.35);
        risk += weigh(services.television, 0.2) + weigh(services.movies, 0.2);
        risk + weigh(self.has_multiple_lines, 0.2) - weigh(self.has_dependents, 0.2)
    }
}

impl Services {
    fn draw(random: &mut Random, internet: usize, contract: usize, age: f64) -> Services {
        if internet == NO_INTERNET {
            return Services::default();
        }
        let is_fiber = internet == FIBER;
        let bound = if contract == MONTH_TO_MONTH { 0.0 } else { 0.12 };
        let careful = if is_fiber { 0.03 } else { 0.2 } + bound + 0.42 * age;
        let usual = 0.15 + bound + 0.45 * age;
        let leisure = if is_fiber { 0.35 } else { 0.18 } + bound + 0.35 * age;
        let television = random.chance(leisure);
        Services {
            security: random.chance(careful),
            backup: random.chance(usual + 0.04),
            protection: random.chance(usual),
            support: random.chance(careful),
            television,
            movies: random.chance(if television { leisure + 0.2 } else { leisure - 0.17 }),
        }
    }
}

fn draw_internet(random: &mut Random, is_senior: bool, shift: f64) -> usize {
    let [dsl, fiber, none] = if is_senior { [0.24, 0.72, 0.04] } else { [0.37, 0.385, 0.245] };
    random.pick([dsl, fiber * (1.0 + 0.3 * shift).max(0.1), none])
}

fn draw_contract(random: &mut Random, internet: usize, shift: f64) -> usize {
    let [monthly, one_year, two_years] =
        [[0.51, 0.23, 0.26], [0.69, 0.18, 0.13], [0.35, 0.23, 0.42]][internet];
    random.pick([monthly * (1.0 + 0.4 * shift).max(0.1), one_year, two_years])
}

fn draw_tenure(random: &mut Random, contract: usize, shift: f64) -> u32 {
    let place = random.uniform() * 5.0;
    let fifth = place as usize;
    let [from, to] = [TENURES[contract][fifth], TENURES[contract][fifth + 1]];
    let months = (from + (to - from) * (place - fifth as f64)) * (1.0 - 0.15 * shift).clamp(0.1, 1.5);
    // Customers with a long contract are on file before their first bill.
    let is_new = random.chance(if contract == TWO_YEARS { 0.006 } else { 0.0005 });
    if is_new { 0 } else { months.round().clamp(1.0, TENURE_MAX) as u32 }
}

fn draw_payment(random: &mut Random, internet: usize, age: f64, shift: f64) -> usize {
    let electronic = [0.5, 1.15, 0.13][internet] * (1.0 + 0.3 * shift).max(0.1);
    let mailed = [0.55, 0.22, 0.95][internet] * (1.25 - age);
    let automatic = 0.14 + 0.62 * age;
    random.pick([electronic, mailed, automatic, automatic])
}
