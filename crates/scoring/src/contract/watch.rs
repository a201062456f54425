//! Holds the rows of a file against a contract, one after the other.

use super::repeats::Repeats;
use super::{Contract, Expected, Finding, FindingKind, PLACES_MAX, ValuesContract};
use crate::block::{Block, Slot};
use crate::moment::{DAY, seconds_of};
use crate::monitoring::column_of;
use crate::problem::{InputError, Problem};
use crate::records::{column_name, count_lines, unquote};
use crate::rows::{Plan, RowReader};

/// More is missing where the share lies above the learned one by this much and three standard errors.
const MISSING_MARGIN: f64 = 0.05;
/// The share from which on the standard error is taken, so that a few customers prove nothing.
const SHARE_MIN: f64 = 0.01;
/// More whole rows repeat others where their share lies above the learned one by this much.
const DUPLICATES_MARGIN: f64 = 0.01;

/// Everything seen so far.
pub(crate) struct Watch<'a> {
    contract: &'a Contract,
    expected: &'a Expected,
    features: Vec<Watched>,
    key: Option<usize>,
    date: Option<usize>,
    newest: Option<i64>,
    undated: Seen,
    repeats: Repeats,
    repeated: Vec<Problem>,
    /// Customers whose cells could be told apart, and those of them whose features could be read.
    rows: u64,
    rows_read: u64,
}

/// One feature.
struct Watched {
    column: usize,
    slot: Slot,
    low: f64,
    high: f64,
    /// The codes of values that are unknown and missing.
    unknown: u16,
    missing: Seen,
    wrong: Seen,
}

#[derive(Default)]
struct Seen {
    count: u64,
    places: Vec<Problem>,
}

impl Seen {
    fn add(&mut self, problem: impl FnOnce() -> Problem) {
        self.count += 1;
        if self.places.len() < PLACES_MAX {
            self.places.push(problem());
        }
    }
}

