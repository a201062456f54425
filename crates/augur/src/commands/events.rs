//! `augur events`: adds what customers did to what they are.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use scoring::Dialect;
use scoring::events::{AsOf, EventColumns, EventsReport, add_features};
use scoring::moment::{offset_of, seconds_of};

use super::Global;
use super::predict::{inspect, open};
use crate::output::{Output, print_json};

/// Add features of an event log to customers: recency, frequency, amounts, trends, risk signals
///
/// Windows of 30, 90 and 365 days. Of each customer only events before a moment count: one moment for all, or a
/// column of the customers' file, such as the day of the outcome. Do it before `augur train` and before `augur
/// predict`: the columns are the same.
#[derive(Args)]
pub struct Arguments {
    /// The customers
    #[arg(long, value_name = "CSV")]
    customers: PathBuf,
    /// The events: customer, time, amount
    #[arg(long, value_name = "CSV")]
    events: PathBuf,
    /// The customers' column that tells them apart
    #[arg(long, value_name = "COLUMN")]
    key: String,
    /// The events' column that names the customer [default: the key's name]
    #[arg(long, value_name = "COLUMN")]
    event_key: Option<String>,
    /// The events' column of times
    #[arg(long, value_name = "COLUMN", default_value = "time")]
    time: String,
    /// The events' column of amounts
    #[arg(long, value_name = "COLUMN")]
    amount: Option<String>,
    /// Events before this moment count, such as 2026-03-31 or 2026-03-31T14:05+03:00
    #[arg(
        long,
        value_name = "MOMENT",
        required_unless_present = "as_of_column",
        conflicts_with = "as_of_column"
    )]
    as_of: Option<String>,
    /// Events before the moment in this column of the customers count
    #[arg(long, value_name = "COLUMN")]
    as_of_column: Option<String>,
    /// The offset of times that name none, such as +03:00
    #[arg(long, value_name = "OFFSET", default_value = "Z", allow_hyphen_values = true, value_parser = offset)]
    utc_offset: i64,
    /// Leave out events that cannot be read, instead of failing
    #[arg(long)]
    skip_problems: bool,
    /// Write here instead of standard output; the file is replaced when the result is complete
    #[arg(short, long, value_name = "CSV")]
    output: Option<PathBuf>,
}

fn offset(text: &str) -> Result<i64, String> {
    offset_of(text).ok_or_else(|| "an offset is Z or such as +03:00".to_owned())
}

/// Runs the command.
pub fn run(arguments: &Arguments, global: &Global) -> Result<()> {
    let as_of = match (&arguments.as_of, &arguments.as_of_column) {
        (_, Some(column)) => AsOf::Column(column),
        (Some(text), None) => AsOf::Moment(
            seconds_of(text, arguments.utc_offset).with_context(|| format!("{text} is no moment"))?,
        ),
        (None, None) => bail!("give --as-of or --as-of-column"),
    };
    let columns = EventColumns {
        key: &arguments.key,
        event_key: arguments.event_key.as_ref().unwrap_or(&arguments.key),
        time: &arguments.time,
        amount: arguments.amount.as_deref(),
        as_of,
        utc_offset: arguments.utc_offset,
    };
    let (customers, of_customers) = read(&arguments.customers)?;
    let (events, of_events) = read(&arguments.events)?;
    let mut again = || -> std::io::Result<BufReader<File>> {
        let mut file = customers.try_clone()?;
        file.rewind()?;
        Ok(BufReader::new(file))
    };
    let mut output = Output::open(arguments.output.as_deref())?;
    let report = add_features(
        &columns,
        (&of_customers, &mut again),
        (&of_events, BufReader::new(events)),
        &mut output,
    )?;
    tell(&report);
    if report.problem_count > 0 && !arguments.skip_problems {
        bail!("{} events cannot be read", report.problem_count);
    }
    output.finish()?;
    if global.json && arguments.output.is_some() {
        print_json(&report)?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<(File, Dialect)> {
    let mut file = open(path)?;
    let dialect = inspect(&mut file).with_context(|| format!("{} cannot be read", path.display()))?.dialect;
    file.rewind()?;
    Ok((file, dialect))
}

/// To standard error: the rows may go to standard output.
fn tell(report: &EventsReport) {
    for problem in &report.problems {
        eprintln!("line {}, column {}: {}", problem.line, problem.column, problem.message);
    }
    eprintln!(
        "{} customers, {} of them with events; {} events counted, {} were after, {} of nobody here",
        report.customers,
        report.customers_with_events,
        report.events,
        report.events_after,
        report.events_of_others
    );
}
