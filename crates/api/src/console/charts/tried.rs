//! What a model says of a customer as they are and as they would be.

use scoring::{Explained, WhatIf};

use super::effects::signed;
use crate::console::shell::Shell;
use crate::console::text::{Why, fill};

/// So many features are drawn, those that add most on either side; those that change are always among them.
const FEATURES_MAX: usize = 10;
/// Reasons of each side in words.
const REASONS: usize = 3;
/// Changes that print as nothing are none.
const POINTS_MIN: f64 = 0.05;

/// Both sides, drawn.
pub struct Tried {
    pub before: String,
    pub after: String,
    /// What the change does, in a sentence.
    pub said: String,
    pub reasons_before: Vec<String>,
    pub reasons_after: Vec<String>,
    pub rows: Vec<Row>,
}

/// A feature on both sides.
pub struct Row {
    pub words: String,
    pub words_after: String,
    pub is_changed: bool,
    pub before: Bar,
    pub after: Bar,
}

/// A bar to either side of the middle, in per cent of the picture.
pub struct Bar {
    pub x: String,
    pub width: String,
    pub figure: String,
}

impl Tried {
    /// Draws both sides; `is_changed` where anything was changed at all.
    pub fn new(shell: &Shell, tried: &WhatIf, is_changed: bool) -> Tried {
        let (before, after) = (&tried.before, &tried.after);
        let words = |side: &Explained| side.strongest(REASONS).into_iter().map(|one| one.words).collect();
        Tried {
            before: shell.share(before.scored.churn_probability),
            after: shell.share(after.scored.churn_probability),
            said: said(shell, tried, is_changed),
            reasons_before: words(before),
            reasons_after: words(after),
            rows: rows(shell, tried),
        }
    }
}

fn said(shell: &Shell, tried: &WhatIf, is_changed: bool) -> String {
    let t = Why::of(shell.language);
    if !is_changed {
        return t.no_change.to_owned();
    }
    let points = (tried.after.scored.churn_probability - tried.before.scored.churn_probability) * 100.0;
    let size = shell.fraction(points.abs(), 1);
    match points {
        points if points.abs() < POINTS_MIN => t.as_likely.to_owned(),
        points if points < 0.0 => fill(t.less_likely, &[("points", &size)]),
        _ => fill(t.more_likely, &[("points", &size)]),
    }
}

fn rows(shell: &Shell, tried: &WhatIf) -> Vec<Row> {
    let mut sides: Vec<_> = tried.before.reasons.iter().zip(&tried.after.reasons).collect();
    let size = |(before, after): &(&scoring::Reason, &scoring::Reason)| {
        before.contribution.abs().max(after.contribution.abs())
    };
    let most = sides.iter().map(size).fold(f64::MIN_POSITIVE, f64::max);
    sides.sort_by(|one, other| {
        let is_changed = |(before, after): &(&scoring::Reason, &scoring::Reason)| before.words != after.words;
        is_changed(other).cmp(&is_changed(one)).then(size(other).total_cmp(&size(one)))
    });
    let bar = |contribution: f64| {
        let width = contribution.abs() / most * 50.0;
        let x = if contribution < 0.0 { 50.0 - width } else { 50.0 };
        Bar { x: format!("{x:.1}"), width: format!("{width:.1}"), figure: signed(shell, contribution) }
    };
    let row = |(before, after): (&scoring::Reason, &scoring::Reason)| Row {
        words: before.words.clone(),
        words_after: after.words.clone(),
        is_changed: before.words != after.words,
        before: bar(before.contribution),
        after: bar(after.contribution),
    };
    sides.into_iter().take(FEATURES_MAX).map(row).collect()
}
