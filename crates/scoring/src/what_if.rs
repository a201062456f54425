//! What would the probability be if something were different that a company can move.

use serde_json::{Map, Value};

use crate::columns::feature_keys;
use crate::customers::{Explained, explain_customers, text_of};
use crate::manifest::{Feature, FeatureKind};
use crate::model::Model;
use crate::names;
use crate::problem::{InputError, Problem, code};
use crate::shap::Language;

/// A customer as they are, and as they would be.
#[derive(Debug, Clone, PartialEq)]
pub struct WhatIf {
    /// As they are.
    pub before: Explained,
    /// With the changes.
    pub after: Explained,
}

/// Scores a customer twice: as they are, and with other values of features that a company can move. All other
/// columns stay as they are, also those that would move with them in life, such as the sum of all bills.
///
/// # Errors
///
/// Those of [`explain_customers`]; [`code::NOT_A_LEVER`] and [`code::NOT_A_CATEGORY`] with the column where a
/// change is none that can be tried.
pub fn what_if(
    model: &Model,
    customer: &Map<String, Value>,
    changes: &Map<String, Value>,
    language: Language,
) -> Result<WhatIf, InputError> {
    let keys = feature_keys(&model.manifest().schema);
    let mut changed = customer.clone();
    for (name, value) in changes {
        let feature = keys.get(&names::key(name)).copied();
        check(model, feature.map(|place| &model.manifest().schema.features[place]), name, value)?;
        changed.retain(|own, _| keys.get(&names::key(own)).copied() != feature);
        changed.insert(name.clone(), value.clone());
    }
    let mut explained = explain_customers(model, &[customer.clone(), changed], language)?.into_iter();
    match (explained.next(), explained.next()) {
        (Some(before), Some(after)) => Ok(WhatIf { before, after }),
        _ => Err(InputError::new(code::NO_ROWS, "There is no customer.")),
    }
}

fn check(model: &Model, feature: Option<&Feature>, name: &str, value: &Value) -> Result<(), InputError> {
    let bad = |code, message: String| {
        Err(InputError::at(code, Problem { line: 1, column: name.to_owned(), message }))
    };
    let Some(feature) = feature else {
        return bad(code::NOT_A_LEVER, "the model does not know this column".to_owned());
    };
    if !model.manifest().is_lever(&feature.name) {
        return bad(code::NOT_A_LEVER, "nothing that a company can move with an offer".to_owned());
    }
    let FeatureKind::Category { values } = &feature.kind else { return Ok(()) };
    let text =
        text_of(value).or_else(|message| bad(code::NOT_A_CATEGORY, message).map(|()| String::new()))?;
    let key = names::key(&text);
    let is_known = values
        .iter()
        .flat_map(|value| [&value.value].into_iter().chain(&value.aliases))
        .any(|spelling| names::key(spelling) == key);
    if is_known { Ok(()) } else { bad(code::NOT_A_CATEGORY, format!("the model has seen no value {text:?}")) }
}
