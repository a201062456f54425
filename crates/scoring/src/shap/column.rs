//! `reason_1`, `reason_1_contribution` and so on in a result file.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Explainer;
use super::cells::Cells;
use super::effects::Effects;
use super::words::{Language, Words, strongest};
use crate::block::{Block, ROWS};
use crate::extra::CellStyle;
use crate::model::{Model, ModelError};
use crate::result::write_cell;

/// The most reasons that a customer gets.
pub const REASONS_MAX: u8 = 10;

/// How many reasons each customer gets, and in which language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasonColumns {
    /// 1 to [`REASONS_MAX`]. A customer may have fewer; then the last cells are empty.
    pub count: u8,
    /// Of the words.
    pub language: Language,
}

impl ReasonColumns {
    pub(crate) fn names(self) -> Vec<String> {
        let names = |place| [format!("reason_{place}"), format!("reason_{place}_contribution")];
        (1..=self.count).flat_map(names).collect()
    }
}

/// Writes the reasons of one block after the other.
#[derive(Debug, Clone)]
pub(crate) struct ReasonWriter {
    count: usize,
    explainer: Arc<Explainer>,
    words: Words,
    /// Of the block, [`ROWS`] for each feature.
    contributions: Vec<f64>,
    cells_of: Cells,
    /// Over the customers that were written since they were taken last.
    effects: Effects,
    /// One per row, so that nothing is allocated for a customer.
    cells: Vec<Vec<u8>>,
}

impl ReasonWriter {
    pub(crate) fn new(model: &Model, columns: ReasonColumns) -> Result<ReasonWriter, ModelError> {
        Ok(ReasonWriter {
            count: usize::from(columns.count.min(REASONS_MAX)),
            explainer: model.shared_explainer()?,
            words: Words::new(&model.manifest().schema, model.slots(), columns.language),
            contributions: Vec::new(),
            cells_of: Cells::new(model.manifest(), model.slots()),
            effects: Effects::default(),
            cells: vec![Vec::new(); ROWS],
        })
    }

    /// Makes the cells of the block's first `count` rows.
    pub(crate) fn begin(&mut self, block: &Block, count: usize, style: CellStyle) {
        self.explainer.explain(block, count, &mut self.contributions);
        let mut of_row = vec![0.0; self.contributions.len() / ROWS];
        let (mut found, mut text) = (Vec::with_capacity(self.count + 1), String::new());
        for (row, cells) in self.cells[..count].iter_mut().enumerate() {
            of_row.iter_mut().enumerate().for_each(|(feature, contribution)| {
                *contribution = self.contributions[feature * ROWS + row];
            });
            strongest(&of_row, self.count, &mut found);
            cells.clear();
            for place in 0..self.count {
                cells.push(style.delimiter);
                let Some(&feature) = found.get(place) else {
                    cells.push(style.delimiter);
                    continue;
                };
                text.clear();
                self.words.write(block, row, feature, &mut text);
                write_cell(&text, style.delimiter, cells);
                cells.push(style.delimiter);
                text.clear();
                write_contribution(of_row[feature], style.decimal, &mut text);
                write_cell(&text, style.delimiter, cells);
            }
        }
    }

    pub(crate) fn write(&mut self, block: &Block, row: usize, out: &mut Vec<u8>) {
        self.effects.count(&self.cells_of, block, row, &self.contributions);
        out.extend_from_slice(&self.cells[row]);
    }

    /// What the customers since the last call add up to.
    pub(crate) fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }
}

/// Six decimals.
fn write_contribution(contribution: f64, decimal: u8, out: &mut String) {
    // Writing to a string does not fail.
    let _ = write!(out, "{contribution:.6}");
    if decimal != b'.'
        && let Some(mark) = out.find('.')
    {
        out.replace_range(mark..=mark, if decimal == b',' { "," } else { "." });
    }
}
