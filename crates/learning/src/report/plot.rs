//! Pictures with two axes, as figures of an SVG. What is drawn is decided in `pictures`; how it looks, in
//! the template `plot.html`.

use super::words;
use crate::quality::Point;

/// The part of the picture, 380 wide and 300 high in its own units, in which curves are drawn; the template's frame and grid have the same corners.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 360.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 256.0;
/// About so many lines across.
const TICKS: f64 = 5.0;

/// A picture.
pub(super) struct Plot {
    /// Names it within its page.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// What it shows, for those who do not see it.
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
    pub(super) whiskers: Vec<Whisker>,
    pub(super) marks: Vec<Mark>,
}

/// One of the axes.
pub(super) struct Axis {
    pub(super) label: String,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

/// A line through points.
pub(super) struct Line {
    /// How it looks: a class of the style sheet.
    pub(super) class: String,
    pub(super) points: String,
    pub(super) legend: String,
}

/// A point with the interval around it.
pub(super) struct Whisker {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) low: String,
    pub(super) high: String,
}

/// A point of its own.
pub(super) struct Mark {
    pub(super) class: &'static str,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) legend: String,
}

/// A line across at a value of an axis.
pub(super) struct Tick<'a> {
    pub(super) at: String,
    pub(super) label: &'a str,
}

impl Axis {
    /// From 0 to 100 %.
    pub(super) fn share(label: &str) -> Axis {
        let tick = |fifth: u32| {
            let share = f64::from(fifth) / TICKS;
            (share, words::percent(share, 0))
        };
        Axis { label: label.to_owned(), low: 0.0, high: 1.0, ticks: (0..=5).map(tick).collect() }
    }

    /// Wide enough for these values, with round numbers at its lines.
    pub(super) fn around(
        label: &str,
        values: impl Iterator<Item = f64>,
        show: impl Fn(f64) -> String,
    ) -> Axis {
        let (low, high) =
            values.fold((0.0f64, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
        let step = round_step((high - low) / TICKS);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let last = last.max(first + 1);
        let ticks = (first..=last).map(|place| (place as f64 * step, show(place as f64 * step))).collect();
        Axis { label: label.to_owned(), low: first as f64 * step, high: last as f64 * step, ticks }
    }

    fn way(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// 1, 2 or 5 times a power of ten, at least this much.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10f64.powi(least.log10().floor() as i32);
    let enough = |factor: &&f64| **factor * power >= least * (1.0 - 1e-9);
    [1.0, 2.0, 5.0].iter().find(enough).map_or(10.0 * power, |factor| factor * power)
}

impl Plot {
    pub(super) fn new(id: &'static str, title: &'static str, x: Axis, y: Axis) -> Plot {
        let (lines, whiskers, marks) = (Vec::new(), Vec::new(), Vec::new());
        Plot { id, title, description: String::new(), x, y, lines, whiskers, marks }
    }

    pub(super) fn described(mut self, description: String) -> Plot {
        self.description = description;
        self
    }

    pub(super) fn line(mut self, class: &str, legend: &str, points: &[Point]) -> Plot {
        let points: Vec<String> =
            points.iter().map(|&[x, y]| format!("{},{}", self.across(x), self.down(y))).collect();
        self.lines.push(Line {
            class: class.to_owned(),
            points: points.join(" "),
            legend: legend.to_owned(),
        });
        self
    }

    pub(super) fn whisker(mut self, x: f64, y: f64, ends: [f64; 2]) -> Plot {
        let (low, high) = (self.down(ends[0]), self.down(ends[1]));
        self.whiskers.push(Whisker { x: self.across(x), y: self.down(y), low, high });
        self
    }

    pub(super) fn mark(mut self, class: &'static str, legend: String, point: Point) -> Plot {
        self.marks.push(Mark { class, x: self.across(point[0]), y: self.down(point[1]), legend });
        self
    }

    fn across(&self, x: f64) -> String {
        format!("{:.1}", LEFT + self.x.way(x) * (RIGHT - LEFT))
    }

    fn down(&self, y: f64) -> String {
        format!("{:.1}", BOTTOM - self.y.way(y) * (BOTTOM - TOP))
    }

    pub(super) fn ticks_across(&self) -> Vec<Tick<'_>> {
        self.x.ticks.iter().map(|(value, label)| Tick { at: self.across(*value), label }).collect()
    }

    pub(super) fn ticks_down(&self) -> Vec<Tick<'_>> {
        self.y.ticks.iter().map(|(value, label)| Tick { at: self.down(*value), label }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Axis, Plot, round_step};

    #[test]
    fn axes_have_round_numbers_at_their_lines() {
        assert_eq!([0.56, 0.0, 7.0, 140.0, 2.0].map(round_step), [1.0, 1.0, 10.0, 200.0, 2.0]);
        let axis = Axis::around("profit", [-130.0, 900.0].into_iter(), |value| value.to_string());
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["-500", "0", "500", "1000"]);
        let nothing = Axis::around("profit", [0.0].into_iter(), |value| value.to_string());
        assert_eq!((nothing.low, nothing.high), (0.0, 1.0));
    }

    #[test]
    fn the_corners_of_the_data_are_the_corners_of_the_picture() {
        let plot = Plot::new("roc", "ROC", Axis::share("x"), Axis::share("y"));
        let plot = plot.line("curve", "", &[[0.0, 0.0], [0.5, 1.0], [1.0, 2.0]]);
        assert_eq!(plot.lines[0].points, "46.0,256.0 203.0,28.0 360.0,28.0");
    }
}
