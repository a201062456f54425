//! `augur plan`: whom to contact among the customers of a result, and what that is expected to earn.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;
use scoring::campaign::{Control, Economics, Limit, Plan, Planner, SuccessRate};
use scoring::{ContactList, ContactOrder, Dialect, Ranking, ValueColumn, names};
use serde_json::json;

use super::Global;
use super::predict::inspect;
use crate::output::{Output, print_json, print_line};

/// Amounts are calculated in hundredths.
const HUNDREDTHS: f64 = 100.0;

/// Plan whom to contact among the customers of a result
///
/// Customers are taken by their expected gain: the probability of leaving times the success rate times the value, less
/// contact and offer. A part of the list is held out at random, so that the effect can be measured later.
#[derive(Args)]
pub struct Arguments {
    /// What `augur predict` or the service made of the customers
    #[arg(long, value_name = "CSV")]
    result: PathBuf,
    /// Contact at most so many customers [default: as many as pay for themselves]
    #[arg(long, value_name = "N", conflicts_with = "budget", value_parser = clap::value_parser!(u64).range(1..))]
    contacts: Option<u64>,
    /// Spend at most this much on contacts and offers
    #[arg(long, value_name = "AMOUNT", value_parser = amount, requires = "success_rate")]
    budget: Option<i64>,
    /// What contacting a customer costs
    #[arg(long, value_name = "AMOUNT", value_parser = amount, default_value = "0")]
    contact_cost: i64,
    /// What the offer costs where it is taken
    #[arg(long, value_name = "AMOUNT", value_parser = amount, default_value = "0")]
    offer_cost: i64,
    /// The share of customers who would stay anyway and take the offer
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "1")]
    stayers_accepting: f64,
    /// What a customer who stays is worth
    #[arg(long, value_name = "AMOUNT", value_parser = amount, requires = "success_rate")]
    customer_value: Option<i64>,
    /// The column that says what each customer is worth
    #[arg(long, value_name = "COLUMN", conflicts_with = "customer_value", requires = "success_rate")]
    customer_value_column: Option<String>,
    /// Multiply that column, such as by 12 for a monthly payment
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    value_times: f64,
    /// The share of would-be leavers whom the offer keeps: 0.3, or 0.2..0.4 where it is not sure
    #[arg(long, value_name = "SHARE", value_parser = rate)]
    success_rate: Option<SuccessRate>,
    /// The share of the list that is held out
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "0.1")]
    control_share: f64,
    /// The same seed divides the list the same way
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u32,
    /// Write the list here: the customers' own records with a column `group`
    #[arg(short, long, value_name = "CSV")]
    output: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let path = arguments.result.display();
    let mut file = File::open(&arguments.result).with_context(|| format!("cannot read {path}"))?;
    let dialect = inspect(&mut file).with_context(|| format!("{path} cannot be read"))?.dialect;
    let economics = arguments.economics()?;
    if arguments.control_share > 0.5 {
        bail!("--control-share {}: at most half of the list is held out", arguments.control_share);
    }
    let ranking = Arc::new(ranked(&mut file, &dialect).with_context(|| format!("{path} is no result"))?);
    let order = arguments.order(&mut file, &dialect, &ranking, economics.as_ref())?;
    let control = Control { share: arguments.control_share, seed: u64::from(arguments.seed) };
    let limit = match (arguments.contacts, arguments.budget) {
        (Some(contacts), _) => Limit::Contacts(contacts),
        (None, Some(budget)) => Limit::Budget(budget),
        (None, None) if economics.is_none() => {
            bail!("give --contacts, or --customer-value and --success-rate")
        }
        (None, None) => Limit::Best,
    };
    let mut planner = Planner::new(economics, limit, control, order.customers());
    order.visit(|candidate| {
        planner.take(candidate);
        Ok(true)
    })?;
    let plan = planner.finish();
    if let Some(path) = &arguments.output {
        let mut output = Output::open(Some(path))?;
        let list =
            ContactList { ranking: &ranking, order: &order, listed: plan.listed, control, result: &file };
        list.write(None, &mut output)?;
        output.finish()?;
    }
    report(&plan, order.unvalued(), global)
}

impl Arguments {
    fn economics(&self) -> Result<Option<Economics>> {
        let is_valued = self.customer_value.is_some() || self.customer_value_column.is_some();
        let success = match (is_valued, self.success_rate) {
            (false, None) => return Ok(None),
            (false, Some(_)) => bail!("give --customer-value or --customer-value-column"),
            (true, success) => success.context("give --success-rate")?,
        };
        if self.customer_value.is_some_and(|value| value <= self.offer_cost) {
            bail!("--offer-cost: the offer costs less than a customer is worth");
        }
        let (contact_cost, offer_cost) = (self.contact_cost, self.offer_cost);
        Ok(Some(Economics { contact_cost, offer_cost, stayers_accepting: self.stayers_accepting, success }))
    }

