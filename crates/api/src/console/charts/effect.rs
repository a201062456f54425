//! The churn of those who were contacted beside that of those who were held out.

use askama::Template;
use scoring::campaign::{Effect, Interval};

use crate::console::shell::Shell;
use crate::console::text::{Acting, fill};

/// The axis ends at the next of these above the highest bound.
const ENDS: [f64; 5] = [0.1, 0.2, 0.4, 0.6, 1.0];

/// A line between the bounds of each group's churn, with a dot for what was seen.
#[derive(Template)]
#[template(path = "console/_effect.html")]
pub struct EffectPicture {
    rows: [Row; 2],
    label: String,
    ticks: [String; 3],
}

struct Row {
    name: &'static str,
    class: &'static str,
    share: String,
    low: f64,
    high: f64,
    estimate: f64,
}

impl EffectPicture {
    /// Draws a measured effect.
    pub fn new(shell: &Shell, effect: &Effect) -> EffectPicture {
        let t = Acting::of(shell.language);
        let (contact, control) = (&effect.contact_churn, &effect.control_churn);
        let highest = contact.high.max(control.high);
        let end = ENDS.into_iter().find(|end| *end >= highest).unwrap_or(1.0);
        let row = |name, class, churn: &Interval<f64>| Row {
            name,
            class,
            share: shell.share(churn.estimate),
            low: churn.low / end * 100.0,
            high: churn.high / end * 100.0,
            estimate: churn.estimate / end * 100.0,
        };
        let said = |churn: &Interval<f64>| {
            let interval = [("low", shell.share(churn.low)), ("high", shell.share(churn.high))];
            let interval = interval.each_ref().map(|(name, value)| (*name, value.as_str()));
            format!("{} ({})", shell.share(churn.estimate), fill(t.effect_interval, &interval))
        };
        EffectPicture {
            rows: [row(t.effect_held_out, "leave", control), row(t.effect_contacted, "stay", contact)],
            label: fill(t.effect_picture, &[("contact", &said(contact)), ("control", &said(control))]),
            ticks: [0.0, end / 2.0, end].map(|share| shell.whole_share(share)),
        }
    }
}
