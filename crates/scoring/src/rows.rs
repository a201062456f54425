//! From a record to the features of a customer.

use std::ops::Range;

use crate::block::{Block, ROWS, Slot, Slots};
use crate::columns::find_features;
use crate::dialect::Dialect;
use crate::dictionary::Dictionary;
use crate::kernels::Level;
use crate::kernels::cells::Column;
use crate::manifest::{FeatureKind, Schema};
use crate::numbers;
use crate::problem::{InputError, Problem, code};
use crate::records::{column_name, count_lines, split, unquote};

/// Everything about a file that is the same for all its rows.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) delimiter: u8,
    pub(crate) decimal: u8,
    pub(crate) header: Vec<String>,
    features: Vec<PlannedFeature>,
    pub(crate) slots: Slots,
}

#[derive(Debug, Clone, Copy)]
struct PlannedFeature {
    column: usize,
    slot: Slot,
}

impl Plan {
    pub(crate) fn new(schema: &Schema, dialect: &Dialect, header: Vec<String>) -> Result<Plan, InputError> {
        let slots = Slots::new(schema, 0);
        let columns = find_features(&header, schema)?;
        let features = columns
            .iter()
            .zip(&slots.features)
            .map(|(&column, &slot)| PlannedFeature { column, slot })
            .collect();
        Ok(Plan {
            delimiter: dialect.delimiter_byte(),
            decimal: dialect.decimal_byte(),
            header,
            features,
            slots,
        })
    }

    /// Where each feature of the schema is: its column in the file, its slot in a block.
    pub(crate) fn places(&self) -> impl Iterator<Item = (usize, Slot)> {
        self.features.iter().map(|feature| (feature.column, feature.slot))
    }

    /// The column of the category in this slot.
    pub(crate) fn category_column(&self, slot: usize) -> String {
        let is_it =
            |feature: &&PlannedFeature| matches!(feature.slot, Slot::Category(other) if other == slot);
        let column = self.features.iter().find(is_it).map_or(0, |feature| feature.column);
        column_name(&self.header, column)
    }
}

/// Reads one record after the other. Each thread has its own, for its memory of spellings.
#[derive(Debug, Clone)]
pub(crate) struct RowReader<'plan> {
    plan: &'plan Plan,
    level: Level,
    /// One per category, by slot.
    dictionaries: Vec<Dictionary>,
    cells: Vec<Range<usize>>,
    /// Customers with an unknown value, per category.
    pub(crate) unknown: Vec<u64>,
}

#[inline(always)]
fn number_at(text: &[u8], start: usize, end: usize, decimal: u8) -> Result<f64, String> {
    // A quoted cell's quotes are left out; quotes inside of it make it no short number.
    let is_quoted = end - start > 1 && text[start] == b'"' && text[end - 1] == b'"';
    let (inner_start, inner_end) = (start + usize::from(is_quoted), end - usize::from(is_quoted));
    match numbers::parse_short(text, inner_start, inner_end, decimal) {
        Some(number) => Ok(number),
        None => numbers::parse(&unquote(&text[start..end]), decimal),
    }
}

/// Why a customer cannot be scored: the code of the first problem, and all of them.
#[derive(Debug)]
pub(crate) struct RowFault {
    pub(crate) code: &'static str,
    pub(crate) problems: Vec<Problem>,
}