    fn order(
        &self,
        file: &mut File,
        dialect: &Dialect,
        ranking: &Arc<Ranking>,
        economics: Option<&Economics>,
    ) -> Result<ContactOrder> {
        let (Some(name), Some(economics)) = (&self.customer_value_column, economics) else {
            return Ok(ContactOrder::Likeliest(ranking.clone(), self.customer_value.unwrap_or(0) as f64));
        };
        let is_wanted = |column: &String| names::key(column) == names::key(name);
        let position = ranking.columns().iter().position(is_wanted);
        let position = position.with_context(|| format!("the file has no column {name}"))?;
        let units = self.value_times * HUNDREDTHS;
        let column = ValueColumn { position, decimal: dialect.decimal, units };
        file.rewind()?;
        let gain = |candidate: &_| economics.gain(candidate);
        Ok(ContactOrder::by_value(dialect.delimiter, BufReader::new(&*file), &column, gain)?)
    }
}

fn ranked(file: &mut File, dialect: &Dialect) -> Result<Ranking> {
    file.rewind()?;
    Ok(Ranking::of_result(dialect.delimiter, BufReader::new(&*file))?)
}

fn report(plan: &Plan, unvalued: u64, global: &Global) -> Result<()> {
    if global.json {
        return print_json(
            &json!({ "plan": plan, "customers_without_value": unvalued, "amounts_per_unit": HUNDREDTHS }),
        );
    }
    print_line(&format!(
        "contact {} of {} customers and hold {} out; {:.1} of the contacted would leave",
        plan.contacts, plan.customers, plan.controls, plan.leavers
    ))?;
    if unvalued > 0 {
        print_line(&format!("{unvalued} customers are left out: their value cannot be read"))?;
    }
    if let Some(money) = &plan.money {
        let amount = |hundredths: i64| format!("{:.2}", hundredths as f64 / HUNDREDTHS);
        print_line(&format!(
            "expected profit {} ({} to {} with 95 %), cost {}",
            amount(money.profit),
            amount(money.profit_low),
            amount(money.profit_high),
            amount(money.cost)
        ))?;
        print_line(&format!(
            "most is earned with {} contacts: {}; holding customers out forgoes {}",
            money.best.contacts,
            amount(money.best.profit.unwrap_or(0)),
            amount(money.control_forgone)
        ))?;
    }
    let measurement = &plan.measurement;
    if let Some(effect) = measurement.detectable_effect {
        print_line(&format!("effects from {:.1} points on will be found with 80 %", effect * 100.0))?;
    }
    print_line(&format!("suggested control group: {:.0} %", measurement.suggested_share * 100.0))
}

/// An amount in hundredths.
fn amount(text: &str) -> Result<i64, String> {
    let amount: f64 = text.parse().map_err(|_| "it must be an amount such as 50 or 49.90".to_owned())?;
    let hundredths = amount * HUNDREDTHS;
    if !(0.0..1e17).contains(&hundredths) || (hundredths - hundredths.round()).abs() > 1e-6 {
        return Err("it must be an amount from 0 on with at most two decimals".to_owned());
    }
    Ok(hundredths.round() as i64)
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it must be a share from 0 to 1".to_owned())
}

/// A share, or two with dots between them; then the middle is counted on.
fn rate(text: &str) -> Result<SuccessRate, String> {
    let rate = match text.split_once("..") {
        None => SuccessRate::sure(share(text)?),
        Some((low, high)) => {
            let (low, high) = (share(low)?, share(high)?);
            SuccessRate { expected: (low + high) / 2.0, low, high }
        }
    };
    let is_one = rate.expected > 0.0 && rate.low <= rate.high;
    if is_one { Ok(rate) } else { Err("it must be above 0".to_owned()) }
}

#[cfg(test)]
mod tests {
    use scoring::campaign::SuccessRate;

    use super::{amount, rate};

    #[test]
    fn amounts_and_rates_are_read_as_people_write_them() {
        assert_eq!((amount("50"), amount("49.90")), (Ok(5000), Ok(4990)));
        for wrong in ["-1", "1.005", "many", "NaN", "1e30"] {
            assert!(amount(wrong).is_err(), "{wrong}");
        }
        assert_eq!(rate("0.3"), Ok(SuccessRate::sure(0.3)));
        assert_eq!(rate("0.2..0.4").map(|rate| (rate.low, rate.high)), Ok((0.2, 0.4)));
        for wrong in ["0", "1.1", "0.4..0.2", "..", ""] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
    }
}
