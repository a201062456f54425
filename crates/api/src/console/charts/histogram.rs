//! Customers by their probability of leaving.

use askama::Template;

use crate::console::shell::Shell;
use crate::console::text::{Outcome, fill};

/// The height of the tallest bar, of 100.
const TALLEST: f64 = 96.0;
/// A bar of at least one customer can be seen.
const LOWEST: f64 = 0.8;

/// The distribution as bars, in the colours of staying and leaving.
#[derive(Template)]
#[template(path = "console/_histogram.html")]
pub struct Histogram {
    bars: Vec<Bar>,
    width: f64,
    /// Where leaving begins, from 0 to 100.
    threshold: f64,
    label: String,
    most: String,
    t: &'static Outcome,
    stays: String,
    leaves: String,
    ticks: [String; 5],
}

struct Bar {
    x: f64,
    y: f64,
    height: f64,
    leaves: bool,
    title: String,
}

impl Histogram {
    /// Equal bins from 0 to 1. Customers leave from the threshold on.
    pub fn new(shell: &Shell, bins: &[u64], threshold: f64, stays: u64, leaves: u64) -> Histogram {
        let t = Outcome::of(shell.language);
        let most = bins.iter().copied().max().unwrap_or(0);
        let width = 100.0 / bins.len().max(1) as f64;
        let bar = |(index, &count): (usize, &u64)| {
            let (x, middle) = (index as f64 * width, (index as f64 + 0.5) * width / 100.0);
            let share = if most == 0 { 0.0 } else { count as f64 / most as f64 };
            let height = if count == 0 { 0.0 } else { (share * TALLEST).max(LOWEST) };
            let title = format!("{:.0}–{:.0} %: {}", x, x + width, shell.count(count, t.customers));
            Bar { x: x + width * 0.08, y: 100.0 - height, height, leaves: middle >= threshold, title }
        };
        let bars: Vec<Bar> = bins.iter().enumerate().map(bar).collect();
        let titles: Vec<&str> = bars.iter().map(|bar| bar.title.as_str()).collect();
        Histogram {
            label: fill(t.histogram_label, &[("bins", &titles.join("; "))]),
            width: width * 0.84,
            threshold: threshold * 100.0,
            most: fill(t.most, &[("customers", &shell.count(most, t.of_customers))]),
            stays: shell.number(stays),
            leaves: shell.number(leaves),
            ticks: [0.0, 0.25, 0.5, 0.75, 1.0].map(|share| shell.whole_share(share)),
            bars,
            t,
        }
    }
}
