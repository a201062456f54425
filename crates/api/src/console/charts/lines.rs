//! Figures over time as lines and dots: drawn by the server, stretched by the browser, labelled in HTML.

use std::fmt::Write as _;

use askama::Template;

/// The drawing's own units; it is stretched to whatever room there is.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;
/// Labels of the horizontal axis.
const DATES: usize = 5;
/// Room above the highest figure.
const HEADROOM: f64 = 1.08;

/// A line of the chart.
pub struct Series {
    /// What it is.
    pub name: &'static str,
    /// `accent`, `second` or `third`.
    pub class: &'static str,
    /// One figure for each place, from 0 on; nothing where it is not known.
    pub values: Vec<Option<f64>>,
}

/// A level across the chart.
pub struct Rule {
    /// Where.
    pub value: f64,
    /// What it is.
    pub name: String,
}

/// The chart, as a part of a page.
#[derive(Template)]
#[template(path = "console/_lines.html")]
pub struct LineChart {
    described: String,
    series: Vec<Drawn>,
    rules: Vec<(String, String)>,
    ticks: Vec<String>,
    dates: Vec<String>,
}

struct Drawn {
    name: &'static str,
    class: &'static str,
    line: String,
    dots: String,
}

impl LineChart {
    /// Draws figures at equal distances, each place with its label, on an axis from `lowest` on; nothing without a
    /// figure.
    pub fn draw(
        described: String,
        lowest: f64,
        (series, rules): (Vec<Series>, Vec<Rule>),
        places: &[String],
        tick: impl Fn(f64) -> String,
    ) -> Option<LineChart> {
        let all = || series.iter().flat_map(|one| one.values.iter().flatten().copied());
        all().next()?;
        let highest = all().chain(rules.iter().map(|rule| rule.value)).fold(lowest, f64::max);
        let top = lowest + (highest - lowest).max(f64::MIN_POSITIVE) * HEADROOM;
        let y = |value: f64| HEIGHT * (1.0 - ((value - lowest) / (top - lowest)).clamp(0.0, 1.0));
        let x = |place: usize| WIDTH * (place as f64 + 0.5) / places.len().max(1) as f64;
        let drawn = series.into_iter().map(|one| {
            let (mut line, mut dots, mut is_on) = (String::new(), String::new(), false);
            for (place, value) in one.values.iter().enumerate() {
                let Some(value) = value else { continue };
                let command = if is_on { 'L' } else { 'M' };
                // Writing to a string does not fail.
                let _ = write!(line, "{command}{:.1} {:.1}", x(place), y(*value));
                let _ = write!(dots, "M{:.1} {:.1}h0", x(place), y(*value));
                is_on = true;
            }
            Drawn { name: one.name, class: one.class, line, dots }
        });
        let series = drawn.collect();
        let last = places.len().saturating_sub(1);
        let parts = DATES.min(places.len()).max(1);
        let date = |part: usize| places.get(last * part / (parts - 1).max(1)).cloned().unwrap_or_default();
        Some(LineChart {
            described,
            series,
            rules: rules.into_iter().map(|rule| (format!("{:.1}", y(rule.value)), rule.name)).collect(),
            ticks: [1.0, 0.5, 0.0].map(|part| tick(lowest + (top - lowest) * part)).to_vec(),
            dates: (0..parts).map(date).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_drawn_where_they_are_known() {
        let values = vec![Some(0.0), None, Some(1.0)];
        let series = vec![Series { name: "a", class: "accent", values }];
        let places = ["1", "2", "3"].map(str::to_owned);
        let tick = |value: f64| format!("{value:.2}");
        let chart = LineChart::draw(String::new(), 0.0, (series, Vec::new()), &places, tick).unwrap();
        assert_eq!(chart.series[0].line, "M166.7 200.0L833.3 14.8");
        assert_eq!((chart.ticks[0].as_str(), chart.dates.len()), ("1.08", 3));
        let none = vec![Series { name: "a", class: "accent", values: vec![None] }];
        assert!(LineChart::draw(String::new(), 0.0, (none, Vec::new()), &places, tick).is_none());
    }
}
