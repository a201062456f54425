//! Rows on their way to an engine: a fixed number of customers, column by column.

use crate::derived::Derived;
use crate::manifest::{FeatureKind, Input, InputEncoding, Schema};
use crate::model::{MISSING, ModelError};
use crate::pieces::Pieces;

/// Rows in a block: enough to keep the inner loops busy, few enough to stay in the nearest cache.
pub(crate) const ROWS: usize = 256;

/// The features of up to [`ROWS`] customers, and behind their numbers the derived ones.
///
/// Codes are positions in the tables of [`Source::Category`]: a value's own code, then one for an unknown
/// value, then one for a missing value.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    numbers: Vec<f64>,
    codes: Vec<u16>,
}

impl Block {
    pub(crate) fn new(slots: &Slots) -> Block {
        let numbers = slots.numbers + slots.derived;
        Block { numbers: vec![f64::NAN; numbers * ROWS], codes: vec![0; slots.values.len() * ROWS] }
    }

    pub(crate) fn set_number(&mut self, slot: usize, row: usize, number: f64) {
        self.numbers[slot * ROWS + row] = number;
    }

    pub(crate) fn set_code(&mut self, slot: usize, row: usize, code: u16) {
        self.codes[slot * ROWS + row] = code;
    }

    pub(crate) fn numbers(&self, slot: usize) -> &[f64] {
        &self.numbers[slot * ROWS..][..ROWS]
    }

    pub(crate) fn numbers_mut(&mut self, slot: usize) -> &mut [f64] {
        &mut self.numbers[slot * ROWS..][..ROWS]
    }

    pub(crate) fn codes(&self, slot: usize) -> &[u16] {
        &self.codes[slot * ROWS..][..ROWS]
    }

    pub(crate) fn codes_mut(&mut self, slot: usize) -> &mut [u16] {
        &mut self.codes[slot * ROWS..][..ROWS]
    }
}

/// Where each feature of a schema lies in a block.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    /// How many numbers the schema has.
    pub(crate) numbers: usize,
    /// How many derived numbers lie behind them.
    pub(crate) derived: usize,
    /// How many values each category has.
    pub(crate) values: Vec<usize>,
    /// One per feature, in the schema's order.
    pub(crate) features: Vec<Slot>,
}

/// One feature's place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Slot {
    Number(usize),
    Category(usize),
}

impl Slots {
    pub(crate) fn new(schema: &Schema, derived: usize) -> Slots {
        let mut slots = Slots { numbers: 0, derived, values: Vec::new(), features: Vec::new() };
        for feature in &schema.features {
            slots.features.push(match &feature.kind {
                FeatureKind::Number => {
                    slots.numbers += 1;
                    Slot::Number(slots.numbers - 1)
                }
                FeatureKind::Category { values } => {
                    slots.values.push(values.len());
                    Slot::Category(slots.values.len() - 1)
                }
            });
        }
        slots
    }

    /// A public code as a position in the category's tables.
    pub(crate) fn position(&self, slot: usize, code: u32) -> u16 {
        let values = self.values[slot];
        let position = match usize::try_from(code) {
            Ok(code) if code < values => code,
            _ if code == MISSING => values + 1,
            _ => values,
        };
        u16::try_from(position).unwrap_or(u16::MAX)
    }
}

/// An input of the manifest, resolved to the place of its feature.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A number; NaN stands for missing where the manifest gives no other number for it.
    Number { slot: usize, missing: f64 },
    /// A function of a number.
    Pieces { slot: usize, pieces: Pieces },
    /// A number per value, then one for an unknown value and one for a missing one.
    Category { slot: usize, table: Vec<f64> },
}

impl Source {
    pub(crate) fn resolve(
        schema: &Schema,
        derived: &[Derived],
        slots: &Slots,
        input: &Input,
    ) -> Result<Source, ModelError> {
        let position = schema.features.iter().position(|feature| feature.name == input.feature);
        let made = derived.iter().position(|derived| derived.name == input.feature);
        let slot = position.map(|position| slots.features[position]);
        let slot = slot.or(made.map(|place| Slot::Number(slots.numbers + place)));
        match (slot, &input.encoding) {
            (None, _) => Err(wrong(input, "is made of a feature that the schema does not have")),
            (Some(Slot::Number(slot)), InputEncoding::Number { missing }) => match missing {
                Some(number) if !number.is_finite() => Err(wrong(input, "has no finite number for missing")),
                _ => Ok(Source::Number { slot, missing: missing.unwrap_or(f64::NAN) }),
            },
            (Some(Slot::Number(slot)), InputEncoding::Pieces(pieces)) => {
                pieces.check().map_err(|what| wrong(input, what))?;
                Ok(Source::Pieces { slot, pieces: pieces.clone() })
            }
            (Some(Slot::Category(slot)), InputEncoding::Category { values, unknown, missing }) => {
                let table: Vec<f64> = values.iter().chain([unknown, missing]).copied().collect();
                match () {
                    () if values.len() != slots.values[slot] => {
                        Err(wrong(input, "has not one number for each value of its category"))
                    }
                    () if table.iter().any(|number| !number.is_finite()) => {
                        Err(wrong(input, "has a number that is not finite"))
                    }
                    () => Ok(Source::Category { slot, table }),
                }
            }
            (Some(_), _) => Err(wrong(input, "takes a number for a category or a category for a number")),
        }
    }

    /// Whether a missing number stays NaN.
    pub(crate) fn keeps_missing(&self) -> bool {
        matches!(self, Source::Number { missing, .. } if missing.is_nan())
    }

    /// Writes the input of every row of the block.
    pub(crate) fn read(&self, block: &Block, values: &mut [f64]) {
        match self {
            Source::Number { slot, missing } => {
                for (value, &number) in values.iter_mut().zip(block.numbers(*slot)) {
                    *value = if number.is_nan() { *missing } else { number };
                }
            }
            Source::Pieces { slot, pieces } => {
                for (value, &number) in values.iter_mut().zip(block.numbers(*slot)) {
                    *value = pieces.value(number);
                }
            }
            Source::Category { slot, table } => {
                for (value, &code) in values.iter_mut().zip(block.codes(*slot)) {
                    *value = table[usize::from(code)];
                }
            }
        }
    }
}

fn wrong(input: &Input, what: &str) -> ModelError {
    ModelError::Invalid(format!("the input {:?} {what}", input.name))
}
