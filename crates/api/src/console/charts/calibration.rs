//! What was said beside what happened.

use std::fmt::Write as _;

use askama::Template;
use scoring::monitoring::CalibrationBin;

use crate::console::shell::Shell;
use crate::console::text::{Watch, fill};

/// The curve of shares who left over mean probabilities, beside the diagonal of truth.
#[derive(Template)]
#[template(path = "console/_calibration.html")]
pub struct CalibrationCurve {
    t: &'static Watch,
    label: String,
    line: String,
    dots: String,
    ticks: [String; 3],
}

impl CalibrationCurve {
    /// A curve through bins, the axes up to the greatest of their figures; nothing without bins.
    pub fn new(shell: &Shell, bins: &[CalibrationBin]) -> Option<CalibrationCurve> {
        let t = Watch::of(shell.language);
        let highest = bins.iter().map(|bin| bin.mean_probability.max(bin.share_left)).fold(0.0, f64::max);
        if bins.is_empty() {
            return None;
        }
        // A whole number of tenths.
        let top = ((highest * 10.0).ceil() / 10.0).clamp(0.1, 1.0);
        let (mut line, mut dots, mut said) = (String::new(), String::new(), Vec::new());
        for bin in bins {
            let (x, y) = (100.0 * bin.mean_probability / top, 100.0 * (1.0 - bin.share_left / top));
            // Writing to a string does not fail.
            let _ = write!(line, "{}{x:.2} {y:.2}", if line.is_empty() { 'M' } else { 'L' });
            let _ = write!(dots, "M{x:.2} {y:.2}h0");
            said.push(format!("{} / {}", shell.share(bin.mean_probability), shell.share(bin.share_left)));
        }
        Some(CalibrationCurve {
            t,
            label: fill(t.calibration_label, &[("bins", &said.join("; "))]),
            line,
            dots,
            ticks: [0.0, 0.5, 1.0].map(|part| shell.whole_share(part * top)),
        })
    }
}
