//! Scores a few customers that come as JSON objects.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::block::{Block, ROWS, Slot};
use crate::columns::{feature_keys, missing_columns};
use crate::dictionary::Dictionary;
use crate::manifest::{Feature, FeatureKind};
use crate::model::Model;
use crate::names;
use crate::numbers;
use crate::problem::{InputError, Problem, code};
use crate::result::leaves;
use crate::shap::{Language, Reason, Words, strongest};

/// The answer for one customer, as a result file has it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// 1 where the customer stays, 0 where not.
    pub stays: u8,
    /// The probability of leaving, rounded to six decimals as in a file.
    pub churn_probability: f64,
}

/// Scores customers whose keys are column names under any name that a file may use.
///
/// A value is a number, a text, a boolean, or null for missing. Keys that the model does not know are
/// ignored. In problems, `line` is the customer's number from 1.
pub fn score_customers(model: &Model, customers: &[Map<String, Value>]) -> Result<Vec<Scored>, InputError> {
    score_and_look(model, customers, |_, _| {})
}

/// Why a customer gets a probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// What [`score_customers`] says.
    pub scored: Scored,
    /// The raw score that is expected of a customer of whom nothing is known.
    pub base: f64,
    /// One for each feature, in the schema's order. With the base they add up to the raw score.
    pub reasons: Vec<Reason>,
}

impl Explained {
    /// The strongest reasons, strongest first: those that raise the score where it is above the base, else
    /// those that lower it.
    #[must_use]
    pub fn strongest(&self, most: usize) -> Vec<Reason> {
        let contributions: Vec<f64> = self.reasons.iter().map(|reason| reason.contribution).collect();
        let mut found = Vec::new();
        strongest(&contributions, most, &mut found);
        found.into_iter().map(|place| self.reasons[place].clone()).collect()
    }
}

/// Scores customers as [`score_customers`] does and says what each feature has to do with it.
///
/// # Errors
///
/// Those of [`score_customers`], and [`code::NO_REASONS`] where the model cannot be explained.
pub fn explain_customers(
    model: &Model,
    customers: &[Map<String, Value>],
    language: Language,
) -> Result<Vec<Explained>, InputError> {
    let explainer = model
        .explainer()
        .map_err(|error| InputError::new(code::NO_REASONS, format!("There are no reasons: {error}.")))?;
    let manifest = model.manifest();
    let schema = &manifest.schema;
    let words = Words::new(schema, model.slots(), language);
    let (mut contributions, mut all) = (Vec::new(), Vec::with_capacity(customers.len()));
    let scored = score_and_look(model, customers, |block, count| {
        explainer.explain(block, count, &mut contributions);
        for row in 0..count {
            let reason = |(place, feature): (usize, &Feature)| {
                let mut text = String::new();
                words.write(block, row, place, &mut text);
                let contribution = contributions[place * ROWS + row];
                let is_lever = manifest.is_lever(&feature.name);
                Reason { feature: feature.name.clone(), words: text, contribution, is_lever }
            };
            all.push(schema.features.iter().enumerate().map(reason).collect::<Vec<_>>());
        }
    })?;
    let base = explainer.base();
    Ok(scored.into_iter().zip(all).map(|(scored, reasons)| Explained { scored, base, reasons }).collect())
}

/// Scores customers and lets `look` see each block with all that is known of it.
fn score_and_look(
    model: &Model,
    customers: &[Map<String, Value>],
    mut look: impl FnMut(&Block, usize),
) -> Result<Vec<Scored>, InputError> {
    let mut reader = CustomerReader::new(model);
    let mut problems = Vec::new();
    let mut first_code = None;
    let mut probabilities = Vec::with_capacity(customers.len());
    for (group, customers) in customers.chunks(ROWS).enumerate() {
        for (row, customer) in customers.iter().enumerate() {
            let number = (group * ROWS + row + 1) as u64;
            for (code, problem) in reader.read(customer, number, row)? {
                first_code.get_or_insert(code);
                problems.push(problem);
            }
        }
        model.score_block(&mut reader.block, customers.len(), &mut probabilities);
        look(&reader.block, customers.len());
    }
    if let Some(code) = first_code {
        return Err(InputError::with_problems(code, problems));
    }
    let threshold = model.manifest().threshold;
    let scored = |probability: f64| {
        let millionths = numbers::millionths(probability);
        let stays = u8::from(!leaves(millionths, threshold));
        Scored { stays, churn_probability: f64::from(millionths) / 1e6 }
    };
    Ok(probabilities.into_iter().map(scored).collect())
}

