//! Customers that never existed: a seeded generator behind tests, examples and the demo.
//!
//! The columns are those of the Telco sample. What hangs together there hangs together here: contracts
//! and tenure, fiber and charges, tenure times monthly charges and the total. Whether a customer has left
//! is drawn from a hidden risk. No row of a real file is in it.

use std::io::{self, Write};

use crate::demo_customer::{CONTRACTS, Customer, INTERNET, PAYMENTS};
use crate::random::Random;

const HEADER: &str = "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,\
    InternetService,OnlineSecurity,OnlineBackup,DeviceProtection,TechSupport,StreamingTV,StreamingMovies,\
    Contract,PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges";

/// The furthest that a population can be moved.
pub const SHIFT_MAX: f64 = 3.0;

/// What to generate. The same values give the same bytes, on every machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DemoData {
    /// How many customers.
    pub rows: u64,
    /// Another seed gives other customers of the same population.
    pub seed: u64,
    /// Whether there is a column `Churn` that tells who has left. The customers are the same without it.
    pub has_labels: bool,
    /// Moves the population towards fiber, short contracts, electronic checks, higher prices and more
    /// leavers; 0 is the usual one, [`SHIFT_MAX`] the furthest either way.
    pub shift: f64,
}

impl DemoData {
    /// Writes the customers as CSV with a header, one after the other in constant memory.
    pub fn write(&self, mut out: impl Write) -> io::Result<()> {
        if !(-SHIFT_MAX..=SHIFT_MAX).contains(&self.shift) {
            let message = format!("the shift must be between -{SHIFT_MAX} and {SHIFT_MAX}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let mut random = Random::new(self.seed);
        writeln!(out, "{HEADER}{}", if self.has_labels { ",Churn" } else { "" })?;
        for number in 1..=self.rows {
            let customer = Customer::draw(&mut random, self.shift);
            write_customer(&mut out, number, &customer)?;
            let label = if customer.has_left { ",Yes" } else { ",No" };
            writeln!(out, "{}", if self.has_labels { label } else { "" })?;
        }
        out.flush()
    }
}

fn write_customer(out: &mut impl Write, number: u64, customer: &Customer) -> io::Result<()> {
    let services = customer.services;
    let with_internet = |has: bool| match (customer.has_internet(), has) {
        (false, _) => "No internet service",
        (true, has) => yes_no(has),
    };
    write!(
        out,
        "C{number:07},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
        if customer.is_female { "Female" } else { "Male" },
        u8::from(customer.is_senior),
        yes_no(customer.has_partner),
        yes_no(customer.has_dependents),
        customer.tenure_months,
        yes_no(customer.has_phone),
        if customer.has_phone { yes_no(customer.has_multiple_lines) } else { "No phone service" },
        INTERNET[customer.internet],
        with_internet(services.security),
        with_internet(services.backup),
        with_internet(services.protection),
        with_internet(services.support),
        with_internet(services.television),
        with_internet(services.movies),
        CONTRACTS[customer.contract],
        yes_no(customer.is_paperless),
        PAYMENTS[customer.payment],
        money(customer.monthly_cents),
        customer.total_cents.map(money).unwrap_or_default(),
    )
}

fn yes_no(is_yes: bool) -> &'static str {
    if is_yes { "Yes" } else { "No" }
}

/// Without zeros at the end, as in the sample: 1889.5 and 70.
fn money(cents: i64) -> String {
    let (whole, rest) = (cents / 100, cents % 100);
    match rest {
        0 => whole.to_string(),
        rest if rest % 10 == 0 => format!("{whole}.{}", rest / 10),
        rest => format!("{whole}.{rest:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{DemoData, money};

    const USUAL: DemoData = DemoData { rows: 4_000, seed: 1, has_labels: true, shift: 0.0 };

    fn text(data: DemoData) -> String {
        let mut bytes = Vec::new();
        data.write(&mut bytes).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn rows(text: &str) -> Vec<Vec<&str>> {
        text.lines().skip(1).map(|line| line.split(',').collect()).collect()
    }

    fn share(text: &str, is_counted: impl Fn(&[&str]) -> bool) -> f64 {
        let rows = rows(text);
        rows.iter().filter(|row| is_counted(row)).count() as f64 / rows.len() as f64
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_in_every_version() {
        let hash = scoring::model::checksum(text(USUAL).as_bytes());
        assert_eq!(hash, "49fc7ff57ff1bf868847f59fbdf7ff7955a5f97ab5d12d308d9141fdab955378");
        assert_ne!(text(USUAL), text(DemoData { seed: 2, ..USUAL }));
    }

    #[test]
    fn labels_change_no_customer_and_more_rows_only_add() {
        let unlabelled = text(DemoData { has_labels: false, ..USUAL });
        for (labelled, line) in text(USUAL).lines().zip(unlabelled.lines()) {
            assert_eq!(labelled.rsplit_once(',').unwrap().0, line);
        }
        assert!(text(USUAL).starts_with(&text(DemoData { rows: 100, ..USUAL })));
    }

    #[test]
    fn customers_are_plausible() {
        let text = text(USUAL);
        let number = |cell: &str| cell.parse::<f64>().unwrap();
        for row in rows(&text) {
            assert_eq!(row.len(), 21);
            assert!(row[0].len() == 8 && row[0].starts_with('C'), "{}", row[0]);
            let (tenure, monthly) = (number(row[5]), number(row[18]));
            assert_eq!(row[19].is_empty(), tenure == 0.0);
            assert!((0.0..=72.0).contains(&tenure) && (15.0..130.0).contains(&monthly), "{row:?}");
            if tenure > 0.0 {
                assert!((number(row[19]) / monthly - tenure).abs() < 10.0, "{row:?}");
            }
            assert_eq!(row[8] == "No", row[9] == "No internet service");
        }
        let left = share(&text, |row| row[20] == "Yes");
        assert!((0.24..0.29).contains(&left), "{left}");
        let monthly = share(&text, |row| row[15] == "Month-to-month");
        assert!((0.5..0.6).contains(&monthly), "{monthly}");
        assert!(share(&text, |row| row[19].is_empty()) > 0.0005);
    }

    #[test]
    fn a_shift_moves_the_population() {
        let moved = text(DemoData { shift: 1.0, ..USUAL });
        for (column, value) in [(20, "Yes"), (8, "Fiber optic"), (15, "Month-to-month")] {
            let before = share(&text(USUAL), |row| row[column] == value);
            assert!(share(&moved, |row| row[column] == value) > before + 0.05, "{value}");
        }
        for shift in [f64::NAN, 3.1, f64::NEG_INFINITY] {
            assert!(DemoData { shift, ..USUAL }.write(Vec::new()).is_err());
        }
    }

    #[test]
    fn money_has_no_zeros_at_the_end() {
        assert_eq!([money(188950), money(7000), money(5), money(2985)], ["1889.5", "70", "0.05", "29.85"]);
    }
}
