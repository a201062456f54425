//! Scores a customer file: the same file comes out, with two more columns.
//!
//! A file goes through in chunks of whole records. Reading a chunk, scoring it and writing it are three
//! steps, and only the first and the last know what came before, so that the second may be done on several
//! threads.

use std::io::{Read, Write};
use std::num::NonZero;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::chunk::ChunkScorer;
use crate::chunks::score_chunks;
use crate::dialect::Dialect;
use crate::extra::{CellStyle, ExtraColumn, ExtraWriter};
use crate::model::Model;
use crate::names;
use crate::problem::{InputError, ScoreError, code};
use crate::reader::{HeaderRecord, TextReader};
use crate::records::without_line_end;
use crate::result::write_cell;
use crate::rows::Plan;
use crate::summary::{Summary, Tally, UnknownCategory};

/// What to do with customers that cannot be scored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// The whole file fails.
    #[default]
    Fail,
    /// The customer keeps the line with empty new columns, and a column `problem` says why.
    Skip,
}

/// How a file is scored.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoreOptions {
    /// What to do with customers that cannot be scored.
    pub on_error: OnError,
    /// The most customers that are accepted.
    pub rows_max: u64,
    /// How many threads score; the calling thread reads and writes. With one thread it does everything.
    /// The result is the same for any number.
    pub threads: usize,
    /// Columns behind the probability, in this order.
    pub extra: Vec<ExtraColumn>,
}

impl Default for ScoreOptions {
    /// Fails on faults, accepts any number of customers, uses all processors and adds no extra column.
    fn default() -> ScoreOptions {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        ScoreOptions { on_error: OnError::Fail, rows_max: u64::MAX, threads, extra: Vec::new() }
    }
}

/// The columns that every result has.
const NEW_COLUMNS: [&str; 2] = ["stays", "churn_probability"];
/// The column that it has with [`OnError::Skip`].
const PROBLEM_COLUMN: &str = "problem";
/// Told apart from a column that the file has already.
const SUFFIX: &str = "_predicted";

/// Scores all customers of a file, as [`crate::Inspector`] found it to be written.
///
/// Every record is written as it was, in UTF-8 and with its own line end, and behind it `stays` and
/// `churn_probability` in the file's own delimiter and decimal mark, then the extra columns. Blank lines are left out. After each
/// chunk `progress` hears of the customers so far and may stop by answering false. The output is worth
/// nothing unless a summary is returned.
pub fn score_csv(
    model: &Model,
    dialect: &Dialect,
    input: impl Read,
    mut output: impl Write,
    options: &ScoreOptions,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Summary, ScoreError> {
    let mut reader = TextReader::new(dialect, input);
    let header = reader.header()?;
    let plan = Plan::new(&model.manifest().schema, dialect, header.names.clone())?;
    output.write_all(&header_line(&header, plan.delimiter, options))?;
    let mut tally = Tally::default();
    let style = CellStyle { delimiter: plan.delimiter, decimal: plan.decimal };
    // What cannot be written is found out before the first customer, so that the threads' own cannot fail.
    let has_extra = !options.extra.is_empty();
    let extra = has_extra.then(|| ExtraWriter::new(model, style, &options.extra)).transpose()?;
    let scorer = || ChunkScorer::new(model, &plan, options.on_error, extra.clone());
    score_chunks(&mut reader, options.threads, scorer, |part, result| {
        tally.add(part);
        if tally.rows > options.rows_max {
            let message = format!("The file has more than {} customers.", options.rows_max);
            return Err(InputError::new(code::TOO_MANY_ROWS, message).into());
        }
        result.write_to(&mut output, plan.delimiter)?;
        if progress(tally.rows) { Ok(()) } else { Err(ScoreError::Stopped) }
    })?;
    output.flush()?;
    if tally.rows == 0 {
        return Err(InputError::new(code::NO_ROWS, "The file has a header and no customers.").into());
    }
    if tally.scored() == 0 {
        let message = "Not one customer of the file could be scored.";
        return Err(
            InputError { problems: tally.problems, ..InputError::new(code::NO_ROW_SCORED, message) }.into()
        );
    }
    let unknown_categories = unknown_categories(&plan, &tally.unknown);
    Ok(tally.summary(model, unknown_categories))
}

/// Columns with unknown values.
fn unknown_categories(plan: &Plan, counts: &[u64]) -> Vec<UnknownCategory> {
    let counts = counts.iter().enumerate().filter(|(_, count)| **count > 0);
    counts.map(|(slot, &count)| UnknownCategory { column: plan.category_column(slot), count }).collect()
}

/// The header with the new columns.
fn header_line(header: &HeaderRecord, delimiter: u8, options: &ScoreOptions) -> Vec<u8> {
    let content = without_line_end(&header.record);
    let mut line = Vec::with_capacity(content.len() + 64);
    if header.has_bom {
        line.extend_from_slice("\u{feff}".as_bytes());
    }
    line.extend_from_slice(content);
    let extra: Vec<String> = options.extra.iter().flat_map(ExtraColumn::names).collect();
    let problem = (options.on_error == OnError::Skip).then_some(PROBLEM_COLUMN);
    for name in NEW_COLUMNS.into_iter().chain(extra.iter().map(String::as_str)).chain(problem) {
        line.push(delimiter);
        write_cell(&free_name(name, &header.names), delimiter, &mut line);
    }
    line.extend_from_slice(&header.record[content.len()..]);
    line
}

/// The name, with as many suffixes as it takes for no column of the file to have it.
pub(crate) fn free_name(name: &str, header: &[String]) -> String {
    let mut free = name.to_owned();
    while header.iter().any(|taken| names::key(taken) == names::key(&free)) {
        free.push_str(SUFFIX);
    }
    free
}
