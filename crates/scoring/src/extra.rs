//! Columns of a result that somebody asked for beside the two that every result has.
//!
//! [`crate::ScoreOptions::extra`] lists them; they stand behind the probability in that order. A new one is
//! a variant here, its names, and a writer that sees a block of customers and then writes their cells one by
//! one. Without any of them nothing of this is looked at.

use crate::block::Block;
use crate::model::Model;
use crate::problem::{InputError, code};
use crate::result::write_cell;
use crate::shap::{Effects, ReasonColumns, ReasonWriter};

/// One group of extra columns.
#[derive(Debug, Clone, PartialEq)]
pub enum ExtraColumn {
    /// `risk_tier`: the name of the part of the probabilities that the customer's is in.
    RiskTier(RiskTiers),
    /// `reason_1`, `reason_1_contribution`, `reason_2` and so on.
    Reasons(ReasonColumns),
}

/// Parts of the probabilities, each with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RiskTiers {
    /// The least probability of each tier in millionths, descending, and its name. A customer is in the
    /// first that the printed probability reaches; in none, the cell is empty.
    pub tiers: Vec<(u32, String)>,
}

impl ExtraColumn {
    /// The columns' names, in their order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            ExtraColumn::RiskTier(_) => vec!["risk_tier".to_owned()],
            ExtraColumn::Reasons(reasons) => reasons.names(),
        }
    }
}

/// A scored customer, as extra columns see one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScoredRow {
    /// The row of the block that holds the features.
    pub(crate) row: usize,
    /// The probability of leaving as it is printed.
    pub(crate) millionths: u32,
}

/// How cells are written in this file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CellStyle {
    pub(crate) delimiter: u8,
    pub(crate) decimal: u8,
}

/// Writes all extra columns, for one thread.
#[derive(Debug, Clone)]
pub(crate) struct ExtraWriter {
    style: CellStyle,
    writers: Vec<Writer>,
    columns: usize,
}

#[derive(Debug, Clone)]
enum Writer {
    RiskTier(RiskTiers),
    Reasons(Box<ReasonWriter>),
}

impl ExtraWriter {
    /// Refuses columns that the model has nothing for.
    pub(crate) fn new(
        model: &Model,
        style: CellStyle,
        extra: &[ExtraColumn],
    ) -> Result<ExtraWriter, InputError> {
        let writers = extra.iter().map(|column| match column {
            ExtraColumn::RiskTier(tiers) => Ok(Writer::RiskTier(tiers.clone())),
            ExtraColumn::Reasons(columns) => match ReasonWriter::new(model, *columns) {
                Ok(writer) => Ok(Writer::Reasons(Box::new(writer))),
                Err(error) => {
                    Err(InputError::new(code::NO_REASONS, format!("There are no reasons: {error}.")))
                }
            },
        });
        let columns = extra.iter().map(|column| column.names().len()).sum();
        Ok(ExtraWriter { style, writers: writers.collect::<Result<_, InputError>>()?, columns })
    }

    /// How many columns there are.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    /// Looks at the first `count` rows of a block, whose features and derived numbers are set, before any of
    /// them is written.
    pub(crate) fn begin(&mut self, block: &Block, count: usize) {
        for writer in &mut self.writers {
            match writer {
                Writer::RiskTier(_) => {}
                Writer::Reasons(reasons) => reasons.begin(block, count, self.style),
            }
        }
    }

    /// What the customers since the last call add up to; nothing where nobody asked for reasons.
    pub(crate) fn take_effects(&mut self) -> Effects {
        let reasons = self.writers.iter_mut().find_map(|writer| match writer {
            Writer::Reasons(reasons) => Some(reasons.take_effects()),
            Writer::RiskTier(_) => None,
        });
        reasons.unwrap_or_default()
    }

    /// Appends a customer's cells, a delimiter before each.
    pub(crate) fn write(&mut self, block: &Block, row: &ScoredRow, out: &mut Vec<u8>) {
        let CellStyle { delimiter, .. } = self.style;
        for writer in &mut self.writers {
            match writer {
                Writer::RiskTier(tiers) => {
                    out.push(delimiter);
                    write_cell(tiers.of(row.millionths), delimiter, out);
                }
                Writer::Reasons(reasons) => reasons.write(block, row.row, out),
            }
        }
    }
}

impl RiskTiers {
    /// The name of the tier of a printed probability; empty where it is below all.
    #[must_use]
    pub fn of(&self, millionths: u32) -> &str {
        let tier = self.tiers.iter().find(|(from, _)| millionths >= *from);
        tier.map_or("", |(_, name)| name)
    }
}
