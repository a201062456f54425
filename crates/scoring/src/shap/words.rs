//! Reasons in words.

use serde::{Deserialize, Serialize};

use super::vocabulary::known;
use crate::block::{Block, Slot, Slots};
use crate::manifest::{Feature, FeatureKind, Schema};

/// Contributions that print as nothing are no reasons.
const CONTRIBUTION_MIN: f64 = 5e-7;

/// The language of reasons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

impl Language {
    pub(super) fn of(self, (english, russian): (&'static str, &'static str)) -> &'static str {
        match self {
            Language::En => english,
            Language::Ru => russian,
        }
    }
}

/// One reason of a customer's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The feature's name in the model.
    pub feature: String,
    /// The feature and its value, such as `pays month to month`.
    pub words: String,
    /// What it adds to the model's raw score; positive towards leaving.
    pub contribution: f64,
    /// Whether a company can move the feature with an offer.
    #[serde(default)]
    pub is_lever: bool,
}

/// Whether a company can move a feature with an offer, where the feature's name says it: contracts, services and
/// ways of paying can be moved, who somebody is and how long a customer has been here cannot. Nothing for columns
/// that are not known.
#[must_use]
pub fn known_lever(feature: &str) -> Option<bool> {
    known(feature).map(|known| known.is_lever())
}

/// The words for each value of each feature of a schema.
#[derive(Debug, Clone)]
pub(crate) struct Words {
    features: Vec<FeatureWords>,
    decimal: char,
    language: Language,
}

#[derive(Debug, Clone)]
enum FeatureWords {
    Number {
        slot: usize,
        before: String,
        behind: String,
        missing: String,
    },
    /// By code: each value, an unknown one, a missing one.
    Category {
        slot: usize,
        values: Vec<String>,
    },
}

impl Words {
    pub(crate) fn new(schema: &Schema, slots: &Slots, language: Language) -> Words {
        let features = schema.features.iter().zip(&slots.features);
        let features = features.map(|(feature, &slot)| feature_words(feature, slot, language)).collect();
        Words { features, decimal: if language == Language::Ru { ',' } else { '.' }, language }
    }

    /// Appends the words for a feature's value in a row.
    pub(crate) fn write(&self, block: &Block, row: usize, feature: usize, out: &mut String) {
        match &self.features[feature] {
            FeatureWords::Category { slot, values } => {
                out.push_str(&values[usize::from(block.codes(*slot)[row])]);
            }
            FeatureWords::Number { slot, before, behind, missing } => {
                let number = block.numbers(*slot)[row];
                if number.is_nan() {
                    out.push_str(missing);
                    return;
                }
                out.push_str(before);
                write_number(number, self.decimal, out);
                let is_one = number == 1.0 && self.language == Language::En && behind.ends_with(" months");
                out.push_str(if is_one { &behind[..behind.len() - 1] } else { behind });
            }
        }
    }
}

fn feature_words(feature: &Feature, slot: Slot, language: Language) -> FeatureWords {
    let name = &feature.name;
    let missing = match language {
        Language::En => format!("{name} is not given"),
        Language::Ru => format!("{name}: не указано"),
    };
    match (slot, &feature.kind) {
        (Slot::Category(slot), FeatureKind::Category { values }) => {
            let words = |value: &str| match known(name).and_then(|known| known.of_value(value, language)) {
                Some(words) => words.to_owned(),
                None => format!("{name} = {value}"),
            };
            let unknown = match language {
                Language::En => format!("{name} has an unknown value"),
                Language::Ru => format!("{name}: неизвестное значение"),
            };
            let values = values.iter().map(|value| words(&value.value)).chain([unknown, missing]);
            FeatureWords::Category { slot, values: values.collect() }
        }
        (Slot::Number(slot) | Slot::Category(slot), _) => {
            let around = known(name).and_then(|known| known.around_number(language));
            let (before, behind) = match around {
                Some((before, behind)) => (before.to_owned(), behind.to_owned()),
                None => (format!("{name} = "), String::new()),
            };
            FeatureWords::Number { slot, before, behind, missing }
        }
    }
}

/// Up to two decimals, without zeros at their end.
fn write_number(number: f64, decimal: char, out: &mut String) {
    let text = format!("{number:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    let text = if text == "-0" { "0" } else { text };
    out.extend(text.chars().map(|letter| if letter == '.' { decimal } else { letter }));
}

/// The places of the strongest reasons, strongest first: those that raise the score where it is above what is
/// expected of a customer of whom nothing is known, else those that lower it. `found` has room for `most`.
///
/// So every reason speaks for what the probability says: why this customer is riskier than others, or safer.
pub(crate) fn strongest(contributions: &[f64], most: usize, found: &mut Vec<usize>) {
    let direction = if contributions.iter().sum::<f64>() >= 0.0 { 1.0 } else { -1.0 };
    found.clear();
    for (feature, contribution) in contributions.iter().enumerate() {
        let strength = contribution * direction;
        if strength < CONTRIBUTION_MIN {
            continue;
        }
        let is_weaker = |&other: &usize| contributions[other] * direction >= strength;
        let place = found.partition_point(is_weaker);
        if place < most {
            found.truncate(most - 1);
            found.insert(place, feature);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{known_lever, strongest, write_number};

    #[test]
    fn reasons_speak_for_what_the_score_says() {
        let mut found = Vec::new();
        strongest(&[0.5, -2.0, 3.0, 0.5, 0.0], 2, &mut found);
        assert_eq!(found, [2, 0]);
        strongest(&[0.5, -2.0, -0.1, 0.5, 1e-9], 3, &mut found);
        assert_eq!(found, [1, 2]);
        strongest(&[0.0, 0.0], 3, &mut found);
        assert!(found.is_empty());
    }

    #[test]
    fn numbers_are_short() {
        for (number, wanted) in [(70.7, "70,7"), (2.0, "2"), (-0.001, "0"), (1234.567, "1234,57")] {
            let mut text = String::new();
            write_number(number, ',', &mut text);
            assert_eq!(text, wanted);
        }
    }

    #[test]
    fn only_what_a_company_can_move_is_a_lever() {
        assert_eq!(["Contract", "tech_support"].map(known_lever), [Some(true); 2]);
        assert_eq!(["gender", "tenure", "SeniorCitizen"].map(known_lever), [Some(false); 3]);
        assert_eq!(known_lever("Zip Code"), None);
    }
}