struct CustomerReader<'model> {
    model: &'model Model,
    keys: std::collections::HashMap<String, usize>,
    /// One per feature; of no values for a number.
    dictionaries: Vec<Dictionary>,
    block: Block,
}

impl<'model> CustomerReader<'model> {
    fn new(model: &'model Model) -> CustomerReader<'model> {
        let schema = &model.manifest().schema;
        let dictionary = |kind: &FeatureKind| match kind {
            FeatureKind::Number => Dictionary::new(&[]),
            FeatureKind::Category { values } => Dictionary::new(values),
        };
        CustomerReader {
            model,
            keys: feature_keys(schema),
            dictionaries: schema.features.iter().map(|feature| dictionary(&feature.kind)).collect(),
            block: Block::new(model.slots()),
        }
    }

    /// Reads one customer into a row of the block and returns what is wrong with single values.
    fn read(
        &mut self,
        customer: &Map<String, Value>,
        number: u64,
        row: usize,
    ) -> Result<Vec<(&'static str, Problem)>, InputError> {
        let values = self.find(customer, number)?;
        let mut problems = Vec::new();
        for (feature, (name, value)) in values.into_iter().enumerate() {
            let result = match self.model.slots().features[feature] {
                Slot::Number(slot) => number_of(value)
                    .map(|number| self.block.set_number(slot, row, number))
                    .map_err(|message| (code::NOT_A_NUMBER, message)),
                Slot::Category(slot) => text_of(value)
                    .map(|text| self.dictionaries[feature].code(text.as_bytes()))
                    .map(|code| self.block.set_code(slot, row, code))
                    .map_err(|message| (code::NOT_A_CATEGORY, message)),
            };
            if let Err((code, message)) = result {
                problems.push((code, Problem { line: number, column: name.clone(), message }));
            }
        }
        Ok(problems)
    }

    /// The key and value of each feature.
    fn find<'a>(
        &self,
        customer: &'a Map<String, Value>,
        number: u64,
    ) -> Result<Vec<(&'a String, &'a Value)>, InputError> {
        let features = &self.model.manifest().schema.features;
        let mut found = vec![None; features.len()];
        for entry in customer {
            let Some(&feature) = self.keys.get(&names::key(entry.0)) else { continue };
            if let Some((first, _)) = found[feature].replace(entry) {
                let message = format!("it means {} as {first:?} does", features[feature].name);
                let problem = Problem { line: number, column: entry.0.clone(), message };
                return Err(InputError::at(code::DUPLICATE_COLUMNS, problem));
            }
        }
        let lacking = features.iter().zip(&found).filter(|(_, entry)| entry.is_none());
        let lacking: Vec<String> = lacking.map(|(feature, _)| feature.name.clone()).collect();
        if lacking.is_empty() {
            return Ok(found.into_iter().flatten().collect());
        }
        let problem = |name: &String| Problem {
            line: number,
            column: name.clone(),
            message: "the customer lacks this column".to_owned(),
        };
        let problems = lacking.iter().map(problem).collect();
        Err(InputError { problems, ..missing_columns(lacking) })
    }
}

/// A number of JSON; in a text the decimal mark is a dot.
fn number_of(value: &Value) -> Result<f64, String> {
    match value {
        Value::Null => Ok(f64::NAN),
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.is_finite() => Ok(number),
            _ => Err(format!("{number} is too large a number")),
        },
        Value::String(text) => numbers::parse(text.as_bytes(), b'.'),
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(format!("{} is not a number", kind(value)))
        }
    }
}

/// A category's value as a file would have it.
pub(crate) fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        Value::Array(_) | Value::Object(_) => Err(format!("{} is no category's value", kind(value))),
    }
}

fn kind(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string(),
    }
}
