//! Numbers that are made of a customer's features before any input is.

use serde::{Deserialize, Serialize};

use crate::block::{Block, ROWS, Slot, Slots};
use crate::manifest::{FeatureKind, Schema};
use crate::model::ModelError;

/// A number that no column has. Inputs refer to it by its name, as to a feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Derived {
    /// Its name; no feature has it, and no other derived number.
    pub name: String,
    /// How it is made.
    #[serde(flatten)]
    pub formula: Formula,
}

/// How a number is made of features. It is missing where one of its numbers is, and where it is too large
/// for a finite one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "formula", rename_all = "snake_case")]
pub enum Formula {
    /// One number divided by another; missing where that is 0.
    Ratio {
        /// The name of a number.
        numerator: String,
        /// The name of another.
        denominator: String,
    },
    /// One number less another.
    Difference {
        /// The name of a number.
        left: String,
        /// The name of another.
        right: String,
    },
    /// One number times another.
    Product {
        /// The name of a number.
        left: String,
        /// The name of another.
        right: String,
    },
    /// How many of these categories have the value that stands with them.
    Count {
        /// Names of categories and of one of their values each.
        of: Vec<(String, String)>,
    },
}

/// A formula whose names are resolved to places in a block.
#[derive(Debug, Clone)]
pub(crate) struct Derivation {
    target: usize,
    step: Step,
}

#[derive(Debug, Clone)]
enum Step {
    Ratio(usize, usize),
    Difference(usize, usize),
    Product(usize, usize),
    /// Slots of categories, and the code that counts.
    Count(Vec<(usize, u16)>),
}

impl Derivation {
    /// `target` is the slot that the number goes to.
    pub(crate) fn resolve(
        schema: &Schema,
        slots: &Slots,
        derived: &Derived,
        target: usize,
    ) -> Result<Derivation, ModelError> {
        let number = |name: &String| match position(schema, name).map(|place| slots.features[place]) {
            Some(Slot::Number(slot)) => Ok(slot),
            _ => Err(invalid(derived, &format!("needs a number {name:?}, which the schema does not have"))),
        };
        let step = match &derived.formula {
            Formula::Ratio { numerator, denominator } => {
                Step::Ratio(number(numerator)?, number(denominator)?)
            }
            Formula::Difference { left, right } => Step::Difference(number(left)?, number(right)?),
            Formula::Product { left, right } => Step::Product(number(left)?, number(right)?),
            Formula::Count { of } => {
                let counted = |(name, value): &(String, String)| {
                    code(schema, slots, name, value).ok_or_else(|| {
                        invalid(
                            derived,
                            &format!("counts {value:?} of {name:?}, which the schema does not have"),
                        )
                    })
                };
                Step::Count(of.iter().map(counted).collect::<Result<_, _>>()?)
            }
        };
        Ok(Derivation { target, step })
    }

    /// Writes the number of every row of the block.
    pub(crate) fn run(&self, block: &mut Block) {
        let mut made = [0.0; ROWS];
        match &self.step {
            Step::Ratio(over, under) => {
                combine(
                    block,
                    *over,
                    *under,
                    &mut made,
                    |over, under| {
                        if under == 0.0 { f64::NAN } else { over / under }
                    },
                );
            }
            Step::Difference(left, right) => {
                combine(block, *left, *right, &mut made, |left, right| left - right)
            }
            Step::Product(left, right) => {
                combine(block, *left, *right, &mut made, |left, right| left * right)
            }
            Step::Count(counted) => {
                for (slot, wanted) in counted {
                    for (sum, code) in made.iter_mut().zip(block.codes(*slot)) {
                        *sum += f64::from(u8::from(code == wanted));
                    }
                }
            }
        }
        block.numbers_mut(self.target).copy_from_slice(&made);
    }
}

fn combine(block: &Block, left: usize, right: usize, made: &mut [f64; ROWS], of: impl Fn(f64, f64) -> f64) {
    let both = block.numbers(left).iter().zip(block.numbers(right));
    for (made, (&left, &right)) in made.iter_mut().zip(both) {
        let number = of(left, right);
        *made = if number.is_finite() { number } else { f64::NAN };
    }
}

fn position(schema: &Schema, name: &str) -> Option<usize> {
    schema.features.iter().position(|feature| feature.name == name)
}

fn code(schema: &Schema, slots: &Slots, name: &str, value: &str) -> Option<(usize, u16)> {
    let place = position(schema, name)?;
    let (Slot::Category(slot), FeatureKind::Category { values }) =
        (slots.features[place], &schema.features[place].kind)
    else {
        return None;
    };
    let code = values.iter().position(|other| other.value == value)?;
    Some((slot, u16::try_from(code).ok()?))
}

fn invalid(derived: &Derived, what: &str) -> ModelError {
    ModelError::Invalid(format!("the derived number {:?} {what}", derived.name))
}

#[cfg(test)]
mod tests {
    use super::{Block, Derivation, Step};
    use crate::block::Slots;

    #[test]
    fn what_is_too_large_is_missing() {
        let mut block =
            Block::new(&Slots { numbers: 2, derived: 1, values: Vec::new(), features: Vec::new() });
        block.numbers_mut(0)[..2].copy_from_slice(&[1e200, 3.0]);
        block.numbers_mut(1)[..2].copy_from_slice(&[-1e200, 2.0]);
        Derivation { target: 2, step: Step::Product(0, 1) }.run(&mut block);
        assert!(block.numbers(2)[0].is_nan());
        assert_eq!(block.numbers(2)[1], 6.0);
    }
}
