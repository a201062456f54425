//! The balance over time as a step line: drawn by the server, stretched by the browser, labelled in HTML so that
//! letters keep their size on a phone.

use std::fmt::Write as _;

use askama::Template;
use chrono::{DateTime, Utc};

use crate::console::format;
use crate::console::shell::Shell;
use crate::console::text::{Money, fill};

/// The drawing's own units; it is stretched to whatever room there is.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;
/// Equal parts of the vertical axis.
const PARTS: i64 = 4;
/// Labels of the horizontal axis.
const DATES: usize = 5;
/// Places that tell their balance to a pointer.
const PLACES_MAX: usize = 92;

/// A balance and the moment just before which it was that.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    /// The moment.
    pub at: DateTime<Utc>,
    /// In minor units.
    pub balance: i64,
}

/// The chart, as a part of a page.
#[derive(Template)]
#[template(path = "console/_balance_chart.html")]
pub struct BalanceChart {
    title: &'static str,
    described: String,
    line: String,
    area: String,
    grid: Vec<String>,
    amounts: Vec<String>,
    dates: Vec<String>,
    places: Vec<Place>,
}

/// A part of the chart that says what it shows.
struct Place {
    x: String,
    width: String,
    said: String,
}

impl BalanceChart {
    /// Draws points in their order; none where there are fewer than two.
    pub fn draw(shell: &Shell, t: &'static Money, points: &[Point]) -> Option<BalanceChart> {
        let (first, last) = (points.first()?, points.last()?);
        let lowest = points.iter().min_by_key(|point| point.balance)?;
        let highest = points.iter().max_by_key(|point| point.balance)?;
        if points.len() < 2 {
            return None;
        }
        let part = part_of_axis(highest.balance, &shell.currency);
        let top = (part as f64) * (PARTS as f64);
        let line = step_line(points, top);
        Some(BalanceChart {
            title: t.chart,
            described: fill(
                t.chart_described,
                &[
                    ("first", &shell.money(first.balance)),
                    ("from", &shell.date(first.at)),
                    ("last", &shell.money(last.balance)),
                    ("to", &shell.date(last.at)),
                    ("lowest", &shell.money(lowest.balance)),
                    ("lowest_on", &shell.date(lowest.at)),
                    ("highest", &shell.money(highest.balance)),
                    ("highest_on", &shell.date(highest.at)),
                ],
            ),
            area: format!("{line}V{HEIGHT}H0Z"),
            line,
            grid: (0..=PARTS)
                .map(|part| number(HEIGHT * f64::from(part as i32) / f64::from(PARTS as i32)))
                .collect(),
            amounts: (0..=PARTS)
                .rev()
                .map(|times| format::whole_money(shell.language, part * times, &shell.currency))
                .collect(),
            dates: dates(shell, points),
            places: places(shell, points),
        })
    }
}

/// A round amount, in whole major units where it can be, of which four reach over `highest`.
fn part_of_axis(highest: i64, currency: &str) -> i64 {
    let least = (highest.max(1) as u64).div_ceil(PARTS as u64);
    let mut round = 10_u64.pow(format::decimals_of(currency) as u32);
    // 64 bits hold 19 digits: the loop ends.
    loop {
        for step in [round, round * 2, round * 5 / 2, round * 5] {
            if step >= least {
                // All parts together are an amount, too.
                let part = i64::try_from(step).ok().filter(|part| part.checked_mul(PARTS).is_some());
                return part.unwrap_or(i64::MAX / PARTS);
            }
        }
        match round.checked_mul(100) {
            Some(_) => round *= 10,
            None => return i64::MAX / PARTS,
        }
    }
}

fn step_line(points: &[Point], top: f64) -> String {
    let mut line = String::with_capacity(points.len() * 12);
    let mut drawn = None;
    for (index, point) in points.iter().enumerate() {
        let (x, y) =
            (number(x_of(index, points.len())), number(HEIGHT - point.balance as f64 / top * HEIGHT));
        let _ = match (&drawn, index) {
            (None, _) => write!(line, "M{x},{y}"),
            (Some(before), _) if *before == y => Ok(()),
            _ => write!(line, "H{x}V{y}"),
        };
        drawn = Some(y);
    }
    let _ = write!(line, "H{WIDTH}");
    line
}

/// A day is as wide as any other, today too.
fn x_of(index: usize, points: usize) -> f64 {
    WIDTH * index as f64 / points as f64
}

fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

fn dates(shell: &Shell, points: &[Point]) -> Vec<String> {
    let last = points.len() - 1;
    (0..DATES).map(|part| format::day(shell.language, points[last * part / (DATES - 1)].at)).collect()
}

fn places(shell: &Shell, points: &[Point]) -> Vec<Place> {
    let stride = points.len().div_ceil(PLACES_MAX);
    let width = x_of(stride, points.len());
    let place = |(index, point): (usize, &Point)| Place {
        x: number(x_of(index, points.len())),
        width: number(width),
        said: format!("{}: {}", shell.date(point.at), shell.money(point.balance)),
    };
    points.iter().enumerate().step_by(stride).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_four_round_parts_that_hold_the_highest_balance() {
        for (highest, part) in
            [(0, 100), (400, 100), (401, 200), (1_000_000, 250_000), (1_000_001, 500_000), (248_000, 100_000)]
        {
            assert_eq!(part_of_axis(highest, "RUB"), part, "{highest}");
        }
        assert_eq!(part_of_axis(7, "JPY"), 2);
        for highest in [i64::MAX, i64::MAX / 2, i64::MAX / 7] {
            assert!(part_of_axis(highest, "RUB").checked_mul(PARTS).is_some(), "{highest}");
        }
    }

    #[test]
    fn a_line_goes_in_steps_and_leaves_out_what_does_not_change() {
        let point = |balance| Point { at: Utc::now(), balance };
        assert_eq!(
            step_line(&[point(0), point(0), point(100), point(50)], 100.0),
            "M0,200H500V0H750V100H1000"
        );
    }
}
