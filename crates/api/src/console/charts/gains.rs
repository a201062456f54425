//! Which share of those who would leave the riskiest customers hold.

use std::fmt::Write;

use askama::Template;

use crate::console::shell::Shell;
use crate::console::text::{Outcome, fill};

/// The curve of cumulative gains over a blind list.
#[derive(Template)]
#[template(path = "console/_gains.html")]
pub struct GainsCurve {
    /// From (0, 0) on, in the units of the picture.
    line: String,
    /// The share at the marked place, from the top of the picture.
    mark_y: f64,
    label: String,
    t: &'static Outcome,
    ticks: [String; 3],
}

impl GainsCurve {
    /// The place that is marked.
    pub const MARKED_PERCENT: u32 = 10;

    /// A curve over the shares of a ranking.
    pub fn new(shell: &Shell, gains: &scoring::Gains) -> GainsCurve {
        let t = Outcome::of(shell.language);
        let mut line = String::from("M0 100");
        for percent in 1..=100 {
            // Writing to a string does not fail.
            let _ = write!(line, "L{percent} {:.2}", 100.0 * (1.0 - gains.share(percent)));
        }
        let share = |percent| shell.whole_share(gains.share(percent));
        let values = [("ten", share(10)), ("twenty", share(20)), ("thirty", share(30)), ("fifty", share(50))];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        GainsCurve {
            line,
            mark_y: 100.0 * (1.0 - gains.share(GainsCurve::MARKED_PERCENT)),
            label: fill(t.gains_label, &values),
            ticks: [0.0, 0.5, 1.0].map(|share| shell.whole_share(share)),
            t,
        }
    }
}
