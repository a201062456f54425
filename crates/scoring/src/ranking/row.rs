//! What a record of a result says of its customer.

use std::io;
use std::ops::Range;

use memchr::{memchr, memrchr};

use super::invalid;
use crate::layout::header_names;
use crate::records::{RecordEnd, record_end, split, unquote, without_line_end};

/// A probability as it is written: one digit, the decimal mark, six digits.
const PROBABILITY_BYTES: usize = 8;

/// How a result's columns end.
#[derive(Debug)]
pub(super) struct Columns {
    delimiter: u8,
    names: Vec<String>,
    /// How many columns the result has behind those of the file.
    added: usize,
    /// Those behind the probability, without the problem.
    extra: Vec<String>,
}

/// Which cells of a customer are wanted.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    /// Their columns, by their positions in the file.
    pub columns: Vec<usize>,
    /// Of longer cells only this many letters are given, and three dots.
    pub letters_max: usize,
}

/// A customer of the ranking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RankedCustomer {
    /// Whether the model says that the customer leaves.
    pub leaves: bool,
    /// The cells that were asked for, in that order; empty where the record has none.
    pub cells: Vec<String>,
    /// What stands in the extra columns, see [`super::Ranking::extra`].
    pub extra: Vec<String>,
}

impl Columns {
    /// A result ends in `stays`, `churn_probability`, whatever else was asked for and, where customers could be
    /// skipped, `problem`; the names are longer where the file has columns of these names.
    pub(super) fn of_header(header: &[u8], delimiter: u8) -> io::Result<Columns> {
        let mut names = header_names(header, delimiter);
        let is_pair =
            |pair: &[String]| pair[0].starts_with("stays") && pair[1].starts_with("churn_probability");
        // The last such pair: the file's own columns come before it.
        let Some(own) = names.windows(2).rposition(is_pair) else {
            return Err(invalid("the header is not that of a result"));
        };
        let added = names.len() - own;
        let mut extra = names.split_off(own).split_off(2);
        extra.pop_if(|last| last.starts_with("problem"));
        Ok(Columns { delimiter, names, added, extra })
    }

    pub(super) fn extra(&self) -> &[String] {
        &self.extra
    }

    pub(super) fn delimiter(&self) -> u8 {
        self.delimiter
    }

    /// The names of all columns of a result, those of the file among them.
    pub(super) fn of_result(&self, header: &[u8]) -> Vec<String> {
        header_names(header, self.delimiter)
    }

    pub(super) fn of_file(&self) -> &[String] {
        &self.names
    }

    /// The probability of leaving in millionths; nothing for a customer that was skipped.
    pub(super) fn millionths(
        &self,
        content: &[u8],
        cells: &mut Vec<Range<usize>>,
    ) -> io::Result<Option<u32>> {
        if let Some(millionths) = self.millionths_at_end(content) {
            return Ok(Some(millionths));
        }
        split(content, self.delimiter, cells);
        let Some(place) = (cells.len() + 1).checked_sub(self.added) else {
            return Err(invalid("a record of the result has too few cells"));
        };
        let cell = unquote(&content[cells[place].clone()]);
        match millionths_of(&cell) {
            None if !cell.is_empty() => Err(invalid("a probability of the result is none")),
            millionths => Ok(millionths),
        }
    }

    /// Looks where the probability stands in nearly all records: right at the end, or before a few cells without
    /// quotes, so that every delimiter there parts two of them.
    fn millionths_at_end(&self, content: &[u8]) -> Option<u32> {
        let mut end = content.len();
        for _ in 2..self.added {
            end = memrchr(self.delimiter, &content[..end])?;
        }
        if memchr(b'"', &content[end..]).is_some() {
            return None;
        }
        let content = &content[..end];
        let (before, cell) = content.split_at_checked(content.len().wrapping_sub(PROBABILITY_BYTES))?;
        if before.last() == Some(&self.delimiter) { millionths_of(cell) } else { None }
    }

    pub(super) fn customer(&self, bytes: &[u8], is_end: bool, wanted: &Cells) -> Option<RankedCustomer> {
        let end = match record_end(bytes, 0, self.delimiter) {
            RecordEnd::At(end) => end,
            RecordEnd::Open { .. } if is_end => bytes.len(),
            RecordEnd::Open { .. } => return None,
        };
        let content = without_line_end(&bytes[..end]);
        let mut cells = Vec::new();
        split(content, self.delimiter, &mut cells);
        let own = cells.len().saturating_sub(self.added);
        let leaves = cells.get(own).is_some_and(|stays| &*unquote(&content[stays.clone()]) == b"0");
        let text = |&column: &usize| match cells[..own].get(column) {
            Some(cell) => shortened(&String::from_utf8_lossy(&unquote(&content[cell.clone()])), wanted),
            None => String::new(),
        };
        let extra = (own + 2..own + 2 + self.extra.len()).map(|place| match cells.get(place) {
            Some(cell) => String::from_utf8_lossy(&unquote(&content[cell.clone()])).into_owned(),
            None => String::new(),
        });
        let extra = extra.collect();
        Some(RankedCustomer { leaves, cells: wanted.columns.iter().map(text).collect(), extra })
    }
}

/// Reads what [`crate::result`] writes.
fn millionths_of(cell: &[u8]) -> Option<u32> {
    let [first, b'.' | b',', decimals @ ..] = cell else { return None };
    if cell.len() != PROBABILITY_BYTES {
        return None;
    }
    [first]
        .into_iter()
        .chain(decimals)
        .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0')))
        .filter(|&millionths| millionths <= super::MILLION)
}

fn shortened(text: &str, wanted: &Cells) -> String {
    match text.char_indices().nth(wanted.letters_max) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
