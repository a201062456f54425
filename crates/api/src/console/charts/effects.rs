//! Why, over all customers of a result: the features that matter most, and what each value of a category does.

use askama::Template;
use scoring::{FeatureEffect, ValueEffect};

use crate::console::shell::Shell;
use crate::console::text::Outcome;

/// So many features are shown.
const FEATURES_MAX: usize = 8;
/// So many values of a category.
const VALUES_MAX: usize = 6;

/// Bars of importance, and of effects under them.
#[derive(Template)]
#[template(path = "console/_effects.html")]
pub struct Effects {
    t: &'static Outcome,
    features: Vec<Feature>,
}

struct Feature {
    name: String,
    is_lever: bool,
    /// Of the most important one's.
    share: f64,
    importance: String,
    values: Vec<Value>,
}

struct Value {
    value: String,
    customers: String,
    /// From 0 to 50, to either side of the middle.
    length: f64,
    raises: bool,
    effect: String,
}

impl Effects {
    /// Nothing where nobody bought reasons.
    pub fn new(shell: &Shell, effects: &[FeatureEffect]) -> Option<Effects> {
        let most = effects.first()?.mean_absolute.max(f64::MIN_POSITIVE);
        let widest = effects.iter().flat_map(|effect| &effect.values);
        let widest = widest.map(|value| value.mean.abs()).fold(f64::MIN_POSITIVE, f64::max);
        let feature = |effect: &FeatureEffect| Feature {
            name: effect.feature.clone(),
            is_lever: effect.is_lever,
            share: effect.mean_absolute / most,
            importance: shell.fraction(effect.mean_absolute, 3),
            values: effect.values.iter().take(VALUES_MAX).map(|one| value(shell, one, widest)).collect(),
        };
        let features = effects.iter().filter(|effect| effect.mean_absolute > 0.0);
        let features = features.take(FEATURES_MAX).map(feature).collect();
        Some(Effects { t: Outcome::of(shell.language), features })
    }
}

fn value(shell: &Shell, effect: &ValueEffect, widest: f64) -> Value {
    let raises = effect.mean >= 0.0;
    let sign = if raises { "+" } else { "−" };
    Value {
        value: effect.value.clone(),
        customers: shell.number(effect.customers),
        length: effect.mean.abs() / widest * 50.0,
        raises,
        effect: format!("{sign}{}", shell.fraction(effect.mean.abs(), 3)),
    }
}