impl<'a> Watch<'a> {
    pub(crate) fn new(
        contract: &'a Contract,
        expected: &'a Expected,
        plan: &Plan,
    ) -> Result<Watch<'a>, InputError> {
        let column = |name: &String| column_of(&plan.header, name);
        let features = plan.places().zip(&contract.columns).map(|((column, slot), expected)| {
            let (low, high) = expected.values.bounds();
            let unknown = match &expected.values {
                ValuesContract::Category { values } => u16::try_from(values.len()).unwrap_or(u16::MAX),
                ValuesContract::Number { .. } => 0,
            };
            Watched { column, slot, low, high, unknown, missing: Seen::default(), wrong: Seen::default() }
        });
        Ok(Watch {
            contract,
            expected,
            features: features.collect(),
            key: expected.key.as_ref().map(column).transpose()?,
            date: expected.freshness.as_ref().map(|freshness| column(&freshness.column)).transpose()?,
            newest: None,
            undated: Seen::default(),
            repeats: Repeats::default(),
            repeated: Vec::new(),
            rows: 0,
            rows_read: 0,
        })
    }

    /// Takes the next record, whose cells `rows` has told apart and, where they could be read, put into the first
    /// row of a block.
    pub(crate) fn see(&mut self, content: &[u8], line: u64, rows: &RowReader, features: Option<&Block>) {
        self.rows += 1;
        let line_of = |column: usize| line + count_lines(&content[..rows.cell(column).start]);
        let value_of = |column: usize| unquote(&content[rows.cell(column)]);
        let problem = |column: usize, message: String| Problem {
            line: line_of(column),
            column: rows.column_name(column),
            message,
        };
        if let Some(block) = features {
            self.rows_read += 1;
            for watched in &mut self.features {
                let column = watched.column;
                match watched.fault(block) {
                    None => {}
                    Some(Fault::Missing) => watched.missing.add(|| problem(column, "nothing is here".into())),
                    Some(Fault::Outside) => {
                        let (low, high) = (shown(watched.low), shown(watched.high));
                        let value = String::from_utf8_lossy(&value_of(column)).into_owned();
                        let message = || format!("{} is not between {low} and {high}", short(&value));
                        watched.wrong.add(|| problem(column, message()));
                    }
                    Some(Fault::Unknown) => {
                        let value = String::from_utf8_lossy(&value_of(column)).into_owned();
                        watched.wrong.add(|| problem(column, format!("{} is not known", short(&value))));
                    }
                }
            }
        }
        if let Some(column) = self.date {
            match seconds_of(&String::from_utf8_lossy(&value_of(column)), 0) {
                Some(moment) => self.newest = self.newest.max(Some(moment)),
                None => self.undated.add(|| problem(column, "this is no date such as 2026-03-31".into())),
            }
        }
        let before = match self.key {
            Some(column) => self.repeats.see(value_of(column).trim_ascii(), line),
            None => self.repeats.see(content, line),
        };
        if let Some(before) = before.filter(|_| self.repeated.len() < PLACES_MAX) {
            self.repeated.push(problem(self.key.unwrap_or(0), format!("this is on line {before} already")));
        }
    }

    /// What is otherwise than expected.
    pub(crate) fn finish(self, plan: &Plan) -> Vec<Finding> {
        let mut findings = Vec::new();
        let rows = self.rows_read.max(1) as f64;
        for (watched, expected) in self.features.into_iter().zip(&self.contract.columns) {
            let column = Some(column_name(&plan.header, watched.column));
            if watched.wrong.count > 0 {
                let (kind, message) = match &expected.values {
                    ValuesContract::Number { min, max } => {
                        let [min, max] = [min, max].map(|bound| shown(bound.unwrap_or(f64::NAN)));
                        (FindingKind::OutOfRange, format!("the model has learned from {min} to {max}"))
                    }
                    ValuesContract::Category { values } => {
                        let known: Vec<&str> = values.iter().take(PLACES_MAX).map(String::as_str).collect();
                        let rest = if values.len() > PLACES_MAX { ", ..." } else { "" };
                        (FindingKind::UnknownCategory, format!("the model knows {}{rest}", known.join(", ")))
                    }
                };
                let Seen { count, places } = watched.wrong;
                let share = count as f64 / rows;
                findings.push(Finding { kind, column: column.clone(), count, share, message, places });
            }
            let (share, usual) = (watched.missing.count as f64 / rows, expected.missing_share);
            let error = (usual.max(SHARE_MIN) * (1.0 - usual.min(1.0)) / rows).sqrt();
            if share > usual + MISSING_MARGIN + 3.0 * error {
                let message = format!(
                    "{} of the customers have no value; usual are {}",
                    percent(share),
                    percent(usual)
                );
                let Seen { count, places } = watched.missing;
                findings.push(Finding { kind: FindingKind::Missing, column, count, share, message, places });
            }
        }
        let usual = self.contract.duplicate_share;
        let share = self.repeats.share();
        let is_more = if self.key.is_some() { share > 0.0 } else { share > usual + DUPLICATES_MARGIN };
        if is_more {
            let message = match self.key {
                Some(_) => "customers are there more than once".to_owned(),
                None => format!("{} of the rows repeat others; usual are {}", percent(share), percent(usual)),
            };
            findings.push(Finding {
                kind: FindingKind::Duplicates,
                column: self.key.map(|column| column_name(&plan.header, column)),
                count: (share * self.rows as f64).round() as u64,
                share,
                message,
                places: self.repeated,
            });
        }
        findings.extend(stale(self.expected, self.newest, self.undated, self.rows));
        findings
    }
}

enum Fault {
    Missing,
    Unknown,
    Outside,
}

impl Watched {
    fn fault(&self, block: &Block) -> Option<Fault> {
        match self.slot {
            Slot::Number(slot) => {
                let number = block.numbers(slot)[0];
                let is_outside = number < self.low || number > self.high;
                if number.is_nan() { Some(Fault::Missing) } else { is_outside.then_some(Fault::Outside) }
            }
            Slot::Category(slot) => {
                let code = block.codes(slot)[0];
                if code == self.unknown {
                    Some(Fault::Unknown)
                } else {
                    (code > self.unknown).then_some(Fault::Missing)
                }
            }
        }
    }
}

/// The newest value is too old, or there is none.
fn stale(expected: &Expected, newest: Option<i64>, undated: Seen, rows: u64) -> Option<Finding> {
    let freshness = expected.freshness.as_ref()?;
    let age_days = newest.map(|newest| (freshness.now - newest).div_euclid(DAY).max(0));
    let message = match age_days {
        Some(days) if days <= i64::from(freshness.days_max) => return None,
        Some(days) => {
            format!("the newest date is {days} days old; {} at most are expected", freshness.days_max)
        }
        None => "no date could be read".to_owned(),
    };
    Some(Finding {
        kind: FindingKind::Stale,
        column: Some(freshness.column.clone()),
        count: rows,
        share: 1.0,
        message,
        places: undated.places,
    })
}

/// A bound for people: four digits say enough.
fn shown(number: f64) -> String {
    let rounded = (number * 1e4).round() / 1e4;
    if rounded.is_finite() { rounded.to_string() } else { number.to_string() }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// The beginning of a cell: one may be as long as a book.
fn short(value: &str) -> String {
    match value.char_indices().nth(40) {
        Some((end, _)) => format!("{:?}...", &value[..end]),
        None => format!("{value:?}"),
    }
}
