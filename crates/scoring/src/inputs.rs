//! What a model calculates with, made of a customer's features: the same code in training and in scoring.

use crate::block::{Block, ROWS, Slots, Source};
use crate::derived::{Derivation, Derived};
use crate::manifest::{Input, Schema};
use crate::model::ModelError;

/// The way from features to inputs, with all names resolved.
#[derive(Debug, Clone)]
pub struct Inputs {
    slots: Slots,
    derivations: Vec<Derivation>,
    sources: Vec<Source>,
}

impl Inputs {
    /// Resolves names; refuses an input or derived number that cannot be made.
    pub fn new(schema: &Schema, derived: &[Derived], inputs: &[Input]) -> Result<Inputs, ModelError> {
        let slots = Slots::new(schema, derived.len());
        let derivations = derived
            .iter()
            .enumerate()
            .map(|(place, derived)| Derivation::resolve(schema, &slots, derived, slots.numbers + place))
            .collect::<Result<Vec<_>, _>>()?;
        check_names(schema, derived)?;
        let resolve = |input| Source::resolve(schema, derived, &slots, input);
        let sources = inputs.iter().map(resolve).collect::<Result<Vec<_>, _>>()?;
        Ok(Inputs { slots, derivations, sources })
    }

    /// The inputs of many customers, row after row. The arguments are those of
    /// [`crate::Model::score_rows`].
    ///
    /// # Panics
    ///
    /// Where there are fewer numbers or categories than `rows` customers have.
    #[must_use]
    pub fn matrix(&self, rows: usize, numbers: &[f64], categories: &[u32]) -> Vec<f64> {
        let width = self.sources.len();
        let mut matrix = vec![0.0; rows * width];
        let mut values = [0.0; ROWS];
        self.each_block(rows, numbers, categories, |first, count, block| {
            for (column, source) in self.sources.iter().enumerate() {
                source.read(block, &mut values);
                for (row, &value) in values[..count].iter().enumerate() {
                    matrix[(first + row) * width + column] = value;
                }
            }
        });
        matrix
    }

    /// Hands the customers over in blocks with their derived numbers: the first row, how many, the block.
    pub(crate) fn each_block(
        &self,
        rows: usize,
        numbers: &[f64],
        categories: &[u32],
        mut take: impl FnMut(usize, usize, &Block),
    ) {
        let (width, codes) = (self.slots.numbers, self.slots.values.len());
        let mut block = Block::new(&self.slots);
        for first in (0..rows).step_by(ROWS) {
            let count = ROWS.min(rows - first);
            for row in 0..count {
                for slot in 0..width {
                    block.set_number(slot, row, numbers[(first + row) * width + slot]);
                }
                for slot in 0..codes {
                    let code = categories[(first + row) * codes + slot];
                    block.set_code(slot, row, self.slots.position(slot, code));
                }
            }
            self.derive(&mut block);
            take(first, count, &block);
        }
    }

    /// Makes the derived numbers of a block whose features are set.
    pub(crate) fn derive(&self, block: &mut Block) {
        self.derivations.iter().for_each(|derivation| derivation.run(block));
    }

    pub(crate) fn slots(&self) -> &Slots {
        &self.slots
    }

    pub(crate) fn sources(&self) -> &[Source] {
        &self.sources
    }
}

fn check_names(schema: &Schema, derived: &[Derived]) -> Result<(), ModelError> {
    for (place, Derived { name, .. }) in derived.iter().enumerate() {
        let is_taken = schema.features.iter().any(|feature| feature.name == *name)
            || derived[..place].iter().any(|other| other.name == *name);
        if is_taken {
            return Err(ModelError::Invalid(format!("the name {name:?} means two numbers")));
        }
    }
    Ok(())
}
