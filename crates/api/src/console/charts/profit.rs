//! What contacting more and more customers brings.

use std::fmt::Write as _;

use askama::Template;
use scoring::campaign::{CurvePoint, Plan};

use crate::console::format;
use crate::console::shell::Shell;
use crate::console::text::{Acting, fill};

/// Points that the label tells.
const TOLD: usize = 6;
/// The vertical axis has at least so many parts.
const PARTS: f64 = 3.0;

/// The curve of expected profit, or of leavers where no amounts are known.
#[derive(Template)]
#[template(path = "console/_profit.html")]
pub struct ProfitCurve {
    t: &'static Acting,
    line: String,
    zero_y: f64,
    label: String,
    what: &'static str,
    best: Option<Mark>,
    best_said: String,
    plan: Option<Mark>,
    /// The interval of the plan's profit.
    whisker: Option<(f64, f64)>,
    /// Beside the picture, from the top.
    amounts: Vec<String>,
    grid: Vec<f64>,
    ticks: [String; 3],
}

/// A place of the picture.
struct Mark {
    x: f64,
    y: f64,
}

/// What is drawn in which units.
struct Scale {
    most: f64,
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// An axis of round parts, of which one ends at nothing.
    fn new(most: u64, (low, high): (f64, f64), smallest: f64) -> Scale {
        let part = ((high - low) / PARTS).max(smallest);
        let magnitude = 10_f64.powf(part.log10().floor());
        let rounds = [1.0, 2.0, 2.5, 5.0, 10.0].map(|round| round * magnitude);
        let step = rounds.into_iter().find(|round| *round >= part * 0.999).unwrap_or(part);
        let (low, high) = ((low / step).floor() * step, ((high / step).ceil() * step).max(step));
        Scale { most: most.max(1) as f64, low, high, step }
    }

    /// The amounts where parts end, from the highest on.
    fn amounts(&self) -> impl Iterator<Item = f64> {
        let parts = ((self.high - self.low) / self.step).round() as u32;
        (0..=parts).map(|part| self.high - f64::from(part) * self.step)
    }

    fn x(&self, contacts: u64) -> f64 {
        contacts as f64 / self.most * 100.0
    }

    fn y(&self, amount: f64) -> f64 {
        100.0 * (self.high - amount) / (self.high - self.low)
    }
}

impl ProfitCurve {
    /// Draws a plan; nothing where there are no customers.
    pub fn draw(shell: &Shell, plan: &Plan) -> Option<ProfitCurve> {
        let t = Acting::of(shell.language);
        let (money, last) = (plan.money.as_ref(), plan.curve.last()?);
        let amounts = plan.curve.iter().map(height);
        let interval = money.map(|money| (money.profit_low as f64, money.profit_high as f64));
        let ends = interval.map(|(low, high)| [low, high]).unwrap_or_default();
        let (low, high) = amounts
            .chain(ends)
            .fold((0.0_f64, 0.0_f64), |(low, high), amount| (low.min(amount), high.max(amount)));
        let smallest = if money.is_some() { format::minor_units_of(&shell.currency) } else { 1.0 };
        let scale = Scale::new(last.contacts, (low, high), smallest);
        let mark = |contacts: u64, amount: f64| Mark { x: scale.x(contacts), y: scale.y(amount) };
        let chosen = plan.curve.iter().rfind(|point| point.contacts <= plan.contacts);
        let best = money.map(|money| &money.best);
        let best_said = best.map(|best| {
            let customers = shell.count(best.contacts, t.control_count);
            let profit = shell.estimate(best.profit.unwrap_or(0) as f64);
            fill(t.curve_best, &[("customers", &customers), ("profit", &profit)])
        });
        let told = if money.is_some() { t.curve_label } else { t.curve_label_leavers };
        Some(ProfitCurve {
            line: line(&plan.curve, &scale),
            zero_y: scale.y(0.0),
            label: fill(told, &[("points", &points_said(shell, &plan.curve))]),
            what: if money.is_some() { t.curve_profit } else { t.curve_leavers },
            best: best.map(|best| mark(best.contacts, height(best))),
            best_said: best_said.unwrap_or_default(),
            // Without a control group the plan lies on the curve; with one, it contacts a little less of each part.
            plan: chosen
                .map(|point| mark(plan.contacts, money.map_or(height(point), |money| money.profit as f64))),
            whisker: interval.map(|(low, high)| (scale.y(low), scale.y(high))),
            amounts: scale.amounts().map(|amount| said(shell, amount, money.is_some())).collect(),
            grid: scale.amounts().map(|amount| scale.y(amount)).collect(),
            ticks: [0, last.contacts / 2, last.contacts].map(|contacts| shell.number(contacts)),
            t,
        })
    }
}

fn height(point: &CurvePoint) -> f64 {
    point.profit.map_or(point.leavers, |profit| profit as f64)
}

fn line(curve: &[CurvePoint], scale: &Scale) -> String {
    let mut line = String::with_capacity(curve.len() * 14);
    for (at, point) in curve.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        // Writing to a string does not fail.
        let _ = write!(line, "{letter}{:.2} {:.2}", scale.x(point.contacts), scale.y(height(point)));
    }
    line
}

fn said(shell: &Shell, amount: f64, is_money: bool) -> String {
    match is_money {
        true => shell.estimate(amount),
        false => shell.number(amount.round() as u64),
    }
}

fn points_said(shell: &Shell, curve: &[CurvePoint]) -> String {
    let last = curve.len() - 1;
    let told = (0..TOLD).map(|part| &curve[last * part / (TOLD - 1)]);
    let told = told.map(|point| {
        format!("{}: {}", shell.number(point.contacts), said(shell, height(point), point.profit.is_some()))
    });
    told.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_has_a_few_round_parts_and_holds_everything() {
        for (low, high) in [(0.0, 1.0), (0.0, 123_456.0), (-98_765.0, 1_234.0), (-1e12, 3e12), (0.0, 0.0)] {
            let scale = Scale::new(10, (low, high), 100.0);
            let amounts: Vec<f64> = scale.amounts().collect();
            assert!((2..=6).contains(&amounts.len()), "{amounts:?}");
            assert!(amounts[0] >= high && amounts[amounts.len() - 1] <= low, "{amounts:?}");
            assert!(amounts.iter().any(|amount| amount.abs() < scale.step / 1e6), "{amounts:?}");
        }
    }
}