impl<'plan> RowReader<'plan> {
    pub(crate) fn new(schema: &Schema, plan: &'plan Plan) -> RowReader<'plan> {
        let dictionaries = schema.features.iter().filter_map(|feature| match &feature.kind {
            FeatureKind::Category { values } => Some(Dictionary::new(values)),
            FeatureKind::Number => None,
        });
        let dictionaries: Vec<Dictionary> = dictionaries.collect();
        RowReader {
            plan,
            level: Level::best(),
            unknown: vec![0; dictionaries.len()],
            dictionaries,
            cells: Vec::new(),
        }
    }

    /// Counts unknown values from 0 again.
    pub(crate) fn forget_unknown(&mut self) {
        self.unknown.fill(0);
    }

    /// Reads the features of a record, given without its line end, into one row of a block.
    pub(crate) fn read(
        &mut self,
        content: &[u8],
        line: u64,
        block: &mut Block,
        row: usize,
    ) -> Result<(), RowFault> {
        let plan = self.plan;
        split(content, plan.delimiter, &mut self.cells);
        if self.cells.len() != plan.header.len() {
            return Err(self.ragged(content, line));
        }
        let mut problems = Vec::new();
        for &PlannedFeature { column, slot } in &plan.features {
            let cell = &content[self.cells[column].clone()];
            let value = unquote(cell);
            match slot {
                Slot::Number(slot) => match numbers::parse(&value, plan.decimal) {
                    Ok(number) => block.set_number(slot, row, number),
                    Err(message) => {
                        let line = line + count_lines(&content[..self.cells[column].start]);
                        problems.push(Problem { line, column: column_name(&plan.header, column), message });
                    }
                },
                Slot::Category(slot) => block.set_code(slot, row, self.dictionaries[slot].code(&value)),
            }
        }
        if !problems.is_empty() {
            return Err(RowFault { code: code::NOT_A_NUMBER, problems });
        }
        for (slot, dictionary) in self.dictionaries.iter().enumerate() {
            self.unknown[slot] += u64::from(block.codes(slot)[row] == dictionary.unknown());
        }
        Ok(())
    }

    /// Reads the features of up to [`ROWS`] records with as many cells as the header, column after column:
    /// the records' first cells end at `places[first]`, see [`crate::index::Record`]. Says in `is_faulty`
    /// which of them have a cell that is no number, whose problems [`RowReader::read`] tells; answers how
    /// many.
    pub(crate) fn read_columns(
        &mut self,
        text: &[u8],
        places: &[u32],
        firsts: &[usize],
        block: &mut Block,
        is_faulty: &mut [bool; ROWS],
    ) -> usize {
        let plan = self.plan;
        is_faulty.fill(false);
        let mut faults = 0;
        for &PlannedFeature { column, slot } in &plan.features {
            let cells = Column { text, places, firsts, column, is_last: column + 1 == plan.header.len() };
            match slot {
                Slot::Number(slot) => {
                    let numbers = block.numbers_mut(slot);
                    for ((number, &first), is_faulty) in numbers.iter_mut().zip(firsts).zip(&mut *is_faulty) {
                        let (start, end) = cells.cell(first);
                        *number = number_at(text, start, end, plan.decimal).unwrap_or_else(|_| {
                            faults += usize::from(!std::mem::replace(is_faulty, true));
                            f64::NAN
                        });
                    }
                }
                Slot::Category(slot) => {
                    self.dictionaries[slot].codes(self.level, &cells, block.codes_mut(slot));
                }
            }
        }
        self.count_unknown(block, firsts.len(), is_faulty);
        faults
    }

    fn count_unknown(&mut self, block: &Block, rows: usize, is_faulty: &[bool; ROWS]) {
        for (slot, dictionary) in self.dictionaries.iter().enumerate() {
            let unknown = dictionary.unknown();
            let codes = block.codes(slot)[..rows].iter().zip(is_faulty);
            let count: u32 =
                codes.map(|(&code, &is_faulty)| u32::from(code == unknown) & u32::from(!is_faulty)).sum();
            self.unknown[slot] += u64::from(count);
        }
    }

    /// Which cells of the record that was read last hold nothing, by column.
    pub(crate) fn missing_cells(&self, content: &[u8]) -> impl Iterator<Item = bool> {
        let is_missing = |cell: &Range<usize>| {
            let value = unquote(&content[cell.clone()]);
            value.iter().all(u8::is_ascii_whitespace)
                || str::from_utf8(&value).is_ok_and(|value| value.trim().is_empty())
        };
        self.cells.iter().map(is_missing)
    }

    fn ragged(&self, content: &[u8], line: u64) -> RowFault {
        let (cells, columns) = (self.cells.len(), self.plan.header.len());
        // A short row lacks its next column; a long one has too many from there on.
        let column = cells.min(columns);
        let start = self.cells.get(column).map_or(content.len(), |cell| cell.start);
        let problem = Problem {
            line: line + count_lines(&content[..start]),
            column: column_name(&self.plan.header, column),
            message: format!("the row has {cells} cells, the header {columns}"),
        };
        RowFault { code: code::RAGGED_ROW, problems: vec![problem] }
    }

    /// A column's name for people.
    pub(crate) fn column_name(&self, column: usize) -> String {
        column_name(&self.plan.header, column)
    }

    /// Where a cell of the record that was read last lies in it.
    pub(crate) fn cell(&self, column: usize) -> Range<usize> {
        self.cells[column].clone()
    }

    /// Cells of the record that was read last.
    pub(crate) fn cell_count(&self) -> usize {
        self.cells.len()
    }
}
