//! Why, over many customers: the features that matter most, and what their values do.

use std::fmt::Write as _;

use askama::Template;
use scoring::{FeatureEffect, RangeEffect, ValueEffect};

use crate::console::shell::Shell;
use crate::console::text::{Why, fill};

/// So many features are shown.
const FEATURES_MAX: usize = 20;
/// So many values of a category.
const VALUES_MAX: usize = 12;
/// The drawing's own units; it is stretched to whatever room there is.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;

/// Bars of importance, and in each what the feature's values do.
#[derive(Template)]
#[template(path = "console/_effects.html")]
pub struct Effects {
    t: &'static Why,
    title: &'static str,
    text: &'static str,
    unit: &'static str,
    features: Vec<Feature>,
}

struct Feature {
    name: String,
    label: String,
    is_lever: bool,
    /// Of the most important one's, in per cent.
    width: String,
    importance: String,
    values: Vec<Value>,
    curve: Option<Curve>,
}

struct Value {
    value: String,
    customers: String,
    /// From 0 to 50, to either side of the middle.
    length: f64,
    raises: bool,
    effect: String,
}

/// A number's effect over the number.
struct Curve {
    described: String,
    line: String,
    band: String,
    /// At the top, in the middle and at the bottom.
    ticks: [String; 3],
    /// At the left, in the middle and at the right.
    numbers: [String; 3],
}

impl Effects {
    /// Nothing where nothing is known. `unit` is what the model's scores are measured in.
    pub fn new(
        shell: &Shell,
        (title, text): (&'static str, &'static str),
        unit: &str,
        effects: &[FeatureEffect],
    ) -> Option<Effects> {
        let t = Why::of(shell.language);
        let most = effects.first()?.mean_absolute.max(f64::MIN_POSITIVE);
        let features = effects.iter().filter(|effect| effect.mean_absolute > 0.0).take(FEATURES_MAX);
        let widest = features.clone().flat_map(|effect| &effect.values);
        let widest = widest.map(|value| value.mean.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let feature = |effect: &FeatureEffect| {
            let importance = shell.fraction(effect.mean_absolute, 3);
            let said = [("feature", effect.feature.as_str()), ("weight", &importance)];
            Feature {
                name: effect.feature.clone(),
                label: fill(t.feature_label, &said),
                is_lever: effect.is_lever,
                width: format!("{:.1}", effect.mean_absolute / most * 100.0),
                values: effect.values.iter().take(VALUES_MAX).map(|one| value(shell, one, widest)).collect(),
                curve: curve(shell, &effect.feature, &effect.ranges),
                importance,
            }
        };
        let features = features.map(feature).collect();
        let unit = if unit == "margin" { t.unit_margin } else { t.unit_log_odds };
        Some(Effects { t, title, text, unit, features })
    }
}

/// A contribution with its sign.
pub fn signed(shell: &Shell, contribution: f64) -> String {
    let sign = if contribution < 0.0 { "−" } else { "+" };
    format!("{sign}{}", shell.fraction(contribution.abs(), 3))
}

fn value(shell: &Shell, effect: &ValueEffect, widest: f64) -> Value {
    Value {
        value: effect.value.clone(),
        customers: shell.number(effect.customers),
        length: effect.mean.abs() / widest * 50.0,
        raises: effect.mean >= 0.0,
        effect: signed(shell, effect.mean),
    }
}

/// A line through the middles of the ranges, and a band around it; nothing of fewer than two ranges.
fn curve(shell: &Shell, feature: &str, ranges: &[RangeEffect]) -> Option<Curve> {
    let [first, .., last] = ranges else { return None };
    let (from, to) = (first.from, last.to);
    let reach = |range: &RangeEffect| range.mean.abs() + range.spread;
    let most = ranges.iter().map(reach).fold(f64::MIN_POSITIVE, f64::max);
    let x = |number: f64| (number - from) / (to - from).max(f64::MIN_POSITIVE) * WIDTH;
    let y = |effect: f64| (1.0 - effect / most) * HEIGHT / 2.0;
    // The first range's least number and the last one's greatest are the ends of the axis.
    let place = |at: usize| match at {
        0 => from,
        at if at + 1 == ranges.len() => to,
        at => f64::midpoint(ranges[at].from, ranges[at].to),
    };
    let (mut line, mut above, mut below) = (String::new(), String::new(), String::new());
    for (at, range) in ranges.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        let x = x(place(at));
        // Writing to a string does not fail.
        let _ = write!(line, "{command}{x:.1} {:.1}", y(range.mean));
        let _ = write!(above, "{command}{x:.1} {:.1}", y(range.mean + range.spread));
        below = format!("L{x:.1} {:.1}{below}", y(range.mean - range.spread));
    }
    let number = |number: f64| shell.fraction(number, if number.fract() == 0.0 { 0 } else { 2 });
    let least = ranges.iter().map(|range| range.mean).fold(f64::INFINITY, f64::min);
    let greatest = ranges.iter().map(|range| range.mean).fold(f64::NEG_INFINITY, f64::max);
    let said = [
        ("feature", feature.to_owned()),
        ("from", number(from)),
        ("to", number(to)),
        ("first", signed(shell, first.mean)),
        ("last", signed(shell, last.mean)),
        ("low", signed(shell, least)),
        ("high", signed(shell, greatest)),
    ];
    let said = said.each_ref().map(|(name, value)| (*name, value.as_str()));
    Some(Curve {
        described: fill(Why::of(shell.language).curve, &said),
        line,
        band: format!("{above}{below}Z"),
        ticks: [signed(shell, most), shell.fraction(0.0, 0), signed(shell, -most)],
        numbers: [from, f64::midpoint(from, to), to].map(number),
    })
}
